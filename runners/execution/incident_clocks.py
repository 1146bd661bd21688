"""What a run means for its incident: recovering, recovered with its clocks, and the culprit that asks for level 2."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.effects import asks_data
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.clocks import rpo_seconds
from drbot.core.runs.incident import Incident
from drbot.core.runs.lost import has_moved, lost_before, not_brought_back, not_brought_back_text
from drbot.core.runs.outage import stopped_seconds
from drbot.core.runs.plan import Plan, touches_production
from drbot.core.runs.run import Run, RunKind, StepRecord, StepState
from drbot.core.runs.safe_state import is_new_place
from drbot.core.runs.stakes import UNUSED, Act
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.records import incidents, steps
from drbot.store.runs import runs, sub_runs

ANSWERS_USERS = frozenset({"health.services", "outside.answers"})
SHORTEST = 0.001  # a duration is never zero or negative, even when a clock was set back


def mark_recovering(tx: Transaction, run: Run, plan: Plan, step: Step) -> None:
    """In the transaction that starts the step. Users who are led back lose nothing that a clock could tell: whoever is
    served now is served there, or asks to be led on.
    """
    if plan.stakes.act is Act.LEAD_BACK or run.kind is RunKind.DRILL_COPY:
        return
    if touches_production(plan, step) and incidents.get(tx.connection, run.incident).is_open:
        incidents.recovering(tx, run.incident, run.id, run.site)


def last_health_step(plan: Plan) -> str | None:
    """The step whose success means that the services answer their users again."""
    asking = [step.id for step in plan.steps if any(probe.probe in ANSWERS_USERS for probe in step.check)]
    return asking[-1] if asking else None


def proving(plan: Plan) -> frozenset[str]:
    """The steps that must succeed before anything is called recovered: the last that asks the services, and all that
    ask the data which was put in place.
    """
    last = last_health_step(plan)
    return frozenset(step.id for step in plan.steps if step.id == last or asks_data(step))


def asks_about_users(plan: Plan, step_id: str) -> bool:
    """A question that is put once the services answer again: can users work?"""
    order = [step.id for step in plan.steps]
    last = last_health_step(plan)
    return last is not None and order.index(step_id) > order.index(last)


def mark_recovered(
    tx: Transaction,
    run: Run,
    plan: Plan,
    step_id: str,
    records: Mapping[str, StepRecord],
    configuration: Configuration,
) -> None:
    """In the transaction that finishes the step: the clocks stop with the last check that proves it, if all of these
    passed. A look at a production that nobody changed recovers nothing.
    """
    if plan.stakes.act in UNUSED or run.kind is RunKind.DRILL_COPY:
        return
    if step_id not in proving(plan) or _answering_since(plan, records) is None or sub_runs.is_part(run):
        return
    incident = incidents.get(tx.connection, run.incident)
    passed = {StepState.SKIPPED, StepState.FAILED}
    if not incident.is_open or any(records[step.id].state in passed for step in plan.steps if step.effect == "destroy"):
        return
    since_it_began = _between(incident.started_at, tx.now)
    incidents.recovered(
        tx,
        run.incident,
        run=run.id,
        rto_seconds=since_it_began,
        rpo_seconds=_lost_seconds(tx, run, plan, incident),
        # At a new place nothing ran since the outage began, whatever the run itself stopped there.
        outage_seconds=since_it_began if is_new_place(plan) else _stopped_seconds(tx, run),
    )
    if lost := not_brought_back_text(not_brought_back([plan], configuration)):
        incidents.note(tx, run.incident, None, lost)


def _lost_seconds(tx: Transaction, run: Run, plan: Plan, incident: Incident) -> float | None:
    """Of the data that is in place now. What an undo brings back, and what an earlier recovery left, has its loss, too;
    None: no data was ever put in place.
    """
    if plan.backup is not None:
        return max(plan.loss_seconds or 0.0, rpo_seconds(plan.backup.snapshot_at, incident.started_at))
    known = [
        (one.plan, steps.of_run(tx.connection, one.id))
        for one in runs.of_incident(tx.connection, run.incident)
        if one.plan is not None and one.site == run.site
    ]
    return lost_before(tx.now, plan.steps, known) if has_moved(tx.now, known) else None


def _stopped_seconds(tx: Transaction, run: Run) -> float | None:
    """By all runs of the incident, up to now."""
    found = []
    for one in runs.of_incident(tx.connection, run.incident):
        if one.plan is None or sub_runs.is_part(one):
            continue
        records = {record.id: record for record in steps.of_run(tx.connection, one.id)}
        found.append((one.plan, records, _answering_since(one.plan, records) or one.finished_at))
    return stopped_seconds(found, tx.now)


def _answering_since(plan: Plan, records: Mapping[str, StepRecord]) -> datetime | None:
    """When the last check passed that proves it; None: it is not proven."""
    wanted = [records[name] for name in proving(plan)]
    if not wanted or any(one.state is not StepState.SUCCEEDED or one.is_against_check for one in wanted):
        return None
    return max((one.finished_at for one in wanted if one.finished_at is not None), default=None)


def culprit_of(facts: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The dependency that a probe found broken. `facts`: of the steps that succeeded."""
    return next((str(found["culprit"]) for found in facts.values() if found.get("culprit")), None)


def propose(tx: Transaction, run: Run, culprit: str) -> str:
    """Record what should be done instead of this run; the sentence of its end."""
    words = {
        "postgres": phrase(
            "PostgreSQL does not work, so restarting services cannot help. It needs level 2: /dr level 2"
        )
    }
    if run.arguments.get("service") == culprit:  # level 1 of just this did not help
        words["redis"] = phrase("Redis does not work, and a restart did not help. It needs level 2: /dr level 2 redis")
    if why := words.get(culprit):
        tx.record(EventKind.LEVEL_PROPOSED, incident=run.incident, run=run.id, level=2, why=why)
        return why
    return phrase(
        "{culprit} does not work, so restarting the others cannot help. Try: /dr declare level1 {culprit}",
        culprit=culprit,
    )


def _between(start: datetime, end: datetime) -> float:
    return max((end - start).total_seconds(), SHORTEST)
