"""What lies on hosts in the night: 29 of them."""

import os
import subprocess
from collections.abc import Callable

from drbot.runners.clients.own_folder import MARK
from tests.hosts import Host

EARLIER = f"r0-{os.getpid()}"  # a run of before: others may be at work on the same engine


def nothing(at: Host) -> None:
    """An empty host."""


def uploads_and_untracked_settings(at: Host) -> None:
    at.files({"system/.env": "SECRET=only here", "system/uploads/new.pdf": "newer than the backup"})
    at.expected = {str(at.folder)}


def dirty_clone(at: Host) -> None:
    at.files({"system/compose.yml": "services: {}"})
    subprocess.run(["git", "init", "-q", str(at.folder)], check=True)
    subprocess.run(["git", "-C", str(at.folder), "add", "."], check=True)
    at.files({"system/compose.yml": "services: {} # mended at night", "system/.env": "untracked"})
    at.expected = {str(at.folder)}


def folder_behind_a_link(at: Host) -> None:
    real = at.folder.with_name("on-another-disk")
    real.mkdir()
    (real / "data").write_text("here")
    at.folder.symlink_to(real)
    at.expected = {str(at.folder)}


def leftover_volume_without_a_clone(at: Host) -> None:
    at.expected = {at.volume("data", {"old": "rows"})}


def volume_of_the_project_that_dr_yml_does_not_name(at: Host) -> None:
    at.expected = {at.volume("cache", {"k": "v"}, **{"com.docker.compose.project": at.name})}


def volume_that_only_the_backup_names(at: Host) -> None:
    name = at.volume("ext", {"k": "v"})
    at.mounts, at.expected = (name,), {name}


def volume_that_a_compose_file_describes(at: Host) -> None:
    name = at.volume("described", {"k": "v"})
    text = (
        f"services: {{app: {{image: x, volumes: ['rows:/d']}}}}\nvolumes: {{rows: {{name: {name}, external: true}}}}\n"
    )
    at.files({f"{at.name}/docker-compose.yml": text})
    at.expected = {str(at.folder), name}


def data_in_a_containers_own_layer(at: Host) -> None:
    at.expected = {at.container(wrote="the only copy")}


def stopped_containers(at: Host) -> None:
    at.expected = {at.container(wrote="before it was stopped", started=False)}


def never_started(at: Host) -> None:
    at.expected = {at.container(started=False)}


def stale_standby_on_its_own_volume(at: Host) -> None:
    """Its container goes, its volume is no name of the system's and stays where it is."""
    standby = at.volume("standby", {"rows": "of last year"})
    at.expected = {at.container(volumes={standby: {"bind": "/data"}}), at.volume("data", {"rows": "of now"})}


def volume_without_a_name(at: Host) -> None:
    at.expected = {at.container(wrote="x", volumes=["/unnamed"])}


def bind_mount_below_the_folder(at: Host) -> None:
    at.files({"system/uploads/a": "A"})
    binds = {str(at.folder / "system" / "uploads"): {"bind": "/uploads"}}
    at.expected = {str(at.folder), at.container(volumes=binds)}


def bind_mount_of_somewhere_else(at: Host) -> None:
    outside = at.folder.with_name("outside")
    outside.mkdir()
    (outside / "a").write_text("A")
    at.expected = {at.container(volumes={str(outside): {"bind": "/outside", "mode": "ro"}})}


def service_that_dr_yml_does_not_know(at: Host) -> None:
    at.expected = {at.container("worker", wrote="a queue")}


def earlier_recovery_of_drbots_own(at: Host) -> None:
    """Who made it is no sign that nobody has written to it since."""
    data = at.volume("data", {"rows": "written after that recovery"}, **{"drbot.run": EARLIER})
    at.expected = {data, at.container(volumes={data: {"bind": "/data"}})}


def half_of_an_earlier_level_3(at: Host) -> None:
    at.files({str(MARK): EARLIER, "system/compose.yml": "services: {}"})
    at.expected = {str(at.folder), at.volume("data", {}, **{"drbot.run": EARLIER})}


def network_of_its_own(at: Host) -> None:
    at.api.networks.create(f"{at.name}_backend", labels=dict(at.labels))
    at.expected = {at.container(network=f"{at.name}_backend", restart_policy={"Name": "always"})}


def paused_container(at: Host) -> None:
    name = at.container(wrote="paused")
    at.expected = {name}


def container_in_the_network_of_another(at: Host) -> None:
    """As `network_mode: service:app`: by the id of a container that is another one afterwards."""
    first = at.container(wrote="1")
    beside = at.container("sidecar", wrote="2", network_mode=f"container:{at.api.containers.get(first).id}")
    at.expected = {first, beside}


def container_that_goes_when_it_is_stopped(at: Host) -> None:
    name = at.container(wrote="the only copy", auto_remove=True)
    at.refused = f"{name} was made with --rm: stopping it would delete it and everything it wrote"


def volume_on_a_folder_of_the_host(at: Host) -> None:
    """The local driver with options: the data lies elsewhere."""
    device = at.folder.with_name("device")
    device.mkdir()
    (device / "rows").write_text("there")
    name = at.volume_name("data")
    options = {"type": "none", "o": "bind", "device": str(device)}
    at.docker.create_volume(name, at.labels, "local", options)
    at.expected = {name}


def volume_on_a_folder_of_the_projects(at: Host) -> None:
    """`device: ./data` in the compose file: the data lies in what is put aside as a folder too."""
    device = at.folder / "system" / "data"
    device.mkdir(parents=True)
    (device / "rows").write_text("there")
    name = at.volume_name("data")
    at.docker.create_volume(name, at.labels, "local", {"type": "none", "o": "bind", "device": str(device)})
    app = at.container(volumes={name: {"bind": "/data"}})
    at.expected = {app, name, str(at.folder)}


def owners_links_and_times(at: Host) -> None:
    name = at.volume("data", {"a b": "spaces", "ä": "utf-8"})
    script = "ln -s 'a b' link; mkdir -m 0710 d; touch -d 2001-02-03 d/old; mkfifo p"
    at.shell(name, f"{script}; chown 70:71 d/old; chmod 4755 d/old")
    at.expected = {name}


def everything_at_once(at: Host) -> None:
    data = at.volume("data", {"rows": "1"})
    at.files({"system/.env": "X=1"})
    cache = at.volume("cache", {"k": "v"}, **{"com.docker.compose.project": at.name})
    app = at.container(wrote="1", volumes={data: {"bind": "/data"}})
    at.expected = {data, cache, str(at.folder), app, at.container("db", wrote="2", started=False)}


def another_system_beside_it(at: Host) -> None:
    """Not of this project, on no volume of its: left alone, and not told."""
    at.container(project=f"{at.name}other", wrote="theirs")
    at.expected = {at.volume("data", {"rows": "1"})}


def stranger_on_the_volume(at: Host) -> None:
    data = at.volume("data", {"rows": "1"})
    at.container(project=f"{at.name}other", volumes={data: {"bind": "/data"}})
    at.refused = f"{at.name}other-app-1 also uses the volume {data}"


def stopped_stranger_on_the_volume(at: Host) -> None:
    data = at.volume("data", {"rows": "1"})
    at.container(project=f"{at.name}other", started=False, volumes={data: {"bind": "/data"}})
    at.refused = f"{at.name}other-app-1 also uses the volume {data}"


def stranger_on_the_volumes_folder(at: Host) -> None:
    data = at.volume("data", {"rows": "1"})
    found = at.docker.volume(data)
    assert found is not None
    at.container(project=f"{at.name}other", volumes={found.mountpoint: {"bind": "/data"}})
    at.refused = f"{at.name}other-app-1 also uses the volume {data}"


HOSTS: tuple[Callable[[Host], None], ...] = (
    nothing, uploads_and_untracked_settings, dirty_clone, folder_behind_a_link, leftover_volume_without_a_clone,
    volume_of_the_project_that_dr_yml_does_not_name, volume_that_only_the_backup_names,
    volume_that_a_compose_file_describes, data_in_a_containers_own_layer, stopped_containers, never_started,
    stale_standby_on_its_own_volume, volume_without_a_name, bind_mount_below_the_folder, bind_mount_of_somewhere_else,
    service_that_dr_yml_does_not_know, earlier_recovery_of_drbots_own, half_of_an_earlier_level_3, network_of_its_own,
    paused_container, container_in_the_network_of_another,
    container_that_goes_when_it_is_stopped, volume_on_a_folder_of_the_host,
    volume_on_a_folder_of_the_projects, owners_links_and_times, everything_at_once,
    another_system_beside_it, stranger_on_the_volume, stopped_stranger_on_the_volume, stranger_on_the_volumes_folder,
)  # fmt: skip

ALWAYS = frozenset(
    {
        dirty_clone, leftover_volume_without_a_clone, volume_that_only_the_backup_names, data_in_a_containers_own_layer,
        volume_without_a_name, half_of_an_earlier_level_3, volume_on_a_folder_of_the_projects, owners_links_and_times,
        stranger_on_the_volume,
    }
)  # fmt: skip
"""One of each kind; the others are more of the same, and take minutes."""
