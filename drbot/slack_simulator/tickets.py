"""Short-lived permissions Slack hands out: trigger ids (3 s, single use) and response URLs (5 uses in 30 minutes)."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drbot.slack_simulator.rules import SlackError

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5


@dataclass(kw_only=True, slots=True)
class Trigger:
    """Permission to open one modal for one person."""

    user: str
    expires_at: float
    used: bool = False


@dataclass(kw_only=True, slots=True)
class ResponseUrl:
    """Permission to answer where somebody acted; `ts` is the message they acted in, if any."""

    user: str
    channel: str
    ts: str
    expires_at: float
    uses: int = 0


class Tickets:
    """Issues and takes both kinds; `clock` may be replaced so that tests need not wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def new_trigger(self, user: str) -> str:
        trigger_id = f"{secrets.randbelow(10**10)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        with self._lock:
            self._triggers[trigger_id] = Trigger(user=user, expires_at=self.clock() + TRIGGER_SECONDS)
        return trigger_id

    def use_trigger(self, trigger_id: str) -> str:
        """Whose trigger it is; it is used up. Raises SlackError as Slack words it."""
        with self._lock:
            trigger = self._triggers.get(trigger_id)
            if trigger is None:
                raise SlackError("invalid_trigger_id")
            if trigger.used:
                raise SlackError("exchanged_trigger_id")
            if self.clock() > trigger.expires_at:
                raise SlackError("expired_trigger_id")
            trigger.used = True
            return trigger.user

    def new_response_token(self, user: str, channel: str, ts: str = "") -> str:
        token = secrets.token_urlsafe(16)
        expires_at = self.clock() + RESPONSE_URL_SECONDS
        with self._lock:
            self._urls[token] = ResponseUrl(user=user, channel=channel, ts=ts, expires_at=expires_at)
        return token

    def use_response_token(self, token: str) -> ResponseUrl:
        """Where the answer goes; one of the five uses is gone. Raises SlackError."""
        with self._lock:
            url = self._urls.get(token)
            if url is None:
                raise SlackError("no_such_url")
            if self.clock() > url.expires_at:
                raise SlackError("expired_url")
            if url.uses >= RESPONSE_URL_USES:
                raise SlackError("used_url")
            url.uses += 1
            return url
