"""RTO, RPO, outage and forecast of an incident (architecture.md, Clocks). All values in seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.incident import Incident
from core.plan import Plan
from core.run import StepRecord, StepState
from core.runbook import order_of
from core.site import Targets


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    """What the board shows."""

    rto_used: float  # so far, or the final figure once recovered
    rto_target: float
    rto_forecast: float | None  # expected total; None when nothing is planned
    rpo: float | None  # age of the data we go back to, at the start of the outage
    rpo_target: float

    @property
    def rto_at_risk(self) -> bool:
        """Past the target, or expected to be."""
        return max(self.rto_used, self.rto_forecast or 0) > self.rto_target


def clocks_of(
    incident: Incident, plan: Plan | None, steps: Iterable[StepRecord], targets: Targets, now: datetime
) -> Clocks:
    """The clocks of an incident at `now`."""
    used = incident.rto_seconds
    if used is None:
        used = max(0.0, ((incident.recovered_at or now) - incident.started_at).total_seconds())
    remaining = remaining_seconds(plan, tuple(steps)) if plan and not incident.recovered_at else None
    rpo = incident.rpo_seconds
    if rpo is None and plan is not None:
        rpo = plan.loss_seconds
    return Clocks(
        rto_used=used,
        rto_target=targets.rto,
        rto_forecast=None if remaining is None else used + remaining,
        rpo=rpo,
        rpo_target=targets.rpo,
    )


def remaining_seconds(plan: Plan, records: tuple[StepRecord, ...]) -> float:
    """Budgets along the longest path of what is not done yet; parallel steps count once."""
    over = {StepState.SUCCEEDED, StepState.SKIPPED, StepState.UNDONE, StepState.STOPPED}
    done = {record.id for record in records if record.state in over}
    order = order_of(plan.steps)
    ends: dict[str, float] = {}
    for step in plan.steps:
        budget = step.limits.budget if step.limits and step.limits.budget else 0.0
        own = 0.0 if step.id in done else budget
        ends[step.id] = own + max((ends.get(before, 0.0) for before in order[step.id]), default=0.0)
    return max(ends.values(), default=0.0)


def rpo_seconds(snapshot_at: datetime, started_at: datetime) -> float:
    """Data lost: from the backup's snapshot to the start of the outage; never negative."""
    return max(0.0, (started_at - snapshot_at).total_seconds())
