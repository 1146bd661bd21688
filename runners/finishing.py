"""The transaction after the act: the step's end, what was kept, and what it means for the incident."""

import json
from collections.abc import Mapping
from typing import Any

from core.events import canonical
from core.run import StepRecord, StepState
from core.runbook import Step
from runners.action import Finding
from runners.attempt import Result
from runners.keeping import keep
from runners.marks import last_health_step, mark_recovered
from runners.own_record import OwnRun, OwnStep
from runners.unsure import finding_of
from runners.walk import Walk
from store import incidents, steps
from store.database import Transaction


def record_result(walk: Walk, result: Result) -> None:
    """Waits for the database if it must: what was done is written down before anything else starts."""
    step = walk.plan.step(result.step)
    _note_end(walk, step, result)

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


def _note_end(walk: Walk, step: Step, result: Result) -> None:
    """On this host, before the database says so. Users are let in at the latest when the system answers them."""
    ended = OwnStep(state=result.state, facts=plain(result.facts), ended_at=walk.equipment.own.now())
    users = result.state is StepState.SUCCEEDED and step.id == last_health_step(walk.plan)

    def end(run: OwnRun) -> OwnRun:
        known = run.with_step(step.id, ended)
        return known.model_copy(update={"lets_users_in": True}) if users else known

    walk.equipment.own.change(walk.run.id, end)


def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """As a row gives them back: plain JSON values."""
    return dict(json.loads(canonical(dict(facts))))


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
            steps.seen(tx, walk.run, step.id)
            if _is_proof(walk, step) and not finding.passed:
                # Nobody's word replaces the proof that two people approve with.
                steps.undone(tx, walk.run, step.id, said + finding.sentence)
                return
            keep(tx, walk.run, step, records[step.id].facts)
            mark_recovered(tx, walk.run, walk.plan, step.id, records)

        if finding.passed:
            walk.note(step.id, OwnStep(state=StepState.SUCCEEDED, ended_at=walk.equipment.own.now()))
        walk.write(settle)
    return bool(settled)


def _is_unseen(record: StepRecord) -> bool:
    """A person's word that no worker has looked at yet. The mark is the step's own: texts can be typed by anybody."""
    return (
        record.state is StepState.SUCCEEDED and record.facts.get("settled") == "done" and not record.facts.get("seen")
    )


def _is_proof(walk: Walk, step: Step) -> bool:
    return any(step.id in gate.gate.proof for gate in walk.plan.steps if gate.gate is not None)
