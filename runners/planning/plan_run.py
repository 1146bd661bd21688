"""The survey of a claimed run and what is written about it: the plan, or why there can be none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from drbot.core.base.errors import CancelledError, DrbotError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import Plan, question_of
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.data_kinds import DOWN, FILES, LOOK, RUNBOOKS, DataKind, kinds_of
from drbot.core.site.wal import ANOTHER_MOMENT
from drbot.core.text.messages import clauses, closed, listed, phrase, sentences
from drbot.runners.contract.target import Broken, Look
from drbot.runners.execution.lease import Lease
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.sealed_plans import sign
from drbot.runners.execution.site_lock import release
from drbot.runners.foundation.watching import Cancelled
from drbot.runners.planning.leaving_behind import unless_stopped
from drbot.runners.planning.make_plan import make_plan
from drbot.runners.planning.survey_questions import AGAIN, RECOVER, Survey
from drbot.store.records import denials, incidents
from drbot.store.runs import runs

log = structlog.get_logger()


def plan_run(worker_context: WorkerContext, run: Run, lease: Lease) -> Run | None:
    """The run with its plan; None when it ended here: a survey-only run, a refusal, or STOP. Raises FencedError,
    and TemporaryError when the database is away (the lease then runs out and the run is planned again).
    """
    if _has_begun(worker_context, run):
        _without_plan(worker_context, run)
        return None
    with worker_context.database.write() as tx:
        incident = incidents.get(tx.connection, run.incident)
        denied = denials.denied(tx.connection, run.incident)
        now, policy = tx.now, worker_context.roster_now(tx.connection).number
    asked = tuple(dict.fromkeys(person for person in (incident.declared_by, run.requested_by) if person))

    def cancelled() -> bool:
        return lease.fenced or lease.stop_reason is not None

    looking = worker_context.for_survey()
    try:
        run = _about_what_is_broken(looking, run, cancelled)
        survey = Survey(
            worker_context=looking,
            run=run,
            incident=incident,
            requesters=asked,
            policy=policy,
            now=now,
            cancelled=cancelled,
        )
        plan = unless_stopped(lambda: make_plan(survey), cancelled, f"survey-{run.id}")
        _require_not_denied(plan, run, denied)
    except CancelledError:
        _stopped(worker_context, run, lease)
    except UserError as error:
        _refuse(worker_context, run, error)
    except DrbotError as error:
        todo = phrase("Correct that, then ask again: {command}", command=AGAIN.get(run.kind, RECOVER))
        _refuse(worker_context, run, UserError(_tried(run), closed(str(error)), todo))
    except Exception as error:
        log.exception("The survey failed in a way nobody foresaw.", run=run.id)
        why = phrase("Unexpected: {error}: {why}", error=type(error).__name__, why=closed(str(error)))
        _refuse(worker_context, run, UserError(_tried(run), why, phrase("See the worker's log.")))
    else:
        return _keep(worker_context, run, plan, lease)
    return None


def _about_what_is_broken(worker_context: WorkerContext, run: Run, cancelled: Cancelled) -> Run:
    """The same run, kept so and told in the timeline. Raises FencedError, TemporaryError, CancelledError."""
    about, found = about_what_is_broken(worker_context, run, cancelled)
    if about is run:
        return run
    with worker_context.database.write() as tx:
        if found:
            incidents.note(tx, run.incident, None, worker_context.redact(found))
        return runs.chosen(tx, run, about.runbook, about.arguments)


def about_what_is_broken(worker_context: WorkerContext, run: Run, cancelled: Cancelled) -> tuple[Run, str]:
    """Where nobody said what level 2 is about: of the first of what is broken, and the sentence about all of it. Raises
    NothingBrokenError, TemporaryError, CancelledError.
    """
    if not run.arguments.get(LOOK):
        return run, ""
    target = worker_context.target
    look = unless_stopped(lambda: target.look(cancelled), cancelled, f"look-{run.id}")
    others = {name: value for name, value in run.arguments.items() if name not in (LOOK, FILES)}
    if not look.broken:
        raise NothingBrokenError(look, kinds_of(worker_context.site))
    first = look.broken[0]
    files = {FILES: first.files} if first.files else {}
    said = clauses(phrase("{what}: {why}", what=_words(one), why=one.why) for one in look.broken)
    text: str = phrase("Looks broken: {what}. The plan is about the first.", what=said)
    if len(look.broken) > 1:
        text = sentences(text, phrase("Afterwards: /dr recover {data}", data=_words(look.broken[1])))
    return replace(run, runbook=RUNBOOKS[first.kind], arguments=others | files), text


class NothingBrokenError(UserError):
    """Nobody said what is lost, and nothing looks broken: nobody is asked to replace anything."""

    def __init__(self, look: Look, kinds: Sequence[DataKind]) -> None:
        not_working = phrase("Not working: {services}. That is level 1.", services=listed(look.down))
        todo = phrase("If data is lost all the same, say which: /dr recover {data}", data=next(iter(kinds), ""))
        super().__init__("", sentences(look.sentence, not_working if look.down else ""), todo)
        self.down = look.down


def _words(one: Broken) -> str:
    """What is broken, as people type it behind `level2`."""
    return f"{one.kind.value} {one.files}".strip()


def _has_begun(worker_context: WorkerContext, run: Run) -> bool:
    """Whether this worker has done steps of it, by a plan that is gone now."""
    known = worker_context.own.run(run.id)
    return known is not None and bool(known.steps or known.ended)


def _without_plan(worker_context: WorkerContext, run: Run) -> None:
    outcome = phrase(
        "{run} had begun when its plan was deleted from the database. Check before you start anything.", run=run.id
    )
    with worker_context.database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, outcome)
        release(tx, worker_context, run)


def _stopped(worker_context: WorkerContext, run: Run, lease: Lease) -> None:
    """STOP while the backup was read. Fenced: another worker makes the plan, so nothing is written."""
    if lease.fenced:
        return
    why, state = lease.stop_reason, phrase("Nothing in production was changed.")
    with worker_context.database.write() as tx:
        outcome = sentences(closed(why or ""), state)
        runs.finish(tx, run, RunState.STOPPED, outcome, why=why, safe_state=state)
        release(tx, worker_context, run)


def _tried(run: Run) -> str:
    return phrase("Surveying for {runbook}.", runbook=run.runbook)


def _keep(worker_context: WorkerContext, run: Run, plan: Plan, lease: Lease) -> Run | None:
    is_shown = run.kind is RunKind.PLAN  # and nothing more, ever: so it counts on no machine
    signature = sign(worker_context, plan, run.incident, counts=not is_shown)
    with worker_context.database.write() as tx:
        planned = runs.planned(tx, run, plan, signature)
        is_over = is_shown and lease.stop_reason is None
        if is_over:
            runs.finish(tx, run, RunState.SUCCEEDED, phrase("A plan only: nothing was changed."), plan_only=True)
    if is_over:
        worker_context.own.has_ended(run.id)
        return None
    return planned


def _refuse(worker_context: WorkerContext, run: Run, error: UserError) -> None:
    said: dict[str, Any] = {"tried": error.tried, "why": worker_context.redact(error.why), "todo": error.todo}
    with worker_context.database.write() as tx:
        if isinstance(error, NothingBrokenError):
            said["sound"] = True
            runs.chosen(tx, run, run.runbook, {**run.arguments, DOWN: " ".join(error.down)})
        tx.record(EventKind.RUN_REFUSED, incident=run.incident, run=run.id, **said)
        outcome = sentences(error.tried, said["why"], phrase("Nothing in production was changed."))
        runs.finish(tx, run, RunState.FAILED, outcome, **said)
        release(tx, worker_context, run)


def _require_not_denied(plan: Plan, run: Run, denied: dict[str, set[str]]) -> None:
    people = denied.get(question_of(plan), set())
    if people and run.requested_by not in people and run.kind is not RunKind.PLAN:
        names = listed(sorted(people))
        let: str = phrase("Let {names} ask for it.", names=names)
        if plan.is_to_moment:
            let = sentences(ANOTHER_MOMENT, let)
        elif plan.backup is not None:
            let = phrase("Name another backup (/dr recover backup NAME), or let {names} ask for it.", names=names)
        raise UserError(
            phrase("Planning {runbook}.", runbook=plan.runbook),
            phrase("{names} denied exactly this in this incident.", names=names),
            let,
        )
