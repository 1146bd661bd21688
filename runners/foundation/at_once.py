"""The same question to several at the same time: each takes a while, and one that does not answer holds up no other."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def at_once(ask: Callable[[Asked], Answer], wanted: Collection[Asked]) -> list[Answer]:
    """Their answers, in this order. Waits for all of them, then raises the first error."""
    with ThreadPoolExecutor(max(len(wanted), 1), thread_name_prefix="at-once") as pool:
        answers = pool.map(ask, wanted)
    return list(answers)
