"""What a plan will ask of its target, looked for at the same time, while the plan is still at something else."""

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from drbot.runners.foundation.watching import Cancelled

Question = Callable[[Cancelled], object]
AT_LEAST_SECONDS = 0.6
LONGER = 0.5


class CountTime:
    """How long a plan counts: as long as it waits for something else, and half of that longer, but at least as long as
    it took to begin. A count of production takes the longer the more there is, and whoever waits for the plan is
    without service.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._made = clock, clock()
        self._begun: float | None = None
        self._wanted: float | None = None

    def is_over(self) -> bool:
        """Asked from when it counts."""
        now = self._clock()
        self._begun = now if self._begun is None else self._begun
        if self._wanted is None:
            return False
        longer = (self._wanted - self._made) * LONGER
        least = max(AT_LEAST_SECONDS, self._begun - self._made)
        return now > max(self._begun + least, self._wanted + longer)

    def wanted(self) -> None:
        """The plan waits for nothing else now."""
        self._wanted = self._clock() if self._wanted is None else self._wanted


@contextmanager
def asked_ahead(questions: Iterable[Question], cancelled: Cancelled) -> Iterator[None]:
    """Whoever needs an answer finds it in what the survey knows, also that there is none. Answers that nobody has
    needed by the end are no longer waited for.
    """
    over = threading.Event()

    def ended() -> bool:
        return over.is_set() or cancelled()

    def ask(question: Question) -> None:
        with suppress(Exception):  # it is told to whoever needs the answer
            question(ended)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(ask, one), name="ahead", daemon=True)
        for one in questions
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:  # what looks in a helper takes it away again
            thread.join()
