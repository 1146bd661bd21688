"""Starts a step: the site's lock, for a destroy step a last look at the world, then the transaction before the act."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.approval import RequestState
from core.errors import PermanentError
from core.run import StepRecord
from core.runbook import Step
from runners.gate import drift, refusal
from runners.marks import mark_recovering
from runners.moves import gate_of
from runners.unsure import finding_of
from runners.walk import Walk
from store import locks, requests, steps, waking
from store.database import Transaction
from store.ledger import fault_of

MOVES = frozenset({"volume.swap", "volume.swap_back"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """Whether the act may begin now."""

    record: StepRecord | None = None
    holder: str | None = None  # the run that holds the site


def start(walk: Walk, step: Step) -> Started:
    """The transaction before the act. Not started: the site is held, STOP was pressed, or the permit is gone (then
    its request has ended, and the next look at the requests says what follows). Raises FencedError, TemporaryError.
    """
    if step.effect == "destroy" and not _still_as_sealed(walk, step):
        return Started()
    with walk.equipment.database.write() as tx:
        walk.hold(tx)
        if waking.stop_reason(tx.connection, walk.run.id) is not None:
            return Started()
        if step.effect != "none":
            holder = locks.take(tx, walk.run.site, walk.run.id)
            if holder is not None:
                return Started(holder=holder)
        if step.effect == "destroy" and not _use_permit(tx, walk, step):
            return Started()
        record = steps.start(tx, walk.run, step.id, title=step.title)
        mark_recovering(tx, walk.run, walk.plan, step)
    return Started(record=record)


def void_if_changed(walk: Walk, gate: str, step: Step | None) -> bool:
    """Compares the world with the seal and reads the ledger, of which the votes are counted; ends the request with a
    plain reason when the one differs or the other is broken. True = unchanged. Raises TemporaryError.
    """
    why = fault_of(walk.equipment.database)
    found = drift(walk.plan, walk.equipment.world, step, ignored=own_traces(walk, gate)) if why is None else []
    if found:
        why = walk.equipment.redact("Not as it was when the plan was approved. " + "; ".join(found))
    if why is None:
        return True

    def end(tx: Transaction) -> None:
        request = requests.latest(tx.connection, walk.run.id, gate)
        if request is not None:
            requests.close(tx, request.id, RequestState.VOID, why=why)

    walk.write(end)
    return False


def own_traces(walk: Walk, gate: str) -> frozenset[str]:
    """What an earlier attempt of a step behind this gate has changed in the fingerprint, by that step's own check. The
    move itself is safe: it looks at all three volumes and refuses what it did not leave there.
    """
    records, postgres = walk.records(), walk.equipment.site.postgres
    asked = walk.plan.step(gate).gate
    paths = set()
    for step in (walk.plan.step(name) for name in (asked.for_ if asked else ()) if records[name].attempt):
        if step.do not in MOVES or finding_of(walk, step, records).facts.get("state") not in {"between", "after"}:
            continue
        volume = str(step.with_["volume"])
        paths |= {f"volumes {volume}"} | ({"postgres"} if postgres and postgres.volume == volume else set())
    return frozenset(paths)


def _still_as_sealed(walk: Walk, step: Step) -> bool:
    gate = gate_of(walk.plan, step.id)
    if gate is None:
        raise PermanentError(f"No gate guards {step.id}; it is never started.")
    return void_if_changed(walk, gate.id, step)


def _use_permit(tx: Transaction, walk: Walk, step: Step) -> bool:
    """The worker counts the votes itself, then uses the permit up, all in the transaction that starts the step."""
    gate = gate_of(walk.plan, step.id)
    request = requests.latest(tx.connection, walk.run.id, gate.id) if gate else None
    if request is None:
        return False
    why = refusal(tx, walk.run, walk.plan, step, request, walk.equipment.roster_now(tx.connection))
    if why is None:
        requests.use(tx, walk.run, request.id, step.id)
        return True
    late = request.start_by is not None and tx.now >= request.start_by
    requests.close(tx, request.id, RequestState.EXPIRED if late else RequestState.VOID, why=why)
    return False


def approvers(walk: Walk, tx: Transaction, gate: str) -> str:
    """Names of those whose votes opened the gate."""
    request = requests.latest(tx.connection, walk.run.id, gate)
    votes = requests.votes(tx.connection, request.id) if request else []
    roster = walk.equipment.roster_now(tx.connection)
    names: Mapping[str, str] = {person.id: person.name for person in roster.people.values()}
    said = [(vote, names.get(vote.person, vote.person)) for vote in votes if vote.decision != "deny"]
    return ", ".join(name + (" by break-glass" if vote.decision == "break-glass" else "") for vote, name in said)
