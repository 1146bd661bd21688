"""A compose file is whatever a container may do with any volume of the engine: none runs that nobody agreed to."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.runs.run import RunState
from drbot.core.site.site import Repository
from drbot.runners.actions import compose, fetching
from drbot.runners.clients.clients import clients_of
from drbot.runners.contract.action import StepContext
from tests.integration.actions.conftest import WorkerFixture, own
from tests.integration.attacks.rows import with_second_factor
from tests.integration.runners.test_changed_settings import FETCH_AND_START
from tests.integration.runners.test_edited_files import recovered_by_code, with_site
from tests.integration.runners.test_rows_over_time import with_runbook
from tests.integration.runners.worker_fixture import with_registry, worker_fixture_in

pytestmark = pytest.mark.docker

COMPOSE = """
services:
  evil: {image: drbot-lab/postgres:15, entrypoint: [sleep, "600"], volumes: ["anybodys:/v"]}
volumes: {anybodys: {name: "%s"}}
"""
GIT = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def project(worker_fixture: WorkerFixture) -> Iterator[str]:
    """A compose project's name; nothing of it is left."""
    name = own("evil")
    yield name
    for container in worker_fixture.clients.docker.labelled({"com.docker.compose.project": name}):
        worker_fixture.clients.docker.client.api.remove_container(container, force=True)
    if worker_fixture.clients.docker.volume(name) is not None:
        worker_fixture.clients.docker.client.api.remove_volume(name)


def published(folder: Path, project: str) -> Repository:
    """A repository with this project."""
    (folder / project).mkdir(parents=True)
    (folder / project / "compose.yml").write_text(COMPOSE % project)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder), *GIT, *words], check=True)
    head = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return Repository(url=f"file://{folder}", commit=head.stdout.strip())


def test_no_compose_file_of_a_stranger_runs_on_the_engine_without_a_vote(
    worker_fixture: WorkerFixture, tmp_path: Path, project: str
) -> None:
    """Two people have agreed under one dr.yml. Then it names another repository, folder and service, and a runbook of
    one's own fetches and starts them.
    """
    runner = with_second_factor(worker_fixture_in(tmp_path))
    recovered_by_code(runner)
    evil = runner.worker_context.site.services["auth"].model_copy(
        update={"project": project, "service": "evil", "needs": ()}
    )
    elsewhere, docker = tmp_path / "elsewhere", worker_fixture.configuration.site().docker
    edited = with_site(runner, services={"auth": evil}, postgres=None, redis=None, projects=elsewhere, docker=docker)
    repository = published(tmp_path / "repository", project)
    known = edited.worker_context.configuration.model_copy(update={"repository": repository})
    edited = with_runbook(
        replace(edited, worker_context=replace(edited.worker_context, configuration=known)), "own.yml", FETCH_AND_START
    )
    clients = clients_of(
        edited.worker_context.site, edited.worker_context.configuration, worker_fixture.clients.settings
    )

    def start(context: StepContext, given: Mapping[str, Any]) -> Any:
        return compose.start(replace(context, clients=clients), given)

    edited = with_registry(edited, actions={"repository.clone": fetching.clone, "compose.start": start})
    run = edited.go(edited.queue(edited.declare(1).incident, "own"))
    runner.database.close()

    assert run.state is RunState.WAITING, run.outcome
    assert not elsewhere.exists()
    assert not worker_fixture.clients.docker.labelled({"com.docker.compose.project": project})
