"""What is open, where backups lie and what is in the way of a recovery is shown to the roster and the home channel."""

import pytest

from tests.integration.bot.conftest import Scene
from tests.waiting import PATIENCE, wait_for

STRANGER, GUEST = "U00BOTX", "U00GUEST"  # who is in #general alone; who is on no roster and in the home channel


def answers(scene: Scene, user: str, channel: str, typed: str) -> str:
    before = len(scene.people.messages(channel, user))
    assert scene.people.command(user, channel, typed).acknowledged
    wait_for(lambda: len(scene.people.messages(channel, user)) > before, PATIENCE, "the answer")
    return str(scene.people.messages(channel, user)[-1]["text"])


@pytest.mark.parametrize("typed", ["", "list all", "backups", "readiness", "alerts", "timeline DR-1", "report DR-1"])
def test_a_stranger_reads_nothing(served: Scene, typed: str) -> None:
    served.declare()

    said = answers(served, STRANGER, "general", f"/dr {typed}")

    assert "drbot shows it to the people of dr.yml and to members of #dr-ops." in said and "DR-1" not in said


def test_a_stranger_hears_how_to_be_known(served: Scene) -> None:
    assert "does not know you" in answers(served, STRANGER, "general", "/dr whoami")


def test_members_of_the_home_channel_read(served: Scene) -> None:
    served.declare()

    assert "DR-1" in str(served.people.messages("dr-ops", GUEST)) or "1" in answers(served, GUEST, "dr-ops", "/dr list")


def test_the_home_of_a_stranger_shows_nothing_that_is_open(served: Scene) -> None:
    served.declare()

    for user, is_shown in ((STRANGER, False), (GUEST, True)):
        assert served.people.open_home(user).acknowledged
        home = wait_for(lambda user=user: served.people.home(user), PATIENCE, "the Home")  # type: ignore[misc]
        assert ("DR-1" in str(home)) is is_shown
