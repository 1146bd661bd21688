"""What a full backup copies of a service that is paused for it is of one moment; it goes on, whatever happens."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drbot.core.site.full_manifest import FILES
from drbot.core.site.site import Backups, Service
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.full_store import FullBackup
from drbot.runners.clients.pausing import paused
from tests.archives import store_in
from tests.integration.actions.machine import Machine
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
FILES_WRITTEN = 300
WRITES = f"""i=0
while :; do i=$((i+1)); n=0; while [ $n -lt {FILES_WRITTEN} ]; do echo $i > /rows/$n; n=$((n+1)); done; done"""
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
    """It writes the same number into many files, one after the other, for ever."""
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
    machine.compose("up", "-d")
    return machine


def service(machine: Machine, **more: bool) -> Service:
    return Service(project=machine.name, service="app", role="app", **more)


def status(machine: Machine) -> str:
    found = machine.clients.docker.containers(service(machine))
    return found[0].status


def copied(machine: Machine, folder: Path, *, pause: bool) -> tuple[FullBackup, set[int]]:
    """A full backup of it, and the numbers in its files."""
    there = {"services": {"app": service(machine, pause_for_backup=pause)}}
    site = machine.site.model_copy(update=there)
    configuration = machine.worker_fixture.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=folder), "object_store": None}
    )
    store = store_in(folder)
    made, _ = back_up_full(configuration, "production", clients=machine.clients, stores=(store,))
    assert made.snapshot is not None
    rows = f"{FILES}/{machine.volume_name('data')}"
    restic = store.restic()
    _, names = restic.listed(made.snapshot.id, [rows])
    assert len(names) == FILES_WRITTEN
    return made, {int(restic.document(made.snapshot.id, name) or b"0") for name in list(names)[::10]}


def test_what_is_copied_is_of_one_moment_and_nothing_else_is_left(writer: Machine, tmp_path: Path) -> None:
    made, numbers = copied(writer, tmp_path, pause=True)

    assert max(numbers) - min(numbers - {0}) <= 1
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
