"""One lock per site, taken before the first change of a run."""

from sqlalchemy import Connection, delete, or_, select, update

from drbot.core.runs.run import RUN_TRANSITIONS, RunState
from drbot.store.base.database import Transaction
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import locks, runs

_OVER = [state.value for state in RunState if not RUN_TRANSITIONS[state]]


def take(tx: Transaction, site: str, run_id: str) -> str | None:
    """None: the site is ours now. Else the id of the run that holds it. A run that is over, or that nobody knows, holds
    nothing.
    """
    values = {"site": site, "run": run_id, "taken_at": tx.now}
    if insert_or(tx, locks, values, replace=False):
        return None
    over = select(runs.c.id).where(runs.c.state.in_(_OVER))
    known = select(runs.c.id).where(runs.c.id == locks.c.run)
    is_ours = or_(locks.c.run == run_id, locks.c.run.in_(over), ~known.exists())
    statement = update(locks).where(locks.c.site == site, is_ours)
    if tx.connection.execute(statement.values(**values)).rowcount == 1:
        return None
    held_by = holder(tx.connection, site)
    # Released between the two statements (PostgreSQL only): the row is free again.
    return take(tx, site, run_id) if held_by is None else held_by


def release(tx: Transaction, site: str, run_id: str) -> None:
    """Give the site back; nothing happens if another run holds it."""
    tx.connection.execute(delete(locks).where(locks.c.site == site, locks.c.run == run_id))


def holder(connection: Connection, site: str) -> str | None:
    """The run that holds the site; None also for one that is over, or that nobody knows. One whose row cannot be read
    holds it: nobody can say that it does not.
    """
    going = select(runs.c.id).where(runs.c.state.not_in(_OVER))
    query = select(locks.c.run).where(locks.c.site == site, locks.c.run.in_(going))
    return connection.execute(query).scalar()
