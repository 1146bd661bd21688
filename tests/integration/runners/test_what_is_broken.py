"""A level 2 of which nobody said what it is about, and a survey for one person: what the worker makes of them."""

import threading

from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run, RunKind
from drbot.core.site.data_kinds import DataKind
from drbot.runners.contract.target import Broken
from drbot.runners.planning.surveyor import Surveyor
from drbot.store.base import ledger
from drbot.store.records import incidents, surveys
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


def test_the_first_that_is_broken_is_recovered_and_all_of_it_is_told(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.faults = (FILES, REDIS)

    run = looked(worker_fixture)

    assert (run.runbook, run.arguments) == ("level2-files", {"files": "uploads"})
    assert told(worker_fixture, run) == [
        "Looks broken: files uploads: it is empty; redis: it does not answer. The plan is about the first. "
        "Afterwards: /dr recover redis"
    ]


def test_where_nothing_looks_broken_it_is_postgresql(worker_fixture: WorkerFixture) -> None:
    run = looked(worker_fixture)

    assert (run.runbook, run.arguments) == ("level2-postgres", {})
    assert run.plan is not None and run.plan.runbook == "level2-postgres"


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
    assert answer.found == "Nothing of the data looks broken."
    assert refused.plan is None and "no-such-runbook" in refused.refusal
    assert worker_fixture.target.calls == []
