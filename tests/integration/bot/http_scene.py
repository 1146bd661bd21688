"""The bot in HTTP mode: the local Slack posts signed requests to it, and tests post what an attacker would."""

from dataclasses import replace

import httpx
import pytest

from drbot.bot.http_mode import PATH
from drbot.slack_simulator.http_delivery import SIGNING_SECRET, HttpDelivery, Signed
from tests.integration.bot.conftest import PATIENCE, Scene
from tests.servers import free_port
from tests.waiting import wait_for


def serve_by_http(scene: Scene) -> str:
    """Starts the bot; its request URL once it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}{PATH}"
    scene.settings = replace(scene.settings, app_token="", http=str(port), signing_secret=SIGNING_SECRET)
    scene.simulator.connections.http = HttpDelivery(url)
    scene.start_bot()
    wait_for(lambda: _answers(scene, url), PATIENCE, "the bot's port")
    return url


def _answers(scene: Scene, url: str) -> bool:
    scene.raise_failure()
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def post(url: str, request: Signed) -> int:
    """The status of the answer."""
    return httpx.post(url, content=request.body, headers=request.headers, trust_env=False, timeout=30).status_code


@pytest.fixture
def by_http(scene: Scene) -> tuple[Scene, str]:
    """The scene and the request URL of its bot."""
    return scene, serve_by_http(scene)
