"""Where names lead, as a worker has seen it last: the zone's word, and what a name server tells users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable, words_in
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import led_names


@dataclass(frozen=True, kw_only=True, slots=True)
class LedName:
    name: str
    addresses: tuple[str, ...]  # empty = nowhere
    told: tuple[str, ...] | None  # None = no name server answered
    seen_at: datetime


def saw(tx: Transaction, name: str, addresses: Sequence[str], told: Sequence[str] | None) -> None:
    values = {"name": name, "addresses": list(addresses), "told": None if told is None else list(told)}
    insert_or(tx, led_names, values | {"seen_at": tx.now}, replace=True)


def list_of(connection: Connection) -> list[LedName]:
    """All that were ever looked at, by name."""
    return list(readable(connection.execute(select(led_names).order_by(led_names.c.name)), led_names, _led_name_of))


def _led_name_of(row: RowMapping) -> LedName:
    return LedName(
        name=row["name"],
        addresses=words_in(row["addresses"]),
        told=None if row["told"] is None else words_in(row["told"]),
        seen_at=row["seen_at"],
    )
