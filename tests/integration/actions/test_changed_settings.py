"""A compose file is whatever a container may do with any volume of the engine: none runs that nobody agreed to."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.run import RunState
from drbot.core.site import Repository
from drbot.runners.action import StepContext
from drbot.runners.actions import compose, fetching
from drbot.runners.clients.clients import clients_of
from tests.integration.actions.conftest import Bench, own
from tests.integration.attacks.rows import with_second_factor
from tests.integration.runners.bench import bench_in, with_registry
from tests.integration.runners.test_changed_settings import FETCH_AND_START
from tests.integration.runners.test_edited_files import recovered_by_code, with_site
from tests.integration.runners.test_rows_over_time import with_runbook

pytestmark = pytest.mark.docker

COMPOSE = """
services:
  evil: {image: drbot-lab/postgres:15, entrypoint: [sleep, "600"], volumes: ["anybodys:/v"]}
volumes: {anybodys: {name: "%s"}}
"""
GIT = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def project(bench: Bench) -> Iterator[str]:
    """A compose project's name; nothing of it is left."""
    name = own("evil")
    yield name
    for container in bench.clients.docker.labelled({"com.docker.compose.project": name}):
        bench.clients.docker.client.api.remove_container(container, force=True)
    if bench.clients.docker.volume(name) is not None:
        bench.clients.docker.client.api.remove_volume(name)


def published(folder: Path, project: str) -> Repository:
    """A repository with this project."""
    (folder / project).mkdir(parents=True)
    (folder / project / "compose.yml").write_text(COMPOSE % project)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder), *GIT, *words], check=True)
    head = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return Repository(url=f"file://{folder}", commit=head.stdout.strip())


def test_no_compose_file_of_a_stranger_runs_on_the_engine_without_a_vote(
    bench: Bench, tmp_path: Path, project: str
) -> None:
    """Two people have agreed under one dr.yml. Then it names another repository, folder and service, and a runbook of
    one's own fetches and starts them.
    """
    runner = with_second_factor(bench_in(tmp_path))
    recovered_by_code(runner)
    evil = runner.equipment.site.services["auth"].model_copy(
        update={"project": project, "service": "evil", "needs": ()}
    )
    elsewhere, docker = tmp_path / "elsewhere", bench.configuration.site().docker
    edited = with_site(runner, services={"auth": evil}, postgres=None, redis=None, projects=elsewhere, docker=docker)
    repository = published(tmp_path / "repository", project)
    known = edited.equipment.configuration.model_copy(update={"repository": repository})
    edited = with_runbook(
        replace(edited, equipment=replace(edited.equipment, configuration=known)), "own.yml", FETCH_AND_START
    )
    clients = clients_of(edited.equipment.site, edited.equipment.configuration, bench.clients.settings)

    def start(context: StepContext, given: Mapping[str, Any]) -> Any:
        return compose.start(replace(context, clients=clients), given)

    edited = with_registry(edited, actions={"repository.clone": fetching.clone, "compose.start": start})
    run = edited.go(edited.queue(edited.declare(1).incident, "own"))
    runner.database.close()

    assert run.state is RunState.WAITING, run.outcome
    assert not elsewhere.exists()
    assert not bench.clients.docker.labelled({"com.docker.compose.project": project})
