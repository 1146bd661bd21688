"""What work that takes its time asks, whether to stop, and what it tells, how far it is."""

from collections.abc import Callable

Cancelled = Callable[[], bool]
Progress = Callable[[float, float | None, str], None]
"""Done, total, unit."""


def never() -> bool:
    """Nobody stops it."""
    return False


def unheard(_done: float, _total: float | None, _unit: str) -> None:
    """Nobody asks how far it is."""
