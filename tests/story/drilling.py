"""Drills from a terminal, beside users of production who must not notice, and what is counted before and after."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from drbot.cli.demo_stack import DemoStack
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Site
from drbot.lab.layout import TABLES
from drbot.lab.system import Lab
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.engine_census import census, changes
from tests.story.recovering import rows_of

ROWS = [f"{database}.{table}" for database, table in TABLES.items()]


def beside_users(stack: DemoStack, lab: Lab, level: int, file: Path, *data: str) -> dict[str, Any]:
    """A drill that passes while production is used; what it measured. Nothing else has changed after it."""
    before, rows = everything_of(stack, lab), rows_of(lab, ROWS)
    with users(stack) as wrong:
        measured = drill(stack, file, f"level{level}", *data)
    assert measured["end"] == "passed"
    assert measured["rto_seconds"] > 0
    assert measured["rpo_seconds"] is None if level == 1 else measured["rpo_seconds"] > 0
    assert (measured["production_changes"], measured["leftovers"], measured["packets_to_production"]) == (0, 0, 0)
    assert wrong == []
    assert changes(before, everything_of(stack, lab)) == ()
    assert rows_of(lab, ROWS) == rows
    return measured


def drill_words(stack: DemoStack, *more: str) -> list[str]:
    """`drbot drill` as Aiko."""
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "drill", "--as", "aiko", "--home", str(stack.home)]
    return [*words, "--config", str(stack.configuration), *more]


def drill(stack: DemoStack, file: Path, *named: str) -> dict[str, Any]:
    """`drbot drill` to its end; what it measured."""
    words = drill_words(stack, *named, "--json", str(file))
    done = subprocess.run(words, env={**os.environ, **stack.environment}, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(file.read_text()))


@contextmanager
def users(stack: DemoStack) -> Iterator[list[str]]:
    """Somebody opens every service again and again; what went wrong."""
    urls = [one.health for one in _site(stack).services.values() if one.health]
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


def everything_of(stack: DemoStack, lab: Lab) -> dict[str, str]:
    """Containers, volumes and networks of production."""
    engine = DockerEngine(lab.host)
    try:
        return dict(census(engine, _site(stack).compose_projects()))
    finally:
        engine.close()


def _site(stack: DemoStack) -> Site:
    return load_configuration(stack.configuration).configuration.site()
