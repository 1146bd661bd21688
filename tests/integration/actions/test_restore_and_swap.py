"""Restore beside, swap, swap back: on a real engine with a real PostgreSQL."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.runs.plan import BackupIdentity
from drbot.runners.actions import compose, health, postgres, volume
from drbot.runners.actions.setting_aside import keep, mark_of
from drbot.runners.backups.choose_dump import identify
from drbot.runners.clients.container_labels import KEPT_LABEL, RUN_LABEL
from drbot.runners.clients.postgres_server import control_data
from drbot.runners.clients.postgres_written import next_transaction
from drbot.runners.clients.scratch_postgres import scratch_server
from drbot.runners.clients.volume_mover import ORIGINAL_LABEL, Method, Move, VolumeMover
from drbot.runners.foundation.permit import Permit, emptied
from drbot.runners.foundation.permit import container as container_subject
from drbot.runners.foundation.permit import volume as volume_subject
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit

pytestmark = pytest.mark.docker

SERVICES = {"services": ["postgres"]}


def permitted(volume: str) -> Permit:
    """To move or remove this volume."""
    return permit(volume_subject(volume), emptied(volume.removesuffix("_v") + "_r"), run=own("r6-crash"))


def restore(worker_fixture: WorkerFixture, run: str, **changes: Any) -> tuple[str, dict[str, object]]:
    """Restore the good backup beside; the new volume and the facts."""
    beside = f"{worker_fixture.volume}_{run}"
    context = worker_fixture.context(run=run, **changes)
    assert context.plan.backup is not None
    outcome = postgres.restore_beside(context, {"backup": context.plan.backup.name, "volume": beside})
    return beside, dict(outcome.facts)


def created(worker_fixture: WorkerFixture) -> str:
    """Identity of production's volume and of the cluster in it."""
    context = worker_fixture.context()
    found = worker_fixture.clients.docker.volume(worker_fixture.volume)
    assert found is not None
    return found.created_at + worker_fixture.clients.postgres.identifier_of(
        worker_fixture.volume, context.labels, context.cancelled
    )


def control_of(worker_fixture: WorkerFixture) -> dict[str, str]:
    """What a helper of its own reads of production's volume."""
    context, clients = worker_fixture.context(), worker_fixture.clients
    recipe = clients.postgres.recipe(context.cancelled)
    return control_data(clients.docker, recipe, worker_fixture.volume, context.labels, context.cancelled)


def spoiled(worker_fixture: WorkerFixture, folder: Path, data: bytes) -> BackupIdentity:
    """A backup with these bytes and no manifest, as a plan would name it."""
    path = folder / "all_databases_20261126_080000.sql.gz"
    path.write_bytes(data)
    sealed = worker_fixture.backup.model_copy(update={"name": path.name, "manifest": False})
    return identify(worker_fixture.with_backups(folder).backups, sealed)


def sql_of(worker_fixture: WorkerFixture) -> bytes:
    """The good backup's SQL."""
    return gzip.decompress((worker_fixture.clients.backups.directory / worker_fixture.backup.name).read_bytes())


def test_the_copy_beside_holds_what_the_backup_holds_and_is_cold(worker_fixture: WorkerFixture) -> None:
    before = created(worker_fixture)

    beside, facts = restore(worker_fixture, "r1-restore")
    found = postgres.beside_rows(worker_fixture.context(run="r1-restore"), {"volume": beside, "expect": "manifest"})

    assert facts["rows"] == dict(worker_fixture.backup.rows)
    assert worker_fixture.backup.rows["authdb.users"] == 5000
    assert found.passed, found.sentence
    assert created(worker_fixture) == before
    assert worker_fixture.containers("r1-restore") == ()
    volume.remove(worker_fixture.context(run="r1-restore"), {"volume": beside})
    assert worker_fixture.clients.docker.volume(beside) is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cut before compression", "closing line"),
        ("malformed row", r"line \d+ of the dump.*COPY users, line 2001"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_leaves_nothing(
    worker_fixture: WorkerFixture, tmp_path: Path, fault: str, said: str
) -> None:
    sql = sql_of(worker_fixture)
    data = {
        "cut before compression": lambda: gzip.compress(sql[: len(sql) * 9 // 10].rsplit(b"\n", 1)[0] + b"\n", 1),
        "malformed row": lambda: gzip.compress(with_bad_row(sql), 1),
    }[fault]()
    backup = spoiled(worker_fixture, tmp_path, data)
    before = created(worker_fixture)

    with pytest.raises(PermanentError, match=said):
        restore(worker_fixture, "r2-refused", backup=backup, clients=worker_fixture.with_backups(tmp_path))

    assert worker_fixture.clients.docker.volume(f"{worker_fixture.volume}_r2-refused") is None
    assert created(worker_fixture) == before
    assert worker_fixture.containers("r2-refused") == ()


def with_bad_row(sql: bytes) -> bytes:
    """Row 2001 of users has a number that is none."""
    start = sql.index(b"\n", sql.index(b"\nCOPY public.users ") + 1) + 1
    lines = sql[start:].split(b"\n")
    lines[2000] = b"x" + lines[2000]
    return sql[:start] + b"\n".join(lines)


def test_stop_in_the_middle_of_a_restore_leaves_no_container_and_no_copy(worker_fixture: WorkerFixture) -> None:
    worker_fixture.on_progress = lambda done: worker_fixture.stop.set()

    with pytest.raises(CancelledError):
        restore(worker_fixture, "r3-stopped")

    assert worker_fixture.containers("r3-stopped") == ()
    assert worker_fixture.clients.docker.volume(f"{worker_fixture.volume}_r3-stopped") is None


@pytest.mark.more
def test_an_attempt_that_was_killed_is_cleared_away_by_the_next(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context(run="r4-killed")
    beside = f"{worker_fixture.volume}_r4-killed"
    worker_fixture.clients.docker.create_volume(beside, context.labels)
    scratch = postgres.scratch_of(context, beside, "restore")
    left = scratch_server(scratch, tuned=True)
    left.__enter__()

    restore(worker_fixture, "r4-killed")

    assert worker_fixture.containers("r4-killed") == ()
    volume.remove(context, {"volume": beside})


def test_the_restored_data_takes_the_place_of_the_old_and_gives_it_back(worker_fixture: WorkerFixture) -> None:
    run = "r5-swap"
    context = worker_fixture.context("swap", run=run)
    keeper = f"{worker_fixture.volume}_before_{run}"
    old = worker_fixture.clients.postgres.identity().system_identifier
    beside, facts = restore(worker_fixture, run)
    names = {"volume": worker_fixture.volume, "replacement": beside, "keeper": keeper}

    with pytest.raises(PermanentError, match="in use"):
        volume.swap(context, names)
    before = volume.swapped(context, names)  # of a swap whose worker died before its helper was there
    compose.stop(context, SERVICES)
    told = [volume.swap(context, names).facts["next_transaction"] for _ in range(2)]  # the second: done already
    read = next_transaction(control_of(worker_fixture))
    swapped = volume.swapped(context, names)
    compose.start(context, SERVICES)
    health.wait(context, SERVICES)

    assert (before.passed, before.facts) == (False, {"state": "before"})
    assert swapped.passed, swapped.sentence
    assert read is not None and told == [read, read]
    assert worker_fixture.clients.postgres.identity().system_identifier == facts["system_identifier"] != old
    assert postgres.rows(context, {"expect": "manifest"}).passed
    with pytest.raises(PermanentError, match="two people"):
        volume.remove(context, {"volume": keeper})

    compose.stop(context, SERVICES)
    volume.swap_back(context, names)
    volume.swap_back(context, names)  # done already: nothing happens
    compose.start(context, SERVICES)
    health.wait(context, {"services": ["postgres", "auth", "front-user"]})

    assert worker_fixture.clients.postgres.identity().system_identifier == old
    assert not volume.swapped(context, names).passed
    assert worker_fixture.clients.docker.volume(beside) is not None
    assert worker_fixture.containers("r5-swap") == ()


@pytest.fixture
def three(worker_fixture: WorkerFixture) -> Move:
    """Three small volumes: canonical, replacement, and a keeper that does not exist yet."""
    context = worker_fixture.context("swap", run="r6-crash")
    for name, text in (("v", "old"), ("r", "new")):
        worker_fixture.clients.docker.create_volume(f"{worker_fixture.volume}_{name}", context.labels)
        worker_fixture.write(f"{worker_fixture.volume}_{name}", text)
    return volume.move_of(
        context, f"{worker_fixture.volume}_v", f"{worker_fixture.volume}_r", f"{worker_fixture.volume}_k"
    )


@pytest.fixture(autouse=True)
def _tidy(worker_fixture: WorkerFixture) -> Iterator[None]:
    yield
    for name in ("v", "r", "k"):
        worker_fixture.clients.docker.remove_volume(
            f"{worker_fixture.volume}_{name}", permitted(f"{worker_fixture.volume}_{name}")
        )


class CopyingMover(VolumeMover):
    """As for a volume driver that is not local."""

    def method_of(self, *names: str) -> Method:
        """Always by copying."""
        return "copy"


@pytest.mark.parametrize("method", ["rename", "copy"])
def test_a_crash_between_the_two_renames_is_seen_and_repaired(
    worker_fixture: WorkerFixture, three: Move, method: str
) -> None:
    volumes = worker_fixture.clients.volumes
    if method == "copy":
        volumes = CopyingMover(worker_fixture.clients.docker)
    assert volumes.state(three) == "before"

    with pytest.raises(PermanentError, match="between"):
        volumes.move(three, permitted(three.volume), "stop-between")
    seen = volumes.state(three)
    moved = volumes.move(three, permitted(three.volume))
    again = volumes.move(three, permitted(three.volume))

    assert seen == "between"
    assert moved.method == again.method == method
    assert volumes.state(three) == "after"
    assert (worker_fixture.read(three.volume), worker_fixture.read(three.keeper)) == ("new", "old")


def test_a_volume_that_was_emptied_is_kept_all_the_same(worker_fixture: WorkerFixture, three: Move) -> None:
    worker_fixture.shell(three.volume, "rm /x/content")

    worker_fixture.clients.volumes.move(three, permitted(three.volume))

    assert worker_fixture.clients.volumes.state(three) == "after"
    assert worker_fixture.read(three.volume) == "new"
    assert "WAS-EMPTY.txt" in worker_fixture.shell(three.keeper, "ls /x")


def test_somebody_who_started_the_service_in_between_is_not_overwritten(
    worker_fixture: WorkerFixture, three: Move
) -> None:
    with pytest.raises(PermanentError, match="between"):
        worker_fixture.clients.volumes.move(three, permitted(three.volume), "stop-between")
    worker_fixture.clients.docker.client.api.remove_volume(three.volume)
    worker_fixture.clients.docker.client.api.create_volume(three.volume)
    worker_fixture.write(three.volume, "third")

    with pytest.raises(PermanentError, match="all three"):
        worker_fixture.clients.volumes.move(three, permitted(three.volume))

    assert [worker_fixture.read(name) for name in (three.volume, three.replacement, three.keeper)] == [
        "third",
        "new",
        "old",
    ]


def test_what_was_written_in_between_is_not_overwritten_by_copying_either(
    worker_fixture: WorkerFixture, three: Move
) -> None:
    volumes = CopyingMover(worker_fixture.clients.docker)
    with pytest.raises(PermanentError, match="between"):
        volumes.move(three, permitted(three.volume), "stop-between")
    worker_fixture.shell(three.volume, "touch -d tomorrow /x/third")  # the host rebooted and the service came up

    with pytest.raises(PermanentError, match="all three"):
        volumes.move(three, permitted(three.volume))

    assert [worker_fixture.read(name) for name in (three.volume, three.replacement, three.keeper)] == [
        "old",
        "new",
        "old",
    ]
    assert "third" in worker_fixture.shell(three.volume, "ls /x")


def test_kept_data_returns_only_to_where_it_was(worker_fixture: WorkerFixture, three: Move) -> None:
    worker_fixture.clients.volumes.move(three, permitted(three.volume))
    other = replace(
        three, volume=three.replacement, replacement=three.keeper, keeper=f"{three.keeper}_2", brings_back=True
    )
    worker_fixture.clients.docker.create_volume(other.volume, three.labels)

    with pytest.raises(PermanentError, match=f"does not hold kept data of {other.volume}"):
        worker_fixture.clients.volumes.move(other, permitted(other.volume))

    assert (worker_fixture.read(three.volume), worker_fixture.read(three.keeper)) == ("new", "old")


def test_data_put_aside_is_whole_or_the_original_stays(worker_fixture: WorkerFixture, three: Move) -> None:
    context = worker_fixture.context("set-aside", run="r6-crash")
    stopped = worker_fixture.clients.docker.client.api.create_container(
        three.image, "true", host_config={"Binds": [f"{three.volume}:/x"]}, labels=dict(three.labels)
    )["Id"]
    with pytest.raises(PermanentError, match="in use"):  # stopped, but it could be started
        keep(context, three.volume, three.keeper)
    worker_fixture.clients.docker.client.api.remove_container(stopped)
    worker_fixture.clients.docker.create_volume(three.keeper, {**context.labels, ORIGINAL_LABEL: three.volume})
    worker_fixture.shell(
        three.keeper, f"cp /dev/null /x/{mark_of(context.run.id)}"
    )  # a copy that was whole, before the worker died
    worker_fixture.shell(three.volume, "touch -d tomorrow /x/later")

    with pytest.raises(PermanentError, match=r"written to after it was kept: /volume"):
        keep(context, three.volume, three.keeper)

    assert "later" in worker_fixture.shell(three.volume, "ls /x")


def test_data_is_never_put_aside_over_what_others_have_kept(worker_fixture: WorkerFixture, three: Move) -> None:
    context = worker_fixture.context("set-aside", run="r6-crash")
    worker_fixture.clients.docker.create_volume(
        three.keeper, {**context.labels, "drbot.run": "r1", ORIGINAL_LABEL: three.volume}
    )
    worker_fixture.shell(three.keeper, "echo 'the only good copy' > /x/kept")

    with pytest.raises(PermanentError, match="holds what this run did not put there"):
        keep(context, three.volume, three.keeper)

    assert "only good copy" in worker_fixture.shell(three.keeper, "cat /x/kept")
    assert worker_fixture.clients.docker.volume(three.volume) is not None


def test_unnamed_volumes_of_the_systems_containers_outlive_them(worker_fixture: WorkerFixture, three: Move) -> None:
    api = worker_fixture.clients.docker.client.api
    project = {"com.docker.compose.project": f"drlab-unnamed-{three.volume}"}
    container = api.create_container(three.image, "true", volumes=["/unnamed"], labels={**project, **three.labels})[
        "Id"
    ]
    unnamed = api.inspect_container(container)["Mounts"][0]["Name"]

    worker_fixture.clients.docker.remove_container(
        container, "unnamed", permit(container_subject("unnamed", container))
    )

    assert worker_fixture.clients.docker.labelled(project) == ()
    assert worker_fixture.clients.docker.volume(unnamed) is not None
    worker_fixture.clients.docker.remove_volume(unnamed, permitted(unnamed))


@pytest.mark.parametrize(
    "labels", [{}, {RUN_LABEL: "r5-earlier", KEPT_LABEL: "true"}], ids=["a stranger's", "kept by an earlier run"]
)
def test_a_volume_that_is_not_ours_is_neither_swapped_in_nor_removed(
    worker_fixture: WorkerFixture, three: Move, labels: dict[str, str]
) -> None:
    context = worker_fixture.context("swap", run="r6-crash")
    with pytest.raises(PermanentError, match=f"not made by {context.run.id}"):
        volume.remove(context, {"volume": worker_fixture.volume})
    worker_fixture.clients.docker.client.api.create_volume(three.keeper, labels=labels)
    with pytest.raises(PermanentError, match=f"not made by {context.run.id}"):
        volume.swap(context, {"volume": three.volume, "replacement": three.replacement, "keeper": three.keeper})

    assert (worker_fixture.read(three.volume), worker_fixture.read(three.replacement)) == ("old", "new")


@pytest.mark.parametrize("place", ["", "/srv/pg"], ids=["volume", "folder"])
def test_postgresql_s_own_image_tells_what_an_undo_would_lose(worker_fixture: WorkerFixture, place: str) -> None:
    """With the first transaction after the swap, which only its own programs read."""
    context = worker_fixture.context("swap", run="r9-image")
    assert context.site.postgres is not None
    known = context.site.postgres.model_copy(update={"volume": place or context.site.postgres.volume})
    there = replace(context, site=context.site.model_copy(update={"postgres": known}))

    assert volume.image_for(there, known.volume) == context.clients.postgres.image(lambda: False)
    assert volume.image_for(there, "/srv/files") != context.clients.postgres.image(lambda: False)
