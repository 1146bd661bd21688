"""Who holds a run, and what becomes of it and its open steps when that worker dies."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.effects import may_repeat
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import Run, RunState, StepRecord, StepState
from drbot.core.runs.settlement import decisions_for
from drbot.core.text.messages import phrase, sentences
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.rows import run_of, step_of
from drbot.store.base.schema import runs, steps

WHY = phrase("Its worker stopped answering.")
LONGEST = timedelta(hours=1)  # a lease of drbot's own is much shorter
DEATHS = 5  # what so many workers died in, one after another, is not begun once more without a person


def expire_leases(tx: Transaction) -> list[str]:
    """Take every run whose lease is over away from its worker; returns the ids of these runs.

    A step that may safely be started again is set back. Any other open step is unsure, and a person decides; of a run
    that is to stop nobody is asked, another worker or `runs.end_unheard` ends it.
    """
    query = (
        select(runs)
        .where(runs.c.state == RunState.RUNNING.value, is_free(tx))
        .order_by(runs.c.id)
        .with_for_update(skip_locked=True)
    )
    dead = list(readable(tx.connection.execute(query), runs, run_of))
    for run in dead:
        with tx.part():
            _expire(tx, run)
    return [run.id for run in dead]


def hold_parked(tx: Transaction, run_id: str, owner: str, seconds: float) -> bool:
    """Keep all workers from a run that waits for a decision, while `owner` looks at its steps: what looks and what is
    tried again would meet on the target. False: it waits no more, or somebody else looks.
    """
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.state == RunState.NEEDS_DECISION.value, is_free(tx))
        .values(owner=owner, lease_until=tx.now + timedelta(seconds=seconds))
    )
    return tx.connection.execute(statement).rowcount == 1


def let_go(tx: Transaction, run_id: str, owner: str) -> None:
    """The end of `hold_parked`; whoever was woken meanwhile may claim it."""
    held = (RunState.NEEDS_DECISION.value, RunState.QUEUED.value)
    statement = update(runs).where(runs.c.id == run_id, runs.c.owner == owner, runs.c.state.in_(held))
    tx.connection.execute(statement.values(owner=None, lease_until=None))


def is_free(tx: Transaction) -> ColumnElement[bool]:
    """Nobody holds the run, or no longer."""
    return or_(runs.c.lease_until.is_(None), is_over(tx, runs.c.lease_until))


def is_over(tx: Transaction, until: ColumnElement[datetime]) -> ColumnElement[bool]:
    """One that ends far ahead is none that a worker took: it would be waited for in vain."""
    return or_(until < tx.now, until > tx.now + LONGEST)


def _expire(tx: Transaction, run: Run) -> None:
    unsure = _open_steps(tx, run)
    asked = unsure if run.stop_requested is None else []
    state = RunState.NEEDS_DECISION if asked else RunState.QUEUED
    values = {"state": state.value, "owner": None, "lease_until": None, "queued_at": tx.now}
    statement = update(runs).where(runs.c.id == run.id, runs.c.epoch == run.epoch)
    tx.connection.execute(statement.values(**values, wakes=runs.c.wakes + 1))
    if not asked:
        tx.record(EventKind.RUN_RESUMED, incident=run.incident, run=run.id, why=WHY)
    for record in asked:
        step = _planned(run, record.id)
        title = record.id if step is None else step.title
        tx.record(
            EventKind.RUN_NEEDS_DECISION,
            incident=run.incident,
            run=run.id,
            step=record.id,
            question=phrase('The worker died during "{step}". Nobody knows whether it was done.', step=title),
            choices=decisions_for(run.plan, record),
        )


def _open_steps(tx: Transaction, run: Run) -> list[StepRecord]:
    """Settle what was running when the worker died; returns the steps that only a person can settle."""
    query = select(steps).where(steps.c.run == run.id, steps.c.state == StepState.RUNNING.value)
    unsure = []
    for record in list(readable(tx.connection.execute(query.order_by(steps.c.position)), steps, step_of)):
        step = _planned(run, record.id)
        about: dict[str, Any] = {"incident": run.incident, "run": run.id, "step": record.id}
        safe = run.plan is not None and step is not None and may_repeat(step, run.plan.steps)
        again = safe and record.attempt < DEATHS
        state = StepState.PENDING if again else StepState.UNSURE
        statement = update(steps).where(steps.c.run == run.id, steps.c.id == record.id)
        tx.connection.execute(statement.values(state=state.value))
        if again:
            tx.record(
                EventKind.STEP_RETRIED,
                **about,
                attempt=record.attempt,
                why=sentences(WHY, phrase("Safe to start again.")),
            )
        else:
            tx.record(EventKind.STEP_UNSURE, **about, why=WHY, probe=_probes(step))
            unsure.append(record)
    return unsure


def _planned(run: Run, step_id: str) -> Step | None:
    steps_of_plan = run.plan.steps if run.plan else ()
    return next((step for step in steps_of_plan if step.id == step_id), None)


def _probes(step: Step | None) -> list[str]:
    return [probe.probe for probe in step.check] if step else []
