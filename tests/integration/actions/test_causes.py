"""A restore that fails says what the cause is: a full disk, memory, time and the engine are no fault of the backup."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.base.errors import Cause, DrbotError
from drbot.core.runs.plan import BackupIdentity
from drbot.runners.actions import postgres
from drbot.runners.backups.choose_dump import identify
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.docker_engine import DockerEngine
from tests.integration.actions.conftest import WorkerFixture
from tests.integration.actions.test_restore_and_swap import sql_of

pytestmark = pytest.mark.docker

ROW = "x" * 4000
ROWS = 30_000  # 120 MB


class SmallDisk(DockerEngine):
    """Each new volume is a file system of its own, of this size."""

    size = "64m"

    def create_volume(
        self, name: str, labels: Mapping[str, str], driver: str = "local", options: Mapping[str, str] | None = None
    ) -> None:
        """As the engine does it."""
        small = {"type": "tmpfs", "device": "tmpfs", "o": f"size={self.size}"}
        super().create_volume(name, labels, driver, small)


@pytest.fixture
def big(worker_fixture: WorkerFixture, tmp_path: Path) -> tuple[Clients, BackupIdentity]:
    """A good backup that needs more room than there is."""
    made = "CREATE TABLE public.big (line text); ALTER TABLE public.big ALTER line SET STORAGE PLAIN;"
    table = f"{made}\nCOPY public.big FROM stdin;\n{f'{ROW}{chr(10)}' * ROWS}\\.\n"
    head, mark, tail = sql_of(worker_fixture).rpartition(b"--\n-- PostgreSQL database cluster dump complete")
    path = tmp_path / "all_databases_20261126_080000.sql.gz"
    path.write_bytes(gzip.compress(head + table.encode() + mark + tail, 1))
    clients = worker_fixture.with_backups(tmp_path)
    sealed = worker_fixture.backup.model_copy(update={"name": path.name, "manifest": False})
    return clients, identify(clients.backups, sealed)


def cause_of_failure(worker_fixture: WorkerFixture, clients: Clients, backup: BackupIdentity, run: str) -> DrbotError:
    context = worker_fixture.context(run=run, clients=clients, backup=backup)
    with pytest.raises(DrbotError) as failed:
        postgres.restore_beside(context, {"backup": backup.name, "volume": f"{worker_fixture.volume}_{run}"})
    assert worker_fixture.containers(run) == ()
    assert clients.docker.volume(f"{worker_fixture.volume}_{run}") is None
    return failed.value


@pytest.mark.parametrize("size", ["20m", "50m", "64m"])
def test_a_disk_that_is_full_is_the_cause(
    worker_fixture: WorkerFixture, big: tuple[Clients, BackupIdentity], size: str
) -> None:
    clients, backup = big
    disk = SmallDisk(worker_fixture.clients.docker.host)
    disk.size = size

    error = cause_of_failure(worker_fixture, replace(clients, docker=disk), backup, f"r1-full{size}")

    assert error.cause is Cause.DISK, error
    assert "No space left on device" in str(error)


def happens(worker_fixture: WorkerFixture, what: Callable[[], None]) -> None:
    """Once, in the middle of the restore."""
    begun: list[float] = []

    def on_progress(done: float) -> None:
        if done and not begun:
            begun.append(done)
            what()

    worker_fixture.on_progress = on_progress


def test_a_server_that_is_killed_for_want_of_memory_is_the_cause(
    worker_fixture: WorkerFixture, big: tuple[Clients, BackupIdentity]
) -> None:
    run, (clients, backup) = "r1-memory", big
    api = clients.docker.client.api

    def press() -> None:
        (container,) = worker_fixture.containers(run)
        most = api.stats(container, stream=False, one_shot=True)["memory_stats"]["usage"] + 4_000_000
        api.update_container(container, mem_limit=most, memswap_limit=most)

    happens(worker_fixture, press)

    error = cause_of_failure(worker_fixture, clients, backup, run)

    assert error.cause is Cause.MEMORY, error


@pytest.mark.parametrize("removed", [False, True])
def test_a_container_that_is_ended_from_outside_is_the_engines_doing(
    worker_fixture: WorkerFixture, big: tuple[Clients, BackupIdentity], removed: bool
) -> None:
    run, (clients, backup) = f"r1-ended-{removed}", big
    api = clients.docker.client.api

    def end() -> None:
        (container,) = worker_fixture.containers(run)
        api.remove_container(container, force=True) if removed else api.kill(container)

    happens(worker_fixture, end)

    error = cause_of_failure(worker_fixture, clients, backup, run)

    assert error.cause is Cause.ENGINE, error


def test_a_limit_of_time_is_the_cause(worker_fixture: WorkerFixture, big: tuple[Clients, BackupIdentity]) -> None:
    clients, backup = big
    happens(worker_fixture, worker_fixture.stop.set)

    assert cause_of_failure(worker_fixture, clients, backup, "r1-time").cause is Cause.TIME
