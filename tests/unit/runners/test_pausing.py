"""A host that is busy does not keep a backup from being made."""

import pytest
from docker.errors import APIError

from drbot.runners.clients.pausing import TRIES, pause


class Engine:
    """Refuses some times with these words, then does it."""

    def __init__(self, refusals: int, words: str) -> None:
        self.asked: list[str] = []
        self._refusals = refusals
        self._words = words

    def pause(self, container: str) -> None:
        self.asked.append(container)
        if len(self.asked) <= self._refusals:
            raise APIError(self._words)


@pytest.mark.parametrize(
    ("refusals", "words", "tried", "done"),
    [
        (0, "", 1, True),
        (TRIES - 1, "OCI runtime pause failed: unable to freeze: unknown", TRIES, True),
        (TRIES, "OCI runtime pause failed: unable to freeze: unknown", TRIES, False),
        (1, "container is not running", 1, False),
    ],
)
def test_what_a_busy_kernel_did_not_freeze_in_time_is_tried_again(
    refusals: int, words: str, tried: int, done: bool
) -> None:
    engine = Engine(refusals, words)

    if done:
        pause(engine.pause, "one")
    else:
        with pytest.raises(APIError):
            pause(engine.pause, "one")

    assert len(engine.asked) == tried
