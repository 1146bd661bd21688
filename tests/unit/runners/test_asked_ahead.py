"""What a plan looks for ahead of its being needed, and how long it counts."""

import threading

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.actions.asked_ahead import CountTime, asked_ahead
from drbot.runners.foundation.once import Once
from drbot.runners.foundation.watching import Cancelled, never
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    ("begun", "wanted", "over"),
    [
        (1.0, 1.0, 2.0),  # as long as it took to begin
        (1.0, 2.0, 3.0),  # half of what all else took longer
        (1.0, 8.0, 12.0),  # on a busy machine everything takes longer
        (0.1, 0.2, 0.7),  # at least so long
    ],
)
def test_a_plan_counts_while_it_waits_for_all_else_and_half_of_that_longer(
    begun: float, wanted: float, over: float
) -> None:
    now = 0.0
    time = CountTime(lambda: now)
    now = begun
    assert not time.is_over()
    now = 1000.0
    assert not time.is_over()  # nobody waits for it yet

    now = wanted
    time.wanted()

    now = over - 0.01
    assert not time.is_over()
    now = over + 0.01
    assert time.is_over()


def test_what_is_asked_ahead_is_known_when_it_is_needed() -> None:
    once, asked = Once(), threading.Event()

    def look(cancelled: Cancelled) -> int:
        asked.set()
        return once.of("x", lambda: 7)

    with asked_ahead([look], never):
        assert asked.wait(PATIENCE)

    assert once.of("x", lambda: 8) == 7


def test_an_error_is_told_to_who_needs_the_answer_and_to_nobody_else() -> None:
    once = Once()

    def fail() -> int:
        raise PermanentError("no room")

    with asked_ahead([lambda cancelled: once.of("x", fail), lambda cancelled: once.of("y", fail)], never):
        pass

    with pytest.raises(PermanentError, match="no room"):
        once.of("x", lambda: 1)


def test_what_nobody_needed_is_ended_and_not_left_behind() -> None:
    ended: list[bool] = []

    def count(cancelled: Cancelled) -> None:
        while not cancelled():
            threading.Event().wait(0.01)
        ended.append(True)

    with pytest.raises(PermanentError), asked_ahead([count], never):
        raise PermanentError("there is no backup")

    assert ended == [True]


def test_stop_ends_what_is_asked_ahead() -> None:
    stop, ended = threading.Event(), threading.Event()

    def count(cancelled: Cancelled) -> None:
        while not cancelled():
            threading.Event().wait(0.01)
        ended.set()

    with asked_ahead([count], stop.is_set):
        stop.set()
        assert ended.wait(PATIENCE)
