"""Is the ledger whole? Asked by everything that would open a gate: a broken ledger closes them, the rest works."""

import threading
import time

from sqlalchemy import Connection, select

from drbot.core.base.errors import TemporaryError
from drbot.core.text.messages import closed, phrase, sentences
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.schema import events

LOOK_SECONDS = 60.0


def fault_of(database: Database) -> str | None:
    """The whole chain is read now; a sentence for people, or None. Raises TemporaryError."""
    with database.read() as connection:
        problems = ledger.verify(connection)
    if not problems:
        return None
    return sentences(
        phrase("The ledger is broken, so no gate can open."), closed(problems[0]), phrase("Look: drbot audit verify")
    )


class LedgerWatch:
    """The answer for surfaces that are drawn every second: read again when the last look is a minute old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._fault: str | None = None

    def fault(self, *, fresh: bool = False) -> str | None:
        """`fresh`: read it now, because a gate depends on the answer. Raises TemporaryError, then only."""
        if not fresh and time.monotonic() - self._looked_at < LOOK_SECONDS:
            return self._fault
        if not self._lock.acquire(blocking=fresh):
            return self._fault  # somebody is reading it just now
        try:
            self._fault = fault_of(self._database)
            self._looked_at = time.monotonic()
        except TemporaryError:
            if fresh:
                raise
        finally:
            self._lock.release()
        return self._fault


def instance(connection: Connection) -> str:
    """Which drbot this state says that it is: the same for all that share it, also after it was brought back elsewhere.
    A worker believes it once (runners/foundation/own_record.py).
    """
    first = connection.execute(select(events.c.hash).where(events.c.seq == 1)).scalar()
    return str(first or "")[:12]
