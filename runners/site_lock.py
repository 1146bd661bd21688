"""The one lock of a site: who holds it, and waking those who wait for it."""

from sqlalchemy import Connection

from core.run import Run, RunState
from runners.walk import Equipment
from store import locks, runs, waking
from store.database import Transaction


def release(tx: Transaction, equipment: Equipment, run: Run) -> None:
    """Give the site back and wake the runs that wait for it."""
    locks.release(tx, run.site, run.id)
    wake_waiting(tx, equipment, run.site)


def wake_waiting(tx: Transaction, equipment: Equipment, site: str) -> None:
    """Wake every run that was parked because somebody held the site. One of them gets it, the others park again."""
    for waiting in waking.parked(tx.connection, site):
        if waits_for_site(waiting):
            waking.wake(tx, waiting.id, "The site is free.")
            tx.after_commit(lambda run_id=waiting.id: equipment.ring(run_id))  # type: ignore[misc]


def is_free(connection: Connection, site: str) -> bool:
    """Nobody holds it, or only a run that is over."""
    holder = locks.holder(connection, site)
    return holder is None or runs.get(connection, holder).is_over


def waits_for_site(run: Run) -> bool:
    """It was parked because another run held the site."""
    return run.state is RunState.WAITING and run.waits_for is not None
