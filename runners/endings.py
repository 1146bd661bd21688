"""How a walk ends or pauses: every end says in one sentence what state the system is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drbot.core.approval import RequestState
from drbot.core.deciding import decisions_for
from drbot.core.effects import brings_back, effect_of
from drbot.core.errors import DrbotError
from drbot.core.full_manifest import is_full_name
from drbot.core.plan import BackupIdentity, Plan, gates_before, is_beside, touches_production
from drbot.core.run import MISSED, Offer, RunState, StepRecord, StepState
from drbot.core.runbook import Step
from drbot.core.safe_state import SafeState
from drbot.runners import marks
from drbot.runners.half_moves import settle_moves
from drbot.runners.moves import End, Ending
from drbot.runners.sealed_plans import signature_of_end
from drbot.runners.site_lock import release
from drbot.runners.undoing import take_back, undo_production
from drbot.runners.unsure import finding_of, told, worth
from drbot.runners.walk import Walk
from drbot.store import requests, runs, steps, waking
from drbot.store.database import Transaction

BLOCKED_WORDS: Mapping[str, str] = {
    "denied": "The request was denied.",
    "withdrawn": "The request was withdrawn.",
    "expired": "The request expired before it could be used.",
    "void": "The request is void: something is no longer as it was approved.",
    "stopped": "The request was stopped.",
}

NEXT_STEPS: Mapping[Offer, str] = {
    Offer.RESTART: "/dr restart starts the services.",
    Offer.UNDO: "/dr undo brings the old data back.",
    Offer.RECOVER: "/dr recover tries again.",
    Offer.ANOTHER_BACKUP: "/dr recover backup takes the next good one.",
}


def conclude(walk: Walk, ending: Ending, seen_wakes: int) -> bool:
    """Acts on the end that `next_moves` saw. False: the run was woken meanwhile, so look again."""
    if ending.kind is End.DONE:
        return succeed(walk)
    if ending.kind is End.ASK:
        return _ask_a_person(walk, ending, seen_wakes)
    if ending.kind is End.UNDO:
        return _take_back(walk, ending)
    if ending.kind is End.BLOCKED:
        return _refused(walk, ending, seen_wakes)
    return _failed(walk, ending, seen_wakes)


def succeed(walk: Walk) -> bool:
    """Every step is done with."""
    records = walk.records()
    failed = [record.id for record in records.values() if record.state is StepState.FAILED]
    last = marks.last_health_step(walk.plan)
    against = [record.id for record in records.values() if record.is_against_check]
    known = walk.equipment.own.run(walk.run.id)
    of_parts = [str(name) for facts in (known.facts if known else {}).values() for name in facts.get(MISSED, ())]
    borne = [step for step in failed if last is None or step == last]
    undone = [step for step in _destroying(walk.plan) if known is None or not known.has_succeeded(step)]
    missed = list(dict.fromkeys([*borne, *undone, *against, *of_parts]))
    outcome = f"Done, but not everything passed: {', '.join(missed)}." if missed else "Done."
    finish(walk, RunState.SUCCEEDED, outcome, missed=missed)
    return True


def _destroying(plan: Plan) -> list[str]:
    """What people agreed to: without it nothing is done."""
    return [step.id for step in plan.steps if effect_of(step, plan.steps) == "destroy"]


def finish(walk: Walk, state: RunState, outcome: str, *, missed: Sequence[str] = (), **payload: Any) -> None:
    """The end of the run; the site is free again."""

    def end(tx: Transaction) -> None:
        signature = signature_of_end(walk.equipment.key, walk.plan, state, missed)
        runs.finish(tx, walk.run, state, outcome, missed=missed, signature=signature, **payload)
        release(tx, walk.equipment, walk.run)

    walk.write(end)
    _note_end(walk)


def _note_end(walk: Walk) -> None:
    """On this host: nothing of the run is ever taken back again by what a row says."""
    walk.equipment.own.has_ended(walk.run.id)


def stop(walk: Walk, why: str) -> None:
    """After STOP, when nothing of the run is at work any more."""
    settle_moves(walk)
    removed = [sentence for step in walk.plan.steps if (sentence := _tidy(walk, step))]
    records, state = walk.records(), walk.left()
    sentence = " ".join((state.sentence, *removed))

    def end(tx: Transaction) -> None:
        for record in records.values():
            if record.state is StepState.WAITING:
                steps.stopped(tx, walk.run, record.id, why)
        outcome = f"Stopped: {why.rstrip('.')}. {sentence}"
        runs.finish(tx, walk.run, RunState.STOPPED, outcome, offers=state.offers, why=why, safe_state=sentence)
        release(tx, walk.equipment, walk.run)

    walk.write(end)
    _note_end(walk)


def distrust(walk: Walk, error: DrbotError) -> None:
    """Somebody wrote into the database, or a step wants what nobody approved: the run ends here."""
    sentence, records = walk.equipment.redact(f"{error}. Nothing more of it is started."), walk.records()
    if {step.id for step in walk.plan.steps} != records.keys():
        finish(walk, RunState.FAILED, sentence)
        return
    state = walk.left()
    finish(walk, RunState.FAILED, f"{sentence} {state.sentence}", offers=list(state.offers))


def culprit(walk: Walk, name: str) -> None:
    """A dependency is the cause: this run cannot help."""
    state = walk.left()
    offers = [offer for offer in state.offers if offer is not Offer.RESTART]  # that cannot help

    def end(tx: Transaction) -> None:
        why = marks.propose(tx, walk.run, name)
        outcome = f"{why}. {state.sentence}"
        runs.finish(tx, walk.run, RunState.FAILED, outcome, todo=why, offers=offers, safe_state=state.sentence)
        release(tx, walk.equipment, walk.run)

    walk.write(end)
    _note_end(walk)


def block(walk: Walk, seen_wakes: int | None, why: str, offers: Sequence[Offer], **payload: Any) -> bool:
    """Parked until somebody chooses; what was made beside production stays, the site is free. False: look again,
    because STOP was pressed or (with `seen_wakes`) something else happened meanwhile.
    """
    other = _next(walk)
    offered = [offer for offer in offers if other is not None or offer is not Offer.ANOTHER_BACKUP]
    if Offer.ANOTHER_BACKUP in offers:
        payload["next"] = other and {"name": other.name, "loss_seconds": other.loss_seconds}

    def park(tx: Transaction) -> bool:
        if waking.stop_reason(tx.connection, walk.run.id) is not None:
            return False
        if seen_wakes not in (None, waking.wakes(tx.connection, walk.run.id)):
            return False
        # A proof that failed ends the request that waits for it.
        for request in requests.of_run(tx.connection, walk.run.id):
            requests.close(tx, request.id, RequestState.VOID, why=why)
        wakes = waking.wakes(tx.connection, walk.run.id)  # closing a request wakes its run: ourselves
        _remember(tx, walk, other)
        runs.park(tx, walk.run, RunState.BLOCKED, seen_wakes=wakes, offers=offered, why=why, **payload)
        release(tx, walk.equipment, walk.run)
        return True

    return walk.write(park)


def _ask_a_person(walk: Walk, ending: Ending, seen_wakes: int) -> bool:
    step = walk.plan.step(str(ending.step))
    records = walk.records()
    record = records[step.id]
    finding = finding_of(walk, step, records)
    what = "It is not known whether it was done." if record.state is StepState.UNSURE else f"{record.summary}"
    found = replace(record, finding=finding.sentence, finding_passed=finding.passed)
    question = f"{step.title['en']} ({step.id}): {what} {finding.sentence} {worth(walk.plan, found)}".strip()
    choices = decisions_for(walk.plan, found)
    said: dict[str, Any] = {"question": question, "choices": choices, **told(finding)}

    def park(tx: Transaction) -> bool:
        steps.found(tx, walk.run.id, step.id, passed=finding.passed, sentence=finding.sentence)
        return runs.park(tx, walk.run, RunState.NEEDS_DECISION, seen_wakes=seen_wakes, step=step.id, **said)

    return walk.write(park)


def _take_back(walk: Walk, ending: Ending) -> bool:
    step = walk.plan.step(str(ending.step))
    if is_beside(walk.plan, step):
        return _take_back_beside(walk, step)
    records = walk.records()
    why = _why(records, ending.step)
    undone = undo_production(walk)
    state = walk.left().sentence if undone.failed else _taken_back(walk.plan, records)
    outcome = " ".join(part for part in (why, undone.sentence, state) if part)
    finish(walk, RunState.FAILED, outcome, step=ending.step, todo=" ".join(undone.failed))
    return True


def _taken_back(plan: Plan, records: Mapping[str, StepRecord]) -> str:
    """What is true when no undo has failed: a step without one stays as it was done, and one of a file's own may do
    anything.
    """
    acted = [step for step in plan.steps if records[step.id].may_have_acted and touches_production(plan, step)]
    if all(brings_back(step) for step in acted):
        return "Production is as it was."
    return "What can be taken back was taken back."


def _take_back_beside(walk: Walk, step: Step) -> bool:
    """A person settled it with "undo": what it made is removed, production is as it was, and people choose how to go
    on. Looked at again when a worker died in between.
    """
    records = walk.records()
    why = None if records[step.id].state is StepState.UNDONE else take_back(walk, step, records)
    said = f"What {step.id} had made was removed." if why is None else f"What {step.id} made is still there: {why}."
    offers = [Offer.ANOTHER_BACKUP, Offer.ASK_AGAIN, Offer.DISCARD]
    state = walk.left()
    return block(walk, None, f"{said} {state.sentence}", offers, step=step.id)


def _refused(walk: Walk, ending: Ending, seen_wakes: int) -> bool:
    """The request ended. If apps were stopped already they are started again: nothing was replaced."""
    undone = undo_production(walk)
    if undone.failed:
        finish(walk, RunState.FAILED, f"The approval ended. {undone.sentence}", step=ending.step)
        return True
    request = ending.request
    state = request.state.value if request else "void"
    offers = [Offer.ANOTHER_BACKUP] if walk.plan.backup is not None else []
    if state != "denied":
        offers.insert(0, Offer.ASK_AGAIN)
    left = walk.left()
    stands = "Nothing was replaced." if undone.done and left.is_known else left.sentence
    why = " ".join(part for part in (BLOCKED_WORDS[state], undone.sentence, stands) if part)
    seen = None if undone.done else seen_wakes
    return block(walk, seen, why, [*offers, Offer.DISCARD], request=request.id if request else None)


def _failed(walk: Walk, ending: Ending, seen_wakes: int) -> bool:
    records = walk.records()
    why = _why(records, ending.step)
    state = walk.left()
    step = walk.plan.step(str(ending.step))
    if walk.plan.backup is not None and not gates_before(walk.plan, step.id):
        removed = _tidy(walk, step) or ""
        said = " ".join(part for part in (why, state.sentence, removed) if part)
        offers = [Offer.ANOTHER_BACKUP, Offer.ASK_AGAIN, Offer.DISCARD]
        return block(walk, None if removed else seen_wakes, said, offers, step=step.id)
    if step.ask is not None:
        return _not_recovered(walk, step, why, state)
    _end_failed(walk, step, f"{why} {state.sentence}", state.offers)
    return True


def _not_recovered(walk: Walk, step: Step, why: str, state: SafeState) -> bool:
    """A person says that users cannot work: the run has done what it could, and people choose what comes next."""
    other = _next(walk)
    walk.write(lambda tx: _remember(tx, walk, other))
    ways = [*state.offers, Offer.RECOVER, *([Offer.ANOTHER_BACKUP] if other else [])]
    _end_failed(walk, step, f"{why} It is not recovered, and the RTO clock runs on. {state.sentence}", ways)
    return True


def _end_failed(walk: Walk, step: Step, outcome: str, offers: Sequence[Offer]) -> None:
    todo = " ".join(NEXT_STEPS[offer] for offer in offers)
    finish(walk, RunState.FAILED, outcome, step=step.id, todo=todo, offers=offers)


def _why(records: Mapping[str, StepRecord], step: str | None) -> str:
    return f"{step}: {records[step].summary}" if step and records[step].summary else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """The next good backup and what it would lose, in seconds before the outage."""

    name: str
    loss_seconds: float


def _next(walk: Walk) -> Other | None:
    """None: there is none, or the plan needs no backup."""
    backup = walk.plan.backup
    if backup is None:
        return None
    try:
        chosen = _older_than(walk, backup)
    except DrbotError:
        return None
    return Other(name=chosen.name, loss_seconds=(walk.plan.loss_seconds or 0.0) + _older(chosen, backup))


def _remember(tx: Transaction, walk: Walk, other: Other | None) -> None:
    runs.next_backup(tx, walk.run, other.name if other else None)


def _older_than(walk: Walk, backup: BackupIdentity) -> BackupIdentity:
    """The next good one of the same kind."""
    world = walk.equipment.world

    def given_up() -> bool:
        return walk.lease.fenced or walk.lease.stop_reason is not None

    if not is_full_name(backup.name):
        return world.choose_backup(before=backup, site=walk.plan.site, cancelled=given_up).backup
    return world.choose_full_backup(before=backup, site=backup.site, cancelled=given_up).backup


def _older(one: BackupIdentity, than: BackupIdentity) -> float:
    return max(0.0, (than.snapshot_at - one.snapshot_at).total_seconds())


def _tidy(walk: Walk, step: Step) -> str | None:
    """Removes a copy beside production that was not finished, because nothing can be proven with it."""
    records = walk.records()
    if (
        not records[step.id].is_open_ended
        or step.effect != "change"
        or step.undo is None
        or touches_production(walk.plan, step)
    ):
        return None
    why = take_back(walk, step, records)
    if why is None:
        return f"What {step.id} had made so far was removed."
    return f"What {step.id} had made so far could not be removed: {why}."
