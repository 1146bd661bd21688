"""A promised time ("noticed within 15 s") is promised for a machine that has time. How busy this one is, is measured
beside the product while it works, and the promise is stretched by just that."""

import threading
import time
from types import TracebackType
from typing import Self

WORK_SECONDS = 0.03  # of processor time, again and again: long enough to be interrupted like any other work
EVERY_SECONDS = 0.3


class Strain:
    """`with Strain() as strain: …; assert seconds <= strain.allows(15)`."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._asked = 0.0
        self._took = 0.0
        self._thread = threading.Thread(target=self._measure, name="strain", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def factor(self) -> float:
        """How many times longer work takes here than on a machine that does nothing else; never below 1."""
        return max(1.0, self._took / self._asked) if self._asked else 1.0

    def allows(self, promised: float) -> float:
        """Seconds that were promised, on this machine. Says so, because a stretched promise shows less."""
        allowed = promised * self.factor
        if self.factor > 1.2:
            print(f"This machine is {self.factor:.1f} times slower than an idle one: {allowed:.1f} s for {promised} s.")
        return allowed

    def _measure(self) -> None:
        while True:
            began, worked = time.monotonic(), time.thread_time()
            while time.thread_time() - worked < WORK_SECONDS:
                pass
            self._asked += time.thread_time() - worked
            self._took += time.monotonic() - began
            late = time.monotonic()
            if self._stop.wait(EVERY_SECONDS):
                return
            self._took += max(0.0, time.monotonic() - late - EVERY_SECONDS)
