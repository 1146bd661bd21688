"""Steps that only a person can settle, what there is to decide, and what a word is worth against a check. Pure."""

from collections.abc import Iterable

from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Settlement, StepRecord, StepState


def decisions_for(plan: Plan | None, record: StepRecord) -> list[Settlement]:
    """What people are offered. "undo" only where the step says how; "done" only where its own check agrees, or where
    one person has said so already and a second one may.
    """
    step = _step(plan, record)
    may_be_done = record.finding_passed or (record.vouched_by is not None and not check_decides(plan, record))
    done = [Settlement.DONE] if may_be_done else []
    undo = [Settlement.UNDO] if step is not None and step.undo else []
    return [Settlement.RETRY, *done, *undo, Settlement.STOP]


def may_settle(plan: Plan | None, record: StepRecord) -> list[Settlement]:
    """What may be typed: "done" is always taken as a word, which the worker weighs with the check."""
    offered = {*decisions_for(plan, record), Settlement.DONE}
    return [decision for decision in Settlement if decision in offered]


def check_decides(plan: Plan | None, record: StepRecord) -> bool:
    """A proof, or a step that destroys: nobody's word replaces its own check."""
    step = _step(plan, record)
    if plan is None or step is None:
        return True
    declared = ACTIONS[step.do].effect if step.do is not None and step.do in ACTIONS else "none"
    return "destroy" in (step.effect, declared) or is_proof(plan, step.id)


def is_proof(plan: Plan, step_id: str) -> bool:
    """Two people approve with what this step shows."""
    return any(step_id in step.gate.proof for step in plan.steps if step.gate is not None)


def needs_second(plan: Plan | None, record: StepRecord) -> bool:
    """Whether "done" needs a second person: its check does not agree, and people may know better than it."""
    return not record.finding_passed and not check_decides(plan, record)


def is_vouched(plan: Plan | None, record: StepRecord) -> bool:
    """Two different people say that it is done, against its check or without one."""
    first, second = record.vouched_by, record.settled_by
    return None not in (first, second) and first != second and not check_decides(plan, record)


def is_undecided(plan: Plan | None, record: StepRecord) -> bool:
    """Whether people are asked about it: not one whose failure the runbook says is borne, undone or the end."""
    if record.settlement is not None:
        return False  # somebody has; the worker is about to act on it
    if record.state is StepState.UNSURE:
        return True
    return record.state is StepState.FAILED and plan is not None and plan.step(record.id).if_fails == "ask"


def undecided(plan: Plan | None, records: Iterable[StepRecord]) -> list[StepRecord]:
    return [record for record in records if is_undecided(plan, record)]


def _step(plan: Plan | None, record: StepRecord) -> Step | None:
    return next((step for step in plan.steps if step.id == record.id), None) if plan is not None else None
