"""One answer for all who ask the same, as long as one look at a system lasts."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Once:
    """Whoever asks first looks; all others wait for that and get the same, also an error. What is known here is known
    to one survey and goes with it: the next one looks anew, and so does a gate.
    """

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] = {}

    def of(self, what: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to `what`. Raises what `ask` has raised."""
        with self._asking:
            is_first = what not in self._answers
            answer = self._answers.setdefault(what, Future())
        if is_first:
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
                answer.set_exception(error)
        found: Answer = answer.result()
        return found

    def empty(self) -> "Once":
        """Another one that knows nothing yet."""
        return Once()


class Anew(Once):
    """Outside of a survey: everybody looks."""

    def of(self, what: Hashable, ask: Callable[[], Answer]) -> Answer:
        return ask()

    def empty(self) -> "Anew":
        return self


ANEW = Anew()
