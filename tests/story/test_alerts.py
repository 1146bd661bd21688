"""PostgreSQL breaks; a real Prometheus notices, a real Alertmanager posts, drbot proposes, one tap declares, two people
approve, and when it is back the alert is resolved. Nobody looked at anything before drbot spoke.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from docker import DockerClient
from docker.models.containers import Container

from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.core.site.level import Level
from drbot.lab.breakage import break_it
from drbot.lab.engine import connect, exclusive
from drbot.lab.images import ALERTMANAGER_IMAGE, PROMETHEUS_IMAGE, ensure_images
from drbot.lab.layout import PARTS
from drbot.lab.ownership import LABEL
from drbot.lab.setup import lab_home
from drbot.lab.system import TEMPLATES, Lab
from tests.servers import free_port
from tests.story.conftest import Story
from tests.story.recovering import approve_by_two, finish
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.long]

TOKEN = "monitoring says so, and nobody else"
RULES = TEMPLATES / "ai-micro-monitoring" / "rules.yml"
WRITE = 'printf %s "$SETTINGS" > /tmp/settings.yml; printf %s "$RULES" > /tmp/rules.yml; exec '
PROMETHEUS = "prometheus --config.file=/tmp/settings.yml --storage.tsdb.path=/tmp/data --web.listen-address=127.0.0.1:"
ALERTMANAGER = (
    "alertmanager --config.file=/tmp/settings.yml --storage.path=/tmp/data --cluster.listen-address= "
    "--web.listen-address=127.0.0.1:"
)


def scraping(lab: Lab, alertmanager: int) -> dict[str, object]:
    """The three APIs of the lab; without its database one of them answers after a second or two."""
    apis = [(part.service, lab.url(part)) for part in PARTS if part.role == "app"]
    targets = {name: re.sub("^http://|/health$", "", url or "") for name, url in apis}
    return {
        "global": {"scrape_interval": "3s", "scrape_timeout": "3s", "evaluation_interval": "1s"},
        "rule_files": ["/tmp/rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [target]}]} for name, target in targets.items()
        ],
    }


def posting(drbot: int) -> dict[str, object]:
    """What docs/watching.md says."""
    hook = {
        "url": f"http://127.0.0.1:{drbot}/alerts",
        "http_config": {"authorization": {"credentials": TOKEN}},
        "send_resolved": True,
    }
    route = {"receiver": "drbot", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "1s"}
    return {"route": route, "receivers": [{"name": "drbot", "webhook_configs": [hook]}]}


def beside(client: DockerClient, image: str, command: str, settings: Mapping[str, object]) -> Container:
    """A program of monitoring that reaches what listens on this host."""
    return client.containers.run(
        image, ["-c", WRITE + command], entrypoint="sh", detach=True, network_mode="host", labels={LABEL: "t"},
        environment={"SETTINGS": json.dumps(settings), "RULES": RULES.read_text()},
    )  # fmt: skip


@pytest.fixture
def watched(quiet_story: Story) -> Iterator[Story]:
    """Its drbot takes alerts, and the lab is watched."""
    story, drbot, alertmanager, prometheus = quiet_story, free_port(), free_port(), free_port()
    story.stack.environment = {"DRBOT_ALERTS_TOKEN": TOKEN}
    story.stack.start("drbot", "all", "--alerts", str(drbot))
    story.stack.people.wait_for_connection()
    with closing(connect(story.lab.host, timeout_seconds=900)) as client:
        with exclusive(lab_home() / "images.lock"):
            ensure_images(client, print, (PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE))
        started: list[Container] = []
        for image, command, settings in (
            (ALERTMANAGER_IMAGE, f"{ALERTMANAGER}{alertmanager}", posting(drbot)),
            (PROMETHEUS_IMAGE, f"{PROMETHEUS}{prometheus}", scraping(story.lab, alertmanager)),
        ):
            started.append(beside(client, image, command, settings))
        try:
            yield story
        finally:
            for container in started:
                print(container.logs(tail=10).decode(errors="replace"))
                container.remove(force=True)


def alert(story: Story, words: str) -> dict[str, object] | None:
    """The newest message of an alert in the operations channel that says this."""
    found = [one for one in story.stack.people.messages("dr-ops") if words in str(one["blocks"])]
    return found[-1] if found else None


def declared(story: Story) -> Incident:
    """By Aiko's tap."""

    def pressed() -> bool:
        message = alert(story, "PostgreSQLDown")
        assert message is not None
        elements = [one for block in message["blocks"] for one in block.get("elements", [])]  # type: ignore[attr-defined]
        return story.stack.people.click("U00AIKO", message, elements[0]["action_id"]).acknowledged

    wait_for(pressed, PATIENCE, "the tap")
    opened = lambda: next((one for one in story.player.incidents() if one.channel), None)  # noqa: E731
    found = wait_for(opened, PATIENCE, "the incident's channel")
    assert found is not None
    return found


def test_an_alert_is_proposed_declared_with_one_tap_recovered_and_resolved(watched: Story, tmp_path: Path) -> None:
    player = watched.player
    watched.backup()
    broke = time.monotonic()
    break_it(watched.lab, "postgres-corrupt")
    wait_for(lambda: alert(watched, "PostgreSQLDown"), PATIENCE, "the proposal")
    print(f"from failure to proposal: {time.monotonic() - broke:.1f} s")

    incident = declared(watched)
    approve_by_two(player, incident)
    run = finish(player, incident)

    assert (incident.level, run.state) == (Level.DATABASE, RunState.SUCCEEDED)
    back = time.monotonic()
    wait_for(lambda: alert(watched, "is resolved: PostgreSQLDown"), PATIENCE, "the alert to be resolved")
    print(f"from the end of the run to the alert's: {time.monotonic() - back:.1f} s")
    told = lambda: "The alert is resolved" in str(watched.stack.people.messages(incident.channel or ""))  # noqa: E731
    wait_for(told, PATIENCE, "the incident to hear it")
    assert [one.name for one in player.incidents()] == [incident.name]
