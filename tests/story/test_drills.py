"""Drills beside a production that serves users: a copy is made, broken, recovered and gone, and nothing else moves."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from drbot.core.runs.drill import Drill
from drbot.core.site.configuration import load_configuration
from drbot.lab.layout import TABLES
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.engine_census import census, changes
from drbot.store.records import drills
from tests.story.conftest import Story
from tests.story.recovering import rows_of

pytestmark = pytest.mark.docker

ROWS = [f"{database}.{table}" for database, table in TABLES.items()]


def drill_words(story: Story, *more: str) -> list[str]:
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "drill", "--as", "aiko", "--home", str(story.stack.home)]
    return [*words, "--config", str(story.stack.configuration), *more]


def drill(story: Story, level: int, file: Path) -> dict[str, Any]:
    """`drbot drill` to its end; what it measured."""
    done = subprocess.run(
        drill_words(story, "--level", str(level), "--json", str(file)), capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(file.read_text()))


@contextmanager
def users(story: Story) -> Iterator[list[str]]:
    """Somebody opens every service again and again; what went wrong."""
    services = load_configuration(story.stack.configuration).configuration.site().services.values()
    urls = [one.health for one in services if one.health]
    over, wrong = threading.Event(), []

    def use() -> None:
        with httpx.Client(timeout=20) as client:
            while not over.wait(0.2):
                for url in urls:
                    answer = client.get(url)
                    if answer.status_code != 200:
                        wrong.append(f"{url}: {answer.status_code}")

    using = threading.Thread(target=use)
    using.start()
    try:
        yield wrong
    finally:
        over.set()
        using.join()


def everything_of(story: Story) -> dict[str, str]:
    engine = DockerEngine(story.lab.host)
    try:
        return dict(
            census(engine, load_configuration(story.stack.configuration).configuration.site().compose_projects())
        )
    finally:
        engine.close()


def only_drill(story: Story) -> Drill:
    with story.player.database.read() as connection:
        (found,) = drills.list_of(connection)
    return found


def test_a_drill_of_level_2_recovers_a_copy_and_production_never_notices(quiet_story: Story, tmp_path: Path) -> None:
    story = quiet_story
    story.backup()
    before, rows = everything_of(story), rows_of(story.lab, ROWS)

    with users(story) as wrong:
        measured = drill(story, 2, tmp_path / "drill.json")

    assert measured["end"] == "passed"
    assert measured["rto_seconds"] > 0
    assert measured["rpo_seconds"] > 0
    assert (measured["production_changes"], measured["leftovers"], measured["packets_to_production"]) == (0, 0, 0)
    assert wrong == []
    assert changes(before, everything_of(story)) == ()
    assert rows_of(story.lab, ROWS) == rows
