"""Tests wait for a condition with a deadline; they never sleep for a guessed time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

PATIENCE = 120.0
"""Seconds to wait for what will come anyway: generous, because a busy machine is no fault. A deadline that a person
was promised is asserted apart, from the product's own times."""

_PAUSE = threading.Event()


def wait_for(condition: Callable[[], Answer], seconds: float, what: str) -> Answer:
    """The first true answer of `condition`; an AssertionError that names `what` after PATIENCE, or after `seconds`
    where they are more.
    """
    seconds = max(seconds, PATIENCE)
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}; last answer: {answer!r}")
        _PAUSE.wait(0.05)


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds
