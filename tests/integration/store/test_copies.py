"""The state as plain values: whatever a column holds travels as JSON and is the same again."""

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Float, Integer, Table, Text, insert

from drbot.core.text.messages import phrase
from drbot.store import copies
from drbot.store.base import ledger
from drbot.store.base.column_types import Json, Moment, Sentence
from drbot.store.base.database import Database

HELD = {
    BigInteger: 2**40,
    Boolean: True,
    Date: date(2026, 12, 15),
    Float: 0.5,
    Integer: 1,
    Json: {"why": [phrase("Every check passed.")]},
    Moment: datetime(2026, 12, 15, 3, 4, 5, 678901, tzinfo=UTC),
    Sentence: phrase("Every check passed."),
    Text: "words",
}
"""A value of each type of column that the tables have: a new type wants one."""


def row_of(table: Table) -> dict[str, Any]:
    """Something in every column; keys of other tables name their only row."""
    return {column.name: HELD[type(column.type)] for column in table.columns}


def test_every_column_of_every_table_comes_back_as_it_was(database: Database, elsewhere: Database) -> None:
    with database.write() as tx:
        for table in copies.copied_tables():
            tx.connection.execute(insert(table).values(row_of(table)))
    with database.read() as connection:
        rows, chain = copies.rows_of(connection), list(ledger.everything(connection))

    with elsewhere.write() as tx:
        copies.fill(tx, chain, json.loads(json.dumps(rows)))

    with elsewhere.read() as connection:
        assert copies.rows_of(connection) == rows
        for table in copies.copied_tables():
            assert dict(connection.execute(table.select()).mappings().one()) == row_of(table)
