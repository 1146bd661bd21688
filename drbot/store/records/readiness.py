"""What workers and bots found out about tonight, each the last time it looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from drbot.core.site.readiness import Colour, Line, one_each
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable, value
from drbot.store.base.schema import confirmations, drills, proofs, readiness, routines, runs

SLACK = "Slack"
"""The source of what bots saw; workers are named by their site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A line, who looked, and since when it has been so."""

    source: str
    line: Line
    since: datetime
    looked_at: datetime


def saw(tx: Transaction, source: str, lines: Sequence[Line]) -> None:
    """In place of what this source saw before; what kept its colour kept it since then."""
    before = {seen.line.what: seen for seen in of_source(tx.connection, source)}
    tx.connection.execute(delete(readiness).where(readiness.c.source == source))
    rows = {}
    for position, line in enumerate(one_each(lines)):
        known = before.get(line.what)
        since = known.since if known is not None and known.line.colour is line.colour else tx.now
        rows[line.what] = {
            "source": source, "what": line.what, "position": position, "colour": line.colour.value,
            "reason": line.reason, "remedy": line.remedy, "since": since, "looked_at": tx.now,
        }  # fmt: skip
    if rows:
        tx.connection.execute(insert(readiness), list(rows.values()))


def happened_at(connection: Connection) -> datetime | None:
    """When something ended last that changes what a look would find; None = never."""
    ended = (runs.c.finished_at, drills.c.ended_at, routines.c.succeeded_at, confirmations.c.at, proofs.c.proven_at)
    moments = [value(connection.execute(select(func.max(column))), column.table) for column in ended]
    return max((moment for moment in moments if moment is not None), default=None)


def of_source(connection: Connection, source: str) -> list[Seen]:
    """In the order in which it looked."""
    return [one for one in list_of(connection) if one.source == source]


def list_of(connection: Connection) -> list[Seen]:
    """All, by who looked."""
    query = select(readiness).order_by(readiness.c.source, readiness.c.position)
    return list(readable(connection.execute(query), readiness, _seen_of))


def are_readable(connection: Connection) -> bool:
    """All of them: one that is left out may have been red."""
    return len(list_of(connection)) == connection.execute(select(func.count()).select_from(readiness)).scalar_one()


def _seen_of(row: RowMapping) -> Seen:
    return Seen(
        source=row["source"],
        line=Line(what=row["what"], colour=Colour(row["colour"]), reason=row["reason"], remedy=row["remedy"]),
        since=row["since"],
        looked_at=row["looked_at"],
    )
