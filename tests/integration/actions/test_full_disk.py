"""A disk that fills up while data changes places: nothing is lost, and what was half copied takes no room any more."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import NotFound

from drbot.core.base.errors import Cause, PermanentError
from drbot.runners.actions import host, volume
from drbot.runners.clients.container_labels import KEPT_LABEL
from drbot.runners.clients.object_store import ROOM_LEFT_BYTES
from drbot.runners.clients.volume_mover import ORIGINAL_LABEL, Move
from drbot.runners.foundation.permit import Permit, emptied
from drbot.runners.foundation.permit import volume as volume_subject
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit

pytestmark = pytest.mark.docker

RUN = "r8-full"
MEGABYTE = 1_000_000
KEEPER = {KEPT_LABEL: "true"}
NAMES = ("v8", "r8", "k8")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "drbot-test", str(place)], check=False)
    if made.returncode:
        pytest.skip("needs the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def move(worker_fixture: WorkerFixture, disk: Path) -> Iterator[Move]:
    """Old data, new data and a keeper on that disk, which can only be copied."""
    context = worker_fixture.context("swap", run=RUN)
    names = [f"{worker_fixture.volume}_{name}" for name in NAMES]
    for name in names:
        (disk / name).mkdir()
        options = {"type": "none", "o": "bind", "device": str(disk / name)}
        labels = {**context.labels, **(KEEPER | {ORIGINAL_LABEL: names[0]} if name == names[2] else {})}
        worker_fixture.clients.docker.create_volume(name, labels, options=options)
    yield volume.move_of(context, *names)
    for name in names:
        with suppress(NotFound):
            worker_fixture.clients.docker.client.api.remove_volume(name, force=True)


def fill(folder: Path, megabytes: int) -> bytes:
    """Some data; its beginning."""
    data = folder.name.encode() * 1000
    (folder / "data").write_bytes((data * (megabytes * MEGABYTE // len(data) + 1))[: megabytes * MEGABYTE])
    return data[:100]


def begins(folder: Path) -> bytes:
    """Of the data in there."""
    with (folder / "data").open("rb") as file:
        return file.read(100)


def allowed(move: Move) -> Permit:
    """To move all of them."""
    names = (move.volume, move.replacement, move.keeper)
    return permit(*map(volume_subject, names), *map(emptied, names), run=own(RUN))


def test_old_data_that_cannot_be_kept_stays_and_its_half_copy_goes(
    worker_fixture: WorkerFixture, disk: Path, move: Move
) -> None:
    old, new = fill(disk / move.volume, 20), fill(disk / move.replacement, 10)
    free = shutil.disk_usage(disk).free

    with pytest.raises(PermanentError, match="No space left on device") as failed:
        worker_fixture.clients.volumes.move(move, allowed(move))

    assert failed.value.cause is Cause.DISK
    assert worker_fixture.clients.volumes.state(move) == "before"
    assert (begins(disk / move.volume), begins(disk / move.replacement)) == (old, new)
    assert list((disk / move.keeper).iterdir()) == []
    assert shutil.disk_usage(disk).free >= free


def test_new_data_that_has_no_room_is_taken_back(worker_fixture: WorkerFixture, disk: Path, move: Move) -> None:
    old = fill(disk / move.volume, 9)
    fill(disk / move.replacement, 18)
    with pytest.raises(PermanentError, match="No space left on device"):
        worker_fixture.clients.volumes.move(move, allowed(move))
    assert worker_fixture.clients.volumes.state(move) == "between"

    back = replace(move, replacement=move.keeper, keeper=move.replacement, brings_back=True)
    worker_fixture.clients.volumes.move(back, allowed(move))

    assert begins(disk / move.volume) == old


def test_a_plan_asks_for_all_the_room_that_fetching_will_ask_for(worker_fixture: WorkerFixture) -> None:
    """Else people vote for what then stops at once."""
    context = worker_fixture.context("room")
    backup = context.plan.backup
    assert backup is not None

    needed = host.room(context, {"need": "3x backup"}).facts["need_bytes"]

    assert needed == 3 * host.unpacked_size(backup) + ROOM_LEFT_BYTES
