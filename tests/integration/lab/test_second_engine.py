"""The second engine is a host of its own: it takes nothing from the first, and survives being killed."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from drbot.lab import daemon
from drbot.lab.engine import connect
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.ownership import LABEL
from drbot.lab.second_engine import ADDRESS, SecondEngine
from tests.waiting import wait_for

pytestmark = pytest.mark.docker
FIRST_BRIDGE = Path("/sys/class/net/docker0")
ASK = "import urllib.request as u; print(u.urlopen('http://web:8000/', timeout=2).status)"


def test_containers_reach_each_other_and_are_published_on_its_own_address(
    second_engine: SecondEngine, engine: str
) -> None:
    second_engine.prestage(engine, [SERVICE_IMAGE])
    client = second_engine.client()
    network = client.networks.create("drlab-t-net")
    web = client.containers.run(
        SERVICE_IMAGE, ["-m", "http.server", "8000"], entrypoint="python3", network=network.name,
        labels={LABEL: "t"}, name="web", detach=True, ports={"8000/tcp": (ADDRESS, 0)},
    )  # fmt: skip
    web.reload()
    published = web.ports["8000/tcp"]
    assert published
    url = f"http://{ADDRESS}:{published[0]['HostPort']}/"

    assert wait_for(lambda: answers(url), 30, "the published port")
    asked = client.containers.run(
        SERVICE_IMAGE, ["-c", ASK], entrypoint="python3", network=network.name, labels={LABEL: "t"}, remove=True
    )
    assert asked.strip() == b"200"
    second_engine.clear()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_it_comes_back_after_being_killed_and_leaves_the_first_alone(second_engine: SecondEngine, engine: str) -> None:
    had_bridge = FIRST_BRIDGE.exists()
    process = daemon.our_process(daemon.runtime_folder(second_engine.folder))
    assert process is not None
    os.kill(process, signal.SIGKILL)
    wait_for(lambda: not second_engine.is_up(), 20, "it to be dead")
    second_engine.start()
    second_engine.stop()
    second_engine.start()

    assert second_engine.is_up()
    assert FIRST_BRIDGE.exists() == had_bridge
    assert connect(engine).ping()


@pytest.mark.long
def test_images_are_brought_once(second_engine: SecondEngine, engine: str) -> None:
    second_engine.prestage(engine, [SERVICE_IMAGE])

    assert second_engine.prestage(engine, [SERVICE_IMAGE]) == ()
    assert second_engine.client().containers.list(all=True) == []
