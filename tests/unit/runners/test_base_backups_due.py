"""A base backup that could not be made stays due: without one nothing of a new series can be recovered."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Continuous as Wanted
from drbot.core.site.wal import Archive, Base
from drbot.runners.clients.continuous import Continuous
from drbot.runners.upkeep.following import Follower


@dataclass
class Server:
    """One whose slot was lost, so that a series begins, and whose disk is full the first time."""

    begun: bool = False
    tried: int = 0

    def following(self) -> None:
        """No slot."""

    def start(self) -> str | None:
        self.begun, began = True, not self.begun
        return "s" if began else None

    def remove_left(self, now: datetime) -> None:
        """None was left."""

    def series(self) -> str:
        return "s"

    def archive(self) -> Archive:
        return Archive()

    def take_base(self, now: datetime) -> Base:
        self.tried += 1
        if self.tried == 1:
            raise PermanentError("No space left on device")
        return Base(series="s", name="base_1", ended_at=now, first_segment="0" * 24, segment_bytes=16 << 20)


def test_it_is_tried_again_at_the_next_look_however_late_the_one_before_was_due() -> None:
    server: Any = Server()
    follower = Follower(
        continuous=cast("Continuous", server), wanted=Wanted(), base_due=time.monotonic() + 86_400
    )  # fmt: skip

    with pytest.raises(PermanentError, match="No space left"):
        follower.look()
    follower.look()
    follower.look()

    assert server.tried == 2
