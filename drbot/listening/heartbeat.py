"""Tells a dead man's switch elsewhere that drbot lives: when the calls stop, somebody else wakes people."""

import threading

import httpx

from drbot.core.base.errors import TemporaryError
from drbot.core.base.heart import Heart
from drbot.core.base.repeating import repeat
from drbot.listening.watching import DEAD_SECONDS, state_fault
from drbot.store.base.database import Database

EVERY_SECONDS = 60.0


def keep_beating(url: str, database: Database, heart: Heart, stop: threading.Event) -> None:
    """Until `stop`: one GET a minute, while the loops turn and the state answers. The URL is a secret: not logged."""
    repeat(lambda: _beat(url, database, heart), EVERY_SECONDS, stop, "heartbeat")


def _beat(url: str, database: Database, heart: Heart) -> None:
    if heart.standing(DEAD_SECONDS) or state_fault(database):
        return
    try:
        httpx.get(url, timeout=10.0).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TemporaryError(type(error).__name__) from None  # its text holds the URL
