"""What a recovery lost or stopped counts, however many more there are in the same incident."""

from datetime import UTC, datetime

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Offer, Run, RunKind, RunState
from tests.integration.runners.harmless import NOON, backup
from tests.integration.runners.worker_fixture import WorkerFixture

AN_HOUR = 3600.0


def carried_out(worker_fixture: WorkerFixture, run: Run) -> Run:
    run = worker_fixture.go(run)
    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    worker_fixture.answer(run)
    run = worker_fixture.go(run)
    assert run.state is RunState.SUCCEEDED
    return run


def undone(worker_fixture: WorkerFixture, run: Run, kept: str = "before") -> Run:
    keeper = f"postgres_data_{kept}_{run.id}"
    worker_fixture.target.volumes[keeper] = "good"  # it was not corrupt: somebody had restored too early
    return carried_out(worker_fixture, worker_fixture.queue(run.incident, "level2-undo", RunKind.UNDO, keeper=keeper))


def backed_up(worker_fixture: WorkerFixture, moment: datetime | None = None) -> None:
    """A newer backup is made of what is in place."""
    newest = backup(0).model_copy(update={"snapshot_at": moment or datetime.now(UTC)})
    worker_fixture.target.backups = [newest, *worker_fixture.target.backups]


def loss_of_the_next(worker_fixture: WorkerFixture, first: Run) -> float | None:
    plan = worker_fixture.go(worker_fixture.queue(first.incident, "level2-postgres")).plan
    assert plan is not None
    return plan.loss_seconds


def test_what_the_first_recovery_lost_the_next_one_does_not_bring_back(worker_fixture: WorkerFixture) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    backed_up(worker_fixture)

    second = carried_out(worker_fixture, worker_fixture.queue(first.incident, "level2-postgres"))

    assert second.plan is not None and second.plan.loss_seconds == AN_HOUR
    assert worker_fixture.incident(second).rpo_seconds == AN_HOUR


def test_data_that_an_undo_brought_back_has_lost_nothing(worker_fixture: WorkerFixture) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    undone(worker_fixture, first)
    backed_up(worker_fixture)

    assert loss_of_the_next(worker_fixture, first) == 0


def test_an_undo_that_is_undone_brings_the_loss_back(worker_fixture: WorkerFixture) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    undone(worker_fixture, undone(worker_fixture, first), "undone")
    backed_up(worker_fixture)

    assert loss_of_the_next(worker_fixture, first) == AN_HOUR


def test_the_rpo_of_an_undo_is_that_of_the_data_that_it_brings_back(worker_fixture: WorkerFixture) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    assert worker_fixture.incident(first).rpo_seconds == AN_HOUR

    back = undone(worker_fixture, first)
    assert worker_fixture.incident(first).rpo_seconds == 0

    undone(worker_fixture, back, "undone")
    assert worker_fixture.incident(first).rpo_seconds == AN_HOUR


def test_what_an_undo_brought_back_and_does_not_work_is_put_back_before_anything_is_started(
    worker_fixture: WorkerFixture,
) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    keeper = f"postgres_data_before_{first.id}"
    run = worker_fixture.go(worker_fixture.queue(first.incident, "level2-undo", RunKind.UNDO, keeper=keeper))
    worker_fixture.approve(run)
    worker_fixture.target.errors["services.start"] = [PermanentError("it does not answer")] * 9

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert [one for one in run.offers if one is not Offer.RESTART] == [Offer.UNDO, Offer.RECOVER]
    assert run.offers[:2] == (Offer.UNDO, Offer.RECOVER)


def test_a_backup_from_between_recovery_and_undo_lacks_what_the_recovery_lost(worker_fixture: WorkerFixture) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    backed_up(worker_fixture)
    undone(worker_fixture, first)

    assert loss_of_the_next(worker_fixture, first) == AN_HOUR


def test_a_backup_from_before_the_recovery_lacks_nothing_of_it(worker_fixture: WorkerFixture) -> None:
    first = carried_out(worker_fixture, worker_fixture.declare())
    backed_up(worker_fixture, NOON)

    assert loss_of_the_next(worker_fixture, first) == 0


def stopped_at(worker_fixture: WorkerFixture, run: Run) -> datetime:
    moment = worker_fixture.step(run, "stop-apps").started_at
    assert moment is not None
    return moment


def test_how_long_services_were_stopped_is_the_sum_of_all_recoveries(worker_fixture: WorkerFixture) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(first)
    worker_fixture.target.errors["health.wait"] = [PermanentError("wrong rows")]
    first = worker_fixture.go(first)
    assert first.state is RunState.FAILED and first.finished_at is not None

    second = carried_out(worker_fixture, worker_fixture.queue(first.incident, "level2-postgres"))

    incident = worker_fixture.incident(second)
    assert incident.recovered_at is not None
    both = (
        first.finished_at - stopped_at(worker_fixture, first),
        incident.recovered_at - stopped_at(worker_fixture, second),
    )
    assert incident.outage_seconds == pytest.approx(sum(one.total_seconds() for one in both), abs=0.001)
