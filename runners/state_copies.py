"""drbot's own state in S3, copied as it grows: the ledger in pieces that are never written again, the rest as a whole.

    state/<ledger>/ledger/<first>-<last>-<hash>.jsonl.gz   the lines of `drbot audit export`, locked where it allows
    state/<ledger>/tables/<record>.json.gz                 every other table, dr.yml and the runbooks as of this record,
                                                           and the records that are not in such a piece yet

<ledger> is the beginning of its first hash: two installations in one bucket never mix. One worker at a time does it, in
a thread of its own: a slow bucket must not hold up a recovery. `drbot bootstrap` (runners/bootstrap.py) reads it.
"""

import gzip
import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from core.errors import DrbotError, PermanentError
from core.events import Event
from core.ledger import line_of
from core.site import Configuration
from runners.clients.object_store import ObjectStoreClient
from store import copies, journal, surfaces
from store.database import Database

log = structlog.get_logger()

FOLDER = "state/"
LOOK_SECONDS = 1.0
QUIET_SECONDS = 5.0  # after which changes that no event tells of are copied, too
LEAD_SECONDS = 30.0
PIECE = 2000  # events
KEPT = 20  # copies of the tables
FORMAT = 1
_PIECE = re.compile(r"/ledger/(\d{12})-(\d{12})-([0-9a-f]{16})\.jsonl\.gz$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A piece of the ledger, by its name."""

    key: str
    first: int
    last: int
    digest: str  # how the hash of the last one begins


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """dr.yml and the folder with further runbooks, where there are any."""

    configuration: Path | None
    runbooks: Path | None

    def texts(self) -> dict[str, str]:
        """By the names they have in a copy."""
        found = {"dr.yml": self.configuration} if self.configuration and self.configuration.is_file() else {}
        if self.runbooks and self.runbooks.is_dir():
            found |= {f"runbooks/{path.name}": path for path in sorted(self.runbooks.glob("*.yml"))}
        return {name: path.read_text() for name, path in found.items()}


class StateCopies:
    """`run` until stopped; `copy` once."""

    def __init__(self, database: Database, bucket: ObjectStoreClient, documents: Documents, owner: str) -> None:
        self._database = database
        self._bucket = bucket
        self._documents = documents
        self._owner = owner
        self._folder = ""
        self._there: int | None = None  # the last record that is in the bucket; None = not looked yet
        self._copied = (0, "")  # record and digest of the newest copy of the tables
        self._seen, self._looked_at = 0, float("-inf")
        self._complained = ""

    def run(self, stop: threading.Event) -> None:
        """Look every second; once more at the end."""
        while not stop.wait(LOOK_SECONDS):
            self._guarded()
        self._guarded()

    def copy(self) -> bool:
        """Bring what is new. Raises PermanentError, TemporaryError; OSError when dr.yml cannot be read."""
        with self._database.read() as connection:
            seq, _ = journal.head(connection)
        quiet = time.monotonic() - self._looked_at < QUIET_SECONDS
        if seq == 0 or (seq == self._seen and quiet):
            return False
        self._seen, self._looked_at = seq, time.monotonic()
        if not self._leads():
            return False
        self._find_place()
        self._bring_backlog()
        with self._database.read() as connection:
            events = journal.after(connection, self._there or 0, PIECE)
            document = self._document(connection, events)
        digest = hashlib.sha256(json.dumps(document | {"events": []}, sort_keys=True).encode()).hexdigest()
        if not events and (document["seq"], digest) == self._copied:
            return False
        document |= {"drbot": version("drbot-chatops"), "at": datetime.now(UTC).isoformat()}
        key = f"{self._folder}tables/{document['seq']:012d}.json.gz"
        # First, and with the newest events inside: the ledger is never ahead of the rest.
        self._bucket.write(key, gzip.compress(json.dumps(document).encode(), compresslevel=1))
        self._copied = (document["seq"], digest)
        self._write_piece(events)
        self._remove_old()
        return True

    def _leads(self) -> bool:
        with self._database.write() as tx:
            return surfaces.lead(tx, "state copies", self._owner, LEAD_SECONDS)

    def _find_place(self) -> None:
        """Once: where this ledger's copies are and how far they go. Raises PermanentError for another's."""
        if self._there is not None:
            return
        with self._database.read() as connection:
            (first,) = journal.after(connection, 0, 1)
        self._folder = f"{FOLDER}{first.hash[:12]}/"
        last = max(pieces(self._bucket, self._folder), key=lambda piece: piece.last, default=None)
        if last is not None:
            with self._database.read() as connection:
                found = journal.after(connection, last.last - 1, 1)
            if not found or not found[0].hash.startswith(last.digest):
                raise PermanentError(
                    f"{self._bucket.place(last.key)} is of a ledger that went on where this one did not: this state "
                    "was rolled back, or drbot goes on elsewhere. Nothing is copied over it"
                )
        self._there = last.last if last else 0

    def _bring_backlog(self) -> None:
        """All but the newest events, as after a time without the bucket."""
        while True:
            with self._database.read() as connection:
                events = journal.after(connection, self._there or 0, PIECE)
            if len(events) < PIECE:
                return
            self._write_piece(events)

    def _document(self, connection: Connection, events: list[Event]) -> dict[str, Any]:
        seq, digest = journal.head(connection)
        return {
            "format": FORMAT,
            "revision": copies.revision(connection),
            "seq": seq,
            "hash": digest,
            "events": [line_of(event) for event in events],
            "tables": copies.rows_of(connection),
            "files": self._documents.texts(),
        }

    def _write_piece(self, events: list[Event]) -> None:
        if not events:
            return
        lines = b"".join(line_of(event).encode() + b"\n" for event in events)
        last = events[-1]
        key = f"{self._folder}ledger/{events[0].seq:012d}-{last.seq:012d}-{last.hash[:16]}.jsonl.gz"
        self._bucket.write(key, gzip.compress(lines), locked=True)
        self._there = last.seq

    def _remove_old(self) -> None:
        found = sorted(one.key for one in self._bucket.list(f"{self._folder}tables/"))
        for key in found[:-KEPT]:
            self._bucket.remove(key)

    def _guarded(self) -> None:
        try:
            self.copy()
            self._complained = ""
        except (DrbotError, OSError) as error:
            if str(error) != self._complained:
                log.warning("drbot's own state could not be copied to S3; trying again.", error=str(error))
            self._complained = str(error)
        except Exception:
            log.exception("Copying drbot's own state failed in a way nobody foresaw.")


def pieces(bucket: ObjectStoreClient, folder: str) -> list[Piece]:
    """The pieces of a ledger in the bucket, in order."""
    found = []
    for one in bucket.list(f"{folder}ledger/"):
        match = _PIECE.search(one.key)
        if match:
            found.append(Piece(key=one.key, first=int(match[1]), last=int(match[2]), digest=match[3]))
    return sorted(found, key=lambda piece: (piece.first, piece.last))


def keep_copies(
    database: Database,
    bucket: ObjectStoreClient,
    configuration: Configuration,
    document: Path | None,
    owner: str,
    stop: threading.Event,
) -> None:
    """Start it beside the worker."""
    documents = Documents(configuration=document, runbooks=configuration.runbooks)
    state = StateCopies(database, bucket, documents, owner)
    threading.Thread(target=state.run, args=(stop,), name="state copies", daemon=True).start()


def document_in(data: bytes, place: str) -> Mapping[str, Any]:
    """A copy of the tables. Raises PermanentError when it cannot be read by this drbot."""
    try:
        found: dict[str, Any] = json.loads(gzip.decompress(data))
        known = found["format"] == FORMAT
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"{place} cannot be read: {error}") from error
    if not known:
        raise PermanentError(f"{place} was written by drbot {found.get('drbot')}, in a format this one does not know")
    return found
