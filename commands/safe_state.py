"""In which state STOP leaves the system when no worker holds the run, and what is offered. Pure.

The worker says the same of a run that it stops itself (runners/safe_state.py).
"""

from collections.abc import Iterable

from core.actions import ACTIONS
from core.plan import Plan
from core.run import StepRecord, StepState

_BEGUN = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.STOPPED, StepState.UNSURE, StepState.RUNNING})


def parked_state(plan: Plan | None, records: Iterable[StepRecord]) -> tuple[str, tuple[str, ...]]:
    """The sentence, and the verbs that make sense now."""
    begun = {record.id: record.state for record in records if record.state in _BEGUN}
    steps = [step for step in plan.steps if step.id in begun] if plan else []
    destroyed = [step.id for step in steps if step.effect == "destroy"]
    unsure = [name for name in destroyed if begun[name] is not StepState.SUCCEEDED]
    if unsure:
        return f"It is not known how far {', '.join(unsure)} came; look before anything is started.", ()
    if destroyed and plan is not None:
        return f"The data was replaced; {plan.keeps or 'the old data is kept'}.", ("restart", "undo")
    if any(step.do is not None and step.do in ACTIONS and ACTIONS[step.do].interrupts for step in steps):
        return "Nothing was replaced. Services may be stopped; they can be started as they were.", ("restart",)
    return "Nothing in production was changed.", ()
