"""Steps of which nobody knows whether they were done: what is left running is removed, the step's own check is
asked, and a person gets the finding with the question. drbot never repeats such a step by itself.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drbot.core.base.errors import DrbotError
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.effects import sight_of
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, RunState, StepRecord, StepState
from drbot.core.runs.settlement import decisions_for, needs_second
from drbot.core.text.messages import closed, phrase, sentences
from drbot.runners.contract.action import Finding, StepContext
from drbot.runners.execution.kept_data import keep_host, put_aside
from drbot.runners.execution.run_context import RunContext, WorkerContext, idle_run_context
from drbot.store.base import waking
from drbot.store.base.reading import left_out_where_unreadable
from drbot.store.records import leases, steps

LOOK_SECONDS = 120.0  # whoever looks holds up the run, and the upkeep of the others
HELD_SECONDS = 2 * LOOK_SECONDS  # should the looker die, workers wait no longer than this


def finding_of(run_context: RunContext, step: Step, records: Mapping[str, StepRecord]) -> Finding:
    """What the step's check says now, with a sentence for the question. Only reads."""
    if not step.check:
        return Finding(passed=False, sentence=phrase("It has no check that could tell."))
    context = looking(run_context, step, records[step.id].attempt)
    said = []
    broken: list[str] = []
    passed = True
    for probe in step.check:
        try:
            finding = run_context.worker_context.registry.probes[probe.probe](context, probe.with_)
        except DrbotError as error:
            return Finding(
                passed=False,
                sentence=run_context.worker_context.redact(
                    phrase("Its check could not be run: {why}", why=closed(str(error)))
                ),
            )
        passed = passed and finding.passed
        said.append(closed(run_context.worker_context.redact(finding.sentence)))
        broken += finding.broken
    sentence = (
        phrase("Its check passes, so it looks done: {found}", found=sentences(*said))
        if passed
        else phrase("Its check does not pass, so it looks not done: {found}", found=sentences(*said))
    )
    return Finding(passed=passed, sentence=sentence, broken=tuple(dict.fromkeys(broken)))


def looking(run_context: RunContext, step: Step, attempt: int = 0) -> StepContext:
    """For whoever only looks, but not for ever."""
    deadline = time.monotonic() + LOOK_SECONDS
    return run_context.context(step, attempt, run_context.log_of(step.id, "look"), lambda: time.monotonic() > deadline)


def state_of(run_context: RunContext, context: StepContext, action: str, given: Mapping[str, Any]) -> object:
    """before, between, after, … of an act that moves data: what the one probe that sees it says of exactly what it was
    given. Other checks that a file adds have no say. None = it sees no such thing. Raises what the probe raises.
    """
    sight = sight_of(action, given)
    if sight is None:
        return None
    probe, asked = sight
    return run_context.worker_context.registry.probes[probe](context, asked).facts.get("state")


def seen_state(run_context: RunContext, step: Step) -> object:
    """The same of a step; None also when nobody can tell."""
    try:
        return state_of(run_context, looking(run_context, step), step.do or "", step.with_)
    except DrbotError:
        return None


def told(finding: Finding) -> dict[str, Any]:
    """The same for the event that asks."""
    return {"finding": finding.sentence, "passed": finding.passed, "broken": list(finding.broken)}


def worth(plan: Plan, record: StepRecord) -> str:
    """What saying "done" would be worth, for the question."""
    if record.finding_passed:
        return ""
    if needs_second(plan, record):
        return phrase("If it is done all the same, two people must say so: settle it as done.")
    return phrase(
        "A person's word cannot replace this check; if it is done, settle it as done, and the check runs again."
    )


def look_after_unsure(worker_context: WorkerContext) -> list[str]:
    """For the worker's upkeep: every unsure step of this site whose finding nobody has told yet. Their ids."""
    with worker_context.database.read() as connection:
        parked = waking.parked(connection, worker_context.site_name)

    def look(run: Run) -> list[str]:
        if run.state is not RunState.NEEDS_DECISION or run.plan is None:
            return []
        untold = _untold(worker_context, run)
        for record in untold:
            _tell(worker_context, run, record)
        return [f"{run.id}/{record.id}" for record in untold]

    return [name for names in left_out_where_unreadable(parked, look) for name in names]


def _untold(worker_context: WorkerContext, run: Run) -> list[StepRecord]:
    with worker_context.database.read() as connection:
        records = steps.of_run(connection, run.id)
    return [record for record in records if record.state is StepState.UNSURE and record.finding is None]


def _tell(worker_context: WorkerContext, run: Run, record: StepRecord) -> None:
    """A run that is woken meanwhile waits: a new attempt and its look would meet on the target."""
    owner = f"{worker_context.owner} looks at {record.id}"
    with worker_context.database.write() as tx:
        if not leases.hold_parked(tx, run.id, owner, HELD_SECONDS):
            return
    try:
        _look_and_tell(worker_context, run, record)
    finally:
        with worker_context.database.write() as tx:
            leases.let_go(tx, run.id, owner)
        worker_context.ring(run.id)


def _look_and_tell(worker_context: WorkerContext, run: Run, record: StepRecord) -> None:
    if run.plan is None:
        return
    step = run.plan.step(record.id)
    run_context = idle_run_context(worker_context, run, run.plan)
    if run_context.records()[step.id].state is not StepState.UNSURE:
        return  # settled while another step was looked at; what runs now may be its new attempt
    try:
        worker_context.target.remove_survivors(run.id, step.id)
        swept = phrase("Nothing of it is running any more.")
    except DrbotError as error:
        swept = phrase("It could not be checked whether any of it is still running: {why}", why=closed(str(error)))
    finding = finding_of(run_context, step, {record.id: record})
    found = replace(record, finding=finding.sentence, finding_passed=finding.passed)
    aside = put_aside(run_context, step)
    with worker_context.database.write() as tx:
        now = steps.get(tx.connection, run.id, step.id)
        if now.state is not StepState.UNSURE:
            return
        steps.found(tx, run.id, step.id, passed=finding.passed, sentence=finding.sentence)
        keep_host(tx, run, step, aside)
        tx.record(
            EventKind.RUN_NEEDS_DECISION,
            incident=run.incident,
            run=run.id,
            step=step.id,
            question=sentences(
                phrase(
                    "{step} ({id}): its worker died, so nobody knows whether it was done.", step=step.title, id=step.id
                ),
                swept,
                finding.sentence,
                worth(run.plan, found),
            ),
            **told(finding),
            choices=decisions_for(run.plan, found),
        )
