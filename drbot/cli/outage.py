"""Measures from outside what users feel: asks every health URL again and again while a recovery runs."""

import threading
import time
from collections.abc import Mapping

import httpx


class OutageWatch:
    """A thread that asks each URL about five times a second; `longest_gap` is the longest time one did not answer."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.urls = dict(urls)
        self._stop = threading.Event()
        self._last_good: dict[str, float] = {}
        self._gaps: dict[str, float] = {}
        self._all_good_at: float | None = None
        self._thread = threading.Thread(target=self._watch, name="outage-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    @property
    def all_good_at(self) -> float | None:
        """`time.monotonic()` of the first round in which every service answered; None while there was none."""
        return self._all_good_at

    def all_healthy(self) -> bool:
        with httpx.Client(timeout=5) as client:
            return all(_answers(client, url) for url in self.urls.values())

    @property
    def longest_gap(self) -> float:
        """Seconds between two good answers of the service that was away longest, since `start`."""
        return max(self._gaps.values(), default=0.0)

    def _watch(self) -> None:
        with httpx.Client(timeout=2) as client:
            while not self._stop.wait(0.2):
                silent = [name for name, url in self.urls.items() if not self._ask(client, name, url)]
                if not silent and self._all_good_at is None:
                    self._all_good_at = time.monotonic()

    def _ask(self, client: httpx.Client, name: str, url: str) -> bool:
        if not _answers(client, url):
            return False
        now = time.monotonic()
        gap = now - self._last_good.get(name, now)
        self._gaps[name] = max(self._gaps.get(name, 0.0), gap)
        self._last_good[name] = now
        return True


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False
