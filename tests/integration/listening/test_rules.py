"""The alert rules and the dashboard that come with drbot ask for figures that drbot has, and Prometheus takes them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from docker import DockerClient
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from drbot.core.base.cron import Calendar
from drbot.core.site.readiness import good
from drbot.core.site.site import Targets
from drbot.lab.engine import connect, exclusive
from drbot.lab.images import PROMETHEUS_IMAGE, ensure_images
from drbot.lab.ownership import LABEL
from drbot.lab.setup import lab_home
from drbot.listening.metrics import StateCollector
from drbot.store.base import schema
from drbot.store.records import proofs, readiness, routines
from tests.integration.commands.test_backups import proven, stored
from tests.integration.runners.worker_fixture import worker_fixture_in
from tests.servers import free_port
from tests.waiting import PATIENCE, wait_for

DOCS = Path(__file__).parents[3] / "docs"
RULES, DASHBOARD, WORDS = (DOCS / name for name in ("watching/rules.yml", "watching/dashboard.json", "watching.md"))


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Names of all samples of a state with runs and an incident."""
    made = worker_fixture_in(tmp_path_factory.mktemp("state"))
    made.go(made.declare())
    made.declare()
    with made.database.write() as tx:
        routines.plan(tx, "backup.full", Calendar(expression="0 2 * * *"))
        tx.connection.execute(update(schema.routines).values(next_at=tx.now))
        done = routines.take(tx, "backup.full", "worker")
        assert done is not None
        routines.done(tx, done, 1.0)
        readiness.saw(tx, "production", [good("volumes", "there")])
        proofs.tried(tx, proven(stored()))
    registry = CollectorRegistry()
    registry.register(StateCollector(made.database, Targets()))
    found = frozenset(one.name for family in registry.collect() for one in family.samples)
    made.database.close()
    return found


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=lambda path: path.name)
def test_what_comes_with_drbot_asks_for_its_figures(figures: frozenset[str], path: Path) -> None:
    asked = set(re.findall(r"\bdrbot_[a-z_]+", path.read_text()))

    assert asked - figures == set()


def test_every_figure_is_described(figures: frozenset[str]) -> None:
    table = WORDS.read_text().partition("<!-- figures")[2].partition("<!-- end -->")[0]
    told = set(re.findall(r"`(drbot_[a-z_]+)", table))

    assert {re.sub("_(sum|count)$", "", name) for name in figures} == told


def test_each_panel_asks_something_and_has_a_title() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]

    assert all(panel["title"] and panel["targets"][0]["expr"] for panel in panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.fixture(scope="module")
def client(engine: str) -> Iterator[DockerClient]:
    """Of an engine that has Prometheus too."""
    made = connect(engine, timeout_seconds=900)
    with exclusive(lab_home() / "images.lock"):
        ensure_images(made, print, (PROMETHEUS_IMAGE,))
    yield made
    made.close()


BEGIN = """
printf %s "$SETTINGS" > /tmp/prometheus.yml; printf %s "$RULES" > /tmp/rules.yml
exec prometheus --config.file=/tmp/prometheus.yml --storage.tsdb.path=/tmp/data
"""


def evaluated(url: str) -> dict[str, str]:
    """Name of each alert → its health, as Prometheus has it."""
    try:
        answer = httpx.get(f"{url}/api/v1/rules", trust_env=False).raise_for_status()
    except httpx.HTTPError:  # it is starting
        return {}
    groups = answer.json()["data"]["groups"]
    return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}


@pytest.mark.docker
def test_prometheus_evaluates_every_rule(client: DockerClient) -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    settings = json.dumps({"global": {"evaluation_interval": "1s"}, "rule_files": ["/tmp/rules.yml"]})
    port = free_port()
    container = client.containers.run(
        PROMETHEUS_IMAGE, ["-c", BEGIN], entrypoint="sh", detach=True, labels={LABEL: "t"},
        environment={"SETTINGS": settings, "RULES": RULES.read_text()}, ports={"9090/tcp": ("127.0.0.1", port)},
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: evaluated(url) == dict.fromkeys(alerts, "ok"), PATIENCE, "the rules to be evaluated")
    finally:
        print(container.logs(tail=20).decode(errors="replace"))
        container.remove(force=True)

    assert len(alerts) == 8
