"""A step that another run does, at another site: it is queued there, this run is parked, its end is the answer.

Nobody holds a thread or a lease meanwhile, so either worker may be ended or die without harm to the other's run.
"""

from collections.abc import Mapping

from drbot.core.run import MISSED, Run, RunKind, RunState, StepRecord, StepState, StopKind
from drbot.core.runbook import Step
from drbot.runners.inviting import SERVES, WORKER_KEY
from drbot.runners.moves import Moves
from drbot.runners.own_record import OwnStep
from drbot.runners.sealed_plans import require_end
from drbot.runners.walk import Walk
from drbot.store import runs, steps, sub_runs, waking
from drbot.store.database import Transaction


def act(walk: Walk, moves: Moves, records: Mapping[str, StepRecord]) -> bool:
    """Hands over what is ready and takes back what has ended. False = there was nothing."""
    handed = [_hand_over(walk, walk.plan.step(step)) for step in moves.hand_over]
    for step in moves.returned:
        _take_back(walk, records[step])
    return any(handed) or bool(moves.returned)


def _hand_over(walk: Walk, step: Step) -> bool:
    part = step.run
    if part is None:
        return False

    def queue(tx: Transaction) -> bool:
        if waking.stop_reason(tx.connection, walk.run.id) is not None:
            return False
        queued = runs.queue(
            tx,
            incident=walk.run.incident,
            site=part.site,
            kind=RunKind.RECOVER,
            runbook=part.runbook,
            arguments=sub_runs.arguments_of(walk.run, step, part),
            person=walk.run.requested_by,
        )
        sub_runs.wait_for(tx, walk.run, step.id, queued, step.title)
        return True

    return walk.write(queue)


def are_over(walk: Walk) -> bool:
    """Of a run that is to stop: it ends after its parts, so that what they did can be told."""
    with walk.equipment.database.read() as connection:
        going = sub_runs.parts_of(connection, walk.run)
    unasked = [part for part in going if part.stop_requested is None]  # the stop file says it to nobody else

    def ask(tx: Transaction) -> None:
        for part in unasked:
            runs.request_stop(tx, part.id, walk.run.requested_by, str(walk.lease.stop_reason), kind=StopKind.WHOLE)

    if unasked:
        walk.write(ask)
    return not going


def _take_back(walk: Walk, record: StepRecord) -> None:
    state = RunState(str(record.answer))

    def take(tx: Transaction) -> None:
        part = runs.get(tx.connection, str(record.part))
        why = part.outcome or ""
        if state is RunState.SUCCEEDED:
            _require_end(walk, walk.plan.step(record.id), part)
            facts = {MISSED: list(part.missed)}
            walk.note(record.id, OwnStep(state=StepState.SUCCEEDED, facts=facts, ended_at=walk.equipment.own.now()))
            seconds = None if record.started_at is None else (tx.now - record.started_at).total_seconds()
            steps.succeed(tx, walk.run, record.id, summary=f"{part.site}: {why}", facts=facts, seconds=seconds)
            return
        steps.fail(tx, walk.run, record.id, why=f"{part.site}: {why}")

    walk.write(take)


def _require_end(walk: Walk, step: Step, part: Run) -> None:
    """Its worker says so: the one that joined that site with this host's token, the one that dr.yml names, or, where
    neither is known, one of this host. Raises UntrustedError.
    """
    equipment = walk.equipment
    known = equipment.own.run(walk.run.id)
    joined = [facts for facts in known.facts.values() if facts.get(SERVES) == part.site] if known else []
    keys = {str(facts[WORKER_KEY]) for facts in joined if WORKER_KEY in facts}
    site = equipment.configuration.sites.get(part.site)
    if site is not None and site.worker_key is not None:
        keys.add(site.worker_key)
    if step.run is not None:
        require_end(part, step.run, sub_runs.arguments_of(walk.run, step, step.run), keys or {equipment.key.public})
