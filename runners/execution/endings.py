"""How a run ends or pauses: every end says in one sentence what state the system is in."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from drbot.core.approvals.approval import ApprovalRequest, RequestState, deniers
from drbot.core.base.errors import Cause, DrbotError
from drbot.core.runbooks.effects import brings_back, effect_of
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import BackupIdentity, Plan, gates_before, is_beside, touches_production
from drbot.core.runs.run import MISSED, Offer, RunState, StepRecord, StepState
from drbot.core.runs.safe_state import SafeState
from drbot.core.runs.settlement import decisions_for
from drbot.core.runs.stakes import Act
from drbot.core.runs.ways_on import todo_of, ways_on
from drbot.core.site.full_manifest import is_full_name
from drbot.core.site.wal import ANOTHER_MOMENT
from drbot.core.text.messages import closed, listed, phrase, sentences
from drbot.runners.contract.target import Search
from drbot.runners.execution import incident_clocks
from drbot.runners.execution.damage import not_restored, noting
from drbot.runners.execution.half_moves import settle_moves
from drbot.runners.execution.moved_users import moved_text
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.schedule import End, Ending
from drbot.runners.execution.sealed_plans import signature_of_end
from drbot.runners.execution.site_lock import release
from drbot.runners.execution.undoing import take_back, undo_production
from drbot.runners.execution.unsure import finding_of, told, worth
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.records import requests, steps
from drbot.store.runs import runs

BLOCKED_WORDS: Mapping[str, str] = {
    "withdrawn": phrase("The request was withdrawn."),
    "expired": phrase("The request expired before it could be used."),
    "void": phrase("The request is void: something is no longer as it was approved."),
    "stopped": phrase("The request was stopped."),
}

NEXT_STEPS: Mapping[Offer, str] = {
    Offer.RESTART: phrase("/dr restart starts the services."),
    Offer.UNDO: phrase("/dr undo brings the old data back."),
    Offer.RECOVER: phrase("/dr recover tries again."),
    Offer.ANOTHER_BACKUP: phrase("/dr recover backup uses the next good backup."),
}

_AFTER_UNDO = (Offer.UNDO, Offer.RECOVER, Offer.RESTART)
AFTER_UNDO: Mapping[Offer, str] = {
    Offer.UNDO: phrase("/dr undo brings back what was in place before this undo."),
    Offer.RECOVER: phrase("/dr recover restores from a backup."),
}


def conclude(run_context: RunContext, ending: Ending, seen_wakes: int) -> bool:
    """Acts on the end that `next_moves` saw. False: the run was woken meanwhile, so look again."""
    if ending.kind is End.DONE:
        return succeed(run_context)
    if ending.kind is End.ASK:
        return _ask_a_person(run_context, ending, seen_wakes)
    if ending.kind is End.UNDO:
        return _take_back(run_context, ending)
    if ending.kind is End.BLOCKED:
        return _refused(run_context, ending, seen_wakes)
    return _failed(run_context, ending, seen_wakes)


def succeed(run_context: RunContext) -> bool:
    records = run_context.records()
    failed = [record.id for record in records.values() if record.state is StepState.FAILED]
    proving = incident_clocks.proving(run_context.plan)
    against = [record.id for record in records.values() if record.is_against_check]
    known = run_context.worker_context.own.run(run_context.run.id)
    of_parts = [str(name) for facts in (known.facts if known else {}).values() for name in facts.get(MISSED, ())]
    borne = [step for step in failed if not proving or step in proving]
    undone = [step for step in _destroying(run_context.plan) if known is None or not known.has_succeeded(step)]
    missed = list(dict.fromkeys([*borne, *undone, *against, *of_parts]))
    names = listed(_named(run_context.plan, name) for name in missed or failed)
    if missed:
        outcome = phrase("Done, but not everything passed: {steps}.", steps=names)
    elif failed:  # a later step did what they could not, or nobody waits for them
        outcome = phrase("Done. What did not pass on the way: {steps}.", steps=names)
    else:
        outcome = phrase("Every check passed.")
    finish(run_context, RunState.SUCCEEDED, outcome, missed=missed, moved=moved_text(run_context))
    return True


def _named(plan: Plan, missed: str) -> str:
    """The title of a step of this plan; what another run missed is "step at site"."""
    title = next((step.title for step in plan.steps if step.id == missed), None)
    step, _, site = missed.partition(" at ")
    if title is None and site:
        return phrase("{step} at {site}", step=step, site=site)
    return title or missed


def _destroying(plan: Plan) -> list[str]:
    """What people agreed to: without it nothing is done."""
    return [step.id for step in plan.steps if effect_of(step, plan.steps) == "destroy"]


def finish(
    run_context: RunContext, state: RunState, outcome: str, *, missed: Sequence[str] = (), **payload: Any
) -> None:
    """The end of the run; the site is free again."""

    def end(tx: Transaction) -> None:
        signature = signature_of_end(run_context.worker_context.key, run_context.plan, state, missed)
        runs.finish(tx, run_context.run, state, outcome, missed=missed, signature=signature, **payload)
        release(tx, run_context.worker_context, run_context.run)

    run_context.write(end)
    _note_end(run_context)


def _note_end(run_context: RunContext) -> None:
    """On this host: nothing of the run is ever taken back again by what a row says."""
    run_context.worker_context.own.has_ended(run_context.run.id)


def stop(run_context: RunContext, why: str) -> None:
    """After STOP, when nothing of the run is at work any more."""
    settle_moves(run_context)
    removed = [sentence for step in run_context.plan.steps if (sentence := _tidy(run_context, step))]
    records, state = run_context.records(), run_context.left()
    sentence = sentences(state.sentence, *removed)

    def end(tx: Transaction) -> None:
        for record in records.values():
            if record.state is StepState.WAITING:
                steps.stopped(tx, run_context.run, record.id, why)
        outcome = sentences(closed(why), sentence)
        runs.finish(tx, run_context.run, RunState.STOPPED, outcome, offers=state.offers, why=why, safe_state=sentence)
        release(tx, run_context.worker_context, run_context.run)

    run_context.write(end)
    _note_end(run_context)


def distrust(run_context: RunContext, error: DrbotError) -> None:
    """Somebody wrote into the database, or a step wants what nobody approved: the run ends here."""
    said = sentences(closed(str(error)), phrase("No further steps are started."))
    sentence, records = run_context.worker_context.redact(said), run_context.records()
    if {step.id for step in run_context.plan.steps} != records.keys():
        finish(run_context, RunState.FAILED, sentence)
        return
    state = run_context.left()
    finish(run_context, RunState.FAILED, sentences(sentence, state.sentence), offers=list(state.offers))


def culprit(run_context: RunContext, name: str) -> None:
    """A dependency is the cause: this run cannot help."""
    state = run_context.left()
    offers = [offer for offer in state.offers if offer is not Offer.RESTART]  # that cannot help

    def end(tx: Transaction) -> None:
        why = incident_clocks.propose(tx, run_context.run, name)
        outcome = sentences(closed(why), state.sentence)
        runs.finish(tx, run_context.run, RunState.FAILED, outcome, todo=why, offers=offers, safe_state=state.sentence)
        release(tx, run_context.worker_context, run_context.run)

    run_context.write(end)
    _note_end(run_context)


def block(run_context: RunContext, seen_wakes: int | None, why: str, offers: Sequence[Offer], **payload: Any) -> bool:
    """Parked until somebody chooses; what was made beside production stays, the site is free. False: look again,
    because STOP was pressed or (with `seen_wakes`) something else happened meanwhile.
    """
    other = _next(run_context)
    offered = [offer for offer in offers if other is not None or offer is not Offer.ANOTHER_BACKUP]
    if offers and offers[0] is Offer.ANOTHER_BACKUP:  # in words, only where it is the best way
        payload["next"] = other and {"name": other.name, "loss_seconds": other.loss_seconds}

    def park(tx: Transaction) -> bool:
        if waking.stop_reason(tx.connection, run_context.run.id) is not None:
            return False
        if seen_wakes not in (None, waking.wakes(tx.connection, run_context.run.id)):
            return False
        # A proof that failed ends the request that waits for it.
        for request in requests.of_run(tx.connection, run_context.run.id):
            requests.close(tx, request.id, RequestState.VOID, why=why)
        wakes = waking.wakes(tx.connection, run_context.run.id)  # closing a request wakes its run: ourselves
        _remember(tx, run_context, other)
        runs.park(tx, run_context.run, RunState.BLOCKED, seen_wakes=wakes, offers=offered, why=why, **payload)
        release(tx, run_context.worker_context, run_context.run)
        return True

    return run_context.write(park)


def _ask_a_person(run_context: RunContext, ending: Ending, seen_wakes: int) -> bool:
    step = run_context.plan.step(str(ending.step))
    records = run_context.records()
    record = records[step.id]
    finding = finding_of(run_context, step, records)
    what = phrase("It is not known whether it was done.") if record.state is StepState.UNSURE else record.summary or ""
    found = replace(record, finding=finding.sentence, finding_passed=finding.passed)
    asked = sentences(what, finding.sentence, worth(run_context.plan, found))
    question = phrase("{step} ({id}): {asked}", step=step.title, id=step.id, asked=asked)
    choices = decisions_for(run_context.plan, found)
    said: dict[str, Any] = {"question": question, "choices": choices, **told(finding)}

    def park(tx: Transaction) -> bool:
        steps.found(tx, run_context.run.id, step.id, passed=finding.passed, sentence=finding.sentence)
        return runs.park(tx, run_context.run, RunState.NEEDS_DECISION, seen_wakes=seen_wakes, step=step.id, **said)

    return run_context.write(park)


def _take_back(run_context: RunContext, ending: Ending) -> bool:
    step = run_context.plan.step(str(ending.step))
    if is_beside(run_context.plan, step):
        return _take_back_beside(run_context, step)
    records = run_context.records()
    why = _why(run_context, step, records[step.id])
    undone = undo_production(run_context)
    left = run_context.left()
    state = left.sentence if undone.failed else _taken_back(run_context.plan, records)
    outcome, todo = sentences(why, undone.sentence, state), sentences(*undone.failed)
    offers = left.offers if undone.failed else ()
    finish(run_context, RunState.FAILED, outcome, step=ending.step, todo=todo, offers=offers)
    return True


def _taken_back(plan: Plan, records: Mapping[str, StepRecord]) -> str:
    """Where no undo failed: a step without one stays as it was done, and one of a file's own may do anything."""
    acted = [step for step in plan.steps if records[step.id].may_have_acted and touches_production(plan, step)]
    if all(brings_back(step) for step in acted):
        return phrase("Production is as it was.")
    return phrase("What can be taken back was taken back.")


def _take_back_beside(run_context: RunContext, step: Step) -> bool:
    """A person settled it with "undo": what it made is removed, production is as it was, and people choose how to go
    on. Looked at again when a worker died in between.
    """
    records = run_context.records()
    fault = None if records[step.id].state is StepState.UNDONE else take_back(run_context, step, records)
    said = (
        phrase('What "{step}" had made was removed.', step=step.title)
        if fault is None
        else phrase('What "{step}" made is still there: {why}', step=step.title, why=closed(fault))
    )
    record = run_context.records()[step.id]
    why = sentences(_why(run_context, step, record), said, run_context.left().sentence)
    return block(run_context, None, why, ways_on(record.cause), step=step.id)


def _refused(run_context: RunContext, ending: Ending, seen_wakes: int) -> bool:
    """The request ended. If apps were stopped already they are started again: nothing was replaced."""
    undone = undo_production(run_context)
    if undone.failed:
        outcome = sentences(phrase("The approval ended."), undone.sentence)
        finish(run_context, RunState.FAILED, outcome, step=ending.step)
        return True
    request = ending.request
    state = request.state.value if request else "void"
    offers = [Offer.ANOTHER_BACKUP] if run_context.plan.backup is not None else []
    offers.insert(len(offers) if state == "denied" else 0, Offer.ASK_AGAIN)  # who denied may change their mind
    left = run_context.left()
    stands = phrase("Nothing was replaced.") if undone.done and left.is_known else left.sentence
    why = sentences(_ended(run_context, request, state), undone.sentence, stands, _another_moment(run_context.plan))
    seen = None if undone.done else seen_wakes
    return block(run_context, seen, why, [*offers, Offer.DISCARD], request=request.id if request else None)


def _ended(run_context: RunContext, request: ApprovalRequest | None, state: str) -> str:
    """How the request ended; of a denied one who can ask for the same again."""
    if request is None or request.state is not RequestState.DENIED:
        return BLOCKED_WORDS[state]
    with run_context.worker_context.database.read() as connection:
        votes = requests.votes(connection, request.id)
    names = listed(run_context.name_of(person) for person in deniers(votes))
    return phrase("{names} denied the request; nobody else can ask for the same again.", names=names)


def _another_moment(plan: Plan) -> str:
    return ANOTHER_MOMENT if plan.is_to_moment else ""


def _failed(run_context: RunContext, ending: Ending, seen_wakes: int) -> bool:
    records = run_context.records()
    step = run_context.plan.step(str(ending.step))
    cause = records[step.id].cause
    why = _why(run_context, step, records[step.id])
    state = run_context.left()
    if run_context.plan.backup is not None and not gates_before(run_context.plan, step.id):
        removed = _tidy(run_context, step) or ""
        _tell_of_backup(run_context, step, records[step.id])
        said = sentences(why, state.sentence, removed)
        return block(run_context, None if removed else seen_wakes, said, ways_on(cause), step=step.id)
    if step.ask is not None:
        return _not_recovered(run_context, step, why, state)
    offers = state.offers
    if run_context.plan.stakes.act is Act.UNDO:  # what came back does not work: to start it again comes last
        offers = tuple(one for one in _AFTER_UNDO if one is Offer.RECOVER or one in state.offers)
    _end_failed(run_context, step, sentences(why, state.sentence), offers)
    return True


def _tell_of_backup(run_context: RunContext, step: Step, record: StepRecord) -> None:
    """If it is the backup that is no use, everybody who asks for backups is told. A dump in the folder that failed its
    check may be another one by now, so what lies there is read.
    """
    backup = run_context.plan.backup
    assert backup is not None
    if step.do == "backup.check" and not backup.is_in_bucket and not is_full_name(backup.name):
        _read_again(run_context, backup)
    elif record.cause is Cause.BACKUP:
        not_restored(run_context.worker_context, run_context.plan, record.summary or "")


def _read_again(run_context: RunContext, backup: BackupIdentity) -> None:
    worker_context = run_context.worker_context
    search = Search(site=run_context.plan.data_of, name=backup.name, cancelled=lambda: run_context.lease.fenced)
    with suppress(DrbotError):
        worker_context.target.choose_backup(noting(worker_context, search))


def _not_recovered(run_context: RunContext, step: Step, why: str, state: SafeState) -> bool:
    """A person says that users cannot work: the run has done what it could, and people choose what comes next."""
    other = _next(run_context)
    run_context.write(lambda tx: _remember(tx, run_context, other))
    ways = [*state.offers, Offer.RECOVER, *([Offer.ANOTHER_BACKUP] if other else [])]
    _end_failed(run_context, step, sentences(why, phrase("It is not recovered."), state.sentence), ways)
    return True


def _end_failed(run_context: RunContext, step: Step, outcome: str, offers: Sequence[Offer]) -> None:
    steps_on = NEXT_STEPS if run_context.plan.stakes.act is not Act.UNDO else {**NEXT_STEPS, **AFTER_UNDO}
    todo = sentences(*(steps_on[offer] for offer in offers))
    finish(run_context, RunState.FAILED, outcome, step=step.id, todo=todo, offers=offers)


def _why(run_context: RunContext, step: Step, record: StepRecord) -> str:
    """Why it failed, and what is to be done about that."""
    if not record.summary or (record.state is StepState.UNDONE and not record.has_failed):
        return ""
    why = phrase("{step}: {why}", step=step.title, why=closed(record.summary))
    return sentences(why, todo_of(record.cause, has_backup=run_context.plan.backup is not None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """The next good backup and what it would lose, in seconds before the outage."""

    name: str
    loss_seconds: float


def _next(run_context: RunContext) -> Other | None:
    """None: there is none, or the plan needs no backup."""
    backup = run_context.plan.backup
    if backup is None:
        return None
    try:
        chosen = _older_than(run_context, backup)
    except DrbotError:
        return None
    older = max(0.0, (backup.snapshot_at - chosen.snapshot_at).total_seconds())
    return Other(name=chosen.name, loss_seconds=(run_context.plan.loss_seconds or 0.0) + older)


def _remember(tx: Transaction, run_context: RunContext, other: Other | None) -> None:
    runs.next_backup(tx, run_context.run, other.name if other else None)


def _older_than(run_context: RunContext, backup: BackupIdentity) -> BackupIdentity:
    """The next good one of the same kind."""
    target = run_context.worker_context.target

    def given_up() -> bool:
        return run_context.lease.fenced or run_context.lease.stop_reason is not None

    is_full = is_full_name(backup.name)
    site = backup.site if is_full else run_context.plan.data_of
    search = noting(run_context.worker_context, Search(before=backup, site=site, cancelled=given_up))
    return (target.choose_full_backup(search) if is_full else target.choose_backup(search)).backup


def _tidy(run_context: RunContext, step: Step) -> str | None:
    """Removes a copy beside production that was not finished, because nothing can be proven with it."""
    records = run_context.records()
    if (
        not records[step.id].is_open_ended
        or step.effect != "change"
        or step.undo is None
        or touches_production(run_context.plan, step)
    ):
        return None
    why = take_back(run_context, step, records)
    if why is None:
        return phrase('What "{step}" had made so far was removed.', step=step.title)
    return phrase('What "{step}" had made so far could not be removed: {why}', step=step.title, why=closed(why))
