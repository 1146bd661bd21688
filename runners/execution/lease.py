"""Keeps a claimed run ours and listens for STOP, in a thread of its own, so that a long look at the target
neither loses the lease nor delays a STOP.
"""

import threading
import time
from pathlib import Path

import structlog

from drbot.core.base.errors import DrbotError, FencedError
from drbot.core.runs.run import Run
from drbot.core.text.messages import phrase
from drbot.runners.foundation.timing import Timing
from drbot.store.base import waking
from drbot.store.base.database import Database
from drbot.store.runs import runs

log = structlog.get_logger()

STOP_FILE = "STOP"  # a file of this name in the worker's home stops every run, also without a database


class Lease:
    """Use as a context manager around everything that is done for the run."""

    def __init__(self, database: Database, run: Run, timing: Timing, home: Path) -> None:
        self._database = database
        self._run = run
        self._timing = timing
        self._stop_file = home / STOP_FILE
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{run.id}", daemon=True)
        self.fenced = False
        self.stop_reason: str | None = run.stop_requested

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=self._timing.lease)

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._ended.wait(self._timing.look):
            try:
                self._listen()
                if time.monotonic() - renewed >= self._timing.renew:
                    self._renew()
                    renewed = time.monotonic()
            except FencedError:
                self.fenced = not self._ended.is_set()
                return
            except DrbotError as error:  # the database is busy or away: the step goes on, nothing new starts
                log.warning("The lease could not be renewed yet.", run=self._run.id, error=str(error))
            except Exception:  # a full disk, a cut connection: this thread must outlive it
                log.exception("The lease could not be renewed yet.", run=self._run.id)

    def _listen(self) -> None:
        if self._stop_file.exists():
            self.stop_reason = phrase("the file {stop_file} is on the worker's host", stop_file=self._stop_file.name)
        elif self.stop_reason is None:
            with self._database.read() as connection:
                self.stop_reason = waking.stop_reason(connection, self._run.id)

    def _renew(self) -> None:
        with self._database.write() as tx:
            runs.renew(tx, self._run.id, self._run.epoch, self._timing.lease)
