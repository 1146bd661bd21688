"""What a full backup copies of a service that is paused for it is of one moment; it goes on, whatever happens."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from drbot.core.site.full_manifest import FILES
from drbot.core.site.site import Backups, Service
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.full_store import FullBackup
from drbot.runners.clients.pausing import paused
from drbot.runners.clients.process import Bounds
from tests.archives import store_in
from tests.integration.actions.machine import Machine
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)
FILES_WRITTEN, DIGITS = 40, 6
WRITES = f"""n=0; while [ $n -lt {FILES_WRITTEN} ]; do head -c 4M /dev/urandom > /rows/$n; n=$((n+1)); done
i={10 ** (DIGITS - 1)}
while :; do i=$((i+1)); n=0; while [ $n -lt {FILES_WRITTEN} ]; do printf $i 1<> /rows/$n; n=$((n+1)); done
touch /tmp/written; done"""
HOLDS_AND_WAITS = """
import sys, time
from drbot.core.site.site import Service
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.pausing import paused

with paused(DockerEngine(sys.argv[1]), [Service(project=sys.argv[2], service="app", role="app")]):
    print("paused", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(machine: Machine) -> Machine:
    """It writes the same number at the start of each of its large files, one after the other, for ever."""
    machine.files(
        {
            f"{machine.name}/compose.yml": json.dumps(
                {
                    "services": {
                        "app": {
                            "image": machine.image, "network_mode": "none", "stop_grace_period": "0s",
                            "entrypoint": ["sh", "-c", WRITES.replace("$", "$$")], "volumes": ["rows:/rows"],
                        }
                    },
                    "volumes": {"rows": {"name": machine.volume_name("data")}},
                }
            )
        }
    )  # fmt: skip
    machine.clients.compose.up(machine.name, ["app"], WATCH)
    docker = machine.clients.docker
    running, written = docker.containers(service(machine))[0].id, ["test", "-e", "/tmp/written"]
    wait_for(lambda: docker.execute(running, written, seconds=20).code == 0, PATIENCE, "every file to be written")
    return machine


def service(machine: Machine, **more: bool) -> Service:
    return Service(project=machine.name, service="app", role="app", **more)


def status(machine: Machine) -> str:
    found = machine.clients.docker.containers(service(machine))
    return found[0].status


def copied(machine: Machine, folder: Path, *, pause: bool) -> tuple[FullBackup, list[int]]:
    """A full backup of it, and the numbers in its files in the order in which they are written."""
    there = {"services": {"app": service(machine, pause_for_backup=pause)}}
    site = machine.site.model_copy(update=there)
    configuration = machine.worker_fixture.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=folder), "object_store": None}
    )
    store = store_in(folder)
    made, _ = back_up_full(configuration, "production", clients=machine.clients, stores=(store,))
    assert made.snapshot is not None
    rows = f"{FILES}/{machine.volume_name('data')}"
    archive = io.BytesIO(b"".join(store.restic().stream(made.snapshot.id, rows, "--archive=tar")))
    with tarfile.open(fileobj=archive) as members:
        found = {int(Path(one.name).name): members.extractfile(one) for one in members if one.isfile()}
        numbers = [int(opened.read(DIGITS)) for _, opened in sorted(found.items()) if opened]
    assert len(numbers) == FILES_WRITTEN
    return made, numbers


def is_of_one_moment(numbers: list[int]) -> bool:
    """Each file is as new as the next one, or one round newer where the writer is between them."""
    return numbers == sorted(numbers, reverse=True) and numbers[0] - numbers[-1] <= 1


def test_what_is_copied_is_of_one_moment_and_nothing_else_is_left(writer: Machine, tmp_path: Path) -> None:
    made, numbers = copied(writer, tmp_path, pause=True)

    assert is_of_one_moment(numbers)
    assert status(writer) == "running"
    assert made.snapshot is not None
    assert [one.id for one in store_in(tmp_path).restic().snapshots()] == [made.snapshot.id]


def test_it_goes_on_where_the_backup_fails(writer: Machine) -> None:
    with pytest.raises(ZeroDivisionError), paused(writer.clients.docker, [service(writer)]):
        assert status(writer) == "paused"
        raise ZeroDivisionError

    assert status(writer) == "running"


def test_it_goes_on_where_the_backup_is_killed(writer: Machine) -> None:
    words = [sys.executable, "-P", "-c", HOLDS_AND_WAITS, str(writer.site.docker.host), writer.name]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"paused\n"
        assert status(writer) == "paused"
        process.send_signal(signal.SIGKILL)
        process.wait()

    wait_for(lambda: status(writer) == "running", PATIENCE, "the service to go on")


def test_what_somebody_else_has_paused_stays_so(writer: Machine) -> None:
    (container,) = writer.containers()
    container.pause()

    with paused(writer.clients.docker, [service(writer)]):
        pass

    assert status(writer) == "paused"
    container.unpause()
