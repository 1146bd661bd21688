"""Breaking a lab for real. Every act first makes sure that what it breaks carries the lab's label."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.text.messages import listed, phrase, sentences
from drbot.lab import ownership
from drbot.lab.layout import Part, part
from drbot.lab.sites import Sites
from drbot.lab.system import Lab

POISON = "mkdir -p /var/cache/service && echo '{\"cut' > /var/cache/service/sessions.json"
# What a failing disk does: the control file, the catalogue of every database and the start of every WAL segment.
# PG_VERSION stays, or the image would take the volume for a new one and initialise it.
SPOIL_POSTGRES = """
cd /broken && test -s PG_VERSION || exit 3
for file in global/pg_control base/*/1259 base/*/1249 pg_wal/0*; do
    dd if=/dev/urandom of="$file" bs=8192 count=1 conv=notrunc status=none
done
sync
"""
SPOIL_REDIS = """
find /broken -type f | while IFS= read -r file; do
    dd if=/dev/urandom of="$file" bs=512 count=1 conv=notrunc status=none
done
sync
"""
SHOWN_WITHIN_SECONDS = 60.0
BROKEN = "/broken"  # where a script sees the volume
EMPTY = f"find {BROKEN} -mindepth 1 -delete"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A way to break the lab, and what it looks like."""

    text: str
    act: Callable[[docker.DockerClient, Lab], None]


def break_it(lab: Lab, fault: str) -> str:
    """Break the lab this way, wait until it is broken, and return what it looks like. Raises UserError."""
    if fault not in FAULTS:
        there = phrase("There are: {names}.", names=listed(FAULTS))
        why = sentences(there, did_you_mean(fault, list(FAULTS)))
        raise UserError(phrase('"{fault}" is not a fault.', fault=fault), why)
    with lab.client() as client:
        FAULTS[fault].act(client, lab)
    return FAULTS[fault].text


def stop_auth(client: docker.DockerClient, lab: Lab) -> None:
    """The service is stopped; a restart heals it."""
    running(client, lab, part("auth")).stop(timeout=3)


def poison_auth(client: docker.DockerClient, lab: Lab) -> None:
    """A damaged file in the container's own layer: it outlives a restart, but not a new container."""
    container = running(client, lab, part("auth"))
    container.exec_run(["sh", "-c", POISON], user="root")
    container.restart(timeout=3)
    wait_until(lambda: reloaded(container).attrs["RestartCount"] > 0, phrase("auth to crash"))


def spoil_postgres(client: docker.DockerClient, lab: Lab) -> None:
    """The data directory's files are overwritten; the server fails at every start."""
    _spoil(client, lab, part("postgres"), SPOIL_POSTGRES)


def lose_redis(client: docker.DockerClient, lab: Lab) -> None:
    """The data of Redis is removed; it comes back empty."""
    cache = part("redis")
    container = existing(client, lab, cache)
    volume = own_volume(client, lab, cache)
    container.kill() if container.status == "running" else None
    lab.on_volume(volume, BROKEN, EMPTY)
    container.start()


def spoil_redis(client: docker.DockerClient, lab: Lab) -> None:
    """The files of Redis are overwritten; it fails at every start."""
    _spoil(client, lab, part("redis"), SPOIL_REDIS)


def _spoil(client: docker.DockerClient, lab: Lab, store: Part, script: str) -> None:
    container = existing(client, lab, store)
    volume = own_volume(client, lab, store)
    # It fails once and then lies still: an endless loop of restarts would hide in Docker's events what drbot does.
    container.update(restart_policy={"Name": "no"})  # type: ignore[arg-type]  # the stubs forgot "no"
    container.kill() if container.status == "running" else None
    lab.on_volume(volume, BROKEN, script)
    container.start()
    wait_until(lambda: reloaded(container).status == "exited", phrase("{service} to fail", service=store.title))


def lose_files(client: docker.DockerClient, lab: Lab) -> None:
    """All of them are deleted."""
    lab.on_volume(own_volume(client, lab, part("admin")), BROKEN, EMPTY)


def lose_settings(client: docker.DockerClient, lab: Lab) -> None:
    """One project has lost its compose file, another its .env; what runs goes on."""
    del client
    (lab.project(part("auth")) / "docker-compose.yml").unlink(missing_ok=True)
    (lab.project(part("user")) / ".env").unlink(missing_ok=True)


def lose_host(client: docker.DockerClient, lab: Lab) -> None:
    """The host with all it ran and kept: containers, data, projects, and the backups that lay on it."""
    del client
    lab.remove()
    for gone in (lab.projects, lab.folder / "backups"):
        shutil.rmtree(gone, ignore_errors=True)
    (lab.folder / "host.sock").unlink(missing_ok=True)  # the engine serves others too; drbot reaches it no more


def lose_datacentre(client: docker.DockerClient, lab: Lab) -> None:
    """The same, and the new host that stood beside it: a machine has to be rented elsewhere."""
    lose_host(client, lab)
    sites = Sites(lab=lab, home=lab.home.parent)
    sites.empty_new_host()
    if sites.cloud.folder.exists():
        sites.machine_room.start()


FAULTS = {
    "auth-down": Fault(text=phrase("The auth service is stopped."), act=stop_auth),
    "auth-crashloop": Fault(
        text=phrase("The auth service crashes at every start; a restart does not help."), act=poison_auth
    ),
    "postgres-corrupt": Fault(
        text=phrase("PostgreSQL's files are damaged; it does not start any more."), act=spoil_postgres
    ),
    "redis-lost": Fault(text=phrase("Redis has lost its data and is empty."), act=lose_redis),
    "redis-corrupt": Fault(text=phrase("Redis's files are damaged; it does not start any more."), act=spoil_redis),
    "files-lost": Fault(text=phrase("The files are deleted."), act=lose_files),
    "settings-lost": Fault(
        text=phrase("A compose file and an .env are lost; what runs goes on until it is started anew."),
        act=lose_settings,
    ),
    "host-lost": Fault(
        text=phrase("The host is lost with its containers, its data and the backups on it."), act=lose_host
    ),
    "datacentre-lost": Fault(
        text=phrase(
            "The data centre is lost: the host, its backups, and the new host beside it. What is elsewhere is "
            "still there."
        ),
        act=lose_datacentre,
    ),
}


def existing(client: docker.DockerClient, lab: Lab, broken: Part) -> Container:
    """The container of a part. Raises UserError when there is none or it is not the lab's."""
    container = lab.container(client, broken)
    if container is None:
        raise UserError(
            phrase("Wanted to break {what}.", what=broken.title),
            phrase('The lab "{lab}" is not up.', lab=lab.name),
            phrase("Start it: drbot lab up"),
        )
    return container


def running(client: docker.DockerClient, lab: Lab, broken: Part) -> Container:
    """The running container of a part. Raises UserError."""
    container = existing(client, lab, broken)
    if container.status != "running":
        raise UserError(
            phrase("Wanted to break {what}.", what=broken.title),
            phrase("It is {state} already.", state=container.status),
            phrase("Heal it: drbot lab up"),
        )
    return container


def own_volume(client: docker.DockerClient, lab: Lab, broken: Part) -> str:
    """The name of a part's volume. Raises UserError if it is not the lab's."""
    name = f"{lab.prefix}{broken.volume}"
    volumes = [volume for volume in client.volumes.list() if volume.name == name]
    ownership.require(
        volumes[0].attrs.get("Labels") if volumes else None, lab.label, phrase("the volume {name}", name=name)
    )
    return name


def reloaded(container: Container) -> Container:
    container.reload()
    return container


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for the damage to show. Raises UserError when it does not."""
    deadline = time.monotonic() + SHOWN_WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            seconds = f"{SHOWN_WITHIN_SECONDS:.0f}"
            why = phrase("Waited {seconds} s for {what}, in vain.", seconds=seconds, what=what)
            raise UserError(phrase("Broke the lab."), why)
        time.sleep(0.1)
