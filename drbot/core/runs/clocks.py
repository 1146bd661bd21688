"""RTO, RPO, outage and forecast of an incident. All values in seconds.

What people are told about the future has a margin and is rounded up, by one rule: an expectation is a quarter more
than the budgets say, two minutes at least; a promise to speak again has a minute for its way.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.core.runbooks.runbook import order_of
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.site.site import Targets

MARGIN = 1.25
LEAST_SECONDS = 120.0
ON_ITS_WAY_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    rto_used: float  # so far, or the final figure once recovered
    rto_target: float
    rto_forecast: float | None  # expected total; None when nothing is planned
    rpo: float | None  # age of the data we go back to, at the start of the outage
    rpo_target: float
    rest: float | None = None  # of the forecast: from now on, people's time not counted
    is_late: bool = False  # a step takes longer than anybody was told

    @property
    def rto_is_missed(self) -> bool:
        return self.rto_used > self.rto_target

    @property
    def rto_at_risk(self) -> bool:
        return max(self.rto_used, self.rto_forecast or 0) > self.rto_target


def clocks_of(
    incident: Incident, plan: Plan | None, steps: Iterable[StepRecord], targets: Targets, now: datetime
) -> Clocks:
    records = tuple(steps)
    used = incident.rto_seconds if incident.has_begun else 0.0
    if used is None:
        used = max(0.0, ((incident.recovered_at or incident.resolved_at or now) - incident.started_at).total_seconds())
    rest = with_margin(remaining_seconds(plan, records, now)) if plan and not incident.recovered_at else None
    rpo = incident.rpo_seconds
    if rpo is None and plan is not None:
        rpo = plan.loss_seconds
    return Clocks(
        rto_used=used,
        rto_target=targets.rto,
        rto_forecast=None if rest is None else used + rest,
        rpo=rpo,
        rpo_target=targets.rpo,
        rest=rest,
        is_late=plan is not None and any(is_late(plan, record, now) for record in records),
    )


def with_margin(expected: float) -> float:
    """What people are told instead of `expected` seconds."""
    return max(expected * MARGIN, expected + LEAST_SECONDS)


def is_late(plan: Plan, record: StepRecord, now: datetime) -> bool:
    """Whether a running step takes longer than its budget and the margin."""
    if record.state is not StepState.RUNNING or record.started_at is None:
        return False
    limits = plan.step(record.id).limits
    return (now - record.started_at).total_seconds() > with_margin(limits.budget or 0.0 if limits else 0.0)


def next_update_by(now: datetime, cadence: float) -> datetime:
    """The minute until which stakeholders hear from us again; what is due after `cadence` seconds is there by then."""
    return up_to_minute(now + timedelta(seconds=cadence + ON_ITS_WAY_SECONDS))


def up_to_minute(moment: datetime) -> datetime:
    """The whole minute that begins at this moment or next."""
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=bool(moment.second or moment.microsecond))


def minutes_up(seconds: float) -> float:
    """Whole minutes, never fewer."""
    return math.ceil(seconds / 60) * 60.0


def remaining_seconds(plan: Plan, records: tuple[StepRecord, ...], now: datetime) -> float:
    """Budgets along the longest path of what is not done yet; parallel steps count once, and what a running step has
    taken by now is not ahead of us.
    """
    known = {record.id: record for record in records}
    order = order_of(plan.steps)
    ends: dict[str, float] = {}
    for step in plan.steps:
        budget = step.limits.budget if step.limits and step.limits.budget else 0.0
        own = _rest_of(known.get(step.id), budget, now)
        ends[step.id] = own + max((ends.get(before, 0.0) for before in order[step.id]), default=0.0)
    return max(ends.values(), default=0.0)


def _rest_of(record: StepRecord | None, budget: float, now: datetime) -> float:
    if record is None:
        return budget
    if record.state in {StepState.SUCCEEDED, StepState.SKIPPED, StepState.UNDONE, StepState.STOPPED}:
        return 0.0
    if record.state is StepState.RUNNING and record.started_at is not None:
        return max(0.0, budget - (now - record.started_at).total_seconds())
    return budget


def counted_from(incident: Incident, started_at: datetime, snapshot_at: datetime | None) -> Mapping[str, float]:
    """The figures of an incident whose outage began otherwise than was thought, by their names; none that was not
    there. A loss that was not counted from its begin stays, unless the new one is greater.
    """
    figures: dict[str, float] = {}
    if incident.rto_seconds is None:
        return figures
    later = (started_at - incident.started_at).total_seconds()
    figures["rto_seconds"] = max(0.001, incident.rto_seconds - later)
    if incident.outage_seconds == incident.rto_seconds:  # a new place: nothing was there since it began
        figures["outage_seconds"] = figures["rto_seconds"]
    if incident.rpo_seconds is not None and snapshot_at is not None:
        was_counted = abs(incident.rpo_seconds - rpo_seconds(snapshot_at, incident.started_at)) < 1
        lost = rpo_seconds(snapshot_at, started_at)
        figures["rpo_seconds"] = lost if was_counted else max(lost, incident.rpo_seconds)
    return figures


def rpo_seconds(snapshot_at: datetime, started_at: datetime) -> float:
    """Data lost: from the backup's snapshot to the start of the outage; never negative."""
    return max(0.0, (started_at - snapshot_at).total_seconds())
