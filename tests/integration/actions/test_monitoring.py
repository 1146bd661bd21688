"""Prometheus counts as scraping when it stores what it scrapes: on a full disk its targets are "up" all the same."""

import json
from collections.abc import Iterator

import httpx
import pytest
from docker.models.containers import Container

from drbot.core.base.errors import TemporaryError
from drbot.core.site.site import Monitoring
from drbot.lab.engine import connect, exclusive
from drbot.lab.images import PROMETHEUS_IMAGE, ensure_images
from drbot.lab.ownership import LABEL
from drbot.lab.setup import lab_home
from drbot.runners.clients import monitoring
from tests.servers import free_port
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

TARGET = "localhost:9090"  # Prometheus itself
BEGIN = """
printf %s "$SETTINGS" > prometheus.yml
# Its list of running queries is a sparse file in memory; where a page of it finds no room it dies. One query, one page.
exec prometheus --config.file=prometheus.yml --storage.tsdb.path=data --query.max-concurrency=1
"""
FILL = "dd if=/dev/zero of=/prometheus/filler bs=4k; sync"
FULL = f"Prometheus stores no sample of {TARGET}, though it answers; see if Prometheus has room on its disk"


def settings_with(*targets: str) -> str:
    jobs = [{"job_name": "itself", "static_configs": [{"targets": list(targets)}]}]
    return json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs})


@pytest.fixture(scope="module")
def images(engine: str) -> str:
    """URL of an engine that has Prometheus too."""
    client = connect(engine, timeout_seconds=900)
    with exclusive(lab_home() / "images.lock"):
        ensure_images(client, print, (PROMETHEUS_IMAGE,))
    client.close()
    return engine


@pytest.fixture
def prometheus(images: str) -> Iterator[tuple[Container, Monitoring]]:
    """That stores on a small disk of its own."""
    client, port = connect(images), free_port()
    container = client.containers.run(
        PROMETHEUS_IMAGE, ["-c", BEGIN], entrypoint="sh", detach=True, working_dir="/prometheus",
        environment={"SETTINGS": settings_with(TARGET)}, tmpfs={"/prometheus": "size=64m,mode=1777"},
        ports={"9090/tcp": ("127.0.0.1", port)}, labels={LABEL: "t"},
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        yield container, Monitoring(project="monitoring", prometheus=url, alertmanager=url, jobs=("itself",))
    finally:
        print(container.logs(tail=20).decode(errors="replace"))
        container.remove(force=True)
        client.close()


def do(container: Container, script: str) -> None:
    container.exec_run(["sh", "-c", script])


def seen(settings: Monitoring) -> dict[str, str] | None:
    """None: it does not answer yet."""
    try:
        return monitoring.down(settings)
    except TemporaryError:
        return None


def healths(settings: Monitoring) -> list[str]:
    answer = httpx.get(f"{settings.prometheus}/api/v1/targets?state=active", trust_env=False).json()
    return [target["health"] for target in answer["data"]["activeTargets"]]


@pytest.mark.more
def test_targets_are_not_scraped_while_nothing_can_be_stored(prometheus: tuple[Container, Monitoring]) -> None:
    container, settings = prometheus
    wait_for(lambda: seen(settings) == {}, PATIENCE, "what is scraped to be stored")

    do(container, FILL)

    wait_for(lambda: seen(settings) == {"itself": FULL}, PATIENCE, "the full disk to be seen")
    assert healths(settings) == ["up"]

    do(container, "rm /prometheus/filler")
    wait_for(lambda: seen(settings) == {}, PATIENCE, "samples to be stored again")


@pytest.mark.more
def test_a_target_of_which_nothing_was_ever_stored_is_not_scraped(prometheus: tuple[Container, Monitoring]) -> None:
    container, settings = prometheus
    wait_for(lambda: seen(settings) == {}, PATIENCE, "what is scraped to be stored")
    other = "127.0.0.1:9090"

    do(container, f"printf %s '{settings_with(other)}' > prometheus.yml && {FILL}; kill -HUP 1")
    wait_for(lambda: healths(settings) == ["up"], PATIENCE, "the new target to answer")
    wait_for(lambda: seen(settings) == {"itself": FULL.replace(TARGET, other)}, PATIENCE, "the full disk to be seen")
