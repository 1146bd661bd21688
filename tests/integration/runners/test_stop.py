"""STOP at each phase, and failures after the swap: each ends in a stated, safe state."""

import time

import pytest

from drbot.core.errors import PermanentError, TemporaryError
from drbot.core.run import RunKind, RunState, StepState
from tests.integration.runners.bench import Bench
from tests.integration.runners.test_kept import recovered
from tests.strain import Strain
from tests.waiting import PATIENCE


def stop_at(bench: Bench, action: str, *, approve: bool) -> tuple[str, list[str]]:
    """Presses STOP while the action is at work; the stated state and what is offered."""
    run = bench.declare()
    if approve:
        run = bench.go(run)
        bench.approve(run)
    hold = bench.target.hold(action)
    thread = bench.begin(run)
    assert hold.reached.wait(PATIENCE)
    bench.stop(run)
    if action not in ("postgres.restore_beside", "health.wait"):
        hold.go_on.set()
    thread.join(PATIENCE)
    assert bench.run(run).state is RunState.STOPPED
    (stopped,) = bench.events(run, "run.stopped")
    return stopped.payload["safe_state"], stopped.payload["offers"]


def test_stop_while_the_copy_is_restored_ends_it_and_removes_what_is_half_done(bench: Bench) -> None:
    said, offers = stop_at(bench, "postgres.restore_beside", approve=False)

    assert said == "Nothing in production was changed. What restore-beside had made so far was removed."
    assert offers == []
    assert "restore-beside" in bench.target.survivors_removed
    assert "volume.remove" in bench.target.calls or "restore-beside" in bench.target.calls
    assert set(bench.target.volumes) == {"postgres_data", "redis_data"}


def test_stop_while_the_backup_is_read_ends_the_survey(bench: Bench) -> None:
    run = bench.declare()
    hold = bench.target.hold("choose")
    thread = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    bench.stop(run)
    thread.join(PATIENCE)

    assert bench.run(run).state is RunState.STOPPED
    assert bench.target.calls == []


def test_stop_ends_a_survey_within_two_seconds_even_when_an_engine_never_answers(bench: Bench) -> None:
    run = bench.declare()
    hold = bench.target.hold("fingerprint")
    thread = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    with Strain() as strain:
        started = time.monotonic()
        bench.stop(run)
        thread.join(PATIENCE)
        took = time.monotonic() - started

    assert bench.run(run).state is RunState.STOPPED
    assert took < strain.allows(2)
    assert bench.target.calls == []


def test_stop_while_waiting_for_approval_is_immediate_and_keeps_the_proven_copy(bench: Bench) -> None:
    run = bench.go(bench.declare())

    bench.stop(run)

    assert bench.run(run).state is RunState.STOPPED
    assert bench.request(run).state.value == "stopped"
    assert bench.target.volumes[f"postgres_data_{run.id}"] == "good"


def test_stop_after_the_services_were_stopped_offers_to_start_them(bench: Bench) -> None:
    said, offers = stop_at(bench, "compose.stop", approve=True)

    assert said.startswith("Nothing was replaced. The services are stopped")
    assert offers == ["restart"]
    assert "swap" not in bench.target.calls


def test_a_restart_after_the_stop_brings_the_services_back(bench: Bench) -> None:
    stop_at(bench, "compose.stop", approve=True)

    run = bench.go(bench.queue(1, "restart-services"))

    assert run.state is RunState.SUCCEEDED
    assert {"auth", "front-user", "postgres"} <= bench.target.running


def test_stop_during_the_swap_lets_it_end_and_offers_both_ways(bench: Bench) -> None:
    said, offers = stop_at(bench, "volume.swap", approve=True)

    assert "The data was replaced; the old data is kept in the volume postgres_data_before_" in said
    assert offers == ["restart", "undo"]
    assert bench.target.volumes["postgres_data"] == "good"


def test_stop_during_the_last_check_offers_undo(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold("compose.start")
    thread = bench.begin(run)
    assert hold.reached.wait(PATIENCE)
    hold.go_on.set()
    bench.wait_for_step(run, "confirm", StepState.WAITING)
    thread.join(PATIENCE)

    bench.stop(run)

    assert bench.run(run).state is RunState.STOPPED


@pytest.mark.parametrize("action", ["health.wait"])
def test_a_failure_between_swap_and_start_is_taken_back_under_the_same_permit(bench: Bench, action: str) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    bench.target.errors[action] = [PermanentError("wrong rows")]

    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert run.outcome is not None
    assert "Taken back: start-postgres, swap, stop-postgres, stop-apps. Production is as it was." in run.outcome
    assert bench.target.volumes["postgres_data"] == "corrupt"
    assert bench.target.volumes[f"postgres_data_{run.id}"] == "good"
    assert {"auth", "postgres"} <= bench.target.running


def test_a_temporary_error_is_tried_again_as_the_runbook_says(bench: Bench) -> None:
    bench.target.errors["backup.check"] = [TemporaryError("slow down", kind="throttled")]

    with_pause = bench.declare()
    run = bench.go(with_pause)

    assert run.state is RunState.WAITING
    assert [event.step for event in bench.events(run, "step.retried")] == ["check-backup"]


def test_an_undo_run_brings_the_kept_data_back_behind_two_approvals(bench: Bench) -> None:
    done, keeper = recovered(bench)

    undo = bench.go(bench.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))
    assert undo.state is RunState.WAITING
    bench.approve(undo)
    undo = bench.go(undo)

    assert bench.target.volumes["postgres_data"] == "corrupt"
    assert bench.target.volumes[f"postgres_data_undone_{undo.id}"] == "good"
    assert undo.state is RunState.SUCCEEDED
    assert undo.outcome is not None and "not everything passed" in undo.outcome
