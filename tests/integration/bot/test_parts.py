"""A bot of which a part has ended ends as a whole, and says why: it would listen and show nothing."""

import threading
from pathlib import Path

import pytest

from drbot.bot.main import bot_of
from tests.integration.bot.conftest import Process, Scene


class Homeless(Process):
    """The publisher asks where its files are, before its first look."""

    def __getattribute__(self, name: str) -> object:
        if name == "home" and threading.current_thread().name == "publisher":
            raise LookupError("there is no home")
        return super().__getattribute__(name)


def test_a_bot_whose_publisher_dies_at_the_start_ends_with_its_error(scene: Scene) -> None:
    known = scene.process
    process = Homeless(
        loaded=known.loaded, home=Path("/"), database=known.database, doorbell=known.doorbell, stop=known.stop
    )

    with pytest.raises(LookupError, match="there is no home"):
        bot_of(process, scene.settings)()

    assert process.stop.is_set()
