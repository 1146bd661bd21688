"""`declare`: one incident per intent, with its run, or a question; nothing half-created."""

from datetime import timedelta
from pathlib import Path

import pytest

from drbot.core.approval import Door
from drbot.core.events import EventKind
from drbot.core.level import Level
from tests.integration.commands.stage import DR_YML, Stage, build


def test_level_1_names_its_service_and_queues_its_run(stage: Stage) -> None:
    reply = stage.say("dan", "declare level1 auth: login fails")

    incident = stage.incident()
    assert reply.ok and incident.name in reply.text["en"]
    assert (incident.level, incident.service, incident.title) == (Level.SERVICE, "auth", "login fails")
    assert [(run.runbook, run.arguments) for run in stage.runs()] == [("level1-service", {"service": "auth"})]
    assert stage.bell.rung == [("production", stage.runs()[0].id)]


@pytest.mark.parametrize(
    "words", ["level1 auth", "l1 service=auth", "1 ai-micro-api-auth", "level1 auth： ログインできない"]
)
def test_a_service_may_be_named_in_several_ways(stage: Stage, words: str) -> None:
    stage.say("ben", f"declare {words}")

    assert stage.incident().service == "auth"


def test_level_2_needs_no_words_at_all(stage: Stage) -> None:
    stage.say("ben", "declare level2")

    assert stage.incident().title == "PostgreSQL is corrupted"
    assert stage.runs()[0].runbook == "level2-postgres"


def test_a_word_with_a_colon_is_only_a_service_if_there_is_one(stage: Stage) -> None:
    stage.say("ben", "declare level2 Urgent: nothing works")

    assert (stage.incident().title, stage.incident().service) == ("Urgent: nothing works", None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("declare level1 aut", "Services: postgres, redis, auth, user. Did you mean"),
        ("declare level1 service=nothing", "There is no service"),
        ("declare levl2 x", 'Did you mean "level2"'),
        ("declare level2 site=prod x", "Sites: production"),
        ("declare level2 since=yesterday x", "is no time"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(stage: Stage, words: str, said: str) -> None:
    reply = stage.say("ben", words)

    assert not reply.ok
    assert said in reply.text["en"]
    assert reply.text["ja"] != reply.text["en"]
    assert stage.incidents() == []


@pytest.mark.parametrize(("words", "filled"), [("declare", {}), ("declare level1", {"level": "1"})])
def test_missing_words_are_asked_for_in_a_dialog(stage: Stage, words: str, filled: dict[str, str]) -> None:
    reply = stage.say("ben", words)

    assert reply.dialog is not None
    assert (reply.dialog.kind, dict(reply.dialog.values)) == ("declare", filled)
    assert stage.incidents() == []


def test_a_dialog_declares_like_the_words(stage: Stage) -> None:
    values = {"level": "1", "service": "user", "title": "profiles are empty", "since": "20m"}
    stage.say("ben", "declare", door=Door.DIALOG, values=values)

    incident = stage.incident()
    assert (incident.service, incident.title) == ("user", "profiles are empty")
    assert incident.declared_at - incident.started_at >= timedelta(minutes=19)


def test_the_same_within_ten_minutes_is_the_same_incident(stage: Stage) -> None:
    stage.say("ben", "declare level2 PostgreSQL is broken")

    reply = stage.say("dan", "declare level2 database down")

    assert len(stage.incidents()) == 1
    assert "DR-1 is already open" in reply.text["en"]
    assert [choice.command for choice in reply.choices] == ["status DR-1", "declare level2 database down anyway"]


def test_anyway_makes_another_one(stage: Stage) -> None:
    stage.say("ben", "declare level2 PostgreSQL is broken")

    stage.say("ben", "declare level2 another server anyway")

    assert [incident.title for incident in stage.incidents()] == ["another server", "PostgreSQL is broken"]


def test_another_service_is_another_incident(stage: Stage) -> None:
    stage.say("ben", "declare level1 auth")
    stage.say("ben", "declare level1 user")

    assert [incident.service for incident in stage.incidents()] == ["user", "auth"]


@pytest.mark.parametrize(("level", "runbook"), [(3, "level3-host"), (4, "level4-datacentre")])
def test_levels_without_a_runbook_are_declared_and_say_so_plainly(stage: Stage, level: int, runbook: str) -> None:
    stage = stage.without_runbook(runbook)
    reply = stage.say("ben", f"declare level{level} nothing answers")

    assert reply.ok
    assert "`drbot runbook check` says why. Until then follow the steps" in reply.text["en"]
    assert reply.tables[0].rows
    assert stage.incident().level == level
    assert stage.runs() == []


def test_nobody_unknown_may_declare(stage: Stage) -> None:
    reply = stage.say(None, "declare level2 x")

    assert "does not know who you are" in reply.text["en"]
    assert stage.incidents() == []


def test_with_a_broken_people_section_everybody_can_declare_see_and_stop(tmp_path: Path) -> None:
    stage = build(tmp_path, DR_YML[: DR_YML.index("people:")] + "people: nobody\n")

    declared = stage.say(None, "declare level2 PostgreSQL is broken")
    shown = stage.say(None, "status")
    stopped = stage.say(None, "stop it was a mistake")

    assert declared.ok and shown.ok and stopped.ok
    assert "dr.yml:" in str(shown.tables[0].rows)
    assert stage.incident().declared_by == "U999"
    assert stage.events(EventKind.RUN_STOPPED)
    assert not stage.say(None, "resolve fine").ok
    stage.database.close()


def test_a_target_that_is_missed_is_not_called_at_risk(stage: Stage) -> None:
    stage.say("ben", "declare level2 x since=5h")

    shown = str(stage.say("ben", "status").tables)

    assert "the target is MISSED" in shown and "at risk" not in shown


def test_a_busy_database_is_answered_honestly(stage: Stage) -> None:
    with stage.database.write() as holder:
        assert holder.now
        reply = stage.say("ben", "declare level2 x")

    assert "Not recorded, nothing started" in reply.text["en"]
    assert stage.incidents() == []


def test_without_a_database_nothing_is_started_and_that_is_said(stage: Stage, tmp_path: Path) -> None:
    stage.database.close()
    for path in tmp_path.glob("state.db*"):
        path.write_bytes(b"no database " * 1000)

    assert "Not recorded, nothing started" in stage.say("ben", "declare level2 x").text["en"]
    assert "Not recorded" in stage.say("ben", "stop").text["en"]
    assert "It needs the role" in stage.say("dan", "stop").text["en"]


def test_a_declaration_that_failed_is_not_recorded_at_an_incident_it_does_not_concern(stage: Stage) -> None:
    stage.say("ben", "declare level2")

    stage.say("ben", "declare level1 aut")

    assert stage.events(EventKind.COMMAND_REFUSED) == []


TWO_SITES = DR_YML.replace("sites:\n", "sites:\n  staging: {projects: projects, services: {}}\n")


def test_the_other_ways_on_keep_site_and_time(tmp_path: Path) -> None:
    stage = build(tmp_path, TWO_SITES)
    stage.say("ben", "declare level2 site=staging since=20m it is slow")

    reply = stage.say("dan", "declare level2 site=staging since=20m still slow")

    (_, another) = (choice.command for choice in reply.choices)
    assert another.startswith("declare level2 site=staging since=") and another.endswith("still slow anyway")
    stage.say("dan", another)
    assert [one.site for one in stage.incidents()] == ["staging", "staging"]
    assert stage.incident(2).declared_at - stage.incident(2).started_at >= timedelta(minutes=19)
    stage.database.close()


def test_words_that_look_like_an_option_in_a_title_change_nothing(tmp_path: Path) -> None:
    stage = build(tmp_path, TWO_SITES)
    title = {"level": "2", "site": "staging", "title": "the replica of site=production is gone"}
    stage.say("ben", "declare", door=Door.DIALOG, values=title)

    again = stage.say("dan", "declare", door=Door.DIALOG, values=title).choices[1].command
    stage.say("dan", again)

    assert stage.incident(2).site == "staging"
    stage.database.close()


def test_a_service_that_does_not_exist_is_corrected_in_the_same_words(stage: Stage) -> None:
    declared = stage.say("ben", "declare level1 since=20m aut: login fails")
    stage.say("ben", "declare level2 x")
    planned = stage.say("ben", "plan level1 aut")

    (choice,) = declared.choices
    assert choice.command.startswith("declare level1 since=") and choice.command.endswith("service=auth login fails")
    assert [one.command for one in planned.choices] == ["plan DR-1 level1 auth"]
