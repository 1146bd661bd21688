"""Starts a step: the site's lock, for a destroy step a last look at the target, then the transaction before the act."""

from contextlib import ExitStack
from dataclasses import dataclass

from drbot.core.approvals.approval import RequestState
from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.declarations import Effect
from drbot.core.runbooks.effects import MOVES, STARTS, effect_of
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import gates_before
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.site.occupants import OccupantKind, names_of
from drbot.core.text.messages import clauses, listed, phrase, sentences
from drbot.runners.execution.gate import drift
from drbot.runners.execution.incident_clocks import mark_recovering
from drbot.runners.execution.issuing import NoPermitError, issue, needs_permit, require_agreed
from drbot.runners.execution.kept_data import put_aside
from drbot.runners.execution.places import held
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.schedule import gate_of
from drbot.runners.execution.site_lock import take
from drbot.runners.execution.unsure import seen_state
from drbot.runners.execution.users import are_away, lets_write, note_started
from drbot.runners.foundation.lock import Holder
from drbot.runners.foundation.own_record import OwnStep
from drbot.runners.foundation.permit import Permit
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.base.ledger_check import fault_of
from drbot.store.records import locks, requests, steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    record: StepRecord | None = None
    permit: Permit | None = None
    holder: str | Holder | None = None  # the run, or the other drbot, that holds the site


def start(run_context: RunContext, step: Step, place: ExitStack) -> Started:
    """The transaction before the act; `place` is kept until the act is over. Not started: the site is held, STOP was
    pressed, or the permit is gone (then its request has ended, and the next look at the requests says what follows).
    Raises FencedError, TemporaryError, and NoPermitError where no permit can ever be had.
    """
    effect = effect_of(step, run_context.plan.steps)
    require_agreed(run_context, step)
    if effect == "destroy" and not _still_as_sealed(run_context, step):
        return Started()
    if effect != "none":
        held_by = take(run_context, sure=effect == "destroy")
        if held_by is not None:
            return Started(holder=held_by)
    place.enter_context(held(run_context, step))
    if effect == "destroy" and not _nobody_writes(run_context, step):
        return Started()
    return _begun(run_context, step, effect)


def _begun(run_context: RunContext, step: Step, effect: Effect) -> Started:
    away = step.do in STARTS and are_away(run_context, step)
    with run_context.worker_context.database.write() as tx:
        run_context.hold(tx)
        if waking.stop_reason(tx.connection, run_context.run.id) is not None:
            return Started()
        if effect != "none":
            holder = locks.take(tx, run_context.run.site, run_context.run.id)
            if holder is not None:
                return Started(holder=holder)
        permit = None
        if effect == "destroy" or needs_permit(run_context, step):
            permit = _permit(tx, run_context, step)
            if permit is None:
                return Started()
        record = steps.start(tx, run_context.run, step.id, title=step.title)
        mark_recovering(tx, run_context.run, run_context.plan, step)
        _note_begun(run_context, step, away=away)
    return Started(record=record, permit=permit)


def _note_begun(run_context: RunContext, step: Step, *, away: bool) -> None:
    """On this host, before the act."""
    run_context.note(step.id, OwnStep(state=StepState.RUNNING, does=step.do or "", given=dict(step.with_)))
    note_started(run_context, step, is_safe=away and not lets_write(run_context, step))


def void_if_changed(run_context: RunContext, gate: str) -> bool:
    """Compares the target with the seal and reads the ledger, of which the votes are counted; ends the request with a
    plain reason when the one differs or the other is broken. True = unchanged. Raises TemporaryError.
    """
    why = fault_of(run_context.worker_context.database)
    found = (
        drift(run_context.worker_context, run_context.plan, ignored=own_traces(run_context, gate))
        if why is None
        else []
    )
    if found:
        not_as_it_was = phrase("Something has changed since the plan was approved.")
        why = run_context.worker_context.redact(sentences(not_as_it_was, clauses(found)))
    if why is not None:
        _void(run_context, gate, why)
    return why is None


def _void(run_context: RunContext, gate: str, why: str) -> None:
    def end(tx: Transaction) -> None:
        request = requests.latest(tx.connection, run_context.run.id, gate)
        if request is not None:
            run_context.worker_context.own.end_request(run_context.run.id, request.id)
            requests.close(tx, request.id, RequestState.VOID, why=why)

    run_context.write(end)


def own_traces(run_context: RunContext, gate: str) -> frozenset[str]:
    """What an earlier attempt of a step behind this gate has changed in the fingerprint, as far as that is seen. The
    step itself is safe: it looks at what is there and refuses what it did not leave there.
    """
    records, postgres = run_context.records(), run_context.worker_context.site.postgres
    asked = run_context.plan.step(gate).gate
    paths: set[str] = set()
    for step in (run_context.plan.step(name) for name in (asked.for_ if asked else ()) if records[name].attempt):
        aside = put_aside(run_context, step)
        volumes = {*names_of(aside, OccupantKind.VOLUME), *_moved(run_context, step)}
        paths |= {f"volumes {name}" for name in volumes}
        paths |= {"postgres"} if postgres and postgres.volume in volumes else set()
        is_settings = str(run_context.worker_context.site.projects.absolute()) in volumes
        paths |= {"projects"} if is_settings or names_of(aside, OccupantKind.FOLDER) else set()
    return frozenset(paths)


def _moved(run_context: RunContext, step: Step) -> tuple[str, ...]:
    is_moved = step.do in MOVES and seen_state(run_context, step) in {"between", "after"}
    return (str(step.with_["volume"]),) if is_moved else ()


def _still_as_sealed(run_context: RunContext, step: Step) -> bool:
    gate = gate_of(run_context.plan, step.id)
    if gate is None:
        raise PermanentError(phrase('No gate guards "{step}"; it is never started.', step=step.title))
    return void_if_changed(run_context, gate.id)


def _nobody_writes(run_context: RunContext, step: Step) -> bool:
    """Data changes places only while every app and front is seen stopped, whatever the steps before have said."""
    gate = gate_of(run_context.plan, step.id)
    if step.do not in MOVES or gate is None or are_away(run_context, step):
        return True
    _void(run_context, gate.id, phrase("Not every app and front is stopped, so users may be writing."))
    return False


def _permit(tx: Transaction, run_context: RunContext, step: Step) -> Permit | None:
    """In the transaction that starts the step. None: the recount said no and its request has ended, now or before; the
    next look at the requests says what follows. Raises NoPermitError where nobody was asked.
    """
    try:
        return issue(tx, run_context, step)
    except NoPermitError as error:
        gates = {gate.id for gate in run_context.plan.steps if gate.id in gates_before(run_context.plan, step.id)}
        asked = [request for request in requests.of_run(tx.connection, run_context.run.id) if request.gate in gates]
        if not asked:
            raise
        for request in asked:
            end(tx, run_context, request.id, error)
        return None


def end(tx: Transaction, run_context: RunContext, request_id: str, error: NoPermitError) -> None:
    """End the request that gave no permit, if it has not ended before. Where only this worker's clock says that it is
    late, somebody has prolonged it.
    """
    run_context.worker_context.own.end_request(run_context.run.id, request_id)
    expired = error.late and requests.close(tx, request_id, RequestState.EXPIRED, why=str(error))
    if not expired:
        requests.close(tx, request_id, RequestState.VOID, why=str(error))


def approvers(run_context: RunContext, tx: Transaction, gate: str) -> str:
    request = requests.latest(tx.connection, run_context.run.id, gate)
    votes = requests.votes(tx.connection, request.id) if request else []
    roster = run_context.worker_context.roster_now(tx.connection)
    said = [(vote, roster.name_of(vote.person)) for vote in votes if vote.decision != "deny"]
    return listed(
        phrase("{who} by break-glass", who=name) if vote.decision == "break-glass" else name for vote, name in said
    )
