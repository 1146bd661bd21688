"""What a column of the state holds, the same in SQLite and in PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from drbot.core.ledger.events import canonical, parsed
from drbot.core.text.stored_messages import message_of_row, text_of_row

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Of all tables (schema.py)."""


class Moment(TypeDecorator[datetime]):
    """UTC to the microsecond in both databases; aware on the way in and out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite would drop the zone, so everything is UTC before it gets there."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite gives naive times, PostgreSQL gives them in the session's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Canonical JSON as text, so that the bytes of the ledger are the same in both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The one JSON of the value."""
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """JSON values, with messages as they were."""
        return None if value is None else parsed(value)


class Sentence(TypeDecorator[str]):
    """A message for people, or plain text, in a column of text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else text_of_row(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else message_of_row(value)
