"""Level 1 on a real lab: evidence, restart, down and up, health, and who is to blame."""

import json
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.base.waiting import waves
from drbot.core.site.site import needs_of
from drbot.lab.breakage import break_it
from drbot.runners.actions import backup, compose, disk, evidence, health
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients import helper, kept_containers
from drbot.runners.clients.compose import UP, typed
from drbot.runners.clients.container_files import text_of
from drbot.runners.clients.health import Health
from drbot.runners.clients.helper import HelperOrder
from drbot.runners.clients.postgres_server import PostgresServer
from drbot.runners.contract.fingerprint import fingerprint
from tests.integration.actions.conftest import WorkerFixture

pytestmark = pytest.mark.docker

AUTH = {"services": ["auth"], "within": "60s"}


def test_a_restart_heals_a_service_that_was_stopped(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("restart")
    break_it(worker_fixture.lab, "auth-down")
    assert not health.services(context, AUTH).passed
    assert compose.stopped(context, AUTH).passed

    compose.restart(context, AUTH)
    outcome = health.wait(context, AUTH)

    assert outcome.facts["healthy"] == ["auth"]
    assert compose.running(context, AUTH).passed


def test_a_crash_loop_outlives_a_restart_and_is_healed_by_down_and_up(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("recreate", run="anew")
    break_it(worker_fixture.lab, "auth-crashloop")
    compose.restart(context, AUTH)
    with pytest.raises(PermanentError, match=r"Not healthy after 1 s: auth"):
        health.wait(context, {**AUTH, "within": "1s"})

    compose.recreate(context, AUTH)

    health.wait(context, AUTH)


def test_what_a_container_wrote_itself_is_kept_when_it_is_taken_down(worker_fixture: WorkerFixture) -> None:
    """Nobody is asked at level 1, so nothing may be lost by it; nor by a second attempt."""
    context, docker = worker_fixture.context("recreate", run="anew"), worker_fixture.clients.docker
    before = docker.container(context.site.services["auth"])
    assert before is not None
    assert docker.execute(before.id, ["sh", "-c", "echo nowhere else > /only-here"], seconds=60).code == 0

    outcome = compose.recreate(context, AUTH)
    compose.recreate(context, AUTH)
    health.wait(context, AUTH)

    after = docker.container(context.site.services["auth"])
    assert after is not None and after.id != before.id
    (image,) = (one.keeper for one in kept_containers.kept_by(docker, context.run.id) if one.made_of["Id"] == before.id)
    assert image in outcome.summary
    order = HelperOrder(image=image, name=None, labels=context.labels, entrypoint=("cat", "/only-here"), mounts=())
    assert helper.run(docker, order, context.cancelled).output.strip() == "nowhere else"


def test_a_service_is_not_stopped_while_gigabytes_are_kept(worker_fixture: WorkerFixture) -> None:
    context, docker = worker_fixture.context("recreate", run="anew"), worker_fixture.clients.docker
    before = docker.container(context.site.services["auth"])
    assert before is not None
    assert docker.execute(before.id, ["truncate", "-s", "600M", "/much"], seconds=60).code == 0

    with pytest.raises(PermanentError, match="outside of volumes, too much to keep"):
        compose.recreate(context, AUTH)

    after = docker.container(context.site.services["auth"])
    assert after is not None
    assert (after.id, after.status) == (before.id, before.status)
    assert docker.execute(before.id, ["rm", "/much"], seconds=60).code == 0


def test_a_file_that_comes_and_goes_while_it_is_read_is_read_again(worker_fixture: WorkerFixture) -> None:
    docker = worker_fixture.clients.docker
    auth = docker.container(worker_fixture.configuration.site().services["auth"])
    assert auth is not None
    flicker = "while :; do seq 3000 > /flickers; sed -i 9d /flickers; rm /flickers; done"

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(docker.execute, auth.id, ["timeout", "5", "sh", "-c", flicker], seconds=60)
        read = [text_of(docker, auth.id, "/flickers") for _ in iter(writing.done, True)]

    assert len(read) > 1


def test_no_service_of_a_kind_is_nothing_to_do(worker_fixture: WorkerFixture) -> None:
    """A system need not have fronts."""
    context, none = worker_fixture.context("fronts"), {"services": [], "within": "1s"}

    for act in (compose.stop, compose.start, compose.restart, compose.recreate, health.wait):
        assert "nothing to do" in act(context, none).summary
    for probe in (compose.running, compose.stopped, health.services):
        assert probe(context, none).passed
    assert compose.subjects(context, none) == frozenset()
    with pytest.raises(PermanentError, match="names no service"):
        compose.start(context, {})


def test_the_culprit_is_named_when_postgres_or_redis_is_down(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("probe")
    assert health.dependencies(context, {}).facts == {"culprit": None, "postgres": None, "redis": None}

    compose.stop(context, {"services": "redis"})
    try:
        found = health.dependencies(context, {})
    finally:
        compose.start(context, {"services": "redis"})
        health.wait(context, {"services": "redis auth"})

    assert found.facts["culprit"] == "redis"
    assert "exited" in found.summary


def test_services_start_behind_what_they_need(worker_fixture: WorkerFixture) -> None:
    services = worker_fixture.configuration.site().services

    assert list(waves(needs_of(services))) == [
        ("postgres", "redis"), ("auth", "user", "admin"), ("front-user", "front-admin"),
    ]  # fmt: skip


def test_evidence_holds_logs_and_state_and_no_password(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("evidence", run="r7-evidence")
    passwords = [
        line.partition("=")[2]
        for path in worker_fixture.configuration.site().projects.glob("*/.env")
        for line in path.read_text().splitlines()
        if "PASSWORD" in line
    ]

    site, docker = worker_fixture.configuration.site(), worker_fixture.clients.docker
    auth, postgres = (docker.container(site.services[name]) for name in ("auth", "postgres"))
    assert auth is not None and postgres is not None
    foreign = postgres.environment["POSTGRES_PASSWORD"]
    spoken = docker.execute(auth.id, ["sh", "-c", f"echo cannot connect with {foreign} > /proc/1/fd/1"], seconds=10)
    assert spoken.code == 0, spoken.output

    outcome = evidence.collect(context, {"services": ["postgres", "redis", "auth"]})

    folder = Path(outcome.facts["folder"])
    everything = "".join(path.read_text() for path in folder.iterdir())
    assert outcome.facts["missing"] == []
    assert "ready to accept connections" in (folder / "postgres.log").read_text()
    assert "Database system identifier" in (folder / "postgres.control.txt").read_text()
    assert json.loads((folder / "auth.inspect.json").read_text())["State"]["Running"] is True
    assert "cannot connect with" in (folder / "auth.log").read_text()
    assert foreign in passwords
    assert not [password for password in passwords if password in everything]


def test_the_fingerprint_is_the_same_until_something_changes(worker_fixture: WorkerFixture) -> None:
    site, context = worker_fixture.configuration.site(), worker_fixture.context("survey")

    def look() -> dict[str, object]:
        return fingerprint(worker_fixture.clients, site, context.labels, context.cancelled)

    before = look()
    override = worker_fixture.clients.compose.folder(site.services["auth"].project) / "docker-compose.override.yml"
    override.write_text("services: {}\n")
    try:
        changed = look()
    finally:
        override.unlink()

    assert str(before["postgres"]).isdigit()
    assert look() == before
    assert [key for key in before if before[key] != changed[key]] == ["projects"]


def test_a_backup_counts_what_the_database_holds(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("check-backup")

    manifest = back_up_postgres(worker_fixture.configuration, "production", clients=worker_fixture.clients)

    assert manifest.rows == worker_fixture.clients.postgres.rows(context.labels, context.cancelled)
    assert manifest.server_version.startswith("15.")
    assert backup.check_again(context, {"backup": manifest.name}).facts["rows"] == manifest.rows
    assert backup.fresh(context, {}).passed
    assert not backup.fresh(context, {"max_age": 0}).passed
    assert not list(worker_fixture.clients.backups.directory.glob("*.part"))


def test_room_is_measured_in_backups(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("ready")

    assert disk.free(context, {"need": "2.5x backup"}).passed
    assert not disk.free(context, {"need": "100000 TB"}).passed


def test_a_service_of_which_one_of_two_containers_runs_is_neither_stopped_nor_running(
    worker_fixture: WorkerFixture,
) -> None:
    """Swaps and undos rely on it: whichever the engine lists first, somebody may be writing."""
    site, api = worker_fixture.configuration.site(), worker_fixture.clients.docker.client.api
    project = f"{worker_fixture.volume}-twice"
    service = site.services["auth"].model_copy(update={"project": project, "service": "web", "health": None})
    both = replace(worker_fixture.context(), site=site.model_copy(update={"services": {"web": service}}))
    made, given = [], {"services": ["web"]}
    for number in ("1", "2"):
        labels = {"project": project, "service": "web", "oneoff": "False", "container-number": number}
        labels = {f"com.docker.compose.{name}": value for name, value in labels.items()}
        image = both.clients.postgres.recipe(both.cancelled).image
        made.append(api.create_container(image, ["60"], entrypoint=["sleep"], labels=labels)["Id"])
    try:
        assert compose.stopped(both, given).passed
        for container in made:
            api.start(container)
            stopped, running = compose.stopped(both, given), compose.running(both, given)
            assert (stopped.passed, stopped.sentence) == (False, "web is running")
            assert running.passed is (container == made[-1])
    finally:
        for container in made:
            api.remove_container(container, force=True)


def test_a_service_nobody_knows_is_answered_with_those_there_are(worker_fixture: WorkerFixture) -> None:
    with pytest.raises(PermanentError, match='no service "aut"; there are: postgres, redis, auth'):
        compose.restart(worker_fixture.context(), {"services": ["aut"]})


def test_a_database_whose_name_is_a_connection_string_leads_to_itself(worker_fixture: WorkerFixture) -> None:
    site, name = worker_fixture.configuration.site(), "dbname=postgres"
    assert site.postgres is not None
    settings = site.postgres.model_copy(update={"databases": (name,)})
    changed = site.model_copy(update={"postgres": settings})
    server = PostgresServer(changed, worker_fixture.clients.docker, worker_fixture.clients.compose)
    assert f"names {name}, and the server has" in (server.fault() or "")
    container = server.container()
    assert container is not None
    command = ["psql", "-U", "postgres", "-d", "postgres", "-c", f'CREATE DATABASE "{name}"']
    made = worker_fixture.clients.docker.execute(container.id, command, seconds=30)
    assert made.code == 0, made.output

    fault = server.fault()
    command[-1] = f'DROP DATABASE "{name}"'
    worker_fixture.clients.docker.execute(container.id, command, seconds=30)

    assert fault is None


class Ill(Health):
    """Nothing is ever healthy."""

    def faults(self, names: Iterable[str]) -> dict[str, str]:
        """Of each of them."""
        return dict.fromkeys(names, "it does not answer")


def test_what_ran_before_is_started_again_although_what_it_needs_is_not_healthy(worker_fixture: WorkerFixture) -> None:
    known, clients = worker_fixture.context("stop-apps"), worker_fixture.clients
    ill = Ill(known.site, clients.docker, clients.postgres, clients.redis)
    context = worker_fixture.context("stop-apps", clients=replace(clients, health=ill))
    given = {"services": ["postgres", "auth"], "within": "1s"}
    compose.stop(context, given)

    with pytest.raises(PermanentError, match="postgres: it does not answer"):
        compose.start(context, given)
    stopped = compose.stopped(context, AUTH)
    with pytest.raises(PermanentError, match="postgres: it does not answer"):
        compose.start(replace(context, takes_back=True), given)

    assert stopped.passed and compose.running(context, given).passed
    health.wait(known, {**given, "within": "60s"})


def test_what_people_type_starts_what_is_stopped(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("stop-apps")
    compose.stop(context, AUTH)
    site = context.site

    (line,) = typed(site, UP, [site.services["auth"]])
    subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=60)

    health.wait(context, AUTH)
