"""Level 3 from Slack onto hosts as they are: two people are asked for exactly what gives way, users get what they had,
and by undo, by two again, the host is what it was.
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState, StepState
from drbot.core.site.occupants import IMAGES, aside_suffix
from drbot.lab.images import POSTGRES_IMAGE
from drbot.lab.layout import part
from tests.hosts import Host
from tests.kinds_of_hosts import HOSTS, everything_at_once, volume_that_only_the_backup_names
from tests.labs import LabFactory
from tests.story import new_host
from tests.story.demo_stacks import sites_of
from tests.story.new_host import WORDS, Scene
from tests.story.recovering import wait_for_step
from tests.waiting import wait_for

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def loss(lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with (
        sites_of(lab_factory, "occupied") as sites,
        new_host.scene(sites, tmp_path_factory.mktemp("stack") / "home") as made,
    ):
        yield made


@pytest.fixture
def scene(loss: Scene, tmp_path: Path) -> Iterator[Scene]:
    """Whatever became of the test before, its incident is not in the way."""
    with new_host.anew(loss, tmp_path / "home") as made:
        made.player.stack.start("drbot", "all")
        made.player.stack.people.wait_for_connection()
        yield made


def server(at: Host, volume: str, **labels: str) -> str:
    """A real PostgreSQL on this volume, with rows of its own."""
    container = at.api.containers.run(
        POSTGRES_IMAGE, detach=True, environment={"POSTGRES_HOST_AUTH_METHOD": "trust"},
        volumes={volume: {"bind": "/var/lib/postgresql/data"}}, labels={**at.labels, **labels},
    )  # fmt: skip
    asked = ["psql", "-h", "127.0.0.1", "-U", "postgres", "-c", "CREATE TABLE IF NOT EXISTS theirs AS SELECT 1"]
    wait_for(lambda: container.exec_run(asked).exit_code == 0, 120, "PostgreSQL to answer")
    return str(container.name)


def project_of(at: Host, name: str) -> str:
    return at.name.removesuffix(part("admin").folder) + part(name).folder


def volume_of(at: Host, name: str) -> str:
    return at.name.removesuffix(part("admin").folder) + str(part(name).volume)


def another_cluster_under_postgres_name(at: Host) -> None:
    volume = volume_of(at, "postgres")
    at.docker.create_volume(volume, dict(at.labels))
    container = at.api.containers.get(server(at, volume))
    container.stop()
    container.remove(v=True)
    at.expected = {volume}


def stopped_standby_of_postgres(at: Host) -> None:
    """Compose would start this one again, on last year's rows."""
    volume = f"{volume_of(at, 'postgres')}_standby"
    at.docker.create_volume(volume, dict(at.labels))
    labels = {"project": project_of(at, "postgres"), "service": part("postgres").service, "oneoff": "False"}
    name = server(at, volume, **{f"com.docker.compose.{key}": value for key, value in labels.items()})
    at.api.containers.get(name).stop()
    at.expected = {name}


def somebody_elses_redis_data(at: Host) -> None:
    volume = volume_of(at, "redis")
    at.docker.create_volume(volume, dict(at.labels))
    script = "printf REDIS0011 > /v/dump.rdb"
    at.api.containers.run(at.image, ["-c", script], entrypoint="sh", remove=True, user="0",
                          volumes={volume: {"bind": "/v"}})  # fmt: skip
    at.expected = {volume}


def container_on_a_port_of_the_systems(at: Host) -> None:
    port = port_of(at)
    name = at.container(project=f"{at.name}other", ports={"80/tcp": ("127.0.0.2", port)})
    at.refused = f"port {port} is taken by the container {name}"


def program_on_a_port_of_the_systems(at: Host) -> None:
    port = port_of(at)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.2", port))
    listener.listen()
    at.closing.append(listener.close)
    at.refused = f"port {port} is taken by a program on this host"


def container_of_the_systems_name(at: Host) -> None:
    name = f"{at.name}-{part('admin').service}-1"
    at.api.containers.create(at.image, name=name, labels=dict(at.labels))
    at.refused = f"the container name {name} is taken by somebody else's container"


def port_of(at: Host) -> int:
    return at.ports[part("admin").name]


KINDS = (
    *(one for one in HOSTS if one is not volume_that_only_the_backup_names),
    another_cluster_under_postgres_name, stopped_standby_of_postgres, somebody_elses_redis_data,
    container_on_a_port_of_the_systems, program_on_a_port_of_the_systems, container_of_the_systems_name,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.replace("_", "-"))
def test_level_3_asks_for_what_gives_way_and_undo_brings_it_back(scene: Scene, kind: Callable[[Host], None]) -> None:
    player = scene.player
    with scene.host() as host:
        kind(host)
        before = host.picture()

        incident = player.declare("aiko", f"{WORDS} {kind.__name__}")
        if host.refused:
            ended = player.wait_for_run(incident, RunState.FAILED, RunState.BLOCKED, RunState.NEEDS_DECISION)
            assert host.refused in str(ended.outcome)
            player.wait(lambda: host.refused in str(player.messages(incident)), "the channel to say so", 60)
            assert host.picture() == before
            scene.resolve(incident)
            return
        if host.expected:
            asked = wait_for_step(player, incident, "approval", StepState.WAITING)
            assert asked.plan is not None
            assert {one.name for one in asked.plan.occupants} == host.expected
            assert host.picture() == before
            scene.agree(incident)
        run = scene.recover(incident)
        assert run.plan is not None and bool(run.plan.occupants) is bool(host.expected)
        assert scene.wrong() == []

        if host.expected:
            player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
            undo = wait_for_step(player, incident, "approval", StepState.WAITING)
            assert undo.id != run.id
            scene.agree(incident)
            assert is_back(scene, incident).id == undo.id
            assert host.picture() == before
        scene.resolve(incident)


def is_back(scene: Scene, incident: Incident) -> Run:
    """The undo, at its end: on a host that had no system, or a stopped one, users cannot work, and it says so."""
    run = scene.player.wait_for_run(incident, RunState.SUCCEEDED, RunState.FAILED)
    said = "What was put aside is back on this host, and what ran then was started."
    assert run.state is RunState.SUCCEEDED or said in str(run.outcome), run.outcome
    return run


def test_an_undo_that_died_half_way_is_asked_for_again_and_the_host_is_what_it_was(scene: Scene) -> None:
    """kill -9 while it puts the recovered system aside: some of that is kept, some is only stopped."""
    player = scene.player
    with scene.host() as host:
        everything_at_once(host)
        before = host.picture()
        incident = player.declare("aiko", f"{WORDS} and its undo dies")
        wait_for_step(player, incident, "approval", StepState.WAITING)
        scene.agree(incident)
        scene.recover(incident)
        player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
        died = wait_for_step(player, incident, "approval", StepState.WAITING)
        scene.agree(incident)
        suffix = aside_suffix(died.id)
        player.wait(lambda: any(suffix in tag for tag in tags(host)), "a container to be kept", 120)

        player.stack.kill("drbot")
        player.stack.start("drbot-again", "all")
        wait_for_step(player, incident, "set-aside", StepState.UNSURE, seconds=240)
        player.say("aiko", f"/dr stop {incident.name} once more", incident.channel or "")
        player.wait_for_run(incident, RunState.STOPPED)

        player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
        player.wait(lambda: player.run(incident).id != died.id, "another undo")
        undo = wait_for_step(player, incident, "approval", StepState.WAITING)
        assert undo.arguments == died.arguments
        scene.agree(incident)
        assert is_back(scene, incident).id == undo.id
        assert host.picture() == before
        scene.resolve(incident)


def tags(host: Host) -> list[str]:
    """Of the images that keep containers."""
    return [tag for image in host.api.images.list(name=IMAGES) for tag in image.tags]
