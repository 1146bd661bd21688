"""What can be done next: a pure function from plan, steps and requests to a schedule. No I/O, no clock.

The executor asks it again after every change, so nothing is remembered that is not in the database.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from drbot.core.approvals.approval import LIVE, ApprovalRequest, RequestState
from drbot.core.runbooks.runbook import Step, order_of
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import DONE_WITH, Settlement, StepRecord, StepState


class End(StrEnum):
    """Why nothing goes on by itself."""

    DONE = "done"  # every step is done with
    FAILED = "failed"  # a step failed and its runbook says stop
    ASK = "ask"  # a step failed or is unsure: a person decides
    UNDO = "undo"  # take back what was done behind the gate
    BLOCKED = "blocked"  # the request ended without a grant


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    kind: End
    step: str | None = None
    request: ApprovalRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Everything that can be done now; all empty = wait for what runs, for people, or for the clock."""

    start: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    hand_over: tuple[str, ...] = ()  # steps that another run is to do
    returned: tuple[str, ...] = ()  # steps whose run has ended
    open: tuple[str, ...] = ()  # gates that need a (fresh) request
    prove: tuple[str, ...] = ()  # ids of requests whose proof is there
    passed: tuple[str, ...] = ()  # gates that may open
    waits_for: str | None = None  # the gate or question that holds everything up
    end: Ending | None = None


Records = Mapping[str, StepRecord]
Requests = Mapping[str, ApprovalRequest]
"""Gate → its newest request."""


def schedule_of(plan: Plan, records: Records, requests: Requests, running: Collection[str] = ()) -> Schedule:
    """The schedule. `running`: steps that a thread of this worker is busy with."""
    trouble = _trouble(plan, records)
    if trouble is not None:
        return Schedule() if running else Schedule(end=trouble)
    gates = [_of_gate(gate, plan, records, requests) for gate in plan.steps if gate.gate is not None]
    blocked = next((schedule.end for schedule in gates if schedule.end is not None), None)
    if blocked is not None:
        return Schedule() if running else Schedule(end=blocked)
    order = order_of(plan.steps)
    start = tuple(_startable(plan, records, requests, order, running))
    asked = [step for step in plan.steps if step.ask is not None]
    handed = [step for step in plan.steps if step.run is not None]
    schedule = Schedule(
        start=start,
        ask=tuple(step.id for step in asked if _is_ready(step, plan, records, order)),
        answered=tuple(step.id for step in asked if _is_answered(records[step.id])),
        hand_over=tuple(step.id for step in handed if _is_ready(step, plan, records, order)),
        returned=tuple(step.id for step in handed if _is_answered(records[step.id])),
        open=_joined(schedule.open for schedule in gates),
        prove=_joined(schedule.prove for schedule in gates),
        passed=_joined(schedule.passed for schedule in gates),
        waits_for=None if running else _waits_for(plan, records, requests),
    )
    if all(_is_done(step, records) for step in plan.steps):
        return Schedule(end=Ending(kind=End.DONE))
    return schedule


def gate_of(plan: Plan, step_id: str) -> Step | None:
    """The gate whose permit a destroy step uses up."""
    return next((step for step in plan.steps if step.gate and step_id in step.gate.for_), None)


def _joined(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for part in parts for name in part)


def _is_done(step: Step, records: Records) -> bool:
    state = records[step.id].state
    return state in DONE_WITH or (state is StepState.FAILED and step.if_fails == "continue")


def _is_ready(step: Step, plan: Plan, records: Records, order: Mapping[str, tuple[str, ...]]) -> bool:
    if records[step.id].state is not StepState.PENDING:
        return False
    return all(_is_done(plan.step(before), records) for before in order[step.id])


def _is_answered(record: StepRecord) -> bool:
    return record.state is StepState.WAITING and record.answer is not None


def _trouble(plan: Plan, records: Records) -> Ending | None:
    """The first thing that keeps the run from going on."""
    undone = [step.id for step in plan.steps if records[step.id].state is StepState.UNDONE]
    if undone:  # a worker died while it took things back, or a proof turned out to be none
        return Ending(kind=End.UNDO, step=undone[0])
    for step in plan.steps:
        record = records[step.id]
        if record.settlement is Settlement.UNDO and record.state in {StepState.UNSURE, StepState.FAILED}:
            return Ending(kind=End.UNDO, step=step.id)
        if record.state is StepState.UNSURE:
            return Ending(kind=End.ASK, step=step.id)
        if record.state is StepState.STOPPED:
            return Ending(kind=End.FAILED, step=step.id)
        if record.state is StepState.FAILED and step.if_fails != "continue":
            kind = {"stop": End.FAILED, "ask": End.ASK, "undo": End.UNDO}[step.if_fails]
            return Ending(kind=kind, step=step.id)
    return None


def _of_gate(gate: Step, plan: Plan, records: Records, requests: Requests) -> Schedule:
    request = requests.get(gate.id)
    if not _wants_permit(gate, plan, records, request):
        return Schedule()
    if request is None or (request.state is RequestState.USED):
        return Schedule(open=(gate.id,))
    if request.state not in LIVE:
        return Schedule(end=Ending(kind=End.BLOCKED, step=gate.id, request=request))
    proof = gate.gate.proof if gate.gate else ()
    if request.proven_at is None and all(records[step].state is StepState.SUCCEEDED for step in proof):
        return Schedule(prove=(request.id,))
    if _is_permit(request) and records[gate.id].state is StepState.WAITING:
        return Schedule(passed=(gate.id,))
    return Schedule()


def _wants_permit(gate: Step, plan: Plan, records: Records, request: ApprovalRequest | None) -> bool:
    """The gate is up, or it was passed and a step it guards is still to be started (again). What takes nothing away
    goes on under a request that a step before it has used: nobody is asked twice.
    """
    record = records[gate.id]
    order = order_of(plan.steps)
    if record.state is StepState.PENDING:
        return _is_ready(gate, plan, records, order)
    if record.state is StepState.WAITING:
        return True
    guarded = [plan.step(name) for name in (gate.gate.for_ if gate.gate else ())]
    waiting = [step for step in guarded if records[step.id].state is StepState.PENDING]
    is_used = request is not None and request.state is RequestState.USED
    return any(step.effect == "destroy" or not is_used for step in waiting)


def _is_permit(request: ApprovalRequest | None) -> bool:
    return request is not None and request.state is RequestState.GRANTED and request.proven_at is not None


def _startable(
    plan: Plan,
    records: Records,
    requests: Requests,
    order: Mapping[str, tuple[str, ...]],
    running: Collection[str],
) -> Iterable[str]:
    for step in plan.steps:
        if step.do is None or step.id in running or not _is_ready(step, plan, records, order):
            continue
        gate = gate_of(plan, step.id) if step.effect == "destroy" else None
        if gate is None or _is_permit(requests.get(gate.id)):
            yield step.id


def _waits_for(plan: Plan, records: Records, requests: Requests) -> str | None:
    for step in plan.steps:
        if records[step.id].state is StepState.WAITING:
            return step.id
        if step.gate is not None and step.id in requests and requests[step.id].state in LIVE:
            return step.id
    return None
