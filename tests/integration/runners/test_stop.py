"""STOP at each phase, and failures after the swap: each ends in a stated, safe state."""

import time

import pytest

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Offer, RunKind, RunState, StepState
from drbot.runners.contract.action import Finding, Outcome
from drbot.store.records import incidents
from tests.integration.runners.test_edited_files import own
from tests.integration.runners.test_kept import recovered
from tests.integration.runners.test_rows_over_time import with_runbook
from tests.integration.runners.worker_fixture import WorkerFixture, title, with_registry
from tests.strain import Strain
from tests.waiting import PATIENCE


def stop_at(worker_fixture: WorkerFixture, action: str, *, approve: bool) -> tuple[str, list[str]]:
    """Presses STOP while the action is at work; the stated state and what is offered."""
    run = worker_fixture.declare()
    if approve:
        run = worker_fixture.go(run)
        worker_fixture.approve(run)
    hold = worker_fixture.target.hold(action)
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)
    worker_fixture.stop(run)
    if action not in ("postgres.restore_beside", "health.wait"):
        hold.go_on.set()
    thread.join(PATIENCE)
    assert worker_fixture.run(run).state is RunState.STOPPED
    (stopped,) = worker_fixture.events(run, "run.stopped")
    return stopped.payload["safe_state"], stopped.payload["offers"]


def test_stop_while_the_copy_is_restored_ends_it_and_removes_what_is_half_done(worker_fixture: WorkerFixture) -> None:
    said, offers = stop_at(worker_fixture, "postgres.restore_beside", approve=False)

    assert said == ('Nothing in production was changed. What "Restore beside production" had made so far was removed.')
    assert offers == []
    assert "restore-beside" in worker_fixture.target.survivors_removed
    assert "volume.remove" in worker_fixture.target.calls or "restore-beside" in worker_fixture.target.calls
    assert set(worker_fixture.target.volumes) == {"postgres_data", "redis_data"}


def test_stop_while_the_backup_is_read_ends_the_survey(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.declare()
    hold = worker_fixture.target.hold("choose")
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)

    worker_fixture.stop(run)
    thread.join(PATIENCE)

    assert worker_fixture.run(run).state is RunState.STOPPED
    assert worker_fixture.target.calls == []


def test_stop_ends_a_survey_within_two_seconds_even_when_an_engine_never_answers(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.declare()
    hold = worker_fixture.target.hold("fingerprint")
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)

    with Strain() as strain:
        started = time.monotonic()
        worker_fixture.stop(run)
        thread.join(PATIENCE)
        took = time.monotonic() - started

    assert worker_fixture.run(run).state is RunState.STOPPED
    assert took < strain.allows(2)
    assert worker_fixture.target.calls == []


def test_stop_while_waiting_for_approval_is_immediate_and_keeps_the_proven_copy(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())

    worker_fixture.stop(run)

    assert worker_fixture.run(run).state is RunState.STOPPED
    assert worker_fixture.request(run).state.value == "stopped"
    assert worker_fixture.target.volumes[f"postgres_data_{run.id}"] == "good"


def test_the_proven_copy_goes_once_the_incident_is_resolved(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.stop(run)
    worker_fixture.upkeep()
    assert f"postgres_data_{run.id}" in worker_fixture.target.volumes

    with worker_fixture.database.write() as tx:
        incidents.resolve(tx, run.incident, "aiko", "It was nothing.")
    worker_fixture.upkeep()
    worker_fixture.upkeep()

    assert f"postgres_data_{run.id}" not in worker_fixture.target.volumes
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    notes = [str(event.payload["text"]) for event in worker_fixture.events(run, "incident.note")]
    assert [note for note in notes if f"{run.id} is over" in note] == notes[-1:]


def test_stop_after_the_services_were_stopped_offers_to_start_them(worker_fixture: WorkerFixture) -> None:
    said, offers = stop_at(worker_fixture, "compose.stop", approve=True)

    assert said.startswith("Nothing was replaced. The services are stopped")
    assert offers == ["restart"]
    assert "swap" not in worker_fixture.target.calls


def test_a_restart_after_the_stop_brings_the_services_back(worker_fixture: WorkerFixture) -> None:
    stop_at(worker_fixture, "compose.stop", approve=True)

    run = worker_fixture.go(worker_fixture.queue(1, "restart-services"))

    assert run.state is RunState.SUCCEEDED
    assert {"auth", "front-user", "postgres"} <= worker_fixture.target.running


def test_stop_during_the_swap_lets_it_end_and_offers_both_ways(worker_fixture: WorkerFixture) -> None:
    said, offers = stop_at(worker_fixture, "volume.swap", approve=True)

    assert "The data was replaced; the old data is kept in postgres_data_before_" in said
    assert offers == ["restart", "undo"]
    assert worker_fixture.target.volumes["postgres_data"] == "good"


def test_stop_during_the_last_check_offers_undo(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    hold = worker_fixture.target.hold("compose.start")
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)
    hold.go_on.set()
    worker_fixture.wait_for_step(run, "confirm", StepState.WAITING)
    thread.join(PATIENCE)

    worker_fixture.stop(run)

    assert worker_fixture.run(run).state is RunState.STOPPED


@pytest.mark.parametrize("action", ["health.wait"])
def test_a_failure_between_swap_and_start_is_taken_back_under_the_same_permit(
    worker_fixture: WorkerFixture, action: str
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    worker_fixture.target.errors[action] = [PermanentError("wrong rows")]

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert run.outcome is not None
    names = ", ".join(title(run, step) for step in ("start-postgres", "swap", "stop-postgres", "stop-apps"))
    assert f"Taken back: {names}. Production is as it was." in run.outcome
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    assert worker_fixture.target.volumes[f"postgres_data_{run.id}"] == "good"
    assert {"auth", "postgres"} <= worker_fixture.target.running


def test_a_temporary_error_is_tried_again_as_the_runbook_says(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.errors["backup.check"] = [TemporaryError("slow down", kind="throttled")]

    with_pause = worker_fixture.declare()
    run = worker_fixture.go(with_pause)

    assert run.state is RunState.WAITING
    assert [event.step for event in worker_fixture.events(run, "step.retried")] == ["check-backup"]


def test_an_undo_run_brings_the_kept_data_back_behind_two_approvals(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)

    undo = worker_fixture.go(worker_fixture.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))
    assert undo.state is RunState.WAITING
    worker_fixture.approve(undo)
    undo = worker_fixture.go(undo)

    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    assert worker_fixture.target.volumes[f"postgres_data_undone_{undo.id}"] == "good"
    assert undo.state is RunState.FAILED
    assert "PostgreSQL does not answer" in str(undo.outcome)
    assert "The data from before the recovery is in place again" in str(undo.outcome)
    assert worker_fixture.states(undo)["confirm"] == "pending"
    assert {Offer.UNDO, Offer.RECOVER} <= {*undo.offers}
    told = str(worker_fixture.events(undo, "run.failed")[-1].payload["todo"])
    assert "/dr undo brings back what was in place before this undo. /dr recover restores from a backup." in told
    assert worker_fixture.incident(undo).rto_seconds is None


def test_services_that_answer_are_no_recovery_before_the_data_answers(worker_fixture: WorkerFixture) -> None:
    """In an order of one's own they are asked first, and their health opens a connection and asks nothing."""
    done, keeper = recovered(worker_fixture)
    turned = (
        ("within: 1m}\n    after: [start-apps]", "within: 1m}\n    after: [health]"),
        ("within: 20s}\n    after: [verify]", "within: 20s}\n    after: [start-apps]"),
        ("silence: unconfirmed\n    after: [health]", "silence: unconfirmed\n    after: [verify]"),
    )
    careless = with_registry(
        with_runbook(worker_fixture, "own.yml", own("level2-undo", *turned)),
        actions={"health.wait": lambda context, given: Outcome(summary="They answer.")},
        probes={"health.services": lambda context, given: Finding(passed=True, sentence="They answer.")},
    )
    undo = careless.go(careless.queue(done.incident, "own", RunKind.UNDO, keeper=keeper))
    careless.approve(undo)

    undo = careless.go(undo)

    assert careless.step(undo, "health").state is StepState.SUCCEEDED
    assert undo.state is RunState.FAILED and "PostgreSQL does not answer" in str(undo.outcome)
    incident = careless.incident(undo)
    assert (incident.state, incident.rto_seconds) == (IncidentState.RECOVERING, None)
