"""The port of the local Slack is its own from the moment that it is told."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from drbot.slack_simulator.server import SlackSimulator
from tests.integration.slack_simulator.conftest import MANIFEST


@pytest.mark.parametrize(
    "header",
    [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"host": "rebound.example"}],
)
def test_a_page_from_elsewhere_in_the_same_browser_acts_as_nobody(header: dict[str, str]) -> None:
    simulator = SlackSimulator(MANIFEST)
    simulator.start()
    said = {"user": "U00AIKO", "channel": "dr-ops", "text": "hello"}

    answers = [
        httpx.post(f"{simulator.url}/control/message", json=said, headers=given, trust_env=False)
        for given in (header, {"origin": simulator.url}, {})
    ]

    assert [answer.status_code for answer in answers] == [403, 200, 200]
    simulator.stop()


def test_nobody_takes_it_before_the_local_slack_listens_and_it_is_kept_over_restarts() -> None:
    simulator = SlackSimulator(MANIFEST)
    place = ("127.0.0.1", urlsplit(simulator.url).port or 0)

    with pytest.raises(OSError, match="in use"):
        socket.create_server(place)
    for _ in range(2):
        simulator.start()
        assert httpx.get(simulator.url, trust_env=False).status_code == 200
        simulator.stop()
