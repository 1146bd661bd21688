"""Every check passed, and then people are asked: their "no" counts, their silence is no "yes"."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from drbot.core.runs.clocks import clocks_of
from drbot.core.runs.incident import IncidentState, UsersSay
from drbot.core.runs.run import Offer, Run, RunState, StepState
from drbot.core.site.site import Targets
from drbot.store.base.schema import steps as step_rows
from drbot.store.records import steps
from tests.integration.runners.worker_fixture import WorkerFixture


def asked(worker_fixture: WorkerFixture) -> Run:
    """Level 2 is done; the question whether users can sign in is open."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    assert worker_fixture.incident(run).state is IncidentState.RECOVERED
    return run


def answered(worker_fixture: WorkerFixture, word: str) -> Run:
    run = asked(worker_fixture)
    worker_fixture.answer(run, word)
    return worker_fixture.go(run)


def test_a_no_means_not_recovered_and_the_clock_runs_on(worker_fixture: WorkerFixture) -> None:
    run = answered(worker_fixture, "no")

    incident = worker_fixture.incident(run)
    assert (incident.state, incident.users_say) == (IncidentState.RECOVERING, UsersSay.NO)
    assert (incident.recovered_at, incident.confirmed_at, incident.rto_seconds) == (None, None, None)
    now = datetime.now(UTC)
    used = [clocks_of(incident, run.plan, (), Targets(), now + timedelta(hours=h)).rto_used for h in (0, 1)]
    assert used[1] - used[0] == 3600
    assert worker_fixture.events(run, "incident.not_recovered")[-1].person == "aiko"
    assert worker_fixture.events(run, "incident.confirmed") == []


def test_a_no_ends_the_run_and_offers_what_works_now(worker_fixture: WorkerFixture) -> None:
    run = answered(worker_fixture, "no")

    assert run.state is RunState.FAILED
    assert run.outcome is not None and "Aiko answered: no. It is not recovered." in run.outcome
    assert run.offers == (Offer.UNDO, Offer.RECOVER, Offer.ANOTHER_BACKUP)
    assert run.next_backup == worker_fixture.target.backups[1].name
    assert worker_fixture.step(run, "notify").state is StepState.PENDING  # nobody is told that it works


def test_without_another_good_backup_none_is_offered(worker_fixture: WorkerFixture) -> None:
    del worker_fixture.target.backups[1]

    run = answered(worker_fixture, "no")

    assert Offer.ANOTHER_BACKUP not in run.offers
    assert "backup uses" not in worker_fixture.events(run, "run.failed")[-1].payload["todo"]


def test_a_no_at_level_1_keeps_the_incident_open(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    run = worker_fixture.go(worker_fixture.declare(1, "auth"))
    worker_fixture.answer(run, "no")
    run = worker_fixture.go(run)

    assert worker_fixture.incident(run).state is IncidentState.RECOVERING
    assert Offer.RECOVER in run.offers and Offer.ANOTHER_BACKUP not in run.offers


def test_the_next_recovery_after_a_no_can_recover_it(worker_fixture: WorkerFixture) -> None:
    first = answered(worker_fixture, "no")

    second = worker_fixture.go(worker_fixture.queue(first.incident, "level2-postgres"))
    worker_fixture.approve(second)
    second = worker_fixture.go(second)
    worker_fixture.answer(second)
    second = worker_fixture.go(second)

    incident = worker_fixture.incident(second)
    assert (incident.state, incident.users_say) == (IncidentState.RECOVERED, UsersSay.YES)
    assert incident.rto_seconds is not None and incident.confirmed_at is not None


def test_a_question_nobody_answers_gets_the_answer_of_silence(worker_fixture: WorkerFixture) -> None:
    run = asked(worker_fixture)
    worker_fixture.upkeep()
    assert worker_fixture.step(run, "confirm").answer is None

    with worker_fixture.database.write() as tx:
        long_ago = tx.now - timedelta(hours=2)
        tx.connection.execute(update(step_rows).values(started_at=long_ago))
    worker_fixture.upkeep()

    record = worker_fixture.step(run, "confirm")
    assert (record.answer, record.answered_by) == ("unconfirmed", None)


@pytest.mark.parametrize("silence", ["unconfirmed", "yes"])
def test_silence_is_no_yes(worker_fixture: WorkerFixture, silence: str) -> None:
    run = asked(worker_fixture)
    with worker_fixture.database.write() as tx:
        steps.answer(tx, run.id, "confirm", silence, None)
    run = worker_fixture.go(run)

    incident = worker_fixture.incident(run)
    assert (incident.state, incident.users_say) == (IncidentState.RECOVERED, UsersSay.NOTHING)
    assert incident.confirmed_at is None
    assert worker_fixture.step(run, "confirm").summary == f"Nobody answered in time: {silence}."
    assert len(worker_fixture.events(run, "incident.unconfirmed")) == 1
