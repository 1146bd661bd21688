"""Hosts as they are in the night: whatever lies where a recovery would go is found, named, put aside whole and comes
back whole; what is somebody else's is left alone. Real containers, volumes and folders of real compose projects.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from core.errors import PermanentError, UserError
from core.occupants import OccupantKind
from runners import permit as permits
from runners.actions import setting_aside
from runners.clients import own_folder
from runners.clients.own_folder import MARK
from runners.target import Target
from tests.integration.actions.conftest import own
from tests.integration.actions.machine import Machine
from tests.permits import permit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


def nothing(at: Machine) -> None:
    """An empty host."""


def uploads_and_untracked_settings(at: Machine) -> None:
    at.files({"system/.env": "SECRET=only here", "system/uploads/new.pdf": "newer than the backup"})
    at.expected = {str(at.folder)}


def dirty_clone(at: Machine) -> None:
    at.files({"system/compose.yml": "services: {}"})
    subprocess.run(["git", "init", "-q", str(at.folder)], check=True)
    subprocess.run(["git", "-C", str(at.folder), "add", "."], check=True)
    at.files({"system/compose.yml": "services: {} # mended at night", "system/.env": "untracked"})
    at.expected = {str(at.folder)}


def folder_behind_a_link(at: Machine) -> None:
    real = at.folder.with_name("on-another-disk")
    real.mkdir()
    (real / "data").write_text("here")
    at.folder.symlink_to(real)
    at.expected = {str(at.folder)}


def leftover_volume_without_a_clone(at: Machine) -> None:
    at.expected = {at.volume("data", {"old": "rows"})}


def volume_of_the_project_that_dr_yml_does_not_name(at: Machine) -> None:
    at.expected = {at.volume("cache", {"k": "v"}, **{"com.docker.compose.project": at.name})}


def volume_that_only_the_backup_names(at: Machine) -> None:
    name = at.volume("ext", {"k": "v"})
    at.mounts, at.expected = (name,), {name}


def volume_that_a_compose_file_describes(at: Machine) -> None:
    name = at.volume("described", {"k": "v"})
    text = (
        f"services: {{app: {{image: x, volumes: ['rows:/d']}}}}\nvolumes: {{rows: {{name: {name}, external: true}}}}\n"
    )
    at.files({f"{at.name}/docker-compose.yml": text})
    at.expected = {str(at.folder), name}


def data_in_a_containers_own_layer(at: Machine) -> None:
    at.expected = {at.container(wrote="the only copy")}


def stopped_containers(at: Machine) -> None:
    at.expected = {at.container(wrote="before it was stopped", started=False)}


def never_started(at: Machine) -> None:
    at.expected = {at.container(started=False)}


def stale_standby_on_its_own_volume(at: Machine) -> None:
    """Its container goes, its volume is no name of the system's and stays where it is."""
    standby = at.volume("standby", {"rows": "of last year"})
    at.expected = {at.container(volumes={standby: {"bind": "/data"}}), at.volume("data", {"rows": "of now"})}


def volume_without_a_name(at: Machine) -> None:
    at.expected = {at.container(wrote="x", volumes=["/unnamed"])}


def bind_mount_below_the_folder(at: Machine) -> None:
    at.files({"system/uploads/a": "A"})
    binds = {str(at.folder / "system" / "uploads"): {"bind": "/uploads"}}
    at.expected = {str(at.folder), at.container(volumes=binds)}


def bind_mount_of_somewhere_else(at: Machine) -> None:
    outside = at.folder.with_name("outside")
    outside.mkdir()
    (outside / "a").write_text("A")
    at.expected = {at.container(volumes={str(outside): {"bind": "/outside", "mode": "ro"}})}


def service_that_dr_yml_does_not_know(at: Machine) -> None:
    at.expected = {at.container("worker", wrote="a queue")}


def earlier_recovery_of_drbots_own(at: Machine) -> None:
    """Who made it is no sign that nobody has written to it since."""
    data = at.volume("data", {"rows": "written after that recovery"}, **{"drbot.run": own("r0")})
    at.expected = {data, at.container(volumes={data: {"bind": "/data"}})}


def half_of_an_earlier_level_3(at: Machine) -> None:
    at.files({".git/drbot-run": own("r0"), "system/compose.yml": "services: {}"})
    at.expected = {str(at.folder), at.volume("data", {}, **{"drbot.run": own("r0")})}


def network_of_its_own(at: Machine) -> None:
    at.api.networks.create(f"{at.name}_backend")
    at.expected = {at.container(network=f"{at.name}_backend", restart_policy={"Name": "always"})}


def paused_container(at: Machine) -> None:
    name = at.container(wrote="paused")
    at.expected = {name}


def container_in_the_network_of_another(at: Machine) -> None:
    """As `network_mode: service:app`: by the id of a container that is another one afterwards."""
    first = at.container(wrote="1")
    beside = at.container("sidecar", wrote="2", network_mode=f"container:{at.api.containers.get(first).id}")
    at.expected = {first, beside}


def container_that_goes_when_it_is_stopped(at: Machine) -> None:
    name = at.container(wrote="the only copy", auto_remove=True)
    at.refused = f"{name} would be gone with all it wrote"


def volume_on_a_folder_of_the_host(at: Machine) -> None:
    """The local driver with options: the data lies elsewhere."""
    device = at.folder.with_name("device")
    device.mkdir()
    (device / "rows").write_text("there")
    name = f"{at.name}_data"
    options = {"type": "none", "o": "bind", "device": str(device)}
    at.bench.clients.docker.create_volume(name, {}, "local", options)
    at.expected = {name}


def owners_links_and_times(at: Machine) -> None:
    name = at.volume("data", {"a b": "spaces", "ä": "utf-8"})
    script = "cd /v; ln -s 'a b' link; mkdir -m 0710 d; touch -d 2001-02-03 d/old; mkfifo p"
    script += "; chown 70:71 d/old; chmod 4755 d/old"
    at.api.containers.run(
        at.image, ["-c", script], entrypoint="sh", remove=True, user="0", volumes={name: {"bind": "/v"}}
    )
    at.expected = {name}


def everything_at_once(at: Machine) -> None:
    data = at.volume("data", {"rows": "1"})
    at.files({"system/.env": "X=1"})
    cache = at.volume("cache", {"k": "v"}, **{"com.docker.compose.project": at.name})
    app = at.container(wrote="1", volumes={data: {"bind": "/data"}})
    at.expected = {data, cache, str(at.folder), app, at.container("db", wrote="2", started=False)}


def another_system_beside_it(at: Machine) -> None:
    """Not of this project, on no volume of its: left alone, and not told."""
    at.container(project=f"{at.name}other", wrote="theirs")
    at.expected = {at.volume("data", {"rows": "1"})}


def stranger_on_the_volume(at: Machine) -> None:
    data = at.volume("data", {"rows": "1"})
    at.container(project=f"{at.name}other", volumes={data: {"bind": "/data"}})
    at.refused = f"{at.name}other-app-1 also uses the volume {data}"


def stopped_stranger_on_the_volume(at: Machine) -> None:
    data = at.volume("data", {"rows": "1"})
    at.container(project=f"{at.name}other", started=False, volumes={data: {"bind": "/data"}})
    at.refused = f"{at.name}other-app-1 also uses the volume {data}"


def stranger_on_the_volumes_folder(at: Machine) -> None:
    data = at.volume("data", {"rows": "1"})
    found = at.bench.clients.docker.volume(data)
    assert found is not None
    at.container(project=f"{at.name}other", volumes={found.mountpoint: {"bind": "/data"}})
    at.refused = f"{at.name}other-app-1 also uses the volume {data}"


HOSTS: tuple[Callable[[Machine], None], ...] = (
    nothing, uploads_and_untracked_settings, dirty_clone, folder_behind_a_link, leftover_volume_without_a_clone,
    volume_of_the_project_that_dr_yml_does_not_name, volume_that_only_the_backup_names,
    volume_that_a_compose_file_describes, data_in_a_containers_own_layer, stopped_containers, never_started,
    stale_standby_on_its_own_volume, volume_without_a_name, bind_mount_below_the_folder, bind_mount_of_somewhere_else,
    service_that_dr_yml_does_not_know, earlier_recovery_of_drbots_own, half_of_an_earlier_level_3, network_of_its_own,
    paused_container, container_in_the_network_of_another,
    container_that_goes_when_it_is_stopped, volume_on_a_folder_of_the_host, owners_links_and_times, everything_at_once,
    another_system_beside_it, stranger_on_the_volume, stopped_stranger_on_the_volume, stranger_on_the_volumes_folder,
)  # fmt: skip


ALWAYS = frozenset(
    {
        dirty_clone, leftover_volume_without_a_clone, volume_that_only_the_backup_names, data_in_a_containers_own_layer,
        volume_without_a_name, half_of_an_earlier_level_3, owners_links_and_times, stranger_on_the_volume,
    }
)  # fmt: skip
"""One of each kind; the others are more of the same, and take minutes."""

CASES = [pytest.param(one, marks=() if one in ALWAYS else pytest.mark.long) for one in HOSTS]


@pytest.mark.parametrize("host", CASES, ids=lambda host: host.__name__.replace("_", "-"))
def test_what_lies_on_a_host_is_put_aside_whole_and_comes_back_whole(
    machine: Machine, host: Callable[[Machine], None]
) -> None:
    host(machine)
    before = machine.picture()

    if machine.refused:
        with pytest.raises(UserError, match=machine.refused):
            machine.survey("r1")
        assert machine.picture() == before
        return
    found = machine.put_aside("r1")
    assert {one.name for one in found} == machine.expected
    assert not machine.expected & {*machine.picture()["volumes"], *machine.picture()["containers"]}
    if not found:
        return
    # What a recovery makes in its place is put aside in its turn.
    machine.folder.mkdir(exist_ok=True)
    machine.files({"restored": "from the backup"})
    restored = (
        machine.volume("data", {"restored": "from the backup"}) if f"{machine.name}_data" in machine.expected else ""
    )
    assert {one.name for one in machine.put_aside("r2")} == {str(machine.folder), *([restored] if restored else [])}

    machine.put_back("r3", of="r1")

    assert machine.picture() == before


def test_what_came_after_the_plan_is_not_put_aside_and_nothing_else_either(machine: Machine) -> None:
    everything_at_once(machine)
    agreed = machine.survey("r1")
    late = machine.container("late", wrote="nobody read this name")
    before = machine.picture()

    with pytest.raises(PermanentError, match=f"Nobody agreed that {late} is put aside"):
        setting_aside.set_aside(machine.context("r1", agreed), {"services": ["app"], "keeper": f"_before_{own('r1')}"})

    assert machine.picture() == before


@pytest.mark.parametrize("taken", ["volume", "folder"])
def test_nothing_is_touched_when_something_cannot_be_kept(machine: Machine, taken: str) -> None:
    everything_at_once(machine)
    found, before = machine.survey("r1"), machine.picture()
    keeper = next(one.keeper for one in found if one.kind == taken and one.name != f"{machine.name}_cache")
    if taken == "folder":
        Path(keeper).mkdir()
    else:
        machine.bench.clients.docker.create_volume(keeper, {})

    with pytest.raises(PermanentError, match=r"exists already|did not put there"):
        setting_aside.set_aside(machine.context("r1", found), {"services": ["app"], "keeper": f"_before_{own('r1')}"})

    assert machine.picture() == before


def test_putting_aside_goes_on_where_a_worker_died(machine: Machine) -> None:
    """Containers are gone and kept, a volume is half copied: the next attempt ends it, and all of it comes back."""
    everything_at_once(machine)
    before, found = machine.picture(), machine.survey("r1")
    given = {"services": ["app"], "keeper": f"_before_{own('r1')}"}
    dies = replace(machine.context("r1", found), cancelled=chain([False], repeat(True)).__next__)
    with pytest.raises(Exception, match=r"[Ss]topped"):
        setting_aside.set_aside(dies, given)

    setting_aside.set_aside(machine.context("r1", found), given)
    machine.put_back("r2", of="r1")

    assert machine.picture() == before


def test_what_was_put_aside_is_given_up_exactly(machine: Machine) -> None:
    """Also of the same run nothing that the plan does not name; what came back and is used stays."""
    everything_at_once(machine)
    before = machine.picture()
    machine.put_aside("r1")
    machine.put_back("r2", of="r1")

    machine.give_up("r3", of="r1")

    assert machine.picture() == before
    left = Target(machine.site, machine.bench.configuration, machine.clients).put_aside(own("r1"))
    assert {one.kind for one in left} == {OccupantKind.CONTAINER}


def test_another_folder_under_the_name_of_the_kept_one_is_not_deleted(machine: Machine) -> None:
    uploads_and_untracked_settings(machine)
    (found,) = machine.put_aside("r1")
    kept, other = Path(found.keeper), Path(found.keeper).with_name("moved")
    identity = own_folder.identity_of(kept)
    kept.rename(other)
    kept.mkdir()
    (kept / "somebody's").write_text("data")

    with pytest.raises(PermanentError, match="is not the folder of the plan"):
        own_folder.remove_kept(kept, identity, permit(permits.folder(kept)))

    assert (kept / "somebody's").exists() and other.exists()


def test_a_recreated_container_says_who_made_it_again_and_nothing_else_is_new(machine: Machine) -> None:
    name = machine.container(wrote="x", environment={"A": "1"}, mem_limit="64m")
    machine.put_aside("r1")
    machine.put_back("r2", of="r1")

    labels = machine.api.containers.get(name).attrs["Config"]["Labels"]
    made_of = json.loads(labels.pop("drbot.kept.container"))
    assert made_of["Name"] == f"/{name}"
    assert labels["drbot.run"] == own("r2")
    assert machine.api.containers.get(name).attrs["HostConfig"]["Memory"] == 64 * 2**20


def test_the_mark_of_a_run_is_where_git_keeps_its_own_files() -> None:
    """`half_of_an_earlier_level_3` writes it by hand."""
    assert MARK.as_posix() == ".git/drbot-run"
