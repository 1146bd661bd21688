"""How long services were stopped by the recoveries of an incident, all of them together. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.effects import STARTS
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.runs.safe_state import leaves_running

Walked = tuple[Plan, Mapping[str, StepRecord], datetime | None]
"""A run: its plan, how far it came, and when the services answered their users again or it was over; None = not yet."""


def stopped_seconds(walked: Iterable[Walked], now: datetime) -> float | None:
    """Until now, for whatever is stopped still; None: nothing was ever stopped."""
    moments = sorted((moment, is_up) for run in walked for moment, is_up in _moments(*run))
    if not moments:
        return None
    total, since = 0.0, None
    for moment, is_up in [*moments, (now, True)]:
        if is_up and since is not None:
            total += (moment - since).total_seconds()
        since = None if is_up else since or moment
    return total


def _moments(plan: Plan, records: Mapping[str, StepRecord], until: datetime | None) -> Iterator[tuple[datetime, bool]]:
    """When it first stopped something, and when all of that ran again, if it did."""
    stops = [
        started
        for step in plan.steps
        if step.do is not None
        and ACTIONS[step.do].interrupts
        and (started := records[step.id].started_at) is not None
        and records[step.id].state is not StepState.SKIPPED
    ]
    if stops:
        yield min(stops), False
    starts = any(step.do in STARTS and records[step.id].state is StepState.SUCCEEDED for step in plan.steps)
    if until is not None and (stops or starts) and leaves_running(plan, records):
        yield until, True
