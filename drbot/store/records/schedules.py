"""What is due later: rows with a time, fired by compare-and-set so that any number of bots may look."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, select, update

from drbot.core.ledger.events import EventKind
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import schedules

REVIEW, KEPT = "review", "kept"
OUTLIVES = (REVIEW, KEPT)
"""The kinds of rows that outlive their incident."""

PAGE = "page"
SHORTEST, LONGEST = 0.01, 1e8
"""Seconds of what comes back; with others nobody can reckon when."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A row of `schedules`. `every_seconds` None = once. The key only tells rows apart; nothing is read out of it."""

    key: str
    kind: str
    next_at: datetime
    incident: int | None = None
    request: str | None = None
    volume: str | None = None  # of kept data that is asked about
    about: EventKind | None = None  # of a page: what people are woken for
    attempt: int | None = None
    every_seconds: float | None = None


def put(tx: Transaction, schedule: Schedule) -> None:
    """Add it, or replace the one of the same key."""
    values = {name: getattr(schedule, name) for name in schedule.__dataclass_fields__}
    insert_or(tx, schedules, values, replace=True)


def due(connection: Connection, now: datetime) -> list[Schedule]:
    """What should have fired by now, oldest first."""
    query = select(schedules).where(schedules.c.next_at <= now).order_by(schedules.c.next_at)
    return list(readable(connection.execute(query), schedules, _schedule_of))


def of_kind(connection: Connection, kind: str) -> list[Schedule]:
    """Due or not, the next one first."""
    query = select(schedules).where(schedules.c.kind == kind).order_by(schedules.c.next_at)
    return list(readable(connection.execute(query), schedules, _schedule_of))


def take(tx: Transaction, schedule: Schedule) -> bool:
    """True for exactly one caller: it must now do the thing. Times missed while nobody looked fire once."""
    mine = (schedules.c.key == schedule.key, schedules.c.next_at == schedule.next_at)
    if schedule.every_seconds is None:
        return tx.connection.execute(delete(schedules).where(*mine)).rowcount == 1
    late = max(0.0, (tx.now - schedule.next_at).total_seconds())
    periods = math.floor(late / schedule.every_seconds) + 1
    next_at = schedule.next_at + timedelta(seconds=periods * schedule.every_seconds)
    return tx.connection.execute(update(schedules).where(*mine).values(next_at=next_at)).rowcount == 1


def drop(tx: Transaction, incident: int) -> None:
    """Nothing of this incident is due any more, but for what looks back at it: a review, and what is still kept."""
    mine = (schedules.c.incident == incident, schedules.c.kind.notin_(OUTLIVES))
    tx.connection.execute(delete(schedules).where(*mine))


def drop_all(tx: Transaction, incident: int) -> None:
    """Nothing at all: of a drill nothing is left to look back at."""
    tx.connection.execute(delete(schedules).where(schedules.c.incident == incident))


def drop_row(tx: Transaction, key: str) -> None:
    """This is not due any more, however often it was to come."""
    tx.connection.execute(delete(schedules).where(schedules.c.key == key))


def drop_pages(tx: Transaction, request: str, about: EventKind) -> None:
    """No further try is due: the pager took it."""
    mine = (schedules.c.kind == PAGE, schedules.c.request == request, schedules.c.about == about.value)
    tx.connection.execute(delete(schedules).where(*mine))


def _schedule_of(row: RowMapping) -> Schedule:
    every = row["every_seconds"]
    if every is not None and not SHORTEST <= every <= LONGEST:
        raise ValueError("nothing comes back so often")
    return Schedule(**(dict(row) | {"about": None if row["about"] is None else EventKind(row["about"])}))
