"""The whole state as plain values, and back: what drbot needs to go on after its own host is lost.

Pure: reads and writes the database, and knows nothing of where the copies lie (runners/own_state does). The same
values fill SQLite and PostgreSQL.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Date, Integer, Table, func, insert, inspect, select, text

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import Event
from drbot.core.text.messages import phrase
from drbot.core.text.stored_messages import restored, stored
from drbot.store.base import ledger
from drbot.store.base.column_types import Moment, metadata
from drbot.store.base.database import Database, Transaction
from drbot.store.base.schema import head

LEFT_OUT = frozenset({"events", "head", "leaders", "codes", "enrolments", "worker_keys", "served"})
"""The ledger travels by itself. What else is missing is made anew: it is of one host, or of one minute. The key that
signs buttons is copied: without it the buttons that people see in Slack would be dead."""

READ_AS: Mapping[type, Callable[[str], date]] = {Moment: datetime.fromisoformat, Date: date.fromisoformat}
"""By the type of a column: JSON has neither moments nor days. Whatever else a column holds is JSON as it is."""

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def copied_tables() -> list[Table]:
    """What is copied, in an order in which it can be filled."""
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def rows_of(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    return {
        table.name: [
            {name: _plain(value) for name, value in row.items()}
            for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
        ]
        for table in copied_tables()
    }


def revision(connection: Connection) -> str:
    """Which migration the tables are at; rows fit only there."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def require_empty(database: Database) -> None:
    """Nothing is written. Raises UserError when it holds a state already, also one that is older than these tables."""
    with database.read() as connection:
        seq = ledger.head(connection)[0] if inspect(connection).has_table(head.name) else 0
    if seq:
        why = phrase("This database holds {count} records already.", count=seq)
        raise UserError(phrase("Bringing the state back."), why, phrase("Name an empty home, or another DATABASE_URL."))


def fill(tx: Transaction, chain: Iterable[Event], rows: Rows) -> None:
    """Put everything into an empty database."""
    ledger.bring(tx.connection, chain)
    for table in copied_tables():
        values = [{name: _value(table, name, value) for name, value in row.items()} for row in rows[table.name]]
        if values:
            tx.connection.execute(insert(table), values)
        _go_on_counting(tx.connection, table)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """PostgreSQL's sequences do not notice numbers that were given; SQLite does."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None or not isinstance(column.type, (Integer, BigInteger)):
        return
    most = connection.execute(select(func.max(column))).scalar()
    if most is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        connection.execute(select(func.setval(sequence, most)))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else stored(value)  # a moment is a date too


def _value(table: Table, name: str, value: Any) -> Any:
    """Raises KeyError for a column that these tables do not have."""
    read = READ_AS.get(type(table.c[name].type))
    return restored(value) if read is None or value is None else read(value)
