"""What the publisher has shown: messages it can update, how far it has read, and who publishes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from drbot.store.base.database import Transaction
from drbot.store.base.reading import is_number, readable, value
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import cursors, incidents, leaders, surfaces

STATUS_POST = "status-"
"""How keys of posts to stakeholders begin; the number of an event follows, and the channel."""
OF_NO_INCIDENT = 0  # of a surface that belongs to none
PUBLISHER = "publisher"
"""The cursor of what has been shown in Slack."""
LONGEST_LEAD = timedelta(minutes=10)
"""A lead that holds longer than any is nobody's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surface:
    """A message in a channel that is updated in place, e.g. key "board"."""

    incident: int
    key: str
    channel: str
    ts: str


def get(connection: Connection, incident: int, key: str) -> Surface | None:
    query = select(surfaces).where(surfaces.c.incident == incident, surfaces.c.key == key)
    return next(readable(connection.execute(query), surfaces, lambda row: Surface(**row)), None)


def put(tx: Transaction, surface: Surface) -> None:
    """Remember it, in place of an earlier one of the same key."""
    values = {name: getattr(surface, name) for name in surface.__dataclass_fields__}
    insert_or(tx, surfaces, values, replace=True)


def of_incident(connection: Connection, incident: int) -> list[Surface]:
    query = select(surfaces).where(surfaces.c.incident == incident).order_by(surfaces.c.key)
    return list(readable(connection.execute(query), surfaces, lambda row: Surface(**row)))


def at(connection: Connection, channel: str, ts: str) -> list[str]:
    """The keys of all that one message shows."""
    query = select(surfaces.c.key).where(surfaces.c.channel == channel, surfaces.c.ts == ts)
    return list(connection.execute(query.order_by(surfaces.c.key)).scalars())


def forget_slack(tx: Transaction) -> None:
    """Of another Slack than before, which has none of it: messages are posted again, open incidents get a channel."""
    tx.connection.execute(delete(surfaces))
    of_open = update(incidents).where(incidents.c.resolved_at.is_(None))
    tx.connection.execute(of_open.values(channel=None, channel_name=None))


def cursor(connection: Connection, name: str) -> int:
    """The `seq` of the last event that was shown; 0 at first."""
    seq = connection.execute(select(cursors.c.seq).where(cursors.c.name == name)).scalar()
    return int(seq) if seq is not None and is_number(seq) else 0


def advance(tx: Transaction, name: str, seq: int) -> None:
    """The events up to `seq` have been shown."""
    insert_or(tx, cursors, {"name": name, "seq": seq}, replace=True)


def lead(tx: Transaction, name: str, owner: str, seconds: float) -> bool:
    """True while `owner` is the one to do `name`; holds for `seconds`, so ask again before that."""
    until = tx.now + timedelta(seconds=seconds)
    is_nobodys = or_(leaders.c.until < tx.now, leaders.c.until > tx.now + LONGEST_LEAD)
    statement = (
        update(leaders)
        .where(leaders.c.name == name, or_(leaders.c.owner == owner, is_nobodys))
        .values(owner=owner, until=until)
    )
    if tx.connection.execute(statement).rowcount == 1:
        return True
    return insert_or(tx, leaders, {"name": name, "owner": owner, "until": until}, replace=False)


def led_until(connection: Connection, name: str) -> datetime | None:
    """How long somebody does it for sure; None = nobody ever did."""
    query = select(leaders.c.until).where(leaders.c.name == name)
    found: datetime | None = value(connection.execute(query), leaders)
    return found
