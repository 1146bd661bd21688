"""A level 2 of which nobody said what it is about, and a survey for one person: what the worker makes of them."""

import threading

from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.wal import NOT_RECEIVED
from drbot.runners.contract.target import Broken
from drbot.runners.planning.surveyor import Surveyor
from drbot.store.base import ledger
from drbot.store.records import incidents, requests, surveys
from tests.integration.runners.worker_fixture import WorkerFixture

REDIS = Broken(kind=DataKind.REDIS, why="it does not answer")
FILES = Broken(kind=DataKind.FILES, files="uploads", why="it is empty")


def looked(worker_fixture: WorkerFixture, kind: RunKind = RunKind.RECOVER) -> Run:
    incident = worker_fixture.declare().incident
    return worker_fixture.go(worker_fixture.queue(incident, "level2-postgres", kind, look="yes"))


def told(worker_fixture: WorkerFixture, run: Run) -> list[str]:
    with worker_fixture.database.read() as connection:
        events = ledger.of_incident(connection, run.incident)
    return [str(event.payload["text"]) for event in events if event.kind is EventKind.INCIDENT_NOTE]


def offered(worker_fixture: WorkerFixture, run: Run) -> dict[str, str]:
    """Command → label of what can be done about the recovery."""
    with worker_fixture.database.read() as connection:
        incident = incidents.get(connection, run.incident)
    view = IncidentView(
        configuration=worker_fixture.worker_context.configuration, roster=worker_fixture.worker_context.roster,
        incident=incident, now=run.created_at, run=run,
    )  # fmt: skip
    found = {action.command: str(action.label) for action in available_actions(view)}
    return {name: label for name, label in found.items() if name.startswith(("recover", "level"))}


def test_the_first_that_is_broken_is_recovered_and_all_of_it_is_told(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.faults = (FILES, REDIS)

    run = looked(worker_fixture)

    assert (run.runbook, run.arguments) == ("level2-files", {"files": "uploads"})
    assert told(worker_fixture, run) == [
        "Looks broken: files uploads: it is empty; redis: it does not answer. The plan is about the first. "
        "Afterwards: /dr recover redis"
    ]


def test_the_first_is_postgresql_where_it_is_what_does_not_answer(worker_fixture: WorkerFixture) -> None:
    run = looked(worker_fixture)

    assert (run.runbook, run.arguments) == ("level2-postgres", {})
    assert run.plan is not None and run.plan.stakes.sound == ""


def test_where_nothing_looks_broken_nobody_is_asked_to_replace_anything(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"

    run = looked(worker_fixture)

    assert run.state is RunState.FAILED and run.plan is None
    assert str(run.outcome).startswith("No data looks broken: PostgreSQL answers, 3 rows. Nothing in production")
    (told,) = worker_fixture.events(run, "run.refused")
    assert told.payload["todo"] == "If data is lost all the same, say which: /dr recover postgres"
    with worker_fixture.database.read() as connection:
        assert requests.of_run(connection, run.id) == []
    assert "volume.swap" not in worker_fixture.target.calls
    assert offered(worker_fixture, run) == {
        "recover DR-1": "Try again", "recover DR-1 postgres": "PostgreSQL is corrupted",
        "recover DR-1 redis": "The data of Redis is lost", "recover DR-1 settings": "Settings are lost",
    }  # fmt: skip


def test_where_a_service_is_down_it_is_level_1(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.down = ("auth",)

    run = looked(worker_fixture)

    assert "Not working: auth. That is level 1." in str(run.outcome)
    assert offered(worker_fixture, run)["level DR-1 1 auth"] == "It is level 1: auth"


def test_who_names_postgresql_though_it_is_healthy_reads_that_first(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert run.plan.stakes.sound == "No data looks broken: PostgreSQL answers, 3 rows."
    with worker_fixture.database.read() as connection:
        assert [asked.state for asked in requests.of_run(connection, run.id)] == [RequestState.OPEN]


def test_a_survey_for_one_person_is_answered_and_leaves_nothing(worker_fixture: WorkerFixture) -> None:
    database, known = worker_fixture.database, {"site": "production", "lost": "production", "person": "aiko"}
    with database.write() as tx:
        asked = surveys.ask(tx, **known, runbook="level2-postgres", arguments={"look": "yes"})
        assert surveys.ask(tx, **known, runbook="level2-postgres", arguments={"look": "yes"}).id == asked.id
        other = surveys.ask(tx, **known, runbook="no-such-runbook", arguments={})

    Surveyor(worker_fixture.worker_context).tick(threading.Event())

    with database.read() as connection:
        answer, refused = surveys.get(connection, asked.id), surveys.get(connection, other.id)
        assert incidents.recent(connection) == []
        assert ledger.verify(connection) == []
    assert answer.plan is not None and answer.plan.replaces == ("volume postgres_data of postgres",)
    assert answer.found == "Looks broken: postgres: it does not answer. The plan is about the first."
    assert refused.plan is None and "no-such-runbook" in refused.refusal
    assert worker_fixture.target.calls == []


def test_a_survey_of_a_whole_system_says_so_and_makes_no_plan(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    known = {"site": "production", "lost": "production", "person": "aiko", "runbook": "level2-postgres"}
    with worker_fixture.database.write() as tx:
        asked = surveys.ask(tx, **known, arguments={"look": "yes"})

    Surveyor(worker_fixture.worker_context).tick(threading.Event())

    with worker_fixture.database.read() as connection:
        answer = surveys.get(connection, asked.id)
    assert answer.plan is None and answer.refusal.startswith("No data looks broken: PostgreSQL answers, 3 rows.")


def test_moments_of_a_site_that_is_not_received_from_are_refused(worker_fixture: WorkerFixture) -> None:
    known = {"site": "production", "lost": "production", "person": "aiko", "runbook": surveys.MOMENTS}
    with worker_fixture.database.write() as tx:
        asked = surveys.ask(tx, **known, arguments={"since": "3600"})

    Surveyor(worker_fixture.worker_context).tick(threading.Event())

    with worker_fixture.database.read() as connection:
        answer = surveys.get(connection, asked.id)
    assert (answer.timeline, answer.refusal) == (None, NOT_RECEIVED)
