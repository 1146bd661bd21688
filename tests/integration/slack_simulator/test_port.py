"""The port of the local Slack is its own from the moment that it is told."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from drbot.slack_simulator.server import SlackSimulator
from tests.integration.slack_simulator.conftest import MANIFEST


def test_nobody_takes_it_before_the_local_slack_listens_and_it_is_kept_over_restarts() -> None:
    simulator = SlackSimulator(MANIFEST)
    place = ("127.0.0.1", urlsplit(simulator.url).port or 0)

    with pytest.raises(OSError, match="in use"):
        socket.create_server(place)
    for _ in range(2):
        simulator.start()
        assert httpx.get(simulator.url, trust_env=False).status_code == 200
        simulator.stop()
