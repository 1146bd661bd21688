"""`declare`: one incident per intent, with its run, or a question; nothing half-created."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.events import EventKind
from drbot.core.site.inventory import Inventory, KnownService
from drbot.core.site.level import Level
from drbot.core.site.readiness import good
from drbot.core.text.messages import say
from drbot.store.base.schema import events
from drbot.store.records import inventories, readiness, surfaces
from tests.integration.commands.verb_fixture import CONTINUOUS, DR_YML, VerbFixture, build


def test_level_1_names_its_service_and_queues_its_run(verb_fixture: VerbFixture) -> None:
    reply = verb_fixture.say("dan", "declare level1 auth: login fails")

    incident = verb_fixture.incident()
    assert reply.ok and incident.name in reply.text
    assert (incident.level, incident.service, incident.title) == (Level.SERVICE, "auth", "login fails")
    assert [(run.runbook, run.arguments) for run in verb_fixture.runs()] == [("level1-service", {"service": "auth"})]
    assert verb_fixture.bell.rung == [("production", verb_fixture.runs()[0].id)]


@pytest.mark.parametrize(
    "words",
    [
        "level1 auth", "l1 service=auth", "1 ai-micro-api-auth", "level1 auth： ログインできない",
        "level1 service:auth", "level1 service： auth login fails", "level1 Service:auth: login fails",
    ],
)  # fmt: skip
def test_a_service_may_be_named_in_several_ways(verb_fixture: VerbFixture, words: str) -> None:
    verb_fixture.say("ben", f"declare {words}")

    assert verb_fixture.incident().service == "auth"


def test_a_service_that_only_its_worker_knows_may_be_named_and_is_offered(verb_fixture: VerbFixture) -> None:
    queue = KnownService(project="ai-micro-api-auth", service="queue", image_id="sha256:1")
    with verb_fixture.database.write() as tx:
        inventories.saw(tx, "production", Inventory(services=(queue,)))

    refused = verb_fixture.say("ben", "declare level1 queu")
    verb_fixture.say("ben", "declare level1 queue: no messages")

    assert [choice.label for choice in refused.choices] == ["queue"]
    assert verb_fixture.incident().service == "queue"
    assert verb_fixture.runs()[0].arguments == {"service": "queue"}


def test_who_declares_where_nobody_takes_it_up_is_told_so(verb_fixture: VerbFixture) -> None:
    alone = verb_fixture.say("ben", "declare level1 auth")
    with verb_fixture.database.write() as tx:
        readiness.saw(tx, "production", [good("clock", "right")])
        surfaces.lead(tx, surfaces.PUBLISHER, "a bot", 60)
    heard = verb_fixture.say("ben", "declare level1 user")

    assert "No bot tells it in Slack: tell people by other means. No worker of production has taken it up" in alone.text
    assert "Its channel is being opened" in heard.text and "The survey has started" in heard.text


def test_nobody_is_told_that_others_were_told_while_slack_shows_nothing(verb_fixture: VerbFixture) -> None:
    with verb_fixture.database.write() as tx:
        surfaces.lead(tx, surfaces.PUBLISHER, "a bot", 60)
    opened = verb_fixture.say("ben", "declare level1 auth")
    assert "are told" in opened.text and "other means" not in verb_fixture.say("ben", "status").text

    with verb_fixture.database.write() as tx:  # half an hour of silence
        since = tx.now - timedelta(minutes=30)
        tx.connection.execute(update(events).values(at=since))
    said = [verb_fixture.say("ben", words).text for words in ("update soon", "status", "report", "declare level1 user")]

    assert all(f"since {since:%H:%M:%S} UTC" in one and "tell them by other means" in one for one in said), said
    assert not any("stakeholders are told" in one for one in said)


def test_an_outage_that_began_long_ago_is_asked_about_first(verb_fixture: VerbFixture) -> None:
    asked = verb_fixture.say("ben", "declare level1 auth since=2025-01-01 login fails")

    assert not asked.ok and not verb_fixture.incidents()
    assert "2025-01-01 00:00:00 UTC" in asked.text and "RTO counts from then" in asked.text
    assert verb_fixture.say("ben", asked.choices[0].command).ok
    assert f"{verb_fixture.incident().started_at:%Y-%m-%d}" == "2025-01-01"


def test_level_2_needs_no_words_at_all(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2")

    assert verb_fixture.incident().title == "Data is lost or corrupted"
    assert verb_fixture.runs()[0].runbook == "level2-postgres"


def test_a_word_with_a_colon_is_only_a_service_if_there_is_one(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 Urgent: nothing works")

    assert (verb_fixture.incident().title, verb_fixture.incident().service) == ("Urgent: nothing works", None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("declare level1 aut", "Services: postgres, redis, auth, user. Did you mean"),
        ("declare level1 service=nothing", "There is no service"),
        ("declare levl2 x", 'Did you mean "level2"'),
        ("declare level2 site=prod x", "Sites: production"),
        ("declare level2 since=yesterday x", "is not a time"),
        ("declare level2 to 02:13 x", "Nothing is received of this site's PostgreSQL"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(verb_fixture: VerbFixture, words: str, said: str) -> None:
    reply = verb_fixture.say("ben", words)

    assert not reply.ok
    assert said in reply.text
    assert say(reply.text, "ja") != reply.text
    assert verb_fixture.incidents() == []


@pytest.mark.parametrize(
    "words", ["postgres to 02:13:07 rows are gone", "to 02:13:07 rows are gone", "to=02:13:07 rows are gone"]
)
def test_a_moment_of_level_2_is_the_backup_of_its_run(tmp_path: Path, words: str) -> None:
    asked = build(tmp_path, CONTINUOUS)
    asked.say("ben", f"declare level2 {words}")

    (run,) = asked.runs()
    assert run.runbook == "level2-postgres"
    assert run.arguments["backup"].startswith("moment_") and run.arguments["backup"].endswith("_021307")


@pytest.mark.parametrize(("words", "filled"), [("declare", {}), ("declare level1", {"level": "1"})])
def test_missing_words_are_asked_for_in_a_dialog(verb_fixture: VerbFixture, words: str, filled: dict[str, str]) -> None:
    reply = verb_fixture.say("ben", words)

    assert reply.dialog is not None
    assert (reply.dialog.kind, dict(reply.dialog.values)) == ("declare", filled)
    assert verb_fixture.incidents() == []


def test_a_dialog_declares_like_the_words(verb_fixture: VerbFixture) -> None:
    values = {"level": "1", "service": "user", "title": "profiles are empty", "since": "20m"}
    verb_fixture.say("ben", "declare", entry_point=EntryPoint.DIALOG, values=values)

    incident = verb_fixture.incident()
    assert (incident.service, incident.title) == ("user", "profiles are empty")
    assert incident.declared_at - incident.started_at >= timedelta(minutes=19)


def test_the_same_within_ten_minutes_is_the_same_incident(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 PostgreSQL is broken")

    reply = verb_fixture.say("dan", "declare level2 database down")

    assert len(verb_fixture.incidents()) == 1
    assert "DR-1 is already open" in reply.text
    assert [choice.command for choice in reply.choices] == [
        "status DR-1",
        "declare level2 data=postgres database down anyway",
    ]


def test_anyway_makes_another_one(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 PostgreSQL is broken")

    verb_fixture.say("ben", "declare level2 another server anyway")

    assert [incident.title for incident in verb_fixture.incidents()] == ["another server", "PostgreSQL is broken"]


def test_another_service_is_another_incident(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level1 auth")
    verb_fixture.say("ben", "declare level1 user")

    assert [incident.service for incident in verb_fixture.incidents()] == ["user", "auth"]


@pytest.mark.parametrize(("level", "runbook"), [(3, "level3-host"), (4, "level4-datacentre")])
def test_levels_without_a_runbook_are_declared_and_say_so_plainly(
    verb_fixture: VerbFixture, level: int, runbook: str
) -> None:
    verb_fixture = verb_fixture.without_runbook(runbook)
    reply = verb_fixture.say("ben", f"declare level{level} nothing answers")

    assert reply.ok
    assert "`drbot runbook check` says why. Until then follow the steps" in reply.text
    assert reply.tables[0].rows
    assert verb_fixture.incident().level == level
    assert verb_fixture.runs() == []


def test_nobody_unknown_may_declare(verb_fixture: VerbFixture) -> None:
    reply = verb_fixture.say(None, "declare level2 x")

    assert "does not know who you are" in reply.text
    assert verb_fixture.incidents() == []


def test_with_a_broken_people_section_everybody_can_declare_see_and_stop(tmp_path: Path) -> None:
    verb_fixture = build(tmp_path, DR_YML[: DR_YML.index("people:")] + "people: nobody\n")

    declared = verb_fixture.say(None, "declare level2 PostgreSQL is broken")
    shown = verb_fixture.say(None, "status")
    stopped = verb_fixture.say(None, "stop it was a mistake")

    assert declared.ok and shown.ok and stopped.ok
    assert "dr.yml:" in str(shown.tables[0].rows)
    assert verb_fixture.incident().declared_by == "U999"
    assert verb_fixture.events(EventKind.RUN_STOPPED)
    assert not verb_fixture.say(None, "resolve fine").ok
    verb_fixture.database.close()


def test_a_target_that_is_missed_is_not_called_at_risk(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 x since=5h")

    shown = str(verb_fixture.say("ben", "status").tables)

    assert "the target is MISSED" in shown and "at risk" not in shown


def test_a_busy_database_is_answered_honestly(verb_fixture: VerbFixture) -> None:
    with verb_fixture.database.write() as holder:
        assert holder.now
        reply = verb_fixture.say("ben", "declare level2 x")

    assert "Not recorded, nothing started" in reply.text
    assert verb_fixture.incidents() == []


def test_without_a_database_nothing_is_started_and_that_is_said(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    verb_fixture.database.close()
    for path in tmp_path.glob("state.db*"):
        path.write_bytes(b"no database " * 1000)

    assert "Not recorded, nothing started" in verb_fixture.say("ben", "declare level2 x").text
    assert "Not recorded" in verb_fixture.say("ben", "stop").text
    assert "It needs the role" in verb_fixture.say("dan", "stop").text


def test_a_declaration_that_failed_is_not_recorded_at_an_incident_it_does_not_concern(
    verb_fixture: VerbFixture,
) -> None:
    verb_fixture.say("ben", "declare level2")

    verb_fixture.say("ben", "declare level1 aut")

    assert verb_fixture.events(EventKind.COMMAND_REFUSED) == []


TWO_SITES = DR_YML.replace("sites:\n", "sites:\n  staging: {projects: projects, services: {}}\n")


def test_the_other_ways_on_keep_site_and_time(tmp_path: Path) -> None:
    verb_fixture = build(tmp_path, TWO_SITES)
    verb_fixture.say("ben", "declare level2 site=staging since=20m it is slow")

    reply = verb_fixture.say("dan", "declare level2 site=staging since=20m still slow")

    (_, another) = (choice.command for choice in reply.choices)
    assert another.startswith("declare level2 site=staging since=") and another.endswith("still slow anyway")
    verb_fixture.say("dan", another)
    assert [one.site for one in verb_fixture.incidents()] == ["staging", "staging"]
    assert verb_fixture.incident(2).declared_at - verb_fixture.incident(2).started_at >= timedelta(minutes=19)
    verb_fixture.database.close()


def test_words_that_look_like_an_option_in_a_title_change_nothing(tmp_path: Path) -> None:
    verb_fixture = build(tmp_path, TWO_SITES)
    title = {"level": "2", "site": "staging", "title": "the replica of site=production is gone"}
    verb_fixture.say("ben", "declare", entry_point=EntryPoint.DIALOG, values=title)

    again = verb_fixture.say("dan", "declare", entry_point=EntryPoint.DIALOG, values=title).choices[1].command
    verb_fixture.say("dan", again)

    assert verb_fixture.incident(2).site == "staging"
    verb_fixture.database.close()


def test_a_service_that_does_not_exist_is_corrected_in_the_same_words(verb_fixture: VerbFixture) -> None:
    declared = verb_fixture.say("ben", "declare level1 since=20m aut: login fails")
    verb_fixture.say("ben", "declare level2 x")
    planned = verb_fixture.say("ben", "plan DR-1 level1 aut")

    (choice,) = declared.choices
    assert choice.command.startswith("declare level1 since=") and choice.command.endswith("service=auth login fails")
    assert [one.command for one in planned.choices] == ["plan DR-1 level1 auth"]


@pytest.mark.parametrize(
    ("typed", "example"),
    [
        ("declare level9", "/dr declare level2 PostgreSQL does not start"),
        ("level level9", "/dr level 2 PostgreSQL is the culprit"),
        ("plan level9", "/dr plan level2 redis"),
        ("drill level9", "/dr drill level2 rehearsed"),
        ("drill skip level9", "/dr drill skip level2"),
    ],
)
def test_a_wrong_level_is_answered_with_an_example_of_the_same_command(
    verb_fixture: VerbFixture, typed: str, example: str
) -> None:
    reply = verb_fixture.say("aiko", typed)

    assert not reply.ok
    assert '"level9" is not a level.' in reply.text
    assert reply.text.endswith(f"Example: {example}")
