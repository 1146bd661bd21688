"""Hosts as they are in the night: whatever lies where a recovery would go is found, named, put aside whole and comes
back whole; what is somebody else's is left alone. Real containers, volumes and folders of real compose projects.
"""

import json
import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.site.occupants import OccupantKind
from drbot.runners.actions import host, putting_back, setting_aside
from drbot.runners.actions.putting_back import COPY_BACK
from drbot.runners.actions.setting_aside import COPY, mark_of
from drbot.runners.clients import kept_containers, own_folder
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation.permit import folder as folder_subject
from tests.integration.actions.conftest import own
from tests.integration.actions.machine import Machine
from tests.kinds_of_hosts import ALWAYS, HOSTS, everything_at_once, volume_on_a_folder_of_the_host
from tests.permits import permit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


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


def test_a_service_that_its_file_calls_a_helper_is_put_aside_and_not_swept_away(machine: Machine) -> None:
    """A compose file may give its services any label, and the name of any run."""
    machine.labels = {"drbot.helper": "true", "drbot.run": own("r0")}
    name = machine.container(wrote="its own")

    remove_survivors(machine.docker, own("r0"), None)
    with pytest.raises(PermanentError, match="is no helper of drbot"):
        machine.docker.remove_helper(name)

    assert [one.name for one in machine.put_aside("r1")] == [name]
    machine.put_back("r2", of="r1")
    assert machine.containers()[0].get_archive("/root/written")


def test_what_came_after_the_plan_is_not_put_aside_and_nothing_else_either(machine: Machine) -> None:
    everything_at_once(machine)
    agreed = machine.survey("r1")
    late = machine.container("late", wrote="nobody read this name")
    before = machine.picture()

    with pytest.raises(PermanentError, match=f"Putting {late} aside was not approved"):
        setting_aside.set_aside(machine.context("r1", agreed), {"services": ["app"], "keeper": f"_before_{own('r1')}"})

    assert machine.picture() == before


@pytest.mark.parametrize("kind", [OccupantKind.VOLUME, OccupantKind.FOLDER, OccupantKind.CONTAINER])
@pytest.mark.more
def test_another_one_under_a_name_that_was_agreed_to_is_not_put_aside(machine: Machine, kind: OccupantKind) -> None:
    everything_at_once(machine)
    agreed = machine.survey("r1")
    name = next(one.name for one in agreed if one.kind is kind)
    if kind is OccupantKind.FOLDER:
        machine.folder.rename(machine.folder.with_name("moved"))
        machine.files({"system/.env": "X=1"})
    elif kind is OccupantKind.VOLUME:
        name = f"{machine.name}_cache"
        machine.wait_for_the_next_second()
        machine.docker.client.volumes.get(name).remove()
        machine.volume("cache", {"k": "v"}, **{"com.docker.compose.project": machine.name})
    else:
        machine.docker.client.containers.get(name).remove(force=True)
        machine.container(name.removeprefix(f"{machine.name}-").removesuffix("-1"), wrote="1")
    before = machine.picture()

    with pytest.raises(PermanentError, match=f"Putting {name} aside was not approved"):
        setting_aside.set_aside(machine.context("r1", agreed), {"services": ["app"], "keeper": f"_before_{own('r1')}"})

    assert machine.picture() == before


@pytest.mark.parametrize("taken", ["volume", "folder"])
@pytest.mark.more
def test_what_lies_where_something_comes_back_to_is_not_overwritten(machine: Machine, taken: str) -> None:
    everything_at_once(machine)
    machine.put_aside("r1")
    if taken == "volume":
        machine.volume("data", {"rows": "theirs"})
    else:
        machine.files({"system/.env": "theirs"})
    before = machine.picture()

    with pytest.raises(PermanentError, match="it was not touched"):
        machine.put_back("r2", of="r1")

    now = machine.picture()
    assert (now["folder"] if taken == "folder" else now["volumes"][f"{machine.name}_data"]) == (
        before["folder"] if taken == "folder" else before["volumes"][f"{machine.name}_data"]
    )


@pytest.mark.parametrize("taken", ["volume", "folder"])
@pytest.mark.more
def test_nothing_is_touched_when_something_cannot_be_kept(machine: Machine, taken: str) -> None:
    everything_at_once(machine)
    found, before = machine.survey("r1"), machine.picture()
    keeper = next(one.keeper for one in found if one.kind == taken and one.name != f"{machine.name}_cache")
    if taken == "folder":
        Path(keeper).mkdir()
    else:
        machine.docker.create_volume(keeper, {})

    with pytest.raises(PermanentError, match=r"exists already|did not put there"):
        setting_aside.set_aside(machine.context("r1", found), {"services": ["app"], "keeper": f"_before_{own('r1')}"})

    assert machine.picture() == before


@pytest.mark.more
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


@pytest.mark.parametrize("way", [COPY, COPY_BACK], ids=["aside", "back"])
def test_a_copy_that_died_at_its_last_line_has_its_folder_s_own_time(machine: Machine, way: str) -> None:
    """All files are there and the folder's time is of now: the next attempt has nothing to copy."""
    marks = (mark_of(own("r1")), ".drbot-fills-r2")
    source, target = machine.volume("source", {"rows": "1"}), machine.volume("target", {})
    if way is COPY_BACK:
        machine.shell(source, f"touch {marks[0]}")
    machine.shell(source, "touch -d '2001-02-03 04:05:06' .")
    setting_aside.copy(machine.context("r1"), source, target, way, *marks)
    machine.shell(target, "touch .")

    setting_aside.copy(machine.context("r1"), source, target, way, *marks)

    assert machine.shell(target, "stat -c %Y .") == machine.shell(source, "stat -c %Y .")


def test_what_others_wrote_behind_a_volume_of_a_folder_is_not_deleted_to_bring_it_back(machine: Machine) -> None:
    volume_on_a_folder_of_the_host(machine)
    device = machine.folder.with_name("device")
    machine.put_aside("r1")
    assert (device / "rows").read_text() == "there"  # only the volume's name went
    (device / "of-others").write_text("written since, through another mount")

    with pytest.raises(PermanentError, match="data lies there already, outside of Docker"):
        machine.put_back("r2", of="r1")
    assert sorted(path.name for path in device.iterdir()) == ["of-others", "rows"]

    (device / "of-others").unlink()
    machine.put_back("r2", of="r1")
    assert (device / "rows").read_text() == "there"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, so needs root")
@pytest.mark.parametrize("at", ["uploads", "with a space", "アップロード"])
def test_a_folder_with_a_mount_below_is_neither_put_aside_nor_deleted(tmp_path: Path, at: str) -> None:
    """A rename takes the mount along; whoever deletes the folder later empties what others use."""
    folder = tmp_path / f"projects {at}"
    inside = folder / at
    inside.mkdir(parents=True)
    allowed = permit(folder_subject(folder))
    subprocess.run(["mount", "-t", "tmpfs", "of-others", str(inside)], check=True)
    try:
        (inside / "row").write_text("of others")
        with pytest.raises(PermanentError, match="mounted below"):
            own_folder.set_aside(folder, tmp_path / "aside", allowed, home=tmp_path / "home")
        with pytest.raises(PermanentError, match="mounted below"):
            own_folder.remove_kept(folder, own_folder.identity_of(folder), allowed)
        assert (inside / "row").read_text() == "of others"
    finally:
        subprocess.run(["umount", str(inside)], check=True)


def stops_at(machine: Machine, context: StepContext, copied: str) -> None:
    """Putting aside stops while this volume is copied: the copy is not whole."""
    given = {"services": ["app"], "keeper": f"_before_{context.run.id}"}
    keeper = f"{machine.name}_{copied}_before_{context.run.id}"
    dies = replace(context, cancelled=lambda: machine.docker.volume(keeper) is not None)
    with pytest.raises(Exception, match=r"[Ss]topped"):
        setting_aside.set_aside(dies, given)
    machine.shell(keeper, "rm -f .drbot-whole-*")


@pytest.mark.parametrize("copied", ["cache", "data"])
@pytest.mark.more
def test_a_host_that_was_put_aside_half_way_comes_back_whole(machine: Machine, copied: str) -> None:
    """Nobody puts the rest aside: what was never taken away stays what it is, and no half copy of it comes back."""
    everything_at_once(machine)
    before = machine.picture()
    stops_at(machine, machine.context("r1", machine.survey("r1")), copied)

    machine.undo("r2", of="r1")

    assert machine.picture() == before


@pytest.mark.parametrize(("first", "second"), [("", "cache"), ("cache", "cache"), ("cache", "data"), ("data", "data")])
@pytest.mark.more
def test_a_host_comes_back_whole_after_an_undo_that_stopped_too(machine: Machine, first: str, second: str) -> None:
    """Part of it is kept by the first run, part by the undo, and part is in its place, stopped by either."""
    everything_at_once(machine)
    before, found = machine.picture(), machine.survey("r1")
    if first:
        stops_at(machine, machine.context("r1", found), first)
    stops_at(machine, machine.undo_of("r2", of="r1"), second)

    machine.undo("r3", of="r1")

    assert machine.picture() == before


@pytest.mark.more
def test_what_a_run_stopped_before_it_was_kept_comes_back_running(machine: Machine) -> None:
    everything_at_once(machine)
    before, found = machine.picture(), machine.survey("r1")
    for one in found:
        if one.kind is OccupantKind.CONTAINER:
            machine.api.containers.get(one.identity).stop(timeout=5)

    machine.undo("r2", of="r1")

    assert machine.picture() == before


def test_what_only_the_first_backup_named_comes_back_too(machine: Machine) -> None:
    """An undo has no backup: its plan names the volume."""
    machine.container(wrote="x")
    machine.volume("data", {"rows": "1"})
    volume = machine.volume("zzz", {"rows": "of a volume that no compose file here names"})
    machine.mounts = (volume,)
    before = machine.picture()
    stops_at(machine, machine.context("r1", machine.survey("r1")), "data")
    context = machine.undo_of("r2", of="r1")
    context = replace(context, plan=context.plan.model_copy(update={"backup": None}))

    assert host.occupied(context, {}).passed
    setting_aside.set_aside(context, {"services": ["app"], "keeper": f"_before_{own('r2')}"})
    putting_back.put_back(context, {"aside": own("r1")})

    assert machine.picture() == before


@pytest.mark.parametrize("what", ["a log line", "a socket"])
def test_bringing_back_goes_on_where_it_stopped(machine: Machine, what: str) -> None:
    """The first attempt has started what writes; nothing of that is in the way of the next one, and no mark stays."""
    machine.files({"system/.env": "A=1"})
    if what == "a socket":
        with socket.socket(socket.AF_UNIX) as listening, chdir(machine.folder / "system"):
            listening.bind("s.sock")
    machine.container(wrote="x")
    taken = machine.container("second", wrote="y")
    before = machine.picture()
    machine.put_aside("r1")
    context = machine.context("r2", aside=machine.target.put_aside(own("r1")))
    other = machine.api.containers.create(machine.image, ["true"], name=taken)
    with pytest.raises(PermanentError, match="There is a container"):
        putting_back.put_back(context, {"aside": own("r1")})
    other.remove()
    log = machine.folder / "system" / "app.log"
    if what == "a log line":
        log.write_text("its service runs")

    putting_back.put_back(context, {"aside": own("r1")})

    log.unlink(missing_ok=True)
    assert machine.picture() == before


def test_a_volume_that_somebody_looks_into_is_not_taken_for_filled(machine: Machine) -> None:
    volume = machine.volume("data", {"rows": "of users"})
    machine.put_aside("r1")
    context = machine.context("r2", aside=machine.target.put_aside(own("r1")))
    dies = replace(context, cancelled=lambda: machine.docker.volume(volume) is not None)
    with pytest.raises(Exception, match=r"[Ss]topped"):
        putting_back.put_back(dies, {"aside": own("r1")})
    machine.shell(volume, "rm -f rows")
    looks = machine.api.containers.create(machine.image, ["true"], volumes={volume: {"bind": "/x"}})

    with pytest.raises(PermanentError, match="is in use by"):
        putting_back.put_back(context, {"aside": own("r1")})
    looks.remove()
    putting_back.put_back(context, {"aside": own("r1")})

    assert machine.shell(volume, "cat rows") == "of users"


@pytest.mark.more
def test_what_a_container_wrote_after_it_was_kept_is_kept_too(machine: Machine) -> None:
    """The engine was restarted after the image was made and before the container was removed, so it ran once more."""
    name = machine.container(wrote="before")
    found = machine.survey("r1")
    container = machine.api.containers.get(name)
    container.stop(timeout=5)
    kept_containers.keep(machine.docker, found[0].identity, found[0].keeper, run=own("r1"), was_running=True)
    container.start()
    assert container.exec_run(["sh", "-c", "printf later > /root/written"]).exit_code == 0

    setting_aside.set_aside(machine.context("r1", found), {"services": ["app"], "keeper": f"_before_{own('r1')}"})
    machine.put_back("r2", of="r1")

    assert machine.api.containers.get(name).exec_run(["cat", "/root/written"]).output == b"later"


def test_half_a_copy_does_not_come_back(machine: Machine) -> None:
    """Whether it is whole is said in the copy itself."""
    machine.volume("data", {"rows": "1"})
    (kept,) = machine.put_aside("r1")
    machine.shell(kept.keeper, "rm .drbot-whole-*")

    with pytest.raises(PermanentError, match="it was never copied to its end"):
        machine.put_back("r2", of="r1")

    assert machine.shell(kept.name, "find . -mindepth 1") == ""


def test_nothing_comes_back_where_one_of_it_is_gone(machine: Machine) -> None:
    everything_at_once(machine)
    machine.put_aside("r1")
    context = machine.context("r2", aside=machine.target.put_aside(own("r1")))
    gone = next(one.keeper for one in context.plan.aside if one.kind is OccupantKind.CONTAINER)
    machine.api.images.remove(gone, force=True)
    before = machine.picture()

    with pytest.raises(PermanentError, match=f"Not kept any more: {gone}. Nothing was touched"):
        putting_back.put_back(context, {"aside": own("r1")})

    assert machine.picture() == before


@pytest.mark.more
def test_what_was_put_aside_is_given_up_exactly(machine: Machine) -> None:
    """Also of the same run nothing that the plan does not name; what came back and is used stays."""
    everything_at_once(machine)
    before = machine.picture()
    machine.put_aside("r1")
    machine.put_back("r2", of="r1")

    machine.give_up("r3", of="r1")

    assert machine.picture() == before
    left = machine.target.put_aside(own("r1"))
    assert {one.kind for one in left} == {OccupantKind.CONTAINER}


def test_what_bears_the_name_of_a_run_is_known_before_its_first_plan(machine: Machine) -> None:
    """It counts as the run's own, so it is neither named on a card nor put aside."""
    used = machine.volume("data", {"row": "of users"}, **{"drbot.run": own("r1")})
    machine.volume("other", {"row": "of users"}, **{"drbot.run": own("r2")})
    machine.files({".git/drbot-run": own("r1")})

    assert machine.target.made_by(own("r1")) == (str(machine.folder), used)
    assert machine.target.made_by(own("r3")) == ()


@pytest.mark.parametrize("aside", ["2024", "archive_2024", "../projects_archive_2024", "", "*"])
def test_a_folder_that_drbot_never_put_aside_is_no_run_s_by_its_name(machine: Machine, aside: str) -> None:
    """Which run is meant is an argument, and so a row."""
    archive = machine.folder.with_name(f"{machine.folder.name}_archive_2024")
    archive.mkdir()
    (archive / "years").write_text("of books")

    assert machine.target.put_aside(aside) == ()


@pytest.mark.more
def test_a_link_that_leads_nowhere_is_not_taken_for_the_mark_of_a_whole_copy(machine: Machine) -> None:
    data = machine.volume("data", {"row": "of users"})
    mark = setting_aside.mark_of(own("r1"))
    machine.shell(data, f"ln -s nowhere {mark}")
    before = machine.picture()

    with pytest.raises(PermanentError, match=f"it contains {mark}, a file name that only drbot uses"):
        machine.put_aside("r1")

    assert machine.picture() == before


@pytest.mark.more
def test_a_copy_that_was_cut_off_is_not_taken_for_whole_by_what_the_data_itself_holds(machine: Machine) -> None:
    """A volume that somebody filled by hand from what was kept holds drbot's mark of then."""
    data = machine.volume("data", {"row": "of users"})
    found = machine.survey("r2")
    machine.put_aside("r2")
    keeper = next(one.keeper for one in found if one.name == data)
    by_hand = machine.volume("data", {})
    script = "cp -a /from/. /to/ && find /to -maxdepth 1 -name '.drbot-whole*' | grep -q ."
    machine.api.containers.run(
        machine.image, ["-c", script], entrypoint="sh", remove=True, user="0",
        volumes={keeper: {"bind": "/from"}, by_hand: {"bind": "/to"}},
    )  # fmt: skip
    agreed = machine.survey("r3")
    half = next(one.keeper for one in agreed if one.name == by_hand)
    labels = {**machine.context("r3").labels, "drbot.kept": "true", "drbot.original": by_hand, "drbot.made_of": "{}"}
    machine.docker.create_volume(half, labels)
    script = "cp -a /from/.drbot-whole* /to/"  # the worker died after this first file
    machine.api.containers.run(
        machine.image, ["-c", script], entrypoint="sh", remove=True, user="0",
        volumes={by_hand: {"bind": "/from"}, half: {"bind": "/to"}},
    )  # fmt: skip

    setting_aside.set_aside(machine.context("r3", agreed), {"services": ["app"], "keeper": f"_before_{own('r3')}"})

    assert machine.shell(half, "cat row") == "of users"


@pytest.mark.more
def test_a_recreated_container_says_who_made_it_again_and_nothing_else_is_new(machine: Machine) -> None:
    name = machine.container(wrote="x", environment={"A": "1"}, mem_limit="64m")
    machine.put_aside("r1")
    machine.put_back("r2", of="r1")

    labels = machine.api.containers.get(name).attrs["Config"]["Labels"]
    made_of = json.loads(labels.pop("drbot.kept.container"))
    assert made_of["Name"] == f"/{name}"
    assert labels["drbot.run"] == own("r2")
    assert machine.api.containers.get(name).attrs["HostConfig"]["Memory"] == 64 * 2**20


@pytest.mark.more
def test_a_container_that_is_kept_again_and_again_is_described_once(machine: Machine) -> None:
    name = machine.container(wrote="x")
    for number in range(2):
        machine.put_aside(f"r{2 * number}")
        machine.put_back(f"r{2 * number + 1}", of=f"r{2 * number}")

    made_of = json.loads(machine.api.containers.get(name).labels["drbot.kept.container"])
    assert "drbot.kept.container" not in made_of["Config"]["Labels"]


@pytest.mark.more
def test_a_kept_container_is_as_big_as_what_it_wrote(machine: Machine) -> None:
    """Its image stays for others, so nobody gets its room back by giving the container up."""
    megabyte = 2**20
    wrote, idle = machine.container("wrote"), machine.container("idle")
    filling = machine.api.containers.get(wrote).exec_run(f"dd if=/dev/zero of=/root/rows bs={megabyte} count=3")
    assert filling.exit_code == 0

    machine.put_aside("r1")

    sizes = {one.name: one.size or 0 for one in machine.target.put_aside(own("r1"))}
    assert 3 * megabyte <= sizes[wrote] < 4 * megabyte
    assert sizes[idle] < megabyte


@pytest.mark.long
def test_a_compose_file_that_never_ends_is_one_that_cannot_be_read(machine: Machine) -> None:
    """Compose is given a minute; that it was ended is no STOP of anybody's, and the survey goes on."""
    machine.files(
        {f"{machine.name}/compose.yml": json.dumps({"services": {"app": {"image": "x", "env_file": "never"}}})}
    )
    os.mkfifo(machine.folder / machine.name / "never")
    machine.container()

    assert [one.service for one in machine.target.inventory().services] == ["app"]
