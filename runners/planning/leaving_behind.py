"""Work that only looks, in a thread of its own: STOP leaves it behind, whatever it waits for (a disk, an engine)."""

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from drbot.core.base.errors import CancelledError

Answer = TypeVar("Answer")

GRACE_SECONDS = 0.7
"""To end by itself and remove its helpers: STOP ends a survey within two seconds."""

LOOK_EVERY_SECONDS = 0.05


def unless_stopped(work: Callable[[], Answer], cancelled: Callable[[], bool], what: str) -> Answer:
    """What `work` returns or raises. Raises CancelledError when it has not ended a moment after it was cancelled; it
    may then still be looking, but nobody waits for it.
    """
    outcome: Future[Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            outcome.set_exception(error)

    context = contextvars.copy_context()  # the log's fields
    threading.Thread(target=context.run, args=(run,), name=what, daemon=True).start()
    deadline: float | None = None
    while not wait((outcome,), LOOK_EVERY_SECONDS).done:
        if deadline is None and cancelled():
            deadline = time.monotonic() + GRACE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            raise CancelledError(f"Stopped; {what} was left behind.")
    return outcome.result()
