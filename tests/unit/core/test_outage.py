"""How long the recoveries of an incident stopped services: all of them, and what was left stopped in between."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.outage import Walked, stopped_seconds
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import StepRecord, StepState

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def run(until: float | None, **steps: tuple[str, StepState, float]) -> Walked:
    """A run whose steps do this to `auth`, came so far and began at this second."""
    plan = Plan(
        runbook="x", runbook_sha256="", level=2, site="production", run="r", fingerprint={}, surveyed_at=NOON,
        steps=tuple(Step.model_validate({"id": name, "title": name, "do": do, "with": {"services": "auth"}})
                    for name, (do, _, _) in steps.items()),
    )  # fmt: skip
    records = {
        name: StepRecord(run="r", id=name, position=0, state=state, started_at=at(second))
        for name, (_, state, second) in steps.items()
    }
    return plan, records, None if until is None else at(until)


STOPPED = ("compose.stop", StepState.SUCCEEDED, 10)
STARTED = ("compose.start", StepState.SUCCEEDED, 15)


def test_of_one_that_stopped_nothing_nothing_is_said() -> None:
    looked = run(60, look=("evidence.collect", StepState.SUCCEEDED, 5))

    assert stopped_seconds([looked], at(90)) is None


def test_the_time_between_two_recoveries_counts_where_services_ran() -> None:
    """Not: 14 s and 37 s of 90 s."""
    first = run(24, stop=STOPPED, start=STARTED)
    second = run(None, stop=("compose.stop", StepState.SUCCEEDED, 50), start=("compose.start", StepState.SUCCEEDED, 80))

    assert stopped_seconds([first, second], at(87)) == 14 + 37


def test_what_was_taken_back_ran_again_at_its_end() -> None:
    taken_back = run(30, stop=("compose.stop", StepState.UNDONE, 10))

    assert stopped_seconds([taken_back], at(90)) == 20


@pytest.mark.parametrize(("state", "seconds"), [(StepState.SUCCEEDED, 60), (StepState.FAILED, 80)])
def test_what_a_stop_left_stopped_is_so_until_another_run_has_started_it(state: StepState, seconds: float) -> None:
    left = run(20, stop=STOPPED)
    restart = run(70, start=("compose.start", state, 65))

    assert stopped_seconds([left, restart], at(90)) == seconds


def test_what_only_began_to_prepare_another_recovery_started_nothing() -> None:
    left = run(20, stop=STOPPED)
    prepared = run(40, fetch=("backup.fetch", StepState.SUCCEEDED, 30))

    assert stopped_seconds([left, prepared], at(90)) == 80
