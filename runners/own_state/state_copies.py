"""drbot's own state in S3, copied as it grows: the ledger in pieces that are never written again, the rest as a whole,
signed by the worker. Where it lies: state_bucket.py; what is believed of it: vouched_copy.py.

One worker at a time does it, in a thread of its own: a slow bucket must not hold up a recovery.
"""

import gzip
import hashlib
import json
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import Event, EventKind
from drbot.core.ledger.ledger import line_of
from drbot.core.ledger.statements import Statement
from drbot.core.ledger.statements import line_of as signed_line
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.documents import Documents
from drbot.runners.own_state.state_bucket import COPY, Named, copy_key, folder_of, named, piece_key, statement_of
from drbot.runners.own_state.vouched_copy import FORMAT
from drbot.store import copies
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import surfaces

log = structlog.get_logger()

LOOK_SECONDS = 1.0
QUIET_SECONDS = 5.0  # after which changes that no event tells of are copied, too
LEAD_SECONDS = 30.0
PIECE = 2000  # events
KEPT = 20  # copies of the tables
LOCK_SECONDS = 60.0  # so often one of them is locked, as the ledger's heads are


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """Who copies: the worker of one site, by its process and by its key."""

    owner: str
    site: str
    key: KeyPair


class StateCopies:
    """`run` until stopped; `copy` once."""

    def __init__(self, database: Database, bucket: ObjectStoreClient, documents: Documents, signer: Signer) -> None:
        self._database = database
        self._bucket = bucket
        self._documents = documents
        self._signer = signer
        self._is_named = False
        self._ledger = ""  # the hash of its first record
        self._there: int | None = None  # the last record that is in the bucket; None = not looked yet
        self._copied = (0, "")  # record and digest of the newest copy of the tables
        self._locked_at = float("-inf")
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
            seq, _ = ledger.head(connection)
        quiet = time.monotonic() - self._looked_at < QUIET_SECONDS
        if seq == 0 or (seq == self._seen and quiet):
            return False
        self._seen, self._looked_at = seq, time.monotonic()
        self._name_key()
        if not self._leads():
            return False
        self._find_place()
        self._bring_backlog()
        with self._database.read() as connection:
            events = ledger.after(connection, self._there or 0, PIECE)
            document = self._document(connection)
            seq, digest = ledger.head(connection)
        content = json.dumps(document, sort_keys=True).encode()
        copied = (seq, hashlib.sha256(content).hexdigest())
        if copied == self._copied:
            return False
        self._write_piece(events)  # first: a copy is believed only with its whole ledger
        self._write_copy(seq, digest, content)
        self._copied = copied
        self._remove_old(seq)
        return True

    def _name_key(self) -> None:
        """Once: a ledger that names the key can show whose word the copies are."""
        if self._is_named:
            return
        with self._database.write() as tx:
            named = ledger.of_kinds(tx.connection, [EventKind.STATE_SIGNED_BY])
            if self._signer.key.public not in {event.payload.get("key") for event in named}:
                tx.record(EventKind.STATE_SIGNED_BY, site=self._signer.site, key=self._signer.key.public)
        self._is_named = True

    def _leads(self) -> bool:
        with self._database.write() as tx:
            return surfaces.lead(tx, "state copies", self._signer.owner, LEAD_SECONDS)

    def _find_place(self) -> None:
        """Once: how far the pieces go, as this ledger's workers have signed; whatever else lies there says nothing.
        Raises PermanentError when the newest copy is of a ledger that went on where this one did not.
        """
        if self._there is not None:
            return
        with self._database.read() as connection:
            (first,) = ledger.after(connection, 0, 1)
            records = ledger.of_kinds(connection, [EventKind.STATE_SIGNED_BY, EventKind.STATE_BROUGHT_BACK])
        keys = {event.payload.get("key") for event in records}
        given_up = max((int(event.payload.get("forgotten", 0)) for event in records), default=0)
        for found in named(COPY, self._bucket.list(folder_of(first.hash))):
            said = self._statement(found)
            if said is None or said.key not in keys:
                continue
            if self._has(said):
                self._ledger, self._there = first.hash, said.seq
                return
            if said.seq > given_up:
                raise PermanentError(
                    phrase(
                        "{place} is from a ledger that continued where this one did not: this state was rolled "
                        "back, or drbot is running elsewhere. Nothing is copied over it",
                        place=self._bucket.place(found.stored.key),
                    )
                )
        self._ledger, self._there = first.hash, 0

    def _statement(self, found: Named) -> Statement | None:
        try:
            return statement_of(self._bucket, found)
        except ValueError:
            return None

    def _has(self, said: Statement) -> bool:
        with self._database.read() as connection:
            events = ledger.after(connection, said.seq - 1, 1)
        return bool(events) and (events[0].seq, events[0].hash) == (said.seq, said.hash)

    def _bring_backlog(self) -> None:
        """All but the newest events, as after a time without the bucket."""
        while True:
            with self._database.read() as connection:
                events = ledger.after(connection, self._there or 0, PIECE)
            if len(events) < PIECE:
                return
            self._write_piece(events)

    def _document(self, connection: Connection) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "drbot": version("drbot-chatops"),
            "revision": copies.revision(connection),
            "tables": copies.rows_of(connection),
            "files": self._documents.texts(),
            "runbooks": self._documents.folder(),
        }

    def _write_piece(self, events: list[Event]) -> None:
        if not events:
            return
        lines = b"".join(line_of(event).encode() + b"\n" for event in events)
        first, last = events[0], events[-1]
        key = piece_key(self._ledger, first.seq, last.seq, last.hash)
        self._bucket.write(key, gzip.compress(lines), locked=True)
        self._there = last.seq

    def _write_copy(self, seq: int, digest: str, content: bytes) -> None:
        """One object, so that it is there whole or not at all."""
        body, pair = gzip.compress(content, compresslevel=1), self._signer.key
        sha256 = hashlib.sha256(body).hexdigest()
        said = Statement(ledger=self._ledger, seq=seq, hash=digest, key=pair.public, sha256=sha256, size=len(body))
        locked = time.monotonic() - self._locked_at >= LOCK_SECONDS
        self._bucket.write(copy_key(self._ledger, seq), signed_line(said, pair) + body, locked=locked)
        if locked:
            self._locked_at = time.monotonic()

    def _remove_old(self, seq: int) -> None:
        """Copies of this ledger until now beyond KEPT: what names a record that is not there yet is none of them."""
        found = [one for one in named(COPY, self._bucket.list(folder_of(self._ledger))) if one.last <= seq]
        for one in found[KEPT:]:
            self._bucket.remove(one.stored.key)

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


def keep_copies(
    database: Database,
    bucket: ObjectStoreClient,
    configuration: Configuration,
    document: Path | None,
    signer: Signer,
    stop: threading.Event,
) -> None:
    documents = Documents(configuration=document, runbooks=configuration.runbooks)
    state = StateCopies(database, bucket, documents, signer)
    threading.Thread(target=state.run, args=(stop,), name="state copies", daemon=True).start()
