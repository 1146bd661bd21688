"""The doorbell: heard in process and through Redis, one queue per site, silent rather than in the way."""

import threading
from collections.abc import Iterator

import pytest

from drbot.store.base.doorbell import Doorbell, doorbell_of
from tests.waiting import PATIENCE, wait_for


@pytest.fixture(params=["in process", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the doorbell hangs."""
    return None if request.param == "in process" else request.getfixturevalue("redis_url")


@pytest.fixture
def bells(url: str | None) -> Iterator[tuple[Doorbell, Doorbell]]:
    """One that rings and one that listens: two processes with Redis, the same object without."""
    listener = doorbell_of(url)
    ringer = listener if url is None else doorbell_of(url)
    yield ringer, listener
    listener.stop()
    if ringer is not listener:
        ringer.stop()


def test_a_ring_before_and_after_listening_is_heard_by_the_right_site(bells: tuple[Doorbell, Doorbell]) -> None:
    ringer, listener = bells
    heard: list[str] = []

    ringer.ring("production", "r1")
    ringer.ring("elsewhere", "r2")
    listener.listen("production", heard.append)
    ringer.ring("production", "r3")

    wait_for(lambda: len(heard) == 2, 20, "both rings")
    assert sorted(heard) == ["r1", "r3"]


def test_a_handler_that_fails_is_not_called_again_and_the_next_ring_is_heard(
    bells: tuple[Doorbell, Doorbell],
) -> None:
    ringer, listener = bells
    heard: list[str] = []

    def handle(run_id: str) -> None:
        heard.append(run_id)
        if run_id == "bad":
            raise ValueError("broken on purpose")

    listener.listen("quiet", handle, threads=1)
    ringer.ring("quiet", "bad")
    ringer.ring("quiet", "good")

    wait_for(lambda: "good" in heard, 20, "the second ring")
    assert heard == ["bad", "good"]


def test_two_runs_are_taken_at_the_same_time(bells: tuple[Doorbell, Doorbell]) -> None:
    ringer, listener = bells
    meeting = threading.Barrier(3)

    def handle(_run_id: str) -> None:
        meeting.wait(PATIENCE)

    listener.listen("busy", handle, threads=2)
    ringer.ring("busy", "r1")
    ringer.ring("busy", "r2")

    meeting.wait(PATIENCE)


def test_ringing_without_redis_raises_nothing() -> None:
    bell = doorbell_of("redis://127.0.0.1:1/0")

    bell.ring("production", "r1")
