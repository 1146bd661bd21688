"""What was lost already of data that a newer backup was made of, by what earlier runs of the incident moved."""

from datetime import timedelta
from typing import Any

import pytest

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.lost import lost_before
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import StepRecord, StepState
from tests.unit.bot.situations import NOW, plan

Earlier = tuple[Plan, list[StepRecord]]


def did(run: str, *steps: Step, loss: float | None = None, state: StepState = StepState.SUCCEEDED) -> Earlier:
    """A run whose steps ended an hour after the one before, by the number in its name."""
    ended = NOW + timedelta(hours=int(run[1:]))
    records = [
        StepRecord(run=run, id=one.id, position=number, state=state, finished_at=ended + timedelta(minutes=number))
        for number, one in enumerate(steps)
    ]
    return plan(run=run, steps=steps, loss_seconds=loss), records


def move(action: str, **given: Any) -> Step:
    name = action.replace(".", "-").replace("_", "-")
    return Step.model_validate({"id": name, "title": name, "do": action, "with": given, "limits": {"time": "1h"}})


def swap(volume: str = "pgdata", keeper: str = "pgdata_before_r1") -> Step:
    return move("volume.swap", volume=volume, keeper=keeper, replacement="new")


HOST = did("r1", move("host.set_aside", keeper="_before_r1"), move("postgres.restore", volume="pgdata"), loss=60)
BACK = did("r2", move("host.set_aside", keeper="_before_r2"), move("host.put_back", aside="r1"))
BACK_AGAIN = did("r3", move("host.set_aside", keeper="_before_r3"), move("host.put_back", aside="r2"))


@pytest.mark.parametrize(
    ("earlier", "lost"),
    [
        ([], 0),
        ([did("r1", swap(), loss=60)], 60),
        ([did("r1", swap("redisdata"), loss=60)], 0),
        ([did("r1", swap(), loss=60, state=StepState.UNDONE)], 0),
        ([did("r1", swap(), loss=60, state=StepState.RUNNING)], 0),
        ([did("r1", swap(), loss=60), did("r2", swap(keeper="pgdata_before_r2"), loss=7200)], 7200),
        ([did("r9", swap(), loss=60)], 0),
        ([HOST], 60),
        ([HOST, BACK], 0),
        ([HOST, BACK, BACK_AGAIN], 60),
    ],
)
def test_what_counts_is_what_the_data_lacked_when_it_was_backed_up(earlier: list[Earlier], lost: float) -> None:
    assert lost_before(NOW + timedelta(hours=8), [swap()], earlier) == lost


def test_what_replaces_nothing_itself_takes_the_worst_of_all() -> None:
    """Level 4 has a part restore it."""
    earlier = [did("r1", swap("redisdata"), loss=60), did("r2", swap(), loss=30)]

    assert lost_before(NOW + timedelta(hours=8), [], earlier) == 60
