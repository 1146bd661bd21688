"""The whole output of a step goes into a file on the worker's host, its tail into the ledger; secrets are masked."""

import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from drbot.core.text.messages import phrase
from drbot.core.text.redaction import LineByLine, Redactor
from drbot.core.text.words import cut
from drbot.store.base.file_modes import private

TAIL_LINES = 20
LINE_LIMIT = 2000


class StepLog:
    """One file per attempt. Actions write from several threads."""

    def __init__(self, path: Path, redact: Redactor) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._redact = redact
        self._by_line = LineByLine(redact)
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._lock = threading.Lock()
        self._heard = time.monotonic()

    def mask(self, text: str) -> str:
        """The text without secrets; for everything of the step that goes elsewhere."""
        return self._redact(text)

    def line(self, text: str) -> None:
        """Keep one line. A full disk must not end a recovery: the tail in memory stays."""
        with self._lock:
            masked = cut(self._by_line(text[: 2 * LINE_LIMIT].rstrip()), LINE_LIMIT)
            self._heard = time.monotonic()
            self._tail.append(masked)
            try:
                with open(self.path, "a", encoding="utf-8", opener=private) as file:
                    file.write(f"{datetime.now(UTC):%H:%M:%S} {masked}\n")
            except OSError:
                self._tail.append(phrase("(the log file cannot be written)"))

    def heard(self) -> None:
        """Progress counts as a sign of life too."""
        self._heard = time.monotonic()

    @property
    def quiet_seconds(self) -> float:
        """Since the last line or progress."""
        return time.monotonic() - self._heard

    @property
    def tail(self) -> list[str]:
        """The last lines, masked."""
        with self._lock:
            return list(self._tail)
