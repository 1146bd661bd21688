"""Takes steps back, newest first, under the permit that let them happen.

Driven by the steps' states alone: a worker that takes over in the middle goes on where the other one was.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from drbot.core.base.errors import DrbotError, FencedError, TemporaryError
from drbot.core.runbooks.effects import MOVES, effect_of
from drbot.core.runbooks.runbook import Step, Undo, as_undo, names_in
from drbot.core.runs.plan import touches_production
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.site.site import Service
from drbot.core.text.messages import closed, listed, phrase, sentences
from drbot.runners.clients.compose import UP, typed
from drbot.runners.contract.action import StepContext
from drbot.runners.execution.issuing import issue_for_undo, own_work
from drbot.runners.execution.kept_data import unkeep
from drbot.runners.execution.places import held
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.unsure import state_of
from drbot.runners.execution.users import is_anything_moved, note_started
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base.database import Transaction
from drbot.store.records import steps

COMPOSE: Mapping[str, Sequence[str]] = {"compose.start": UP, "compose.stop": ("stop",)}
"""What of Docker Compose does the same as an action, for people to type."""
COMPOSE_SEEN = {"compose.start": "compose.running", "compose.stop": "compose.stopped"}
COMMANDS = {
    "volume.swap_back": phrase("See where the old data is: /dr kept"),
    "dns.change_back": phrase("Point DNS back: /dr lead-back"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Undone:
    done: tuple[str, ...] = ()  # titles of steps
    failed: tuple[str, ...] = ()  # one sentence each

    @property
    def sentence(self) -> str:
        done = phrase("Taken back: {steps}.", steps=listed(self.done)) if self.done else ""
        failed = phrase("Not taken back: {steps}", steps=sentences(*self.failed)) if self.failed else ""
        return sentences(done, failed)


def undo_production(run_context: RunContext) -> Undone:
    """Takes back everything behind the gate. What was made beside production is kept."""
    records = run_context.records()
    done: list[str] = []
    failed: list[str] = []
    for step in reversed(run_context.plan.steps):
        record = records[step.id]
        if not record.may_have_acted or not touches_production(run_context.plan, step) or step.undo is None:
            continue
        why = take_back(run_context, step, records)
        if why is None:
            done.append(step.title)
            continue
        failed.append(_by_hand(run_context, step, step.undo, why))
        if step.effect == "destroy":
            break  # nothing is started on data that is half in place
    return Undone(done=tuple(done), failed=tuple(failed))


def take_back(run_context: RunContext, step: Step, records: Mapping[str, StepRecord]) -> str | None:
    """Undoes one step and records it; the sentence why not. Raises FencedError."""
    if step.undo is None:
        return phrase("it has no undo")
    if run_context.lease.fenced:
        raise FencedError("another worker owns the run")
    undo_step = as_undo(step)
    step_log = run_context.log_of(step.id, "undo")
    deadline = time.monotonic() + step.limits.time if step.limits else math.inf

    def cancelled() -> bool:  # not by STOP: what is half taken back is worse than what is not
        return run_context.lease.fenced or time.monotonic() > deadline

    attempt = records[step.id].attempt

    def act() -> str:
        permit, own = issue_for_undo(run_context, step), own_work(run_context)
        context = run_context.context(undo_step, attempt, step_log, cancelled, permit=permit, own=own)
        context = replace(context, takes_back=True)
        _note_moving(run_context, undo_step)
        with held(run_context, undo_step):
            note_started(run_context, undo_step, is_safe=not is_anything_moved(run_context))
            return _taken_back(run_context, context, step, undo_step)

    try:
        summary = _until_limit(act, cancelled, step_log.line, run_context.worker_context.timing.pause)
    except DrbotError as error:
        step_log.line(str(error))
        return run_context.worker_context.redact(str(error))
    except Exception as error:  # noqa: BLE001 - one undo that fails must not keep the others from being tried
        step_log.line(repr(error))
        return run_context.worker_context.redact(phrase("{error}: {why}", error=type(error).__name__, why=error))

    undone = OwnStep(state=StepState.UNDONE, ended_at=run_context.worker_context.own.now())
    run_context.note(step.id, undone)

    def record(tx: Transaction) -> None:
        steps.undone(tx, run_context.run, step.id, run_context.worker_context.redact(summary))
        unkeep(tx, run_context.run, step)

    run_context.write(record)
    return None


def _until_limit(act: Callable[[], str], over: Callable[[], bool], log: Callable[[str], None], pause: float) -> str:
    """What may succeed later, when the engine is away for one, is tried until the step's time limit."""
    while True:
        try:
            return act()
        except TemporaryError as error:
            if over():
                raise
            log(f"trying again: {error}")
            time.sleep(pause)


def _taken_back(run_context: RunContext, context: StepContext, step: Step, undo_step: Step) -> str:
    if effect_of(step, run_context.plan.steps) == "destroy" and _never_happened(run_context, context, step):
        return phrase("It was not in place, so there was nothing to take back.")
    action = run_context.worker_context.registry.actions[undo_step.do or ""]
    return action(context, undo_step.with_).summary


def _note_moving(run_context: RunContext, undo: Step) -> None:
    """On this host, before data goes back: until that has succeeded, nothing is started before somebody has looked."""
    begun = run_context.worker_context.own.run(run_context.run.id)
    if undo.do in MOVES and begun is not None and undo.id in begun.steps:
        moving = {"taking_back": True, "does": undo.do, "given": dict(undo.with_)}
        run_context.note(undo.id, begun.steps[undo.id].model_copy(update=moving))


def _never_happened(run_context: RunContext, context: StepContext, step: Step) -> bool:
    """The probe tells before, between and after a swap apart; what is still "before" is not swapped back."""
    return state_of(run_context, context, step.do or "", step.with_) == "before"


def _by_hand(run_context: RunContext, step: Step, undo: Undo, why: str) -> str:
    """Why it is not taken back, and what people type to do it."""
    said = phrase("{step}: {why}", step=step.title, why=closed(why))
    if undo.do in COMPOSE:
        lines = typed(run_context.worker_context.site, COMPOSE[undo.do], _left_out(run_context, step, undo))
        return sentences(said, phrase("By hand: {commands}.", commands=listed(lines))) if lines else said
    return sentences(said, COMMANDS.get(undo.do, ""))


def _left_out(run_context: RunContext, step: Step, undo: Undo) -> list[Service]:
    """The services that are not as they should be; where nobody can tell, all of them."""
    given = {"services": undo.with_.get("services")}
    names = names_in(given["services"])
    try:
        found = run_context.worker_context.registry.probes[COMPOSE_SEEN[undo.do]](run_context.looking(step), given)
        names = () if found.passed else found.broken or names
    except DrbotError as error:
        run_context.log_of(step.id, "undo").line(str(error))
    known = run_context.worker_context.site.services
    return [known[name] for name in names if name in known]
