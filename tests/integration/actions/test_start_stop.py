"""What is there is stopped and started as it is: without its files, and without waiting for a health check's turn."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from docker.errors import NotFound

from drbot.core.base.errors import CancelledError
from drbot.core.site.site import Service
from drbot.runners.actions import compose
from drbot.runners.clients import start_stop
from drbot.runners.clients.clients import clients_of
from drbot.runners.contract.action import StepContext
from tests.integration.actions.conftest import own
from tests.integration.actions.machine import Machine
from tests.integration.actions.test_ordinary_projects import WATCH, made
from tests.permits import permit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]  # less than a turn of the health check
ALL: dict[str, Any] = {"services": ["db", "app"], "within": "2m"}
Shop = Callable[..., StepContext]


@pytest.fixture
def shop(machine: Machine) -> Shop:
    """`app` needs a database, which Docker asks every five minutes whether it is healthy. Their containers are made."""

    def made_with(db: str = "", app: str = "") -> StepContext:
        file = f"""
services:
  db:
    image: {machine.image}
    network_mode: none
    entrypoint: [sh, -c, "trap 'exit 0' TERM INT; sleep 600 & wait"]
    healthcheck: {{test: [CMD-SHELL, "test -e /proc/1"], interval: 5m}}
    volumes: ["data:/data"]
    {db}
  app:
    image: {machine.image}
    network_mode: none
    entrypoint: [sh, -c, "trap 'exit 0' TERM INT; sleep 600 & wait"]
    depends_on: {{db: {{condition: service_healthy}}}}
    {app}
volumes: {{data: , files: }}
"""
        machine.files({f"{machine.name}/compose.yml": file})
        site = machine.site.model_copy(
            update={
                "services": {
                    "db": Service(project=machine.name, service="db", role="app"),
                    "app": Service(project=machine.name, service="app", role="app", needs=("db",)),
                }
            }
        )
        clients = clients_of(site, machine.worker_fixture.configuration, machine.worker_fixture.clients.settings)
        clients.compose.create(machine.name, ["app"], WATCH)
        allowed = permit(*(f"service {machine.name}/{name}" for name in ("db", "app")), run=own("r1"))
        return replace(machine.context("r1"), site=site, clients=clients, permit=allowed)

    return made_with


def state(machine: Machine, service: str) -> dict[str, Any]:
    found = machine.api.containers.get(made(machine, [service])[service])
    return dict(found.attrs["State"])


def test_what_is_healthy_is_not_waited_for(shop: Shop) -> None:
    context = shop()

    compose.start(context, ALL)

    assert compose.running(context, ALL).passed
    assert context.clients.health.faults(["db", "app"]) == {}


def test_files_that_are_lost_keep_nothing_from_being_stopped_and_started(shop: Shop, machine: Machine) -> None:
    context = shop()
    compose.start(context, ALL)
    before = made(machine)
    (machine.folder / machine.name / "compose.yml").unlink()

    compose.stop(context, ALL)
    stopped = compose.stopped(context, ALL)
    compose.start(context, ALL)

    assert stopped.passed and compose.running(context, ALL).passed
    assert made(machine) == before


def test_what_keeps_data_is_stopped_after_those_that_need_it(shop: Shop, machine: Machine) -> None:
    context = shop()
    compose.start(context, ALL)

    compose.stop(context, ALL)

    assert state(machine, "app")["FinishedAt"] < state(machine, "db")["FinishedAt"]
    assert (state(machine, "app")["ExitCode"], state(machine, "db")["ExitCode"]) == (0, 0)


def test_of_several_containers_of_a_service_a_missing_one_is_made(shop: Shop, machine: Machine) -> None:
    context = shop(app="deploy: {replicas: 2}")
    (one, _) = context.clients.docker.containers(context.site.services["app"])
    machine.api.containers.get(one.id).remove(force=True)

    compose.start(context, ALL)

    assert [one.status for one in context.clients.docker.containers(context.site.services["app"])] == ["running"] * 2


def test_a_container_that_is_missing_is_made_and_started_at_once(shop: Shop, machine: Machine) -> None:
    context = shop()
    machine.api.containers.get(made(machine)["app"]).remove(force=True)

    compose.start(context, ALL)

    assert state(machine, "app")["Status"] == "running"


def test_stop_ends_the_wait_for_a_service_that_does_not_end(shop: Shop, machine: Machine) -> None:
    context = shop(app="stop_grace_period: 10m\n    stop_signal: SIGWINCH")
    compose.start(context, ALL)
    asked = iter((False, False))

    with pytest.raises(CancelledError, match="Stopped while waiting for"):
        compose.stop(replace(context, cancelled=lambda: next(asked, True)), {"services": ["app"]})

    machine.api.containers.get(made(machine)["app"]).kill()


def test_what_never_has_to_end_is_not_called_stopped(shop: Shop, machine: Machine) -> None:
    context = shop(app="stop_grace_period: 9223372036s")
    compose.start(context, ALL)

    compose.stop(context, {"services": ["app"]})

    assert compose.stopped(context, {"services": ["app"]}).passed


@contextmanager
def twin_of(machine: Machine, service: str) -> Iterator[None]:
    """Of its number and its data, as an `up` leaves it that was interrupted."""
    one = machine.api.containers.get(made(machine)[service])
    twin = machine.api.api.create_container_from_config(
        {**one.attrs["Config"], "HostConfig": one.attrs["HostConfig"]}, f"{one.id[:12]}_{one.name}"
    )["Id"]
    try:
        yield
    finally:
        with suppress(NotFound):  # Compose may have
            machine.api.api.remove_container(twin, force=True)


def test_a_second_container_under_the_same_number_is_not_started_beside_the_first(shop: Shop, machine: Machine) -> None:
    context = shop()

    with twin_of(machine, "db"):
        compose.start(context, {"services": ["db"], "within": "2m"})
        found = context.clients.docker.containers(context.site.services["db"])

    assert [one.status for one in found].count("running") == 1


def test_behind_a_migration_neither_is_started_beside_the_other(shop: Shop, machine: Machine) -> None:
    context = shop(app="volumes: ['files:/files']")
    clients, site = context.clients, context.site
    services = {**site.services, "db": site.services["db"].model_copy(update={"once": True})}
    done = replace(context, site=site.model_copy(update={"services": services}))
    compose.start(context, ALL)
    compose.stop(context, ALL)  # db has ended well

    with twin_of(machine, "app"):
        compose.start(done, {"services": ["app"], "within": "2m"})
        found = clients.docker.containers(site.services["app"])

    assert [one.status for one in found].count("running") == 1


@pytest.mark.parametrize("check", ["yes", "(trap '' HUP TERM; sleep 300) & exit 1", "setsid sleep 300 & exit 1"])
def test_a_health_check_holds_nobody_up_and_fills_no_memory(shop: Shop, check: str) -> None:
    context = shop(app=f'healthcheck: {{test: [CMD-SHELL, "{check}"], interval: 5m}}')
    compose.start(context, ALL)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    faults = context.clients.health.faults(["app"])

    assert faults == {"app": "Docker says it is starting"}
    assert time.monotonic() - began < 45
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_what_was_stopped_is_not_there_for_those_that_need_it(shop: Shop, machine: Machine) -> None:
    context = shop()
    compose.start(context, ALL)
    compose.stop(context, ALL)
    docker, app = context.clients.docker, context.site.services["app"]

    assert state(machine, "db")["ExitCode"] == 0
    assert not start_stop.start(docker, app)
    assert state(machine, "app")["Status"] == "exited"
