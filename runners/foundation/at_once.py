"""The same question to several at the same time: each takes a while, and one that does not answer holds up no other."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Other = TypeVar("Other")


def at_once(ask: Callable[[Asked], Answer], wanted: Collection[Asked]) -> list[Answer]:
    """Their answers, in this order. Waits for all of them, then raises the first error."""
    with ThreadPoolExecutor(max(len(wanted), 1), thread_name_prefix="at-once") as pool:
        answers = pool.map(ask, wanted)
    return list(answers)


def both(first: Callable[[], Answer], second: Callable[[], Other]) -> tuple[Answer, Other]:
    """Two answers that do not wait for each other. Waits for both, then raises the first error."""
    with ThreadPoolExecutor(1, thread_name_prefix="at-once") as pool:
        other = pool.submit(second)
        answer = first()
    return answer, other.result()
