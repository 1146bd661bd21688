"""Ordinary compose projects, with `env_file` and `depends_on`: what drbot starts is what `docker compose up -d` would
have started, so the next one leaves it alone.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Service
from drbot.runners.actions import anew, compose
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds
from tests.integration.actions.conftest import own
from tests.integration.actions.machine import Machine
from tests.permits import permit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
BOUNDS = Bounds(cancelled=lambda: False, seconds=120)
WATCH = Watch(bounds=BOUNDS, on_line=lambda line: None)


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """`app` needs a database that is healthy and a migration that has ended; its settings come from a file."""
    project = f"{machine.name}/compose.yml"
    machine.files(
        {
            project: f"""
x-common: &common
  image: {machine.image}
  network_mode: none
  stop_grace_period: 0s
services:
  db: {{<<: *common, entrypoint: [sleep, "600"], healthcheck: {{test: ["CMD", "true"], interval: 1s}}}}
  migrate:
    <<: *common
    entrypoint: ["true"]
    restart: "no"
    depends_on: {{db: {{condition: service_healthy}}}}
  app:
    <<: *common
    entrypoint: [sleep, "600"]
    env_file: [app.env]
    depends_on:
      db: {{condition: service_healthy}}
      migrate: {{condition: service_completed_successfully}}
""",
            f"{machine.name}/app.env": "TOKEN=of the shop\n",
        }
    )
    machine.volume("data", {"rows": "restored"}, **{"drbot.run": own("r1")})
    return machine


def made(shop: Machine, services: Iterable[str] = ("app", "db")) -> dict[str, str]:
    """Service → its container's id."""
    ids = {}
    for service in services:
        labels = [f"com.docker.compose.project={shop.name}", f"com.docker.compose.service={service}"]
        (found,) = shop.api.containers.list(all=True, filters={"label": labels})
        ids[service] = str(found.id)
    return ids


def plain_up(shop: Machine) -> None:
    """What whoever looks after the system types the next day."""
    shop.clients.compose._run(shop.name, ["up", "--detach"], WATCH)


def test_a_file_from_elsewhere_is_used_by_what_was_made_with_it_and_by_nothing_new(shop: Machine) -> None:
    """A project that ran with one before is started again; readiness has named it since."""
    elsewhere = shop.folder.parent / "of-the-host.env"
    elsewhere.write_text("A=1\n")
    file = shop.folder / shop.name / "compose.yml"
    file.write_text(file.read_text().replace("[app.env]", f"[{elsewhere}]"))

    with pytest.raises(PermanentError, match=r"of-the-host.env, outside of the projects: move it"):
        shop.clients.compose.up(shop.name, ["app"], WATCH)
    plain_up(shop)
    before = made(shop)
    shop.clients.compose.stop(shop.name, ["app"], permit(f"service {shop.name}/app"), WATCH)
    shop.clients.compose.up(shop.name, ["app"], WATCH)

    assert made(shop) == before
    elsewhere.write_text("A=2\n")
    with pytest.raises(PermanentError, match=r"outside of the projects"):
        shop.clients.compose.up(shop.name, ["app"], WATCH)


def test_what_was_started_is_left_alone_by_the_next_plain_up(shop: Machine) -> None:
    shop.clients.compose.up(shop.name, ["db"], WATCH)
    shop.clients.compose.up(shop.name, ["app"], WATCH)

    before = made(shop)
    assert shop.clients.compose.outdated(shop.name, ["app"], BOUNDS) == frozenset()
    plain_up(shop)
    assert made(shop) == before


def test_what_has_run_to_its_end_does_not_run_again_with_what_waits_for_it(shop: Machine) -> None:
    """Compose would: a migration that is run once more changes what was brought back."""
    site = shop.site.model_copy(
        update={
            "services": {
                "db": Service(project=shop.name, service="db", role="app"),
                "migrate": Service(project=shop.name, service="migrate", role="app", needs=("db",), once=True),
                "app": Service(project=shop.name, service="app", role="app", needs=("db", "migrate")),
            }
        }
    )
    clients = clients_of(site, shop.worker_fixture.configuration, shop.worker_fixture.clients.settings)
    context, given = replace(shop.context("r1"), site=site, clients=clients), {"services": list(site.services)}

    compose.start(context, given)
    before = made(shop), started(shop, "migrate")
    shop.api.containers.get(before[0]["app"]).stop()
    compose.start(context, given)

    assert (made(shop), started(shop, "migrate")) == before
    assert clients.health.faults(site.services) == {}  # which is no service that is down
    allowed = permit(f"service {shop.name}/app", run=own("r1"))
    compose.recreate(replace(context, permit=allowed), {"services": ["app"]})
    anew = made(shop)
    assert anew["app"] != before[0]["app"] and anew["db"] == before[0]["db"]
    assert started(shop, "migrate") == before[1]
    before = anew, before[1]
    assert shop.api.containers.get(before[0]["app"]).status == "running"
    plain_up(shop)
    assert made(shop) == before[0]


def started(shop: Machine, service: str) -> str:
    """When, last."""
    return str(shop.api.containers.get(made(shop, [service])[service]).attrs["State"]["StartedAt"])


def test_what_was_made_anew_is_left_alone_by_the_next_plain_up(shop: Machine) -> None:
    shop.clients.compose.up(shop.name, ["app"], WATCH)
    first = made(shop)

    shop.clients.compose.recreate(shop.name, ["app"], permit(f"service {shop.name}/app"), WATCH)

    before = made(shop)
    assert before["app"] != first["app"]
    assert before["db"] == first["db"]
    plain_up(shop)
    assert made(shop) == before


def test_what_it_depends_on_is_not_made_anew_with_it(shop: Machine) -> None:
    """Its file was changed meanwhile: nobody agreed to start the database by that."""
    shop.clients.compose.up(shop.name, ["app"], WATCH)
    first = made(shop)
    file = shop.folder / shop.name / "compose.yml"
    file.write_text(file.read_text().replace("interval: 1s", "interval: 2s"))

    shop.clients.compose.recreate(shop.name, ["app"], permit(f"service {shop.name}/app"), WATCH)

    assert made(shop)["db"] == first["db"]
    assert made(shop)["app"] != first["app"]


@pytest.mark.parametrize("change", ["none", "env file", "compose file"])
def test_a_container_is_from_the_files_there_now_as_compose_sees_it(shop: Machine, change: str) -> None:
    shop.clients.compose.up(shop.name, ["app"], WATCH)
    if change == "env file":
        (shop.folder / shop.name / "app.env").write_text("TOKEN=of somebody else\n")
    if change == "compose file":
        file = shop.folder / shop.name / "compose.yml"
        file.write_text(file.read_text().replace("env_file: [app.env]", "env_file: [app.env]\n    tty: true"))

    found = anew.anew(shop.context("r1"), {"services": ["app"]})

    assert found.passed is (change == "none"), found.sentence
    assert found.passed or "from other files" in found.sentence
