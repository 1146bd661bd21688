"""Tells a dead man's switch elsewhere that drbot lives: when the calls stop, somebody else wakes people."""

import threading

import httpx
import structlog

from drbot.core.base.heart import Heart
from drbot.listening.watching import DEAD_SECONDS, state_fault
from drbot.store.base.database import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0


def keep_beating(url: str, database: Database, heart: Heart, stop: threading.Event) -> None:
    """Until `stop`: one GET a minute, while the loops turn and the state answers. The URL is a secret: not logged."""
    pause, told = 0.0, False
    while not stop.wait(pause):
        pause = EVERY_SECONDS
        if heart.standing(DEAD_SECONDS) or state_fault(database):
            continue
        fault = _fault(url)
        if fault and not told:
            log.warning("The heartbeat was not heard.", error=fault)
        told = bool(fault)


def _fault(url: str) -> str:
    try:
        httpx.get(url, timeout=10.0).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__  # its text holds the URL
    return ""
