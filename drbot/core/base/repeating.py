"""Work that is done again and again beside everything else: what goes wrong is told once, and tried again next time."""

import threading
import time
from collections.abc import Callable

import structlog

from drbot.core.base.errors import DrbotError, TemporaryError

log = structlog.get_logger(__name__)

THROTTLED_SECONDS = 60.0
"""Somebody else's limit is told this often, however often it is reached and with whatever time to wait."""


def repeat(work: Callable[[], object], seconds: float, stop: threading.Event, what: str, *, begin: float = 0.0) -> None:
    """After `begin` seconds, and then every so many until `stop`. `what`: the work, for the log, which hears of a fault
    again only after the work was done or when it is another one.
    """
    pause, told, throttled_at = begin, "", float("-inf")
    while not stop.wait(pause):
        pause = seconds
        try:
            work()
            told = ""
        except DrbotError as error:
            if isinstance(error, TemporaryError) and error.kind == "throttled":
                if time.monotonic() - throttled_at < THROTTLED_SECONDS:
                    continue
                throttled_at = time.monotonic()
            if str(error) != told:
                log.warning("Not done this time.", what=what, error=str(error))
            told = str(error)
        except Exception:
            log.exception("Not done this time, in a way nobody foresaw.", what=what)
