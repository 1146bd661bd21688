"""Slack's rate limits, kept from this side: a burst, then a steady rate, per method or per channel (slack.md).

A part of the edits is kept for what is urgent: final states, approvals and stops jump the queue.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

POST_BURST = 3.0
EDITS_KEPT = 8.0  # of 50 a minute

PER_MINUTE: Mapping[str, float] = {
    "chat.update": 48.0,
    "conversations.create": 18.0,
    "conversations.setTopic": 18.0,
    "pins.add": 18.0,
    "bookmarks.add": 18.0,
    "conversations.history": 45.0,
    "conversations.replies": 45.0,
    "conversations.invite": 45.0,
}
OTHERS_PER_MINUTE = 90.0


@dataclass(kw_only=True, slots=True)
class Bucket:
    tokens: float
    filled_at: float
    held_until: float = 0.0


class RateLimiter:
    """Shared by all threads that call Slack for the publisher."""

    def __init__(self, now: Callable[[], float] = time.monotonic, *, post_seconds: float = 1.0) -> None:
        self._now = now
        self._post_seconds = post_seconds
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def take(self, method: str, channel: str = "", *, urgent: bool = False) -> float:
        """0 when the call may be made (and is counted), else the seconds to wait."""
        burst, per_second = self._rate(method)
        kept = EDITS_KEPT if method == "chat.update" and not urgent else 0.0
        with self._lock:
            now = self._now()
            bucket = self._bucket(method, channel, burst, now)
            bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * per_second)
            bucket.filled_at = now
            if bucket.held_until > now:
                return bucket.held_until - now
            if bucket.tokens < 1 + kept:
                return (1 + kept - bucket.tokens) / per_second
            bucket.tokens -= 1
            return 0.0

    def hold(self, method: str, channel: str, seconds: float) -> None:
        """Slack said `Retry-After`."""
        with self._lock:
            now = self._now()
            bucket = self._bucket(method, channel, self._rate(method)[0], now)
            bucket.tokens = 0.0
            bucket.held_until = max(bucket.held_until, now + seconds)

    def _bucket(self, method: str, channel: str, burst: float, now: float) -> Bucket:
        key = f"{method} {channel}" if method == "chat.postMessage" else method
        return self._buckets.setdefault(key, Bucket(tokens=burst, filled_at=now))

    def _rate(self, method: str) -> tuple[float, float]:
        """Burst, and calls a second after it."""
        if method == "chat.postMessage":  # in each channel
            return POST_BURST, 1 / self._post_seconds
        per_minute = PER_MINUTE.get(method, OTHERS_PER_MINUTE)
        return per_minute, per_minute / 60
