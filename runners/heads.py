"""The ledger's head, written down where nobody who can edit the ledger can edit it too: in S3, locked where it allows.

Each worker does it in a thread of its own: a slow bucket must not hold up a recovery.
"""

import json
import threading

import structlog

from core.errors import DrbotError
from runners.clients.object_store import ObjectStoreClient
from store import journal
from store.database import Database

log = structlog.get_logger()

EVERY_SECONDS = 60.0
FOLDER = "ledger/heads/"


class Heads:
    """`run` until stopped; `keep` once."""

    def __init__(self, database: Database, bucket: ObjectStoreClient) -> None:
        self._database = database
        self._bucket = bucket
        self._kept = 0
        self._complained = False

    def run(self, stop: threading.Event) -> None:
        """Every minute, when something was written since."""
        while not stop.wait(EVERY_SECONDS):
            self._guarded()

    def keep(self) -> str | None:
        """Write the head as an object of its own, never over another one; its key, or None: it is there already."""
        with self._database.read() as connection:
            seq, digest = journal.head(connection)
        if seq == self._kept:
            return None
        key = f"{FOLDER}{seq:012d}-{digest[:16]}.json"
        self._bucket.write(key, json.dumps({"head": f"{seq}:{digest}"}).encode(), locked=True)
        self._kept = seq
        return key

    def _guarded(self) -> None:
        try:
            self.keep()
            self._complained = False
        except DrbotError as error:
            if not self._complained:
                log.warning("The ledger's head could not be kept in S3; trying again.", error=str(error))
            self._complained = True
        except Exception:
            log.exception("Keeping the ledger's head failed in a way nobody foresaw.")


def keep_heads(database: Database, bucket: ObjectStoreClient, stop: threading.Event) -> None:
    """Start it beside the worker."""
    threading.Thread(target=Heads(database, bucket).run, args=(stop,), name="heads", daemon=True).start()
