"""The transaction after the act: the step's end, what was kept, and what it means for the incident."""

from collections.abc import Collection, Mapping
from typing import Any

from drbot.core.base.errors import DrbotError
from drbot.core.ledger.events import EventKind, canonical, parsed
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import Settlement, StepRecord, StepState
from drbot.core.runs.settlement import is_proof, is_vouched
from drbot.core.text.messages import all_of, phrase, sentences
from drbot.runners.execution.attempt import Result
from drbot.runners.execution.incident_clocks import last_health_step, mark_recovered
from drbot.runners.execution.kept_data import keep, keep_host, kept_by, put_aside
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.unsure import finding_of
from drbot.runners.execution.users import lets_write
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base.database import Transaction
from drbot.store.records import incidents, steps


def record_result(run_context: RunContext, result: Result) -> None:
    """Waits for the database if it must: what was done is written down before anything else starts."""
    step = run_context.plan.step(result.step)
    _note_end(run_context, step, result)
    there = _there(run_context, step) if result.state is StepState.SUCCEEDED else frozenset()
    aside = put_aside(run_context, step)

    def finish(tx: Transaction) -> None:
        run = run_context.run
        if result.state is StepState.SUCCEEDED:
            steps.succeed(
                tx, run, step.id, summary=result.sentence, facts=result.facts, seconds=result.seconds, log=result.log
            )
            _follow(tx, run_context, step, result.facts, there)
        elif result.state is StepState.STOPPED:
            steps.stopped(tx, run, step.id, result.sentence)
        elif result.state is StepState.UNSURE:
            steps.unsure(tx, run, step.id, result.sentence)
        else:
            why, cause, took = result.sentence, result.cause, result.seconds
            steps.fail(tx, run, step.id, why=why, cause=cause, tail=result.tail, seconds=took, log=result.log)
        keep_host(tx, run, step, aside)

    run_context.write(finish)


def _note_end(run_context: RunContext, step: Step, result: Result) -> None:
    """On this host, before the database says so. Users are let in at the latest when the system answers them; to other
    runs that matters only where what answers is something that users write through.
    """
    ended = OwnStep(state=result.state, facts=plain(result.facts), ended_at=run_context.worker_context.own.now())
    run_context.note(step.id, ended)
    if result.state is StepState.SUCCEEDED and step.id == last_health_step(run_context.plan):
        serves = "services" not in step.with_ or lets_write(run_context, step)
        run_context.worker_context.own.let_users_in(run_context.run.id, others=serves)


def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """As a row gives them back: JSON values, and messages."""
    return dict(parsed(canonical(dict(facts))))


def _follow(
    tx: Transaction, run_context: RunContext, step: Step, facts: Mapping[str, Any], there: Collection[str]
) -> None:
    """What a step that worked means for kept data and for the clocks."""
    keep(tx, run_context.run, step, facts, there)
    if step.do == "notify.stakeholders":
        _tell(tx, run_context, str(facts.get("text") or ""))
    records = {record.id: record for record in steps.of_run(tx.connection, run_context.run.id)}
    configuration = run_context.worker_context.configuration
    mark_recovered(tx, run_context.run, run_context.plan, step.id, records, configuration)


def _tell(tx: Transaction, run_context: RunContext, text: str) -> None:
    """The bot posts it: the step's own words, or how the incident stands."""
    kind = EventKind.STATUS_UPDATE if text else EventKind.STATUS_DUE
    tx.record(kind, incident=run_context.run.incident, run=run_context.run.id, **({"text": text} if text else {}))


def catch_up(run_context: RunContext, records: Mapping[str, StepRecord]) -> bool:
    """What a person settled as done is looked at before anything follows from it: whether there was such a step."""
    settled = [step for step in run_context.plan.steps if _is_word(records[step.id])]
    for step in settled:
        _weigh(run_context, step, records)
    return bool(settled)


def _is_word(record: StepRecord) -> bool:
    """A person's word that no worker has looked at yet."""
    return record.settlement is Settlement.DONE and record.state in {StepState.UNSURE, StepState.FAILED}


def _weigh(run_context: RunContext, step: Step, records: Mapping[str, StepRecord]) -> None:
    """Its check is asked again. Against it two people's word counts, but never for a proof or a step that destroys."""
    record = records[step.id]
    finding = finding_of(run_context, step, records)
    known = run_context.worker_context.own.run(run_context.run.id)
    facts = known.facts.get(step.id, {}) if known is not None else {}
    there, aside = _there(run_context, step) if finding.passed else (), put_aside(run_context, step)
    people = [run_context.name_of(person) for person in (record.vouched_by, record.settled_by) if person]
    names = all_of(people)
    said = sentences(phrase('"{step}" was settled as done by {names}.', step=step.title, names=names), finding.sentence)

    seen = not is_proof(run_context.plan, step.id) or (known is not None and step.id in known.steps)
    believed = seen and (finding.passed or is_vouched(run_context.plan, record))
    if believed:
        mine = OwnStep(state=StepState.SUCCEEDED, facts=dict(facts), ended_at=run_context.worker_context.own.now())
        run_context.note(step.id, mine)

    def settle(tx: Transaction) -> None:
        incidents.note(tx, run_context.run.incident, None, said)
        steps.found(tx, run_context.run.id, step.id, passed=finding.passed, sentence=finding.sentence)
        keep_host(tx, run_context.run, step, aside)
        if not believed:
            steps.doubt(tx, run_context.run, step.id, finding.sentence)
        elif finding.passed:
            agreed = phrase("{names} said that it is done, and its check agrees.", names=names)
            steps.believe(tx, run_context.run, step.id, agreed, facts)
            _follow(tx, run_context, step, facts, there)
        else:
            # Nothing else follows from it: what its check does not show, drbot does not say.
            alone = phrase("{names} say that it is done; its check does not.", names=names)
            steps.believe(tx, run_context.run, step.id, alone, facts)

    run_context.write(settle)


def _there(run_context: RunContext, step: Step) -> frozenset[str]:
    """Which of the volumes that hold old data now are really there. Only reads."""
    return frozenset(volume for volume in kept_by(step) if _is_there(run_context, step, volume))


def _is_there(run_context: RunContext, step: Step, volume: str) -> bool:
    try:
        return run_context.worker_context.registry.probes["volume.exists"](
            run_context.looking(step), {"volume": volume}
        ).passed
    except DrbotError:
        return True  # nobody answers now; the step's own check has just seen it
