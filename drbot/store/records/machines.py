"""Rented machines as a worker has seen them last: what there is to pay for. Their makers say it, rows only repeat."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, update

from drbot.core.ledger.events import EventKind
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable, words_in
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import machines


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownMachine:
    machine: str
    by: str
    site: str
    incident: int | None
    run: str | None
    type: str
    region: str
    addresses: tuple[str, ...]
    state: str
    since: datetime
    seen_at: datetime
    gone_at: datetime | None = None

    @property
    def key(self) -> str:
        """One machine is one row, however many workers see it at once."""
        return "/".join((self.by, self.site, self.machine))


def saw(tx: Transaction, one: KnownMachine) -> None:
    """It is there now. A machine that nobody here has known is told in its incident."""
    there = update(machines).where(machines.c.key == one.key, machines.c.gone_at.is_(None))
    now = {"addresses": list(one.addresses), "state": one.state, "seen_at": tx.now}
    if tx.connection.execute(there.values(**now)).rowcount:
        return
    values = {name: getattr(one, name) for name in one.__dataclass_fields__} | now | {"gone_at": None}
    again = update(machines).where(machines.c.key == one.key, machines.c.gone_at.is_not(None))
    if insert_or(tx, machines, {"key": one.key, **values}, replace=False) or (
        tx.connection.execute(again.values(**values)).rowcount
    ):
        _tell(tx, EventKind.MACHINE_RENTED, one)


def gone(tx: Transaction, one: KnownMachine) -> None:
    """Nobody pays for it any more. Only the first one who says so tells it."""
    mine = (machines.c.key == one.key, machines.c.gone_at.is_(None))
    if tx.connection.execute(update(machines).where(*mine).values(gone_at=tx.now)).rowcount:
        _tell(tx, EventKind.MACHINE_GONE, one)


def list_of(connection: Connection, incident: int | None = None) -> list[KnownMachine]:
    """What is still there as far as is known, oldest first; of one incident if one is named."""
    query = select(machines).where(machines.c.gone_at.is_(None)).order_by(machines.c.since, machines.c.key)
    if incident is not None:
        query = query.where(machines.c.incident == incident)
    return list(readable(connection.execute(query), machines, _machine_of))


def _machine_of(row: RowMapping) -> KnownMachine:
    values = {name: value for name, value in row.items() if name != "key"}
    return KnownMachine(**(values | {"addresses": words_in(row["addresses"])}))


def _tell(tx: Transaction, kind: EventKind, one: KnownMachine) -> None:
    about = {"machine": one.machine, "site": one.site, "type": one.type or "?", "region": one.region}
    tx.record(kind, incident=one.incident, run=one.run, since=one.since, **about)
