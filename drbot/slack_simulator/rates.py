"""Slack's rate tiers as token buckets: a burst, then the steady rate, and how long to wait when it is used up."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

POST_BURST = 5
"""chat.postMessage: one a second per channel, "short bursts" allowed; Slack does not say how short."""


@dataclass(kw_only=True, slots=True)
class Bucket:
    tokens: float
    filled_at: float


class Rates:
    """Counts calls per method, and per channel for chat.postMessage."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def wait_seconds(self, method: str, per_minute: int, channel: str = "") -> int:
        """0 when the call is let through, else the `Retry-After` in whole seconds."""
        by_channel = method == "chat.postMessage"
        burst, per_second = (POST_BURST, 1.0) if by_channel else (per_minute, per_minute / 60)
        with self._lock:
            now = self._clock()
            bucket = self._buckets.setdefault(
                f"{method} {channel if by_channel else ''}", Bucket(tokens=burst, filled_at=now)
            )
            bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * per_second)
            bucket.filled_at = now
            if bucket.tokens < 1:
                return max(1, math.ceil((1 - bucket.tokens) / per_second))
            bucket.tokens -= 1
            return 0
