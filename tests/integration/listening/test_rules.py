"""The alert rules and the dashboard that come with drbot ask for figures that drbot has, and Prometheus takes them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from docker import DockerClient
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from drbot.core.base.cron import Calendar
from drbot.core.runs.drill import DrillEnd
from drbot.core.site.level import Level
from drbot.core.site.readiness import good
from drbot.core.site.site import Targets
from drbot.lab.engine import connect, exclusive
from drbot.lab.images import PROMETHEUS_IMAGE, ensure_images
from drbot.lab.ownership import LABEL
from drbot.lab.setup import lab_home
from drbot.listening.metrics import StateCollector
from drbot.store.base import schema
from drbot.store.records import drills, proofs, readiness, routines
from tests.integration.commands.test_backups import proven, stored
from tests.integration.runners.worker_fixture import worker_fixture_in
from tests.servers import free_port
from tests.waiting import PATIENCE, wait_for

DOCS = Path(__file__).parents[3] / "docs"
RULES, DASHBOARD, WORDS = (DOCS / name for name in ("watching/rules.yml", "watching/dashboard.json", "watching.md"))


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    """Name → labels of all samples of a state with runs and an incident."""
    made = worker_fixture_in(tmp_path_factory.mktemp("state"))
    with made.database.write() as tx:
        drill = drills.ask(tx, Level.DATABASE, site="production", service=None, person="aiko", rehearsed=True)
        asked = drills.get(tx.connection, drill.id)
        assert asked is not None
        drills.end(tx, replace(asked, end=DrillEnd.PASSED, rto_seconds=60.0))
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
    found = {one.name: frozenset(one.labels) for family in registry.collect() for one in family.samples}
    made.database.close()
    return found


@pytest.fixture(scope="module")
def figures(labels: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Their names."""
    return frozenset(labels)


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=lambda path: path.name)
def test_what_comes_with_drbot_asks_for_its_figures(figures: frozenset[str], path: Path) -> None:
    asked = set(re.findall(r"\bdrbot_[a-z_]+", path.read_text()))

    assert asked - figures == set()


def test_every_figure_is_described(figures: frozenset[str]) -> None:
    table = WORDS.read_text().partition("<!-- figures")[2].partition("<!-- end -->")[0]
    told = set(re.findall(r"`(drbot_[a-z_]+)", table))

    assert {re.sub("_(sum|count)$", "", name) for name in figures} == told


PROCESS = {"process_resident_memory_bytes"}


def test_each_panel_asks_for_figures_and_has_a_title_and_a_place(figures: frozenset[str]) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]

    for panel in panels:
        assert panel["title"]
        for target in panel["targets"]:
            asked = set(re.findall(r"\b(?:drbot|process)_[a-z_]+", target["expr"]))
            assert asked and asked <= figures | PROCESS, (panel["title"], asked)
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(x, y) for at in (panel["gridPos"] for panel in panels) for x in range(at["x"], at["x"] + at["w"])
              for y in range(at["y"], at["y"] + at["h"])]  # fmt: skip
    assert len(set(places)) == len(places)


def test_each_label_that_a_panel_names_is_one_of_its_figures(labels: Mapping[str, frozenset[str]]) -> None:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            names = re.findall(r"\bdrbot_[a-z_]+", target["expr"])
            known = {"instance"}.union(*(labels[name] for name in names))
            by = [word for found in re.findall(r"by \(([a-z, ]+)\)", target["expr"]) for word in found.split(", ")]
            assert {*by, *re.findall(r"{{(\w+)}}", target["legendFormat"])} <= known, panel["title"]


WANTED = {
    "drbot_drill_passed_age_seconds", "drbot_drill_rto_seconds", "drbot_rto_goal_seconds",
    "drbot_backup_proof_age_seconds", "drbot_routine_due_timestamp_seconds", "drbot_readiness",
}  # fmt: skip


def test_what_proves_that_a_recovery_would_work_has_its_panels() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {name for panel in panels for target in panel["targets"]
             for name in re.findall(r"\bdrbot_[a-z_]+", target["expr"])}  # fmt: skip

    assert asked >= WANTED


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
