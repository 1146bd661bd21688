"""The one place that lets a step take something away: it counts everything again, right before the act, and trusts
nothing but the sealed plan, the voters' signatures, and what this worker's own host remembers.
"""

from datetime import datetime, timedelta

from drbot.core.approvals.approval import HOLD_SECONDS, ApprovalRequest, Vote
from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.effects import LEAVES_STOPPED, effect_of, is_agreed_to, is_inverse, is_taken_back, may_pass
from drbot.core.runbooks.runbook import Step, as_undo
from drbot.core.runs.plan import SETTINGS, Plan, gates_before, is_about_settings, is_guard, seal_of
from drbot.core.runs.run import StepState
from drbot.core.text.messages import listed, phrase
from drbot.runners.execution.gate import refusal
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.sealed_plans import own_run_of
from drbot.runners.execution.settings_seen import is_agreed
from drbot.runners.execution.users import are_away
from drbot.runners.foundation.own_record import OwnRequest, OwnRun, OwnStep
from drbot.runners.foundation.permit import ISSUER, OwnWork, Permit
from drbot.store.base.database import Transaction
from drbot.store.records import requests


class NoPermitError(PermanentError):
    """The recount says no; the sentence says why. `late`: only the time to start is over."""

    def __init__(self, why: str, *, late: bool = False) -> None:
        super().__init__(why)
        self.late = late


def needs_permit(run_context: RunContext, step: Step) -> bool:
    """Whether the step's action can take anything away."""
    return step.do in run_context.worker_context.registry.subjects


def issue(tx: Transaction, run_context: RunContext, step: Step) -> Permit:
    """The permit for what a step does, counted now. A request is used up by the first step that it was opened for.
    Raises NoPermitError, UntrustedError.
    """
    known, plan = own_run_of(run_context.worker_context, run_context.run), run_context.plan
    if known.ended:
        raise NoPermitError(phrase("This run has ended on this host."))
    gates = _gates(plan, step)
    if is_agreed_to(step, plan.steps):
        if may_pass(step):
            raise NoPermitError(phrase('"{step}" needs two people, but its run goes on without it.', step=step.title))
        return _permit(run_context, step, _used_up(tx, run_context, known, _guarding(gates, step), step))
    if gates and known.lets_users_in:
        raise NoPermitError(phrase("Users are working with the system again, so this run no longer interrupts it."))
    for gate in gates:  # services are interrupted only while all who guard what follows still agree
        if not _used_for(known, gate):
            _counted(tx, run_context, known, gate, step)
    return _permit(run_context, step, ", ".join(gate.id for gate in gates))


def _used_up(tx: Transaction, run_context: RunContext, known: OwnRun, gate: Step, step: Step) -> str:
    """The request, whose time is over with this step. What takes nothing away goes on under one that a step before it,
    or an earlier attempt, has used. Raises NoPermitError.
    """
    used = _used_for(known, gate)
    if used and effect_of(step, run_context.plan.steps) != "destroy":
        return used[-1]
    request = _counted(tx, run_context, known, gate, step)
    if known.requests[request.id].used_for:
        raise NoPermitError(phrase("This approval was used before."))
    _use(tx, run_context, request.id, step)
    return request.id


def count(tx: Transaction, run_context: RunContext, gate: Step) -> None:
    """The recount when a gate is about to open, before anything behind it is touched; this host remembers that it did.
    One that asks about dr.yml is used up by opening. Raises NoPermitError.
    """
    request = _counted(tx, run_context, own_run_of(run_context.worker_context, run_context.run), gate, gate)
    if is_about_settings(gate):
        _use(tx, run_context, request.id, gate)
    run_context.note(gate.id, OwnStep(state=StepState.SUCCEEDED, ended_at=run_context.worker_context.own.now()))


def require_agreed(run_context: RunContext, step: Step) -> None:
    """For whatever brings to a host what dr.yml names: two people have agreed to that dr.yml, or to this plan, which
    tells how it differs. Raises NoPermitError, UntrustedError.
    """
    if is_agreed(run_context.worker_context, step):
        return
    known = own_run_of(run_context.worker_context, run_context.run)
    if not any(gate.gate is not None and known.has_succeeded(gate.id) for gate in run_context.plan.steps):
        raise NoPermitError(
            phrase("dr.yml was changed, and nobody approved what {action} takes from it.", action=step.do)
        )


def issue_for_undo(run_context: RunContext, step: Step) -> Permit | None:
    """To take a step back under the approval that let it happen, until users work with what is there now; None =
    taking it back takes nothing away. Raises NoPermitError, UntrustedError.
    """
    undo = as_undo(step)
    if not is_taken_back(step, run_context.plan.steps):
        raise NoPermitError(
            phrase("{undo} with these names does not take {action} back.", undo=undo.do, action=step.do)
        )
    require_agreed(run_context, undo)
    if not needs_permit(run_context, undo):
        return None
    known, gates = own_run_of(run_context.worker_context, run_context.run), _gates(run_context.plan, undo)
    destroys = effect_of(undo, run_context.plan.steps) == "destroy"
    if known.lets_users_in or known.ended or (destroys and not are_away(run_context, undo)):
        raise NoPermitError(
            phrase("People may have written new data since, so bringing the old back needs two people: /dr undo")
        )
    if destroys:
        used = [
            request_id
            for gate in gates
            for request_id, request in known.requests.items()
            if request.gate == gate.id
            for name in request.used_for
            if _takes_back(step, run_context.plan.step(name))
        ]
        if not used:
            raise NoPermitError(phrase('No approval covers taking back "{step}".', step=step.title))
        return _permit(run_context, undo, used[-1])
    if not all(_used_for(known, gate) for gate in gates):
        raise NoPermitError(phrase('No approval covers taking back "{step}".', step=step.title))
    return _permit(run_context, undo, ", ".join(gate.id for gate in gates))


def own_work(run_context: RunContext) -> OwnWork | None:
    """To remove what this run has made itself; None once users, or another run, count on it. Raises UntrustedError."""
    known = own_run_of(run_context.worker_context, run_context.run)
    counted_on = run_context.worker_context.own.counted_on(run_context.run.id)
    if known.lets_users_in or counted_on.intersection(known.places):
        return None
    return OwnWork(run=run_context.run.id, counted_on=counted_on, issuer=ISSUER)


def _counted(tx: Transaction, run_context: RunContext, known: OwnRun, gate: Step, step: Step) -> ApprovalRequest:
    """The request of a gate, when everything about it holds now. Raises NoPermitError."""
    plan = run_context.plan
    request = requests.latest(tx.connection, run_context.run.id, gate.id)
    if request is None:
        raise NoPermitError(phrase("No approval was requested."))
    mine = known.requests.get(request.id)
    if mine is None or (mine.gate, mine.seal) != (gate.id, seal_of(plan)):
        raise NoPermitError(phrase("The request in the database is not one that this worker opened."))
    if mine.ended:
        raise NoPermitError(phrase("This request has ended before."))
    roster, votes = run_context.worker_context.roster_now(tx.connection), requests.votes(tx.connection, request.id)
    if plan.policy != roster.number:
        raise NoPermitError(phrase("Another roster has come into force since the plan was made."))
    _in_time(run_context, known, gate, mine, request, votes)
    guards = gate.gate.for_ if gate.gate else ()
    guarded = step if step.id in guards else plan.step(guards[0])
    why = refusal(tx, run_context.run, plan, guarded, request, roster)
    if why is not None:
        raise NoPermitError(why, late=request.start_by is not None and tx.now >= request.start_by)
    return request


def _in_time(
    run_context: RunContext, known: OwnRun, gate: Step, mine: OwnRequest, request: ApprovalRequest, votes: list[Vote]
) -> None:
    """By this worker's own clock and memory: proof, votes and start came in time. Raises NoPermitError."""
    rules, now = run_context.worker_context.approvals, run_context.worker_context.own.now()
    proofs = gate.gate.proof if gate.gate else ()
    missing = [name for name in proofs if not known.has_succeeded(name)]
    if missing:
        steps = listed(run_context.plan.step(name).title for name in missing)
        raise NoPermitError(phrase("This worker has not seen the proof succeed: {steps}.", steps=steps))
    granted = mine.granted_at or now
    to_vote = rules.vote_within + rules.start_within
    if any(vote.decision == "break-glass" for vote in votes):
        to_vote += HOLD_SECONDS
        if not mine.has_held(now):
            raise NoPermitError(phrase("Break-glass waits ten minutes from when this worker has seen it."))
    if granted > mine.opened_at + timedelta(seconds=to_vote):
        raise NoPermitError(phrase("The votes came after the time to vote."), late=True)
    proven: list[datetime] = [ended for name in proofs if (ended := known.steps[name].ended_at) is not None]
    start = timedelta(seconds=min(request.start_seconds, rules.start_within))
    if now >= max([granted, *proven]) + start:
        raise NoPermitError(phrase("The time to start has passed."), late=True)


def _use(tx: Transaction, run_context: RunContext, request_id: str, step: Step) -> None:
    """Once only, and written on this host before anything happens. By break-glass one person did, so nobody agreed."""
    if not any(vote.decision == "break-glass" for vote in requests.votes(tx.connection, request_id)):
        run_context.worker_context.own.agreed_to(run_context.plan.fingerprint[SETTINGS])

    def use(run: OwnRun) -> OwnRun:
        mine = run.requests[request_id]
        return run.with_request(request_id, mine.model_copy(update={"used_for": (*mine.used_for, step.id)}))

    run_context.worker_context.own.change(run_context.run.id, use)
    requests.use(tx, run_context.run, request_id, step.id)


def _permit(run_context: RunContext, step: Step, request: str) -> Permit:
    subjects = run_context.worker_context.registry.subjects[step.do or ""](run_context.looking(step), step.with_)
    return Permit(run=run_context.run.id, step=step.id, request=request, subjects=subjects, issuer=ISSUER)


def _gates(plan: Plan, step: Step) -> tuple[Step, ...]:
    """The gates in front of a step. Raises NoPermitError where a plan that destroys has none in front of it, and where
    services would be left stopped with nobody asked.
    """
    gates = tuple(gate for gate in plan.steps if gate.id in gates_before(plan, step.id))
    destroys = step.do == LEAVES_STOPPED or any(effect_of(other, plan.steps) == "destroy" for other in plan.steps)
    if not gates and (destroys or any(is_guard(other) for other in plan.steps)):
        raise NoPermitError(phrase('No gate stands before "{step}"; it is never started.', step=step.title))
    return gates


def _guarding(gates: tuple[Step, ...], step: Step) -> Step:
    for gate in gates:
        if gate.gate is not None and step.id in gate.gate.for_:
            return gate
    raise NoPermitError(phrase('No gate guards "{step}"; it is never started.', step=step.title))


def _used_for(known: OwnRun, gate: Step) -> list[str]:
    """The requests of this gate under which a step was begun."""
    return [name for name, request in known.requests.items() if request.gate == gate.id and request.used_for]


def _takes_back(step: Step, approved: Step) -> bool:
    """Whether the undo of `step` takes back what was approved, and nothing else."""
    return step.undo is not None and is_inverse(step.undo, approved)
