"""Steps that only a person can settle, and what there is to decide. Pure."""

from collections.abc import Iterable

from core.plan import Plan
from core.run import Settlement, StepRecord, StepState
from core.runbook import Step


def decisions_for(step: Step | None) -> list[Settlement]:
    """What a person may decide. "undo" only where the step says how."""
    undo = [Settlement.UNDO] if step is not None and step.undo else []
    return [Settlement.RETRY, Settlement.DONE, *undo, Settlement.STOP]


def is_undecided(plan: Plan | None, record: StepRecord) -> bool:
    """Whether people are asked about it: not one whose failure the runbook says is borne, undone or the end."""
    if record.settlement is not None:
        return False  # somebody has; the worker is about to act on it
    if record.state is StepState.UNSURE:
        return True
    return record.state is StepState.FAILED and plan is not None and plan.step(record.id).if_fails == "ask"


def undecided(plan: Plan | None, records: Iterable[StepRecord]) -> list[StepRecord]:
    """All of them, in the order of the plan."""
    return [record for record in records if is_undecided(plan, record)]
