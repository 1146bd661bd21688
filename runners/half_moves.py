"""A run ends while nobody knows how far a swap came: the worker looks once more, so that its end can be said truly and
old data that was put aside is listed. Nothing is moved here.
"""

from functools import partial

from drbot.core.effects import MOVES
from drbot.core.occupants import Occupant
from drbot.core.run import StepRecord, StepState
from drbot.core.runbook import Step
from drbot.runners.keeping import keep, keep_host, kept_by, list_as_kept, put_aside
from drbot.runners.own_record import OwnStep
from drbot.runners.unsure import seen_state
from drbot.runners.walk import Walk
from drbot.store import steps
from drbot.store.database import Transaction

FOUND_DONE = frozenset({StepState.UNSURE, StepState.FAILED, StepState.STOPPED})  # which may become a success


def settle_moves(walk: Walk) -> None:
    """Before the end of a run that this worker holds: what is done, or never began, is no open question any more."""
    for step, record, state in _looked_at(walk):
        if state == "after" and record.state in FOUND_DONE:
            _believe(walk, step)
        elif state == "before":
            walk.note(step.id, OwnStep(state=StepState.UNDONE, ended_at=walk.equipment.own.now()))
            walk.write(partial(steps.undone, run=walk.run, step_id=step.id, summary="It was not in place."))
        elif state in {"between", "after"}:
            walk.write(partial(list_as_kept, run=walk.run, step=step))
    for step, aside in _half_aside(walk):
        walk.write(partial(keep_host, run=walk.run, step=step, aside=aside))


def list_half_moves(walk: Walk) -> None:
    """After the end of a run that nobody held when it was stopped."""
    for step, _, state in _looked_at(walk):
        if state in {"between", "after"}:
            with walk.equipment.database.write() as tx:
                list_as_kept(tx, walk.run, step)
    for step, aside in _half_aside(walk):
        with walk.equipment.database.write() as tx:
            keep_host(tx, walk.run, step, aside)


def _half_aside(walk: Walk) -> list[tuple[Step, tuple[Occupant, ...]]]:
    """Of hosts, by steps of which nobody knows how far they came."""
    begun = walk.records()
    asides = [step for step in walk.plan.steps if step.do == "host.set_aside" and begun[step.id].is_open_ended]
    return [(step, put_aside(walk, step)) for step in asides]


def _looked_at(walk: Walk) -> list[tuple[Step, StepRecord, object]]:
    records = walk.records()
    open_ended = {name for name, record in records.items() if record.is_open_ended}
    moves = [step for step in walk.plan.steps if step.do in MOVES and step.id in open_ended]
    return [(step, records[step.id], seen_state(walk, step)) for step in moves]


def _believe(walk: Walk, step: Step) -> None:
    walk.note(step.id, OwnStep(state=StepState.SUCCEEDED, ended_at=walk.equipment.own.now()))

    def believe(tx: Transaction) -> None:
        steps.believe(tx, walk.run, step.id, "Its check says that it was done.", {})
        keep(tx, walk.run, step, {}, kept_by(step, {}))

    walk.write(believe)
