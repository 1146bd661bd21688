"""Starts a step: the site's lock, for a destroy step a last look at the world, then the transaction before the act."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from drbot.core.approval import RequestState
from drbot.core.declarations import Effect
from drbot.core.effects import MOVES, STARTS, effect_of
from drbot.core.errors import PermanentError
from drbot.core.occupants import OccupantKind, names_of
from drbot.core.plan import gates_before
from drbot.core.run import StepRecord, StepState
from drbot.core.runbook import Step
from drbot.runners.gate import drift
from drbot.runners.issuing import NoPermitError, issue, needs_permit, require_agreed
from drbot.runners.keeping import put_aside
from drbot.runners.lock import Holder
from drbot.runners.marks import mark_recovering
from drbot.runners.moves import gate_of
from drbot.runners.own_record import OwnStep
from drbot.runners.permit import Permit
from drbot.runners.places import held
from drbot.runners.site_lock import take
from drbot.runners.unsure import seen_state
from drbot.runners.users import are_away, lets_write, note_started
from drbot.runners.walk import Walk
from drbot.store import locks, requests, steps, waking
from drbot.store.database import Transaction
from drbot.store.ledger import fault_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """Whether the act may begin now."""

    record: StepRecord | None = None
    permit: Permit | None = None
    holder: str | Holder | None = None  # the run, or the other drbot, that holds the site


def start(walk: Walk, step: Step, place: ExitStack) -> Started:
    """The transaction before the act; `place` is kept until the act is over. Not started: the site is held, STOP was
    pressed, or the permit is gone (then its request has ended, and the next look at the requests says what follows).
    Raises FencedError, TemporaryError, and NoPermitError where no permit can ever be had.
    """
    effect = effect_of(step, walk.plan.steps)
    require_agreed(walk, step)
    if effect == "destroy" and not _still_as_sealed(walk, step):
        return Started()
    if effect != "none":
        held_by = take(walk, sure=effect == "destroy")
        if held_by is not None:
            return Started(holder=held_by)
    place.enter_context(held(walk, step))
    if effect == "destroy" and not _nobody_writes(walk, step):
        return Started()
    return _begun(walk, step, effect)


def _begun(walk: Walk, step: Step, effect: Effect) -> Started:
    away = step.do in STARTS and are_away(walk, step)
    with walk.equipment.database.write() as tx:
        walk.hold(tx)
        if waking.stop_reason(tx.connection, walk.run.id) is not None:
            return Started()
        if effect != "none":
            holder = locks.take(tx, walk.run.site, walk.run.id)
            if holder is not None:
                return Started(holder=holder)
        permit = None
        if effect == "destroy" or needs_permit(walk, step):
            permit = _permit(tx, walk, step)
            if permit is None:
                return Started()
        record = steps.start(tx, walk.run, step.id, title=step.title)
        mark_recovering(tx, walk.run, walk.plan, step)
        _note_begun(walk, step, away=away)
    return Started(record=record, permit=permit)


def _note_begun(walk: Walk, step: Step, *, away: bool) -> None:
    """On this host, before the act."""
    walk.note(step.id, OwnStep(state=StepState.RUNNING, does=step.do or "", given=dict(step.with_)))
    note_started(walk, step, is_safe=away and not lets_write(walk, step))


def void_if_changed(walk: Walk, gate: str) -> bool:
    """Compares the world with the seal and reads the ledger, of which the votes are counted; ends the request with a
    plain reason when the one differs or the other is broken. True = unchanged. Raises TemporaryError.
    """
    why = fault_of(walk.equipment.database)
    found = drift(walk.equipment, walk.plan, ignored=own_traces(walk, gate)) if why is None else []
    if found:
        why = walk.equipment.redact("Not as it was when the plan was approved. " + "; ".join(found))
    if why is not None:
        _void(walk, gate, why)
    return why is None


def _void(walk: Walk, gate: str, why: str) -> None:
    def end(tx: Transaction) -> None:
        request = requests.latest(tx.connection, walk.run.id, gate)
        if request is not None:
            walk.equipment.own.end_request(walk.run.id, request.id)
            requests.close(tx, request.id, RequestState.VOID, why=why)

    walk.write(end)


def own_traces(walk: Walk, gate: str) -> frozenset[str]:
    """What an earlier attempt of a step behind this gate has changed in the fingerprint, as far as that is seen. The
    step itself is safe: it looks at what is there and refuses what it did not leave there.
    """
    records, postgres = walk.records(), walk.equipment.site.postgres
    asked = walk.plan.step(gate).gate
    paths: set[str] = set()
    for step in (walk.plan.step(name) for name in (asked.for_ if asked else ()) if records[name].attempt):
        aside = put_aside(walk, step)
        volumes = {*names_of(aside, OccupantKind.VOLUME), *_moved(walk, step)}
        paths |= {f"volumes {name}" for name in volumes}
        paths |= {"postgres"} if postgres and postgres.volume in volumes else set()
        paths |= {"projects"} if names_of(aside, OccupantKind.FOLDER) else set()
    return frozenset(paths)


def _moved(walk: Walk, step: Step) -> tuple[str, ...]:
    is_moved = step.do in MOVES and seen_state(walk, step) in {"between", "after"}
    return (str(step.with_["volume"]),) if is_moved else ()


def _still_as_sealed(walk: Walk, step: Step) -> bool:
    gate = gate_of(walk.plan, step.id)
    if gate is None:
        raise PermanentError(f"No gate guards {step.id}; it is never started.")
    return void_if_changed(walk, gate.id)


def _nobody_writes(walk: Walk, step: Step) -> bool:
    """Data changes places only while every app and front is seen stopped, whatever the steps before have said."""
    gate = gate_of(walk.plan, step.id)
    if step.do not in MOVES or gate is None or are_away(walk, step):
        return True
    _void(walk, gate.id, "Not every app and front is stopped, so users may be writing.")
    return False


def _permit(tx: Transaction, walk: Walk, step: Step) -> Permit | None:
    """In the transaction that starts the step. None: the recount said no and its request has ended, now or before; the
    next look at the requests says what follows. Raises NoPermitError where nobody was asked.
    """
    try:
        return issue(tx, walk, step)
    except NoPermitError as error:
        gates = {gate.id for gate in walk.plan.steps if gate.id in gates_before(walk.plan, step.id)}
        asked = [request for request in requests.of_run(tx.connection, walk.run.id) if request.gate in gates]
        if not asked:
            raise
        for request in asked:
            end(tx, walk, request.id, error)
        return None


def end(tx: Transaction, walk: Walk, request_id: str, error: NoPermitError) -> None:
    """End the request that gave no permit, if it has not ended before. Where only this worker's clock says that it is
    late, somebody has prolonged it.
    """
    walk.equipment.own.end_request(walk.run.id, request_id)
    expired = error.late and requests.close(tx, request_id, RequestState.EXPIRED, why=str(error))
    if not expired:
        requests.close(tx, request_id, RequestState.VOID, why=str(error))


def approvers(walk: Walk, tx: Transaction, gate: str) -> str:
    """Names of those whose votes opened the gate."""
    request = requests.latest(tx.connection, walk.run.id, gate)
    votes = requests.votes(tx.connection, request.id) if request else []
    roster = walk.equipment.roster_now(tx.connection)
    names: Mapping[str, str] = {person.id: person.name for person in roster.people.values()}
    said = [(vote, names.get(vote.person, vote.person)) for vote in votes if vote.decision != "deny"]
    return ", ".join(name + (" by break-glass" if vote.decision == "break-glass" else "") for vote, name in said)
