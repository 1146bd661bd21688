"""A connection that is worth nothing is noticed while people still have patience, however it died."""

import time
from typing import Any

import pytest

from drbot.slack_simulator.socket_mode import Spoiling
from tests.integration.bot.conftest import PATIENCE, Scene
from tests.strain import Strain
from tests.waiting import wait_for

NOTICED_SECONDS = 3.0
DEAF_SECONDS = 30.0
BEFORE = 90.0


def seconds_until_noticed(scene: Scene, how: Spoiling) -> float:
    """From the moment the connection goes bad until drbot asks Slack for another one."""
    begun = time.time()
    assert scene.people.spoil_sockets(how) == 1

    def asked() -> list[dict[str, Any]]:
        return [call for call in scene.people.calls("apps.connections.open") if call["at"] > begun]

    return float(wait_for(asked, BEFORE, "a new connection to be asked for")[0]["at"]) - begun


@pytest.mark.parametrize("how", ["cut", "silent"])
def test_a_cut_socket_is_noticed_within_three_seconds(served: Scene, how: Spoiling) -> None:
    with Strain() as strain:
        seconds = seconds_until_noticed(served, how)

    print(f"{how}: noticed after {seconds:.1f} s")
    assert seconds < strain.allows(NOTICED_SECONDS)
    wait_for(lambda: served.people.connections == 1, PATIENCE, "one connection")
    assert served.people.command("U00AIKO", "dr-ops", "/dr status").acknowledged


@pytest.mark.more
def test_a_socket_that_answers_pings_but_delivers_nothing_is_noticed_within_thirty_seconds(served: Scene) -> None:
    with Strain() as strain:
        seconds = seconds_until_noticed(served, "deaf")

    print(f"noticed after {seconds:.1f} s")
    assert seconds < strain.allows(DEAF_SECONDS)
    wait_for(lambda: served.people.connections == 1, PATIENCE, "one connection")
    assert served.people.command("U00AIKO", "dr-ops", "/dr status").acknowledged


@pytest.mark.long
def test_a_quiet_but_good_connection_is_kept_because_the_heartbeat_comes_back(served: Scene) -> None:
    def beats() -> int:
        return len(served.people.calls("reactions.add"))

    wait_for(lambda: beats() >= 5, BEFORE, "five beats: more than the patience with a deaf connection")

    assert len(served.people.calls("apps.connections.open")) == 1
    pulses = [one for one in served.messages("dr-ops") if "/dr" in one["text"]]
    assert len(pulses) == 1
    assert [reaction["users"] for reaction in pulses[0]["reactions"]] == [["U00DRBOT"]]


@pytest.mark.long
def test_the_heartbeat_is_found_again_and_comes_back_when_somebody_deletes_it(served: Scene) -> None:
    pulse = served.message("dr-ops", lambda one: one["reactions"], "the heartbeat")
    there = served.simulator.state.message(pulse["channel"], pulse["ts"])
    assert there is not None
    served.simulator.state.delete(there)

    again = served.message("dr-ops", lambda one: one["ts"] != pulse["ts"] and one["reactions"], "another one")

    assert again["text"] == pulse["text"]
