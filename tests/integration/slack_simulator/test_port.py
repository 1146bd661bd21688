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
        for given in (header, {"origin": f"http://{urlsplit(simulator.url).netloc}"}, {})
    ]

    assert [answer.status_code for answer in answers] == [403, 200, 200]
    simulator.stop()


def test_another_program_of_this_host_that_finds_the_port_acts_as_nobody_and_sees_nothing() -> None:
    simulator = SlackSimulator(MANIFEST)
    simulator.start()
    place = urlsplit(simulator.url)
    found = f"http://{place.netloc}"
    said = {"user": "U00AIKO", "channel": "dr-ops", "text": "hello"}
    guesses = [
        f"{found}{path}" for path in ("", "/x", "/x/control", "/control", "//control", f"/x{place.path}/control")
    ]

    answers = [httpx.post(f"{guess}/message", json=said, trust_env=False) for guess in guesses]
    answers += [httpx.get(f"{guess}/state", trust_env=False) for guess in guesses]
    answers += [httpx.post(f"{found}/api/auth.test", headers={"authorization": "Bearer xoxb-local"}, trust_env=False)]

    assert {answer.status_code for answer in answers} == {403}
    simulator.stop()


def test_a_browser_gets_the_key_as_a_cookie_and_what_it_is_started_with_is_good_once() -> None:
    simulator = SlackSimulator(MANIFEST)
    simulator.start()
    once = simulator.url_once()
    found = f"http://{urlsplit(simulator.url).netloc}"

    with httpx.Client(follow_redirects=True, trust_env=False) as browser:
        page = browser.get(once, params={"as": "aiko"})
        state = browser.get(f"{found}/control/state")

    assert (page.status_code, state.status_code, str(page.url)) == (200, 200, f"{found}/?as=aiko")
    assert httpx.get(once, trust_env=False).status_code == 403
    simulator.stop()


def test_nobody_takes_it_before_the_local_slack_listens_and_it_is_kept_over_restarts() -> None:
    simulator = SlackSimulator(MANIFEST)
    place = ("127.0.0.1", urlsplit(simulator.url).port or 0)

    with pytest.raises(OSError, match="in use"):
        socket.create_server(place)
    for _ in range(2):
        simulator.start()
        assert httpx.get(f"{simulator.url}/control/state", trust_env=False).status_code == 200
        simulator.stop()
