"""Who else is on the volume that is to be replaced: found whatever way it was mounted, told before the plan is made."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import PermanentError, UserError
from core.site import Docker, Service, Site
from runners import permit as permits
from runners.actions import setting_aside, volume
from runners.actions.fingerprint import fingerprint
from runners.permit import volumes_in
from runners.strangers import require_none
from tests.integration.actions.conftest import Bench, own
from tests.permits import permit

pytestmark = pytest.mark.docker

SWAP = {"volume": "", "replacement": "r", "keeper": "k"}


@pytest.fixture
def stranger(bench: Bench, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a container that sleeps with production's volume mounted in this way."""
    found = bench.clients.docker.volume(bench.volume)
    service = bench.clients.postgres.container()
    assert found is not None and service is not None
    source = found.mountpoint if request.param == "folder" else bench.volume
    labels = {}
    if request.param == "one-off":
        inspected = bench.clients.docker.inspect(service.id)["Config"]["Labels"]
        labels = {name: value for name, value in inspected.items() if name.startswith("com.docker.compose.")}
        labels["com.docker.compose.oneoff"] = "True"
    mode = "ro" if request.param == "read-only" else "rw"
    made = bench.clients.docker.client.containers.create(
        service.image,
        ["-c", "sleep 600"],
        entrypoint="sh",
        name=own("stranger"),
        labels=labels,
        volumes={source: {"bind": "/x", "mode": mode}},
        healthcheck={"test": ["NONE"]},
    )
    if request.param != "stopped":
        made.start()
    yield own("stranger")
    made.remove(force=True)


def look(bench: Bench) -> dict[str, list[str]]:
    """Who the fingerprint names."""
    context = bench.context()
    found = fingerprint(bench.clients, bench.configuration.site(), context.labels, context.cancelled)
    return dict(found["strangers"])


def taken(bench: Bench, volume_name: str = "") -> frozenset[str]:
    """What level 2 takes."""
    return volumes_in(volume.swap_subjects(bench.context(), {**SWAP, "volume": volume_name or bench.volume}))


def test_the_systems_own_services_are_no_strangers(bench: Bench) -> None:
    own_volumes = {
        bench.volume.replace("postgres_data", name) for name in ("postgres_data", "redis_data", "admin_files")
    }
    assert set(look(bench)) == own_volumes
    assert look(bench)[bench.volume] == []
    require_none("level2-postgres", taken(bench), {"strangers": look(bench)})
    assert volume.unshared(bench.context(), {"volume": bench.volume}).passed


@pytest.mark.parametrize("stranger", ["volume", "folder", "read-only", "one-off"], indirect=True)
def test_whoever_else_uses_the_volume_keeps_the_plan_from_being_made(bench: Bench, stranger: str) -> None:
    seen = {"strangers": look(bench)}

    with pytest.raises(UserError, match=stranger) as raised:
        require_none("level2-postgres", taken(bench), seen)

    assert f"docker stop {stranger}" in raised.value.todo
    require_none("level2-postgres", taken(bench, "other"), seen)


@pytest.mark.parametrize("stranger", ["stopped"], indirect=True)
def test_a_stopped_one_is_told_on_the_card_and_left_as_it_is(bench: Bench, stranger: str) -> None:
    finding = volume.unshared(bench.context(), {"volume": bench.volume})

    assert look(bench)[bench.volume] == []
    assert not finding.passed
    assert f"{stranger} (stopped) also uses the volume" in finding.sentence


@pytest.fixture
def aside(bench: Bench, tmp_path: Path) -> Iterator[tuple[Site, str]]:
    """A host of one service and one volume with files, and the container of the service."""
    api, name = bench.clients.docker.client.api, own("aside")
    postgres = bench.clients.postgres.container()
    assert postgres is not None
    bench.clients.docker.create_volume(name, {})
    labels = {f"com.docker.compose.{key}": name for key in ("project", "service")}
    container = api.create_container(
        postgres.image, ["-c", "sleep 600"], entrypoint="sh", labels={**labels, "com.docker.compose.oneoff": "False"},
        host_config=api.create_host_config(binds=[f"{name}:/files"]),
    )["Id"]  # fmt: skip
    api.start(container)
    folder = tmp_path / "projects"
    folder.mkdir()
    (folder / "compose.yml").write_text("services: {}")
    service = Service(project=name, service=name, role="app")
    yield Site(docker=Docker(), projects=folder, services={name: service}, files=(name,)), container
    for made in bench.clients.docker.labelled({"com.docker.compose.project": name}):
        api.remove_container(made, force=True)
    for volume_name in (name, f"{name}_before"):
        if bench.clients.docker.volume(volume_name) is not None:
            api.remove_volume(volume_name)


@pytest.mark.parametrize("how", ["by its name", "by its folder", "stopped", "its keeper is taken", "the folder's too"])
def test_nothing_is_put_aside_before_all_of_it_can_be(bench: Bench, aside: tuple[Site, str], how: str) -> None:
    """A container on a volume of `files` would go on writing while it is copied, and lose what it wrote."""
    site, container = aside
    (name,), docker = site.files, bench.clients.docker
    keeper = f"{name}_before"
    found = docker.volume(name)
    assert found is not None
    wanted = r"holds what this run did not put there"
    if how == "its keeper is taken":
        docker.create_volume(keeper, {})
    elif how == "the folder's too":
        wanted = "exists already"
        site.projects.with_name(f"{site.projects.name}_before").mkdir()
    else:
        wanted = f"in use by {name}-stranger"
        source = found.mountpoint if how == "by its folder" else name
        image = docker.inspect(container)["Image"]
        stranger = docker.client.containers.create(
            image, ["-c", "sleep 600"], entrypoint="sh", name=f"{name}-stranger", volumes={source: {"bind": "/x"}}
        )
        if how != "stopped":
            stranger.start()
    subjects = (permits.project(name), permits.volume(name), permits.folder(site.projects))
    context = replace(bench.context("aside", permit=permit(*subjects, run=own("r1"))), site=site)
    try:
        with pytest.raises(PermanentError, match=wanted):
            setting_aside.set_aside(context, {"services": [name], "keeper": "_before"})
    finally:
        if wanted.startswith("in use"):
            stranger.remove(force=True)

    assert docker.inspect(container)["State"]["Running"]
    assert (site.projects / "compose.yml").exists() and docker.volume(name) is not None


def test_a_host_of_which_all_is_free_is_put_aside(bench: Bench, aside: tuple[Site, str]) -> None:
    site, container = aside
    (name,), docker = site.files, bench.clients.docker
    subjects = (permits.project(name), permits.volume(name), permits.folder(site.projects))
    context = replace(bench.context("aside", permit=permit(*subjects, run=own("r1"))), site=site)

    done = setting_aside.set_aside(context, {"services": [name], "keeper": "_before"})

    assert done.facts == {"kept": {name: f"{name}_before"}}
    assert docker.find(container) is None and docker.volume(name) is None
    assert not site.projects.exists()
