"""The transaction after the act: the step's end, what was kept, and what it means for the incident."""

from collections.abc import Mapping

from core.run import Settlement, StepRecord, StepState
from core.runbook import Step
from runners.action import Finding
from runners.attempt import Result
from runners.keeping import keep
from runners.marks import mark_recovered
from runners.unsure import finding_of
from runners.walk import Walk
from store import incidents, steps
from store.database import Transaction


def record_result(walk: Walk, result: Result) -> None:
    """Waits for the database if it must: what was done is written down before anything else starts."""
    step = walk.plan.step(result.step)

    def finish(tx: Transaction) -> None:
        if result.state is StepState.SUCCEEDED:
            _succeed(tx, walk, step, result)
        elif result.state is StepState.STOPPED:
            steps.stopped(tx, walk.run, step.id, result.sentence)
        elif result.state is StepState.UNSURE:
            steps.unsure(tx, walk.run, step.id, result.sentence)
        else:
            steps.fail(
                tx,
                walk.run,
                step.id,
                why=result.sentence,
                tail=result.tail,
                seconds=result.seconds,
                log=result.log,
            )

    walk.write(finish)


def _succeed(tx: Transaction, walk: Walk, step: Step, result: Result) -> None:
    steps.succeed(
        tx,
        walk.run,
        step.id,
        summary=result.sentence,
        facts=result.facts,
        seconds=result.seconds,
        log=result.log,
    )
    keep(tx, walk.run, step, result.facts)
    records = {record.id: record for record in steps.of_run(tx.connection, walk.run.id)}
    mark_recovered(tx, walk.run, walk.plan, step.id, records)


def catch_up(walk: Walk, records: Mapping[str, StepRecord]) -> bool:
    """What a person settled as done has consequences too: kept data, clocks, and a word when its check disagrees.
    Before anything else follows from it: whether there was something to catch up with.
    """
    settled = [step for step in walk.plan.steps if _is_unseen(records[step.id])]
    for step in settled:
        finding = finding_of(walk, step, records)

        def settle(tx: Transaction, step: Step = step, finding: Finding = finding) -> None:
            said = f"{step.id} was settled as done. "
            incidents.note(tx, walk.run.incident, None, said + finding.sentence)
            steps.found(tx, walk.run.id, step.id, passed=finding.passed, sentence=finding.sentence)
            if _is_proof(walk, step) and not finding.passed:
                # Nobody's word replaces the proof that two people approve with.
                steps.undone(tx, walk.run, step.id, said + finding.sentence)
                return
            steps.believe(tx, walk.run, step.id, f"{records[step.id].settled_by} says that it is done.")
            keep(tx, walk.run, step, records[step.id].facts)
            mark_recovered(tx, walk.run, walk.plan, step.id, records)

        walk.write(settle)
    return bool(settled)


def _is_unseen(record: StepRecord) -> bool:
    """A person's word that no worker has looked at yet."""
    return record.settlement is Settlement.DONE and record.state in {StepState.UNSURE, StepState.FAILED}


def _is_proof(walk: Walk, step: Step) -> bool:
    return any(step.id in gate.gate.proof for gate in walk.plan.steps if gate.gate is not None)
