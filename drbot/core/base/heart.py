"""Whether the loops of this process still turn: one that runs and does nothing looks well, and is not."""

import threading
import time
from collections.abc import Callable


class Heart:
    """Each loop beats once a turn; used by several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beats: dict[str, float] = {}
        self._changing = threading.Lock()

    def beat(self, loop: str) -> None:
        with self._changing:
            self._beats[loop] = self._now()

    def standing(self, seconds: float) -> tuple[str, ...]:
        """The loops that once turned and have not for so long, by name."""
        with self._changing:
            return tuple(sorted(loop for loop, at in self._beats.items() if self._now() - at > seconds))
