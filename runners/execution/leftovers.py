"""What runs that are over left behind: programs that still run, half a copy, a copy that a person gave up.

A proven copy is only removed when somebody discarded it or the incident is resolved, and every removal of a copy
stands in the timeline.
"""

from collections.abc import Collection
from functools import partial

import structlog

from drbot.core.base.errors import DrbotError, UntrustedError
from drbot.core.runbooks.effects import restores_beside
from drbot.core.runbooks.runbook import Step, as_undo
from drbot.core.runs.plan import touches_production
from drbot.core.runs.run import Leftover, Run, RunState, StepState
from drbot.core.text.messages import phrase
from drbot.runners.execution.half_moves import list_half_moves
from drbot.runners.execution.issuing import own_work
from drbot.runners.execution.run_context import RunContext, WorkerContext, idle_run_context
from drbot.runners.execution.site_lock import unlock
from drbot.store.base.reading import left_out_where_unreadable
from drbot.store.records import incidents, steps
from drbot.store.runs import chores, runs

log = structlog.get_logger()

REMOVES = frozenset({"volume.remove", "host.release"})
"""What may follow on a run that is over: nothing is started, stopped or moved then."""
_ENDED_WELL = frozenset({StepState.SUCCEEDED, StepState.SKIPPED, StepState.UNDONE})


def sweep_open_steps(run_context: RunContext) -> None:
    """At every claim: what an earlier worker's attempts left running. A settled step was one of these too."""
    for record in run_context.records().values():
        if record.attempt and (record.state not in _ENDED_WELL or record.settlement is not None):
            _sweep(run_context.worker_context, run_context.run.id, record.id)


def clear_stopped_runs(worker_context: WorkerContext, *, but: Collection[str] = ()) -> frozenset[str]:
    """Runs that were stopped while no worker was there to tidy up; `but` those that were looked at. Which they are."""
    with worker_context.database.read() as connection:
        found = frozenset(chores.stopped(connection, worker_context.site_name)).difference(but)
    for _ in left_out_where_unreadable(sorted(found), partial(clear_stopped, worker_context)):
        pass
    return found


def clear_stopped(worker_context: WorkerContext, run_id: str) -> None:
    """A run that nobody was running when it was stopped: the bot wrote it down, the worker tidies up."""
    with worker_context.database.read() as connection:
        run = runs.get(connection, run_id)
        records = {record.id: record for record in steps.of_run(connection, run_id)}
    if run.state is not RunState.STOPPED or run.plan is None or run.site != worker_context.site_name:
        return
    worker_context.own.has_ended(run_id)
    _sweep(worker_context, run_id, None)
    unlock(worker_context, run_id)
    list_half_moves(idle_run_context(worker_context, run, run.plan))
    given_up = run.stop_kind is not None and run.stop_kind.gives_up
    for step in run.plan.steps:
        if step.effect != "change" or step.undo is None or touches_production(run.plan, step):
            continue
        record = records[step.id]
        if record.leftover is Leftover.REMOVED:
            continue
        if record.is_open_ended or (given_up and record.state is StepState.SUCCEEDED):  # half a copy proves nothing
            _remove(worker_context, run, step)


def clear_resolved_runs(worker_context: WorkerContext, *, but: Collection[str] = ()) -> frozenset[str]:
    """Proven copies that nothing took the place of anything with: once an incident is resolved no run can use them, and
    they hold every secret of what they are a copy of. `but` those that were looked at. Which they are.
    """
    with worker_context.database.read() as connection:
        found = frozenset(chores.resolved(connection, worker_context.site_name)).difference(but)
    for _ in left_out_where_unreadable(sorted(found), partial(_clear_resolved, worker_context)):
        pass
    return found


def _clear_resolved(worker_context: WorkerContext, run_id: str) -> None:
    with worker_context.database.read() as connection:
        run, of_run = runs.get(connection, run_id), steps.of_run(connection, run_id)
    records = {record.id: record for record in of_run}
    planned = run.plan.steps if run.plan is not None else ()
    if any(step.effect == "destroy" and records[step.id].attempt for step in planned):
        return  # what was moved is kept data, which two people give up
    for step in filter(restores_beside, planned):
        record = records[step.id]
        if record.state is StepState.SUCCEEDED and record.leftover is not Leftover.REMOVED:
            _remove(worker_context, run, step)


def _sweep(worker_context: WorkerContext, run_id: str, step_id: str | None) -> None:
    if worker_context.own.run(run_id) is None:  # a row names it; its containers may be another drbot's
        return
    try:
        worker_context.target.remove_survivors(run_id, step_id)
    except DrbotError as error:
        log.warning("What an ended step left running could not be removed.", run=run_id, error=str(error))


def _remove(worker_context: WorkerContext, run: Run, step: Step) -> None:
    if run.plan is None or step.undo is None or step.undo.do not in REMOVES:
        return
    run_context = idle_run_context(worker_context, run, run.plan)
    try:
        own = own_work(run_context)
    except UntrustedError as error:
        log.error("Nothing of this run is removed.", run=run.id, error=str(error))
        return
    context = run_context.context(as_undo(step), 1, run_context.log_of(step.id, "discard"), lambda: False, own=own)
    try:
        said = worker_context.registry.actions[step.undo.do](context, step.undo.with_).summary
        became = Leftover.REMOVED
    except DrbotError as error:
        said, became = phrase("it is still there: {why}", why=error), Leftover.REMAINS
    with worker_context.database.write() as tx:
        if steps.get(tx.connection, run.id, step.id).leftover is not became:  # told once, also by two workers
            steps.left(tx, run.id, step.id, became)
            text = phrase(
                '{run} is over, so what "{step}" made is not needed: {said}', run=run.id, step=step.title, said=said
            )
            incidents.note(tx, run.incident, None, worker_context.redact(text))
