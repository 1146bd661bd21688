"""Level 2 of what is named, a plan for one person alone, and any runbook by its name."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import RunKind, RunState
from drbot.core.runs.stakes import Act, Loss, LossKind, Stakes
from drbot.core.site.readiness import good
from drbot.store.records import kept, readiness, steps, surveys
from drbot.store.records.kept import Kept
from tests.integration.commands.conftest import Build
from tests.integration.commands.verb_fixture import DR_YML, STEPS, VerbFixture
from tests.waiting import wait_for

WITH_ALL = DR_YML.replace(
    "    postgres: {volume: pgdata, databases: [authdb]}\n",
    "    postgres: {volume: pgdata, databases: [authdb]}\n    redis: {volume: redisdata}\n"
    "    files: [uploads, ai-micro-api-auth/avatars]\n",
)


PLAN = Plan(
    runbook="level2-redis", runbook_sha256="0", level=2, site="production", run="r0-1", steps=STEPS, fingerprint={},
    headline="Restore Redis", target="production", replaces=("volume redisdata of redis",), warnings=("It is old.",),
    stakes=Stakes(act=Act.RESTORE, loss=Loss(kind=LossKind.KEYS_SINCE_BACKUP, keys=7, keys_then=500)),
    surveyed_at=datetime.now(UTC),
)  # fmt: skip


def test_a_site_without_postgresql_is_surveyed_for_what_it_has(built: Build) -> None:
    without = built(DR_YML.replace("    postgres: {volume: pgdata, databases: [authdb]}\n", "    files: [uploads]\n"))

    reply = without.say("ben", "declare level2 nobody can sign in")

    (run,) = without.runs()
    assert (run.runbook, run.arguments) == ("level2-files", {"look": "yes"})
    assert [choice.label for choice in reply.choices][1:] == ["Files are lost: uploads", "Settings are lost"]


@pytest.fixture
def everything(built: Build) -> VerbFixture:
    """A site with all kinds of data, two entries of `files` among them."""
    return built(WITH_ALL)


@pytest.mark.parametrize(
    ("words", "runbook", "arguments", "title"),
    [
        ("level2 redis", "level2-redis", {}, "The data of Redis is lost"),
        ("level2 Redis: it is empty", "level2-redis", {}, "Redis: it is empty"),
        ("level2 settings", "level2-settings", {}, "Settings are lost"),
        ("level2 files uploads", "level2-files", {"files": "uploads"}, "Files are lost: uploads"),
        ("level2 postgres", "level2-postgres", {}, "PostgreSQL is corrupted"),
        ("level2 PostgreSQL does not start", "level2-postgres", {}, "PostgreSQL does not start"),
        ("level2", "level2-postgres", {"look": "yes"}, "Data is lost or corrupted"),
        ("level2 nobody can sign in", "level2-postgres", {"look": "yes"}, "nobody can sign in"),
    ],
)
def test_what_is_lost_decides_the_runbook(
    everything: VerbFixture, words: str, runbook: str, arguments: dict[str, str], title: str
) -> None:
    everything.say("ben", f"declare {words}")

    (run,) = everything.runs()
    assert (run.runbook, run.arguments, everything.incident().title) == (runbook, arguments, title)


def test_a_dialog_names_the_same(everything: VerbFixture) -> None:
    values = {"level": "2 files ai-micro-api-auth/avatars", "title": "no pictures"}
    everything.say("ben", "declare", values=values, entry_point=EntryPoint.DIALOG)

    (run,) = everything.runs()
    assert (run.runbook, run.arguments) == ("level2-files", {"files": "ai-micro-api-auth/avatars"})
    assert everything.incident().title == "no pictures"


def test_which_files_are_meant_is_a_choice_that_keeps_what_was_typed(everything: VerbFixture) -> None:
    reply = everything.say("ben", "declare level2 files since=20m")

    assert not reply.ok and everything.incidents() == []
    first = reply.choices[0].command
    assert [one.label for one in reply.choices] == ["uploads", "ai-micro-api-auth/avatars"]
    everything.say("ben", first)
    assert everything.runs()[0].arguments == {"files": "uploads"}


def test_what_the_site_does_not_have_is_refused_with_what_it_has(verb_fixture: VerbFixture) -> None:
    reply = verb_fixture.say("ben", "declare level2 redis")

    assert not reply.ok and verb_fixture.incidents() == []
    assert "Choose from: postgres, settings" in reply.text


def test_a_sentence_that_begins_with_what_the_site_does_not_have_is_declared_all_the_same(
    verb_fixture: VerbFixture,
) -> None:
    assert verb_fixture.say("ben", "declare level2 redis is full").ok

    assert verb_fixture.incident().title == "redis is full"
    assert verb_fixture.runs()[0].arguments == {"look": "yes"}


def test_whoever_knows_what_is_lost_says_it_while_the_survey_looks(everything: VerbFixture) -> None:
    reply = everything.say("ben", "declare level2")
    (redis,) = [one.command for one in reply.choices if one.command.endswith(" redis")]

    assert everything.say("emi", redis).ok

    first, second = everything.runs()
    assert (first.is_over or first.stop_requested is not None, second.runbook) == (True, "level2-redis")
    everything.planned()  # from here on the recovery of Redis is repeated, whatever the level's first runbook is
    assert everything.say("emi", "discard DR-1").ok
    assert everything.say("emi", "recover").ok
    assert everything.runs()[-1].runbook == "level2-redis"


def test_other_files_than_those_at_work_are_another_plan(everything: VerbFixture) -> None:
    everything.say("ben", "declare level2 files uploads")
    everything.planned()

    assert "in progress" in everything.say("emi", "recover files uploads").text
    assert everything.say("emi", "recover files ai-micro-api-auth/avatars").ok

    first, second = everything.runs()
    assert first.stop_requested is not None
    assert second.arguments == {"files": "ai-micro-api-auth/avatars"}


def test_other_data_is_not_recovered_while_production_is_being_changed(everything: VerbFixture) -> None:
    run, _ = everything.asked()
    with everything.database.write() as tx:
        steps.start(tx, run, "stop-apps", title="Stop")

    assert "in progress" in everything.say("emi", "recover redis").text
    assert len(everything.runs()) == 1


@pytest.mark.parametrize(
    ("words", "runbook"), [("level 2 redis it is", "level2-redis"), ("level 2", "level2-postgres")]
)
def test_a_raised_level_names_it_too(everything: VerbFixture, words: str, runbook: str) -> None:
    everything.say("ben", "declare level1 auth")
    everything.say("ben", "stop")
    assert everything.say("ben", words).ok

    assert everything.runs()[-1].runbook == runbook


@pytest.mark.parametrize(
    ("words", "service", "why"), [("auth", "auth", "auth"), ("auth: it is it", "auth", "auth: it is it")]
)
def test_level_1_instead_of_level_2_names_the_service(
    everything: VerbFixture, words: str, service: str, why: str
) -> None:
    everything.say("ben", "declare level2")
    everything.say("ben", "stop")
    assert everything.say("ben", f"level 1 {words}").ok

    run = everything.runs()[-1]
    assert (run.runbook, run.arguments) == ("level1-service", {"service": service})
    assert everything.incident().service == service
    assert everything.events(EventKind.INCIDENT_LEVEL_CHANGED)[0].payload["why"] == why


@pytest.mark.parametrize(
    ("original", "runbook"),
    [("redisdata", "level2-undo"), ("uploads", "level2-undo-files"), ("/srv/projects", "level2-undo-files")],
)
def test_each_kind_has_its_way_back(everything: VerbFixture, original: str, runbook: str) -> None:
    everything.say("ben", "declare level2 redis")
    run = everything.runs()[0]
    everything.say("ben", "stop")
    with everything.database.write() as tx:
        row = Kept(
            site="production", incident=1, run=run.id, volume="old", original=original, size_bytes=5,
            created_at=datetime.now(UTC),
        )  # fmt: skip
        kept.add(tx, row)

    assert everything.say("ben", "undo").ok
    undo = everything.runs()[-1]
    assert (undo.kind, undo.runbook, undo.arguments) == (RunKind.UNDO, runbook, {"keeper": "old"})


@contextmanager
def surveying(verb_fixture: VerbFixture, refusal: str = "") -> Iterator[list[surveys.Survey]]:
    """A worker that answers the first question."""
    asked: list[surveys.Survey] = []

    def look() -> None:
        def waiting() -> list[surveys.Survey]:
            with verb_fixture.database.read() as connection:
                return surveys.waiting(connection, "production", datetime.now(UTC))

        asked.extend(wait_for(waiting, 30, "a question"))
        plan = None if refusal else PLAN
        with verb_fixture.database.write() as tx:
            assert surveys.take(tx, asked[0].id) and not surveys.take(tx, asked[0].id)
            surveys.answer(tx, asked[0].id, found="Looks broken: redis.", plan=plan, refusal=refusal)

    thread = threading.Thread(target=look)
    thread.start()
    yield asked
    thread.join()


@pytest.mark.parametrize("entry_point", [EntryPoint.COMMAND, EntryPoint.TERMINAL])
def test_outside_of_an_incident_a_plan_is_an_answer_to_whoever_asked(
    everything: VerbFixture, entry_point: EntryPoint
) -> None:
    with surveying(everything) as asked:
        reply = everything.say("emi", "plan level2 redis", entry_point=entry_point)

    assert (asked[0].runbook, asked[0].person, asked[0].lost) == ("level2-redis", "emi", "production")
    assert reply.ok and not reply.in_channel
    shown = str(reply.tables)
    for words in (
        "volume redisdata of redis",
        "Redis held 7 keys, the backup holds 500",
        "It is old.",
        "restore-beside",
    ):
        assert words in shown
    assert everything.incidents() == []


def test_why_there_can_be_no_plan_is_the_answer(everything: VerbFixture) -> None:
    with surveying(everything, refusal="There is no good backup."):
        reply = everything.say("emi", "plan level2")

    assert not reply.ok and "There is no good backup." in reply.text


def test_outside_of_an_incident_a_plan_says_what_it_could_be_about(everything: VerbFixture) -> None:
    reply = everything.say("emi", "plan")

    assert not reply.ok
    commands = [one.command for one in reply.choices]
    assert {"plan level2 redis", "plan level2 files uploads", "plan level2 settings", "plan level3"} <= {*commands}


def test_in_the_channel_of_an_incident_a_plan_is_for_everybody(everything: VerbFixture) -> None:
    everything.say("ben", "declare level2 redis")

    assert everything.say("emi", "plan DR-1 files uploads").ok
    assert (everything.runs()[-1].kind, everything.runs()[-1].runbook) == (RunKind.PLAN, "level2-files")


def test_any_runbook_is_started_and_opens_an_incident_where_there_is_none(everything: VerbFixture) -> None:
    reply = everything.say("emi", "run level2-files files=uploads")

    assert reply.ok
    (run,) = everything.runs()
    assert (run.kind, run.runbook, run.arguments) == (RunKind.RECOVER, "level2-files", {"files": "uploads"})
    incident = everything.incident()
    assert (incident.level, incident.title) == (2, "Restore files from a full backup")


def test_a_runbook_that_is_at_work_on_this_opens_no_second_incident(everything: VerbFixture) -> None:
    everything.say("emi", "run level2-files files=uploads")

    again = everything.say("chika", "run level2-files files=uploads")
    other = everything.say("chika", "run level2-files files=ai-micro-api-auth/avatars")

    assert again.ok and "DR-1 was declared for it" in again.text
    assert "DR-2" in other.text
    assert len(everything.incidents()) == 2


def test_in_an_incident_a_runbook_is_queued_there_unless_a_run_is_in_progress(everything: VerbFixture) -> None:
    run, _ = everything.asked()
    assert "in progress" in everything.say("emi", "run DR-1 restart-services").text
    everything.park(run, RunState.WAITING)
    everything.say("emi", "discard DR-1")

    assert everything.say("emi", "run DR-1 restart-services").ok

    assert [one.incident for one in everything.runs()] == [1, 1]
    assert everything.runs()[-1].runbook == "restart-services"
    assert run.id != everything.runs()[-1].id and len(everything.incidents()) == 1


def test_a_plan_that_no_worker_takes_up_is_answered_within_seconds(everything: VerbFixture) -> None:
    began = time.monotonic()
    reply = everything.say("emi", "plan level2 redis")

    assert time.monotonic() - began < 15
    assert not reply.ok and "No worker of production has taken it up: none was ever seen." in reply.text

    with everything.database.write() as tx:
        readiness.saw(tx, "production", [good("clock", "right")])
    reply = everything.say("emi", "plan level2 redis")
    assert "No worker of production has taken it up: one was seen last" in reply.text
    assert "drbot worker --site production" in reply.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run level2-rediss", 'Did you mean "level2-redis"?'),
        ("run", "There are: "),
        ("run level2-files", "It needs files."),
        ("run level2-redis bakcup=x", 'level2-redis takes no bakcup. Did you mean "backup"?'),
        ("run level2-redis backup=a backup=b", "backup is given twice."),
        ("run level2-redis x", '"x" is not written as input=value.'),
        ("run level1-service service=aut", 'There is no service "aut".'),
        ("run restart-services site=nowhere", 'There is no site "nowhere".'),
        ("run level2-undo keeper=x", "Use: /dr undo"),
        ("run kept-give-up keeper=x", "Use: /dr kept"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_write(everything: VerbFixture, words: str, said: str) -> None:
    reply = everything.say("emi", words)

    assert not reply.ok and said in reply.text
    assert everything.incidents() == []
