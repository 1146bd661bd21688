"""The ledger's head, written down where nobody who can edit the ledger can edit it too: in S3, signed, and locked where
the bucket allows it.

Each worker does it in a thread of its own: a slow bucket must not hold up a recovery.
"""

import threading

from drbot.core.base.repeating import repeat
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.statements import Statement, line_of
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.state_bucket import head_key
from drbot.store.base import ledger
from drbot.store.base.database import Database

EVERY_SECONDS = 60.0


class LedgerAnchor:
    """`run` until stopped; `keep` once."""

    def __init__(self, database: Database, bucket: ObjectStoreClient, key: KeyPair) -> None:
        self._database = database
        self._bucket = bucket
        self._key = key
        self._kept = 0

    def run(self, stop: threading.Event) -> None:
        """Every minute, when something was written since."""
        repeat(self.keep, EVERY_SECONDS, stop, "keeping the ledger's head in S3", begin=EVERY_SECONDS)

    def keep(self) -> str | None:
        """Write the head as an object of its own, never over another one; its key, or None: it is there already."""
        with self._database.read() as connection:
            seq, digest = ledger.head(connection)
            if seq == self._kept:
                return None
            (first,) = ledger.after(connection, 0, 1)
        key = head_key(first.hash, seq, digest)
        until = self._bucket.keeps_until()
        said = Statement(
            ledger=first.hash,
            seq=seq,
            hash=digest,
            key=self._key.public,
            locked_until=int(until.timestamp()) if until else 0,
        )
        self._bucket.write(key, line_of(said, self._key), locked=True)
        self._kept = seq
        return key


def anchor_ledger(database: Database, bucket: ObjectStoreClient, key: KeyPair, stop: threading.Event) -> None:
    threading.Thread(
        target=LedgerAnchor(database, bucket, key).run, args=(stop,), name="ledger anchor", daemon=True
    ).start()
