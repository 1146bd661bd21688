"""Waking a run: the one thing that votes, answers, settlements and the clock do to a parked run."""

from sqlalchemy import Connection, select, update

from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run, RunState
from drbot.store.base.database import Transaction
from drbot.store.base.reading import first, readable
from drbot.store.base.rows import lock_run, run_of
from drbot.store.base.schema import runs

PARKED = (RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED)


def wakes(connection: Connection, run_id: str) -> int:
    """How often the run was woken; `runs.park` refuses when this grew since its caller looked."""
    query = select(runs.c.wakes).where(runs.c.id == run_id)
    found = first(connection.execute(query), runs, lambda row: int(row["wakes"]))
    return found or 0


def parked(connection: Connection, site: str) -> list[Run]:
    """The runs of a site that wait for people, for a lock or for a decision, oldest first."""
    states = [state.value for state in PARKED]
    query = select(runs).where(runs.c.site == site, runs.c.state.in_(states)).order_by(runs.c.created_at)
    return list(readable(connection.execute(query), runs, run_of))


def stop_reason(connection: Connection, run_id: str) -> str | None:
    """Why the run is to stop; None = go on. Asked several times a second, so without the plan."""
    reason: str | None = connection.execute(select(runs.c.stop_requested).where(runs.c.id == run_id)).scalar()
    return reason


def wake(tx: Transaction, run_id: str, why: str) -> None:
    """Let a worker look again. A run that is not parked only remembers that it was woken."""
    run = lock_run(tx, run_id)
    values: dict[str, object] = {"wakes": runs.c.wakes + 1}
    if run.state in PARKED:
        values |= {"state": RunState.QUEUED.value, "queued_at": tx.now}
        tx.record(EventKind.RUN_RESUMED, incident=run.incident, run=run.id, why=why)
    tx.connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
