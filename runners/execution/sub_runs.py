"""A step that another run does, at another site: it is queued there, this run is parked, its end is the answer.

Nobody holds a thread or a lease meanwhile, so either worker may be ended or die without harm to the other's run.
"""

from collections.abc import Mapping

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import MISSED, Run, RunKind, RunState, StepRecord, StepState, StopKind
from drbot.core.text.messages import phrase
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.schedule import Schedule
from drbot.runners.execution.sealed_plans import require_end
from drbot.runners.foundation.invitations import SERVES, WORKER_KEY
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.records import steps
from drbot.store.runs import runs, sub_runs


def act(run_context: RunContext, schedule: Schedule, records: Mapping[str, StepRecord]) -> bool:
    """Hands over what is ready and takes back what has ended. False = there was nothing."""
    handed = [_hand_over(run_context, run_context.plan.step(step)) for step in schedule.hand_over]
    for step in schedule.returned:
        _take_back(run_context, records[step])
    return any(handed) or bool(schedule.returned)


def _hand_over(run_context: RunContext, step: Step) -> bool:
    part = step.run
    if part is None:
        return False

    def queue(tx: Transaction) -> bool:
        if waking.stop_reason(tx.connection, run_context.run.id) is not None:
            return False
        queued = runs.queue(
            tx,
            incident=run_context.run.incident,
            site=part.site,
            kind=RunKind.RECOVER,
            runbook=part.runbook,
            arguments=sub_runs.arguments_of(run_context.run, step, part),
            person=run_context.run.requested_by,
        )
        sub_runs.wait_for(tx, run_context.run, step.id, queued, step.title)
        return True

    return run_context.write(queue)


def are_over(run_context: RunContext) -> bool:
    """Of a run that is to stop: it ends after its parts, so that what they did can be told."""
    with run_context.worker_context.database.read() as connection:
        going = sub_runs.parts_of(connection, run_context.run)
    unasked = [part for part in going if part.stop_requested is None]  # the stop file says it to nobody else

    def ask(tx: Transaction) -> None:
        for part in unasked:
            runs.request_stop(
                tx, part.id, run_context.run.requested_by, str(run_context.lease.stop_reason), kind=StopKind.WHOLE
            )

    if unasked:
        run_context.write(ask)
    return not going


def _take_back(run_context: RunContext, record: StepRecord) -> None:
    state = RunState(str(record.answer))

    def take(tx: Transaction) -> None:
        part = runs.get(tx.connection, str(record.part))
        said = phrase("{site}: {outcome}", site=part.site, outcome=part.outcome or "")
        if state is RunState.SUCCEEDED:
            _require_end(run_context, run_context.plan.step(record.id), part)
            facts = {MISSED: list(part.missed)}
            run_context.note(
                record.id,
                OwnStep(state=StepState.SUCCEEDED, facts=facts, ended_at=run_context.worker_context.own.now()),
            )
            seconds = None if record.started_at is None else (tx.now - record.started_at).total_seconds()
            steps.succeed(tx, run_context.run, record.id, summary=said, facts=facts, seconds=seconds)
            return
        steps.fail(tx, run_context.run, record.id, why=said)

    run_context.write(take)


def _require_end(run_context: RunContext, step: Step, part: Run) -> None:
    """Its worker says so: the one that joined that site with this host's token, the one that dr.yml names, or, where
    neither is known, one of this host. Raises UntrustedError.
    """
    worker_context = run_context.worker_context
    known = worker_context.own.run(run_context.run.id)
    joined = [facts for facts in known.facts.values() if facts.get(SERVES) == part.site] if known else []
    keys = {str(facts[WORKER_KEY]) for facts in joined if WORKER_KEY in facts}
    site = worker_context.configuration.sites.get(part.site)
    if site is not None and site.worker_key is not None:
        keys.add(site.worker_key)
    if step.run is not None:
        require_end(
            part, step.run, sub_runs.arguments_of(run_context.run, step, step.run), keys or {worker_context.key.public}
        )
