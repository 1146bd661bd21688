import threading
from collections.abc import Iterator

from structlog.testing import capture_logs

from drbot.core.base.errors import TemporaryError
from drbot.core.base.repeating import repeat


def told(*turns: str) -> list[str]:
    """What the log says of turns that end with these faults; "" = done."""
    stop, left = threading.Event(), iter(turns)

    def work() -> None:
        fault = next(left, None)
        if fault is None:
            stop.set()
        elif fault:
            raise TemporaryError(fault, kind="throttled" if "limit" in fault else "network")

    with capture_logs() as logs:
        repeat(work, 0.0, stop, "a thing")
    return [entry["error"] for entry in logs]


def test_a_fault_that_stays_is_told_once() -> None:
    assert told("away", "away", "away") == ["away"]


def test_another_fault_is_told_too() -> None:
    assert told("away", "full", "full", "away") == ["away", "full", "away"]


def test_a_fault_that_comes_back_after_a_good_turn_is_told_again() -> None:
    assert told("away", "", "away") == ["away", "away"]


def test_a_limit_is_told_once_a_minute_whatever_it_says_and_what_goes_well_in_between() -> None:
    assert told("limit: 3 s", "limit: 2 s", "", "limit: 9 s", "away") == ["limit: 3 s", "away"]


def test_what_nobody_foresaw_does_not_end_it() -> None:
    stop = threading.Event()
    turns: Iterator[int] = iter(range(2))

    def work() -> None:
        if next(turns) == 0:
            raise RuntimeError("a fault of drbot's own")
        stop.set()

    with capture_logs() as logs:
        repeat(work, 0.0, stop, "a thing")
    assert [entry["log_level"] for entry in logs] == ["error"]
