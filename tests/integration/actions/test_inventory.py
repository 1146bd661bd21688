"""What a system consists of is read from Compose and from the engine, as they are."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drbot.core.site.inventory import Inventory, KnownService, unkept, with_inventory
from drbot.runners.actions.infrastructure import images
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.clients.process import Bounds
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.drill_copying import images_of
from drbot.runners.upkeep.readiness import SiteReadiness
from tests.integration.actions.machine import Machine
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)
SERVER = "trap 'exit 0' TERM; echo ready; sleep 600 & wait"


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """dr.yml names `app` and one volume of it; the project has more."""
    machine.files(
        {
            f"{machine.name}/compose.yml": f"""
x-common: &common {{image: {machine.image}, network_mode: none, stop_grace_period: 0s, entrypoint: [sleep, "600"]}}
services:
  app:
    <<: *common
    volumes: ["rows:/rows", "./media:/media", "{machine.folder}/outside:/outside", "/unnamed"]
    depends_on: {{migrate: {{condition: service_completed_successfully}}, lite: {{condition: service_started}}}}
  migrate: {{<<: *common, entrypoint: ["true"]}}
  lite: {{<<: *common, volumes: ["lite:/data"]}}
  seldom:
    <<: *common
    image: "{machine.name}-seldom"
    profiles: [seldom]
    volumes: ["seldom:/data"]
    stop_signal: SIGTERM
    entrypoint: [sh, -c, "{SERVER}"]
volumes:
  rows: {{name: {machine.volume_name("data")}}}
  lite: {{}}
  seldom: {{}}
"""
        }
    )
    return machine


def read(shop: Machine) -> Inventory:
    return read_inventory(shop.site, shop.clients.docker, shop.clients.compose, never)


def by_name(inventory: Inventory) -> dict[str, KnownService]:
    return {one.service: one for one in inventory.services}


@pytest.mark.parametrize("started", [False, True])
def test_all_that_compose_would_start_is_found_before_and_after(shop: Machine, started: bool) -> None:
    if started:
        shop.clients.compose.up(shop.name, ["app"], WATCH)

    found = by_name(read(shop))
    site = with_inventory(shop.site, read(shop))

    assert set(found) == {"app", "migrate", "lite"}
    assert (found["migrate"].once, found["lite"].once) == (True, False)
    assert set(site.apps) == {"app", "migrate", "lite"}
    assert set(site.services["app"].needs) == {"migrate", "lite"}
    assert {(mount.source, mount.target) for mount in found["app"].mounts} == {
        (shop.volume_name("data"), "/rows"),
        (f"{shop.folder}/{shop.name}/media", "/media"),
        (f"{shop.folder}/outside", "/outside"),
        ("", "/unnamed"),
    }
    assert bool(found["lite"].image_id) is started


def test_what_no_backup_holds_is_named(shop: Machine) -> None:
    names = {one.name for one in unkept(shop.site, read(shop))}

    assert names == {f"{shop.name}_lite", f"{shop.folder}/outside", f"{shop.name}/app:/unnamed"}


@pytest.fixture
def seldom(shop: Machine) -> Iterator[str]:
    """The image of the service of a profile."""
    name = f"{shop.name}-seldom"
    shop.api.images.get(shop.image).tag(name)
    yield name
    shop.clean()
    shop.api.images.remove(name)


def test_a_service_of_a_profile_counts_once_it_runs(shop: Machine, seldom: str) -> None:
    assert seldom not in images_of(shop.site, shop.clients, never)

    shop.clients.compose.up(shop.name, ["seldom"], WATCH)
    site = with_inventory(shop.site, read(shop))
    context = replace(shop.context("raise"), site=site)

    assert f"{shop.name}_seldom" in {one.name for one in unkept(shop.site, read(shop))}
    assert seldom in images_of(shop.site, shop.clients, never)  # a drill has it
    assert seldom in {one.image for one in images(context, {"services": list(site.services)})}
    assert seldom not in {one.image for one in images(context, {"services": ["app"]})}


def test_a_service_of_a_profile_that_runs_is_described(shop: Machine, seldom: str) -> None:
    """Somebody started it with --profile, which no file remembers."""
    shop.clients.compose.up(shop.name, ["seldom"], WATCH)
    site = with_inventory(shop.site, read(shop))

    lines = SiteReadiness(name="x", site=site, clients=shop.clients.of(site), inventory=read(shop)).lines()

    assert [one.sentence for one in lines if "describes no service" in one.sentence] == []


def test_the_volume_of_a_job_that_leaves_no_container_is_named(shop: Machine) -> None:
    name = f"{shop.name}_seldom"
    assert name not in {one.name for one in unkept(shop.site, read(shop))}  # nobody has made it

    volume = shop.api.volumes.create(name)  # as `docker compose run --rm` leaves it
    try:
        found = read(shop)
    finally:
        volume.remove()

    assert [one.services for one in unkept(shop.site, found) if one.name == name] == [(f"{shop.name}/seldom",)]
    assert "seldom" not in with_inventory(shop.site, found).services  # it is not started


def test_a_server_that_somebody_stopped_is_no_job_that_is_done(shop: Machine, seldom: str) -> None:
    shop.clients.compose.up(shop.name, ["seldom"], WATCH)
    (server,) = shop.containers()
    wait_for(lambda: b"ready" in server.logs(), 60, "it to end well when it is told to")
    server.stop(timeout=60)
    server.reload()

    assert server.attrs["State"]["ExitCode"] == 0
    assert not by_name(read(shop))["seldom"].once


def test_a_project_whose_file_is_gone_is_known_by_its_containers(shop: Machine) -> None:
    shop.clients.compose.up(shop.name, ["app"], WATCH)
    (shop.folder / shop.name / "compose.yml").unlink()

    found = by_name(read(shop))

    assert {name for name, one in found.items() if not one.described} == {"app", "lite", "migrate"}
    assert f"{shop.name}_lite" in {one.name for one in unkept(shop.site, read(shop))}


def test_a_volume_that_only_the_image_asks_for_counts_once_something_is_in_it(shop: Machine) -> None:
    shop.clients.compose.up(shop.name, ["app"], WATCH)
    place = "/var/lib/postgresql/data"

    assert place not in {mount.target for mount in by_name(read(shop))["app"].mounts}

    container = next(one for one in shop.containers() if one.labels["com.docker.compose.service"] == "app")
    assert container.exec_run(["touch", f"{place}/rows"], user="root").exit_code == 0
    assert f"{shop.name}/app:{place}" in {one.name for one in unkept(shop.site, read(shop))}
