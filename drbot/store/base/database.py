"""The one way to SQL: short transactions on SQLite or PostgreSQL, each ending with its events."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, insert, inspect, make_url, text

from drbot.core.base.errors import BrokenStateError, TemporaryError, UserError
from drbot.core.ledger.events import GENESIS, Event, EventKind, parsed
from drbot.core.text.messages import listed, phrase
from drbot.core.text.stored_messages import stored
from drbot.store.base import ledger
from drbot.store.base.column_types import metadata
from drbot.store.base.file_modes import made_private
from drbot.store.base.reading import GONE, leave_out
from drbot.store.base.schema import head

BUSY_SECONDS = 5.0
CONNECT_SECONDS = 5
SILENT_SECONDS = 60.0
BUSY_PAUSE_SECONDS = 0.02
_PAUSE = threading.Event()
NEWEST = "v8"
"""The last of `store/migrations`: a state that is there already is opened without Alembic, a tenth of a second."""
MIGRATION_LOCK = 7_265_001  # any number, the same in every drbot: only one migrates at a time

# The payload of these names the step too, for readers that only look there.
_STEP_IN_PAYLOAD = frozenset(
    {EventKind.RUN_WAITING, EventKind.RUN_NEEDS_DECISION, EventKind.RUN_FAILED, EventKind.REQUEST_USED}
)

_POOL: Mapping[str, Any] = {"pool_size": 10, "max_overflow": 20}
_SQLITE: tuple[str, ...] = ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL")


class Transaction:
    """A write in progress. What is recorded here becomes true together with its events, or not at all."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        """The database's clock, constant in the transaction."""
        self.events: list[Event] = []
        self.callbacks: list[Callable[[], None]] = []

    def record(
        self,
        kind: EventKind,
        /,
        *,
        incident: int | None = None,
        run: str | None = None,
        step: str | None = None,
        person: str | None = None,
        **payload: Any,
    ) -> None:
        """Collect an event; it is written, with its number, when the transaction ends."""
        if step is not None and kind in _STEP_IN_PAYLOAD:
            payload["step"] = step
        plain = parsed(json.dumps(stored(payload), default=_plain))
        self.events.append(
            Event(seq=0, at=self.now, kind=kind, incident=incident, run=run, step=step, person=person, payload=plain)
        )

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Called once the transaction is durable: commit first, then ring."""
        self.callbacks.append(callback)

    @contextmanager
    def part(self) -> Iterator[None]:
        """One of several that have nothing to do with each other: what cannot be read ends this part alone, and nothing
        of it is written.
        """
        events, callbacks = len(self.events), len(self.callbacks)
        try:
            with self.connection.begin_nested():
                yield
        except GONE as error:
            del self.events[events:], self.callbacks[callbacks:]
            leave_out(error)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot stand in an event")


class Database:
    """An engine and its manners. Raises TemporaryError when the database is busy or away."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """`busy_seconds`: how long a write waits for another one before it gives up."""
        self._engine = _engine_of(url, busy_seconds)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._reader: Engine = self._engine
        self._writer: Engine = self._engine
        if self.is_sqlite:
            self._writer = self._engine.execution_options(immediate=True)
        else:
            # One snapshot per reading, so that two queries of a page agree with each other.
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; nothing can be written through it."""
        with _translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction: all of it and its events, or nothing. One after the other: what is read in it is still so when
        it ends, and two who decide at the same moment see each other. Never retried here.
        """
        with _translated(), self._writer.begin() as connection:
            if not self.is_sqlite:  # whose "immediate" is the same
                ledger.hold(connection)
            transaction = Transaction(connection, self.now(connection))
            yield transaction
            ledger.append(connection, transaction.events)
        for callback in transaction.callbacks:
            callback()

    def migrate(self) -> None:
        """Bring the tables up to date; several processes may at once. Raises UserError for another version's."""
        with _translated(), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SET LOCAL lock_timeout = 0"))  # wait as long as the other one needs
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            inspector = inspect(connection)
            is_new = not inspector.has_table(head.name)
            if is_new:
                _require_ours(inspector.get_table_names())
                _make_tables(connection)
            elif _revision(connection) == NEWEST:
                return
            from drbot.store.base.migrating import bring_up_to_date

            bring_up_to_date(connection, is_new=is_new)

    def close(self) -> None:
        self._engine.dispose()

    def now(self, connection: Connection) -> datetime:
        """By the database's clock, which all bots and workers share."""
        if self.is_sqlite:
            return datetime.now(UTC)  # the file lies on this host; SQLite itself only counts milliseconds
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now.astimezone(UTC)


def _revision(connection: Connection) -> str | None:
    """Which migration its tables are at."""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _require_ours(tables: Sequence[str]) -> None:
    """Nobody else's tables are filled. Raises UserError."""
    if strange := sorted({"alembic_version", *metadata.tables}.intersection(tables)):
        raise UserError(
            phrase("Opening drbot's own state."),
            phrase("This database holds tables of another program: {names}.", names=listed(strange)),
            phrase("Name an empty home, or another DATABASE_URL."),
        )


def _make_tables(connection: Connection) -> None:
    """All of them as they are now, and an empty ledger; migrations are for databases that are older."""
    metadata.create_all(connection)
    connection.execute(insert(head).values(id=1, seq=0, hash=GENESIS))


def _engine_of(url: str, busy_seconds: float) -> Engine:
    address = _address_of(url)
    if address.get_backend_name() == "sqlite":
        made_private(Path(address.database or ""))
        # isolation_level None: we begin ourselves, see `_begin_sqlite`.
        engine = create_engine(address, connect_args={"timeout": busy_seconds, "isolation_level": None}, **_POOL)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "connect", partial(_prepare_sqlite, busy_seconds))
    else:
        connect = {} if "connect_timeout" in address.query else {"connect_timeout": CONNECT_SECONDS}
        engine = create_engine(address, connect_args=connect, pool_pre_ping=True, **_POOL)
        event.listen(engine, "connect", partial(_prepare_postgres, busy_seconds))
    return engine


def _address_of(url: str) -> URL:
    """Raises UserError; the URL itself is not shown, it may hold a password."""
    try:
        address = make_url(url)
    except exc.ArgumentError:
        address = None
    if address is not None and address.drivername in {"postgres", "postgresql"}:
        address = address.set(drivername="postgresql+psycopg")
    if address is None or not (address.drivername == "postgresql+psycopg" or _is_file(address)):
        raise UserError(
            phrase("Opening drbot's own state."),
            phrase("DATABASE_URL leads neither to PostgreSQL nor to a file of SQLite."),
            phrase(
                "Write it as postgresql://user:password@host/database, or unset it: then it is a file below DRBOT_HOME."
            ),
        )
    return address


def _is_file(address: URL) -> bool:
    """What lies in memory each connection would have for itself."""
    return address.drivername == "sqlite" and not (address.database or ":").startswith((":", "file:"))


def _prepare_postgres(busy_seconds: float, connection: Any, _record: object) -> None:
    """Whoever writes keeps all others waiting: a host that vanishes in the middle of it, for a minute at most."""
    from drbot.store.base.endless_times import register  # a state in a file needs no psycopg

    register(connection)
    limits = {"lock_timeout": busy_seconds, "idle_in_transaction_session_timeout": SILENT_SECONDS}
    for name, seconds in limits.items():
        connection.execute(f"SET {name} = {seconds * 1000:.0f}").close()
    connection.commit()


def _prepare_sqlite(busy_seconds: float, connection: Any, _record: object) -> None:
    """Two that open a new file at once both turn it to WAL, and for that SQLite has no patience of its own. What is no
    text in a column of text would end whatever query comes upon it.
    """
    connection.text_factory = _text
    deadline = time.monotonic() + busy_seconds
    for statement in _SQLITE:
        while True:
            try:
                connection.execute(statement).close()
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                _PAUSE.wait(BUSY_PAUSE_SECONDS)
    connection.commit()


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a write fails at once when another one writes, whatever the
    # busy timeout; an immediate one waits its turn.
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


_BUSY_STATES = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock not available


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        raise TemporaryError(phrase("All connections to the database are in use."), kind="busy") from error
    except exc.DatabaseError as error:
        kind = _kind(error)
        if kind is None:
            raise
        reason = str(error.orig).partition("\n")[0]  # the driver's advice below it is about a server of one's own
        if kind == _BROKEN:
            raise BrokenStateError(phrase("drbot's own database cannot be read: {reason}", reason=reason)) from error
        raise TemporaryError(
            phrase("drbot's own database is not available: {reason}", reason=reason), kind=kind
        ) from error


_BROKEN = "broken"
# SQLite's primary codes. Everything else that it calls an "operational error" is a fault of ours and is not hidden.
_SQLITE_KINDS: Mapping[str, str] = {
    "BUSY": "busy",
    "LOCKED": "busy",
    "FULL": "full",
    "IOERR": "full",  # its index is mapped into memory, where a full disk is an error of input and output
    "CANTOPEN": "denied",
    "READONLY": "denied",
    "PERM": "denied",
    "CORRUPT": _BROKEN,
    "NOTADB": _BROKEN,
}


def _kind(error: exc.DatabaseError) -> str | None:
    name: str | None = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return _SQLITE_KINDS.get(name.split("_")[1])
    if not isinstance(error, exc.OperationalError) or "sqlite" in type(error.orig).__module__:
        return None
    return "busy" if getattr(error.orig, "sqlstate", None) in _BUSY_STATES else "network"
