"""Work that only looks, in a thread of its own: STOP leaves it behind, whatever it waits for (a disk, an engine)."""

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from core.errors import CancelledError

Answer = TypeVar("Answer")

GRACE_SECONDS = 0.7
"""To end by itself and remove its helpers: STOP ends a survey within two seconds."""

LOOK_EVERY_SECONDS = 0.05


class _Work(Generic[Answer]):
    """One call and what became of it."""

    def __init__(self, work: Callable[[], Answer]) -> None:
        self._work = work
        self._answer: list[Answer] = []
        self._error: BaseException | None = None
        self.over = threading.Event()

    def run(self) -> None:
        """In the thread."""
        try:
            self._answer.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            self._error = error
        finally:
            self.over.set()

    def result(self) -> Answer:
        """What it returned or raised."""
        if self._error is not None:
            raise self._error
        return self._answer[0]


def unless_stopped(work: Callable[[], Answer], cancelled: Callable[[], bool], what: str) -> Answer:
    """What `work` returns or raises. Raises CancelledError when it has not ended a moment after it was cancelled; it
    may then still be looking, but nobody waits for it.
    """
    attempt = _Work(work)
    context = contextvars.copy_context()  # the log's fields
    threading.Thread(target=context.run, args=(attempt.run,), name=what, daemon=True).start()
    deadline: float | None = None
    while not attempt.over.wait(LOOK_EVERY_SECONDS):
        if deadline is None and cancelled():
            deadline = time.monotonic() + GRACE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            raise CancelledError(f"Stopped; {what} was left behind.")
    return attempt.result()
