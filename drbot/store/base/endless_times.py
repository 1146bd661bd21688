"""PostgreSQL keeps times that Python does not know, such as `infinity`: one would end every query that reads it.
They arrive as text, which is no time to whoever reads that row.
"""

from typing import Any

from psycopg import Connection, DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader, TimestamptzLoader


class _Time(TimestamptzLoader):
    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return bytes(data).decode()


class _Date(DateLoader):
    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return bytes(data).decode()


def register(connection: Connection) -> None:
    connection.adapters.register_loader("timestamptz", _Time)
    connection.adapters.register_loader("date", _Date)
