"""Work that comes back by the calendar: a row for each, and each due time is done by one worker.

A row is taken by compare-and-set. What was missed while nobody looked is done once; what went wrong is tried again
after a while, until the next due time takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Update, delete, select, update

from drbot.core.base.cron import Calendar
from drbot.core.runs.drill import ROUTINES
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import routines

LEASE = timedelta(minutes=2)
"""A worker that is silent for so long while it does it is taken for dead."""
AGAIN = timedelta(minutes=15)
FAR = timedelta(days=1)
"""A row that is due so much later than its expression says was written by a clock that was ahead."""
FREE: Mapping[str, None] = {"taken_by": None, "taken_until": None}
DEAD: str = phrase("its worker stopped answering in the middle of it")


@dataclass(frozen=True, kw_only=True, slots=True)
class Routine:
    """A row. Moments are UTC."""

    key: str
    expression: str
    time_zone: str
    due_at: datetime  # the due time that comes next, or is being done
    next_at: datetime  # when that is begun: later than `due_at` when it is tried again
    taken_by: str | None = None
    taken_until: datetime | None = None
    began_at: datetime | None = None  # the first try of the last due time
    seconds: float | None = None  # that the last try took; None = it is being done, or nobody knows
    fault: str = ""  # of the last time; "" = it went well
    done_at: datetime | None = None  # the last due time that was done
    succeeded_at: datetime | None = None
    skip_at: datetime | None = None  # the due time that passes without it
    skipped_by: str | None = None

    @property
    def is_skipped(self) -> bool:
        """A person put off the drill that comes next. What a row says so of a backup or a proof is not believed."""
        return self.key in ROUTINES and self.skip_at == self.due_at

    @property
    def calendar(self) -> Calendar:
        return Calendar(expression=self.expression, time_zone=self.time_zone)


def get(connection: Connection, key: str) -> Routine | None:
    """None: nobody has planned it yet."""
    return next((one for one in list_of(connection) if one.key == key), None)


def list_of(connection: Connection) -> list[Routine]:
    """All, by name."""
    return list(
        readable(connection.execute(select(routines).order_by(routines.c.key)), routines, lambda row: Routine(**row))
    )


def is_held(there: Routine, now: datetime) -> bool:
    """A worker does it now. A lease longer than any was written by a clock that was ahead."""
    return there.taken_until is not None and now < there.taken_until <= now + LEASE


def plan(tx: Transaction, key: str, calendar: Calendar) -> None:
    """Have it done by this calendar from now on. Nothing happens when it is so already."""
    there, due = get(tx.connection, key), calendar.after(tx.now)
    values = {"expression": calendar.expression, "time_zone": calendar.time_zone, "due_at": due, "next_at": due}
    if there is None:
        insert_or(tx, routines, {"key": key, "fault": "", **FREE, **values}, replace=True)  # of one nobody can read
    elif not is_held(there, tx.now) and (there.calendar != calendar or there.next_at > calendar.after(tx.now + FAR)):
        tx.connection.execute(_as_seen(there).values(**FREE, **values))


def unplan(tx: Transaction, key: str) -> None:
    tx.connection.execute(delete(routines).where(routines.c.key == key))


def take(tx: Transaction, key: str, owner: str) -> Routine | None:
    """What exactly one worker must do now; None: it is not due, or somebody does it. What a dead worker left is no
    success, and is tried again later.
    """
    there = get(tx.connection, key)
    if there is None or there.next_at > tx.now or is_held(there, tx.now):
        return None
    if there.is_skipped:
        due, next_at = _following(there, tx.now, again=False)
        tx.connection.execute(_as_seen(there).values(**FREE, due_at=due, next_at=next_at, fault=""))
        return None
    if there.taken_by is not None:
        _end(tx, there, fault=DEAD)
        return None
    began = there.began_at if there.fault and there.began_at and there.began_at >= there.due_at else tx.now
    mine = {"taken_by": owner, "taken_until": tx.now + LEASE, "began_at": began, "seconds": None}
    if tx.connection.execute(_as_seen(there).values(**mine)).rowcount == 0:
        return None
    return get(tx.connection, key)


def skip(tx: Transaction, there: Routine, person: str) -> bool:
    """Let the due time that comes next pass without it. False: somebody does it now, or it moved on."""
    if is_held(there, tx.now):
        return False
    values = {"skip_at": there.due_at, "skipped_by": person}
    return tx.connection.execute(_as_seen(there).values(**values)).rowcount == 1


def keep(tx: Transaction, taken: Routine) -> bool:
    """It is still being done. False: it was taken for dead."""
    return tx.connection.execute(_of(taken).values(taken_until=tx.now + LEASE)).rowcount == 1


def done(tx: Transaction, taken: Routine, seconds: float) -> None:
    """It went well; the next due time is the first one from now."""
    _end(tx, taken, seconds)


def failed(tx: Transaction, taken: Routine, seconds: float, why: str) -> None:
    """It is tried again after a while, unless its next due time comes first."""
    _end(tx, taken, seconds, fault=why)


def give_back(tx: Transaction, taken: Routine) -> None:
    """Nothing came of it and nothing is wrong: whoever looks next does it."""
    tx.connection.execute(_of(taken).values(**FREE))


def _end(tx: Transaction, taken: Routine, seconds: float | None = None, fault: str = "") -> None:
    due, next_at = _following(taken, tx.now, again=bool(fault))
    values = {**FREE, "due_at": due, "next_at": next_at, "fault": fault, "seconds": seconds}
    if not fault:
        values |= {"done_at": taken.due_at, "succeeded_at": tx.now}
    tx.connection.execute(_of(taken).values(**values))


def _following(taken: Routine, now: datetime, *, again: bool) -> tuple[datetime, datetime]:
    """The due time that comes next, and when it is begun."""
    due = taken.calendar.after(max(taken.due_at, now))
    return (taken.due_at, now + AGAIN) if again and now + AGAIN < due else (due, due)


def _of(taken: Routine) -> Update:
    """As long as it is whoever has taken it who does it."""
    return update(routines).where(
        routines.c.key == taken.key, routines.c.taken_by == taken.taken_by, routines.c.due_at == taken.due_at
    )


def _as_seen(there: Routine) -> Update:
    """Unless somebody has changed it since."""
    return update(routines).where(
        routines.c.key == there.key,
        routines.c.next_at == there.next_at,
        routines.c.taken_by.is_(None) if there.taken_by is None else routines.c.taken_by == there.taken_by,
    )
