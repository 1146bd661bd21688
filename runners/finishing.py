"""The transaction after the act: the step's end, what was kept, and what it means for the incident."""

from collections.abc import Collection, Mapping
from typing import Any

from core.deciding import is_vouched
from core.errors import DrbotError
from core.run import Settlement, StepRecord, StepState
from core.runbook import Step
from runners.attempt import Result
from runners.keeping import keep, kept_by
from runners.marks import mark_recovered
from runners.unsure import finding_of
from runners.walk import Walk
from store import incidents, steps
from store.database import Transaction


def record_result(walk: Walk, result: Result) -> None:
    """Waits for the database if it must: what was done is written down before anything else starts."""
    step = walk.plan.step(result.step)
    there = _there(walk, step, result.facts) if result.state is StepState.SUCCEEDED else frozenset()

    def finish(tx: Transaction) -> None:
        if result.state is StepState.SUCCEEDED:
            _succeed(tx, walk, step, result, there)
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


def _succeed(tx: Transaction, walk: Walk, step: Step, result: Result, there: Collection[str]) -> None:
    steps.succeed(
        tx,
        walk.run,
        step.id,
        summary=result.sentence,
        facts=result.facts,
        seconds=result.seconds,
        log=result.log,
    )
    _follow(tx, walk, step, result.facts, there)


def _follow(tx: Transaction, walk: Walk, step: Step, facts: Mapping[str, Any], there: Collection[str]) -> None:
    """What a step that worked means for kept data and for the clocks."""
    keep(tx, walk.run, step, facts, there)
    records = {record.id: record for record in steps.of_run(tx.connection, walk.run.id)}
    mark_recovered(tx, walk.run, walk.plan, step.id, records)


def catch_up(walk: Walk, records: Mapping[str, StepRecord]) -> bool:
    """What a person settled as done is looked at before anything follows from it: whether there was such a step."""
    settled = [step for step in walk.plan.steps if _is_word(records[step.id])]
    for step in settled:
        _weigh(walk, step, records)
    return bool(settled)


def _is_word(record: StepRecord) -> bool:
    """A person's word that no worker has looked at yet."""
    return record.settlement is Settlement.DONE and record.state in {StepState.UNSURE, StepState.FAILED}


def _weigh(walk: Walk, step: Step, records: Mapping[str, StepRecord]) -> None:
    """Its check is asked again. Against it two people's word counts, but never for a proof or a step that destroys."""
    record = records[step.id]
    finding = finding_of(walk, step, records)
    there = _there(walk, step, record.facts) if finding.passed else ()
    names = " and ".join(walk.name_of(person) for person in (record.vouched_by, record.settled_by) if person)
    said = f"{step.id} was settled as done by {names}. {finding.sentence}"

    def settle(tx: Transaction) -> None:
        incidents.note(tx, walk.run.incident, None, said)
        steps.found(tx, walk.run.id, step.id, passed=finding.passed, sentence=finding.sentence)
        if finding.passed:
            steps.believe(tx, walk.run, step.id, f"{names} said that it is done, and its check agrees.")
            _follow(tx, walk, step, record.facts, there)
        elif is_vouched(walk.plan, record):
            # Nothing else follows from it: what its check does not show, drbot does not say.
            steps.believe(tx, walk.run, step.id, f"{names} say that it is done; its check does not.")
        else:
            steps.doubt(tx, walk.run, step.id, finding.sentence)

    walk.write(settle)


def _there(walk: Walk, step: Step, facts: Mapping[str, Any]) -> frozenset[str]:
    """Which of the volumes that hold old data now are really there. Only reads."""
    return frozenset(volume for volume in kept_by(step, facts) if _is_there(walk, step, volume))


def _is_there(walk: Walk, step: Step, volume: str) -> bool:
    context = walk.context(step, 1, walk.log_of(step.id, "kept"), lambda: False, walk.records())
    try:
        return walk.equipment.registry.probes["volume.exists"](context, {"volume": volume}).passed
    except DrbotError:
        return True  # nobody answers now; the step's own check has just seen it
