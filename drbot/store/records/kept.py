"""Old data that was kept to undo with: which volume, whose, how big, since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.schema import kept as kept_table

ASK_AFTER = timedelta(hours=72)
ASK_AGAIN = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A row of `kept`. `id` 0 = not stored yet."""

    id: int = 0
    site: str
    incident: int
    run: str
    volume: str  # where the old data lies now; of a whole host the name for all of it
    original: str  # the name it had; of a whole host the site
    size_bytes: int | None
    created_at: datetime
    removed_at: datetime | None = None
    whole_host: bool = False  # containers, volumes and the folder of a host, which come back as one


def add(tx: Transaction, kept: Kept, *, from_step: str | None = None) -> Kept:
    """Remember it; the result has its number."""
    values = {name: getattr(kept, name) for name in kept.__dataclass_fields__ if name != "id"}
    number = tx.connection.execute(insert(kept_table).values(**values).returning(kept_table.c.id)).scalar_one()
    tx.record(
        EventKind.KEPT_CREATED,
        incident=kept.incident,
        run=kept.run,
        step=from_step,
        volume=kept.volume,
        original=kept.original,
        size=kept.size_bytes,
        from_step=from_step,
        expires_at=kept.created_at + ASK_AFTER,
    )
    return Kept(**(values | {"id": number}))


def list_of(connection: Connection, site: str | None = None) -> list[Kept]:
    """What is still there, oldest first."""
    query = select(kept_table).where(kept_table.c.removed_at.is_(None)).order_by(kept_table.c.id)
    if site is not None:
        query = query.where(kept_table.c.site == site)
    return list(readable(connection.execute(query), kept_table, lambda row: Kept(**row)))


def moved(tx: Transaction, kept_id: int, why: str) -> None:
    """It is no longer there: brought back by an undo, or removed."""
    statement = (
        update(kept_table)
        .where(kept_table.c.id == kept_id, kept_table.c.removed_at.is_(None))
        .values(removed_at=tx.now)
        .returning(kept_table.c.incident, kept_table.c.run, kept_table.c.volume)
    )
    row = tx.connection.execute(statement).first()
    if row is None:
        raise UserError(
            phrase("You named the kept data {number}.", number=kept_id),
            phrase("It is not there any more."),
            phrase("See: /dr kept"),
        )
    text = phrase("{volume}: {why}", volume=row.volume, why=why)
    tx.record(EventKind.INCIDENT_NOTE, incident=row.incident, run=row.run, text=text)


def forget(tx: Transaction, incident: int) -> None:
    """Of a drill: its engine is gone, and what it kept with it."""
    tx.connection.execute(update(kept_table).where(kept_table.c.incident == incident).values(removed_at=tx.now))
