"""Rows that somebody else may have written: one that is none of drbot's ends what needs it, and nothing else."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Any, TypeVar

import structlog
from sqlalchemy import Result, RowMapping, Table

from drbot.core.base.errors import UnreadableError, UserError
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.store.base.column_types import Json

log = structlog.get_logger(__name__)

Read = TypeVar("Read")
Of = TypeVar("Of")

GONE = (UnreadableError, UserError, KeyError)
"""How whatever a row names ends where that is spoilt, not there any more, or never was."""
_FAULTS = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
_YEARS = range(1970, 2200)
"""Of times that anything happened or is due: with others no clock can reckon."""
LATELY_SECONDS = 60.0
_MOST = 1e15  # no number of ours is larger: bytes, seconds, records


def read_of(table: Table, row: RowMapping, read: Callable[[RowMapping], Read]) -> Read:
    """What the row says. Raises UnreadableError."""
    try:
        _require_sound(table, row)
        return read(row)
    except _FAULTS as error:
        raise _unreadable(table, error) from error


def readable(result: Result[Any], table: Table, read: Callable[[RowMapping], Read]) -> Iterator[Read]:
    """The same of each row. One that cannot be read is left out, and told in the log."""
    rows = result.mappings()
    while True:
        try:
            row = rows.fetchone()
            if row is None:
                return
            found = read_of(table, row, read)
        except UnreadableError as error:
            leave_out(error)
        except _FAULTS as error:
            leave_out(_unreadable(table, error))
        else:
            yield found


def left_out_where_unreadable(found: Iterable[Of], read: Callable[[Of], Read]) -> Iterator[Read]:
    """What is read of each, or done with it; of one of which something cannot be read, nothing."""
    for one in found:
        try:
            made = read(one)
        except GONE as error:
            leave_out(error)
        else:
            yield made


class LeftOut:
    """When this process came upon such a row: it may be of an incident, or of what was red."""

    def __init__(self) -> None:
        self._seen_at = float("-inf")  # by the monotonic clock

    def tell(self, why: str) -> None:
        self._seen_at = time.monotonic()
        _log_once(why)

    def is_lately(self) -> bool:
        return time.monotonic() - self._seen_at < LATELY_SECONDS


@lru_cache(maxsize=1)
def left_out() -> LeftOut:
    """The same for the whole process."""
    return LeftOut()


def leave_out(error: Exception) -> None:
    """The log tells it; of a row that cannot be read people are told too (`left_out`)."""
    if isinstance(error, UnreadableError):
        left_out().tell(str(error))
    else:
        _log_once(f"{type(error).__name__}: {error}")


@lru_cache(maxsize=1000)
def _log_once(why: str) -> None:
    """Some are read each second."""
    log.error("A row is left out.", why=why)


def first(result: Result[Any], table: Table, read: Callable[[RowMapping], Read]) -> Read | None:
    """What the first row says; None: there is none. Raises UnreadableError."""
    try:
        row = result.mappings().first()
    except _FAULTS as error:
        raise _unreadable(table, error) from error
    return None if row is None else read_of(table, row, read)


def value(result: Result[Any], table: Table) -> Any:
    """The one value that was asked for; None: there is none, or nobody can read it, which the log tells."""
    try:
        return result.scalar()
    except _FAULTS as error:
        leave_out(_unreadable(table, error))
        return None


def every(result: Result[Any], table: Table, read: Callable[[RowMapping], Read]) -> list[Read]:
    """What all rows say, where none can be done without. Raises UnreadableError."""
    try:
        rows = result.mappings().all()
    except _FAULTS as error:
        raise _unreadable(table, error) from error
    return [read_of(table, row, read) for row in rows]


def _require_sound(table: Table, row: RowMapping) -> None:
    """SQLite keeps whatever it is given, in a column of any kind, and PostgreSQL times without an end."""
    for column in table.columns:
        value = row.get(column.name)
        if value is None or isinstance(column.type, Json):
            continue
        kind = column.type.python_type
        is_sound = is_number(value) if issubclass(kind, int | float) else isinstance(value, kind)
        if not is_sound or (isinstance(value, datetime) and value.year not in _YEARS):
            raise ValueError(f"{column.name} is no {kind.__name__}")


def words_in(said: Any) -> tuple[str, ...]:
    """Of a column of JSON that is a list of words; None is none. Raises TypeError: it is something else."""
    found = [] if said is None else said
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise TypeError("it is no list of words")
    return tuple(found)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value) and abs(value) <= _MOST


def _unreadable(table: Table, error: Exception) -> UnreadableError:
    return UnreadableError(
        phrase(
            "drbot's own record in {table} cannot be read ({why}): something else than drbot has written it",
            table=table.name,
            why=cut(f"{type(error).__name__}: {error}", 200),
        )
    )
