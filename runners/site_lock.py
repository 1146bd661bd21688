"""The one lock of a site: who holds it, and waking those who wait for it."""

from sqlalchemy import Connection

from core.events import EventKind
from core.run import Run, RunState
from runners.walk import Equipment
from store import journal, locks, runs, waking
from store.database import Transaction


def release(tx: Transaction, equipment: Equipment, run: Run) -> None:
    """Give the site back and wake the runs that wait for it."""
    locks.release(tx, run.site, run.id)
    wake_waiting(tx, equipment, run.site)


def wake_waiting(tx: Transaction, equipment: Equipment, site: str) -> None:
    """Wake every run that was parked because somebody held the site. One of them gets it, the others park again."""
    for waiting in waking.parked(tx.connection, site):
        if waiting.state is RunState.WAITING and holder_named(tx.connection, waiting):
            waking.wake(tx, waiting.id, "The site is free.")
            tx.after_commit(lambda run_id=waiting.id: equipment.ring(run_id))  # type: ignore[misc]


def is_free(connection: Connection, site: str) -> bool:
    """Nobody holds it, or only a run that is over."""
    holder = locks.holder(connection, site)
    return holder is None or runs.get(connection, holder).is_over


def holder_named(connection: Connection, run: Run) -> str | None:
    """The run that this run said it waits for when it was parked."""
    waits = [
        event
        for event in journal.of_incident(connection, run.incident)
        if event.run == run.id and event.kind is EventKind.RUN_WAITING
    ]
    holder = waits[-1].payload.get("holder") if waits else None
    return None if holder is None else str(holder)
