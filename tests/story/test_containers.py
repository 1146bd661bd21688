"""drbot in containers, as docs/running/compose.yml says: the bot sees Slack alone, the worker the engine alone."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from drbot.cli.demo_stack import APP_TOKEN, BOT_TOKEN, local_slack
from drbot.lab.breakage import break_it
from drbot.lab.engine import connect
from drbot.lab.images import POSTGRES_IMAGE, REDIS_IMAGE, registry_answers
from drbot.lab.system import Lab
from drbot.slack_simulator.client import People
from tests.story.conftest import own_configuration
from tests.unit.test_documents import DOCS, ROOT, text_of
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.long, pytest.mark.docker]

COMPOSE = DOCS / "running" / "compose.yml"
OVERRIDE = """
services:
  state: {{environment: {{POSTGRES_PASSWORD: lab}}}}
  worker: {{image: drbot-lab/worker, volumes: ["${{DOCKER_SOCKET}}:${{DOCKER_SOCKET}}"]}}
  bot: {{image: drbot-lab/bot, network_mode: host, environment: {{SLACK_API_URL: "{slack}"}}}}
"""
LOCAL_BASE = "drbot/python:trixie"


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The compose project of drbot, beside the lab that it recovers."""

    folder: Path
    environment: dict[str, str]
    people: People

    def compose(self, *words: str) -> str:
        files = ["-f", str(COMPOSE), "-f", str(self.folder / "override.yml")]
        return ran(["docker", "compose", "-p", f"drbot-test-{os.getpid()}", *files, *words], self.environment)

    def inside(self, service: str, *words: str) -> str:
        return self.compose("exec", "-T", service, *words)


def ran(command: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def base(engine: str) -> str:
    """The image to build on: the official one, else made with the command of docs/running.md."""
    client = connect(engine)
    try:
        if registry_answers(client):
            return "python:3.11-slim-trixie"
        if not client.images.list(name=LOCAL_BASE):
            (command,) = [line.strip() for line in text_of(DOCS / "running.md").splitlines() if "mmdebstrap --" in line]
            ran(["sh", "-c", command], {**os.environ, "DOCKER_HOST": engine})
        return LOCAL_BASE
    finally:
        client.close()


@pytest.fixture
def installed(engine: str, base: str, story_lab: Lab, tmp_path: Path) -> Iterator[Installed]:
    settings, home = tmp_path / "settings", tmp_path / "worker"
    for folder in (settings, home):
        folder.mkdir()
    (settings / "config").mkdir()
    own_configuration(story_lab, tmp_path).rename(settings / "config" / "dr.yml")
    for folder in (tmp_path, settings, settings / "config"):
        folder.chmod(0o755)
    (settings / "bot.env").write_text(f"SLACK_BOT_TOKEN={BOT_TOKEN}\nSLACK_APP_TOKEN={APP_TOKEN}\n")
    (settings / "worker.env").write_text("RESTIC_PASSWORD=correct-horse\n")
    simulator = local_slack()
    simulator.start()
    (tmp_path / "override.yml").write_text(OVERRIDE.format(slack=simulator.api_url))
    environment = {
        **os.environ,
        "DOCKER_HOST": engine,
        "BASE": base,
        "SETTINGS": str(settings),
        "WORKER_HOME": str(home),
        "PROJECTS": str(story_lab.folder),
        "BACKUPS": str(tmp_path / "backups"),
        "DOCKER_SOCKET": engine.removeprefix("unix://"),
        "POSTGRES_IMAGE": POSTGRES_IMAGE,
        "REDIS_IMAGE": REDIS_IMAGE,
    }
    made = Installed(folder=tmp_path, environment=environment, people=People(simulator.url))
    try:
        made.compose("build")
        made.compose("up", "-d", "--wait")
        yield made
    finally:
        print(made.compose("logs", "bot", "worker"))
        made.compose("down", "-v")
        made.people.close()
        simulator.stop()


def shown(installed: Installed) -> str:
    return installed.inside("worker", "drbot", "dr", "status", "DR-1")


def test_bot_and_worker_in_containers_recover_a_service_and_share_no_secret(
    installed: Installed, story_lab: Lab
) -> None:
    installed.people.wait_for_connection()
    break_it(story_lab, "auth-down")

    (home,) = [one["id"] for one in installed.people.channels("U00AIKO") if one["name"] == "dr-ops"]
    installed.people.command("U00AIKO", home, "/dr declare level1 auth: login fails")

    wait_for(lambda: "recovered" in shown(installed), PATIENCE, "the recovery")
    assert "✓ production: services" in installed.compose("exec", "-T", "worker", "sh", "-c", "drbot check || true")
    assert "all_databases" in installed.inside("worker", "drbot", "backup", "postgres")
    assert "SLACK" not in installed.inside("worker", "env")
    assert "RESTIC" not in installed.inside("bot", "env")
    assert "docker.sock" not in installed.inside("bot", "ls", "/run")
