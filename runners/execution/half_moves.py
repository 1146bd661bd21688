"""A run ends while nobody knows how far a swap came: the worker looks once more, so that its end can be said truly and
old data that was put aside is listed. Nothing is moved here.
"""

from functools import partial

from drbot.core.runbooks.effects import MOVES
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.site.occupants import Occupant
from drbot.core.text.messages import phrase
from drbot.runners.execution.kept_data import keep, keep_host, kept_by, list_as_kept, put_aside
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.unsure import seen_state
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base.database import Transaction
from drbot.store.records import steps

FOUND_DONE = frozenset({StepState.UNSURE, StepState.FAILED, StepState.STOPPED})  # which may become a success


def settle_moves(run_context: RunContext) -> None:
    """Before the end of a run that this worker holds: what is done, or never began, is no open question any more."""
    for step, record, state in _looked_at(run_context):
        if state == "after" and record.state in FOUND_DONE:
            _believe(run_context, step)
        elif state == "before":
            run_context.note(step.id, OwnStep(state=StepState.UNDONE, ended_at=run_context.worker_context.own.now()))
            run_context.write(
                partial(steps.undone, run=run_context.run, step_id=step.id, summary=phrase("It was not in place."))
            )
        elif state in {"between", "after"}:
            run_context.write(partial(list_as_kept, run=run_context.run, step=step))
    for step, aside in _half_aside(run_context):
        run_context.write(partial(keep_host, run=run_context.run, step=step, aside=aside))


def list_half_moves(run_context: RunContext) -> None:
    """After the end of a run that nobody held when it was stopped."""
    for step, _, state in _looked_at(run_context):
        if state in {"between", "after"}:
            with run_context.worker_context.database.write() as tx:
                list_as_kept(tx, run_context.run, step)
    for step, aside in _half_aside(run_context):
        with run_context.worker_context.database.write() as tx:
            keep_host(tx, run_context.run, step, aside)


def _half_aside(run_context: RunContext) -> list[tuple[Step, tuple[Occupant, ...]]]:
    """Of hosts, by steps of which nobody knows how far they came."""
    begun = run_context.records()
    asides = [step for step in run_context.plan.steps if step.do == "host.set_aside" and begun[step.id].is_open_ended]
    return [(step, put_aside(run_context, step)) for step in asides]


def _looked_at(run_context: RunContext) -> list[tuple[Step, StepRecord, object]]:
    records = run_context.records()
    open_ended = {name for name, record in records.items() if record.is_open_ended}
    moves = [step for step in run_context.plan.steps if step.do in MOVES and step.id in open_ended]
    return [(step, records[step.id], seen_state(run_context, step)) for step in moves]


def _believe(run_context: RunContext, step: Step) -> None:
    run_context.note(step.id, OwnStep(state=StepState.SUCCEEDED, ended_at=run_context.worker_context.own.now()))

    def believe(tx: Transaction) -> None:
        steps.believe(tx, run_context.run, step.id, phrase("Its check says that it was done."), {})
        keep(tx, run_context.run, step, {}, kept_by(step))

    run_context.write(believe)
