"""Restore beside, swap, swap back: on a real engine with a real PostgreSQL."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.errors import CancelledError, PermanentError
from drbot.core.plan import BackupIdentity
from drbot.runners.actions import compose, health, postgres, volume
from drbot.runners.actions.backup import identify
from drbot.runners.actions.setting_aside import keep, mark_of
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import KEPT_LABEL, RUN_LABEL
from drbot.runners.clients.scratch_postgres import scratch_server
from drbot.runners.clients.volume_mover import ORIGINAL_LABEL, Method, Move, VolumeMover
from drbot.runners.permit import Permit, emptied
from drbot.runners.permit import container as container_subject
from drbot.runners.permit import volume as volume_subject
from tests.integration.actions.conftest import Bench, own
from tests.permits import permit

pytestmark = pytest.mark.docker

SERVICES = {"services": ["postgres"]}


def permitted(volume: str) -> Permit:
    """To move or remove this volume."""
    return permit(volume_subject(volume), emptied(volume.removesuffix("_v") + "_r"), run=own("r6-crash"))


def restore(bench: Bench, run: str, **changes: Any) -> tuple[str, dict[str, object]]:
    """Restore the good backup beside; the new volume and the facts."""
    beside = f"{bench.volume}_{run}"
    context = bench.context(run=run, **changes)
    assert context.plan.backup is not None
    outcome = postgres.restore_beside(context, {"backup": context.plan.backup.name, "volume": beside})
    return beside, dict(outcome.facts)


def created(bench: Bench) -> str:
    """Identity of production's volume and of the cluster in it."""
    context = bench.context()
    found = bench.clients.docker.volume(bench.volume)
    assert found is not None
    return found.created_at + bench.clients.postgres.identifier_of(bench.volume, context.labels, context.cancelled)


def spoiled(bench: Bench, folder: Path, data: bytes) -> BackupIdentity:
    """A backup with these bytes and no manifest, as a plan would name it."""
    path = folder / "all_databases_20261126_080000.sql.gz"
    path.write_bytes(data)
    sealed = bench.backup.model_copy(update={"name": path.name, "manifest": False})
    return identify(bench.with_backups(folder).backups, sealed)


def sql_of(bench: Bench) -> bytes:
    """The good backup's SQL."""
    return gzip.decompress((bench.clients.backups.directory / bench.backup.name).read_bytes())


def test_the_copy_beside_holds_what_the_backup_holds_and_is_cold(bench: Bench) -> None:
    before = created(bench)

    beside, facts = restore(bench, "r1-restore")
    found = postgres.beside_rows(bench.context(run="r1-restore"), {"volume": beside, "expect": "manifest"})

    assert facts["rows"] == dict(bench.backup.rows)
    assert bench.backup.rows["authdb.users"] == 5000
    assert found.passed, found.sentence
    assert created(bench) == before
    assert bench.containers("r1-restore") == ()
    volume.remove(bench.context(run="r1-restore"), {"volume": beside})
    assert bench.clients.docker.volume(beside) is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cut before compression", "closing line"),
        ("malformed row", r"line \d+ of the dump.*COPY users, line 2001"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_leaves_nothing(
    bench: Bench, tmp_path: Path, fault: str, said: str
) -> None:
    sql = sql_of(bench)
    data = {
        "cut before compression": lambda: gzip.compress(sql[: len(sql) * 9 // 10].rsplit(b"\n", 1)[0] + b"\n", 1),
        "malformed row": lambda: gzip.compress(with_bad_row(sql), 1),
    }[fault]()
    backup = spoiled(bench, tmp_path, data)
    before = created(bench)

    with pytest.raises(PermanentError, match=said):
        restore(bench, "r2-refused", backup=backup, clients=bench.with_backups(tmp_path))

    assert bench.clients.docker.volume(f"{bench.volume}_r2-refused") is None
    assert created(bench) == before
    assert bench.containers("r2-refused") == ()


def with_bad_row(sql: bytes) -> bytes:
    """Row 2001 of users has a number that is none."""
    start = sql.index(b"\n", sql.index(b"\nCOPY public.users ") + 1) + 1
    lines = sql[start:].split(b"\n")
    lines[2000] = b"x" + lines[2000]
    return sql[:start] + b"\n".join(lines)


def test_stop_in_the_middle_of_a_restore_leaves_no_container_and_no_copy(bench: Bench) -> None:
    bench.on_progress = lambda done: bench.stop.set()

    with pytest.raises(CancelledError):
        restore(bench, "r3-stopped")

    assert bench.containers("r3-stopped") == ()
    assert bench.clients.docker.volume(f"{bench.volume}_r3-stopped") is None


def test_an_attempt_that_was_killed_is_cleared_away_by_the_next(bench: Bench) -> None:
    context = bench.context(run="r4-killed")
    beside = f"{bench.volume}_r4-killed"
    bench.clients.docker.create_volume(beside, context.labels)
    scratch = postgres.scratch_of(context, beside, "restore")
    left = scratch_server(scratch, tuned=True)
    left.__enter__()

    restore(bench, "r4-killed")

    assert bench.containers("r4-killed") == ()
    volume.remove(context, {"volume": beside})


def test_the_restored_data_takes_the_place_of_the_old_and_gives_it_back(bench: Bench) -> None:
    run = "r5-swap"
    context = bench.context("swap", run=run)
    keeper = f"{bench.volume}_before_{run}"
    old = bench.clients.postgres.identity().system_identifier
    beside, facts = restore(bench, run)
    names = {"volume": bench.volume, "replacement": beside, "keeper": keeper}

    with pytest.raises(PermanentError, match="in use"):
        volume.swap(context, names)
    before = volume.swapped(context, names)  # of a swap whose worker died before its helper was there
    compose.stop(context, SERVICES)
    volume.swap(context, names)
    swapped = volume.swapped(context, names)
    compose.start(context, SERVICES)
    health.wait(context, SERVICES)

    assert (before.passed, before.facts) == (False, {"state": "before"})
    assert swapped.passed, swapped.sentence
    assert bench.clients.postgres.identity().system_identifier == facts["system_identifier"] != old
    assert postgres.rows(context, {"expect": "manifest"}).passed
    with pytest.raises(PermanentError, match="two people"):
        volume.remove(context, {"volume": keeper})

    compose.stop(context, SERVICES)
    volume.swap_back(context, names)
    volume.swap_back(context, names)  # done already: nothing happens
    compose.start(context, SERVICES)
    health.wait(context, {"services": ["postgres", "auth", "front-user"]})

    assert bench.clients.postgres.identity().system_identifier == old
    assert not volume.swapped(context, names).passed
    assert bench.clients.docker.volume(beside) is not None
    assert bench.containers("r5-swap") == ()


@pytest.fixture
def three(bench: Bench) -> Move:
    """Three small volumes: canonical, replacement, and a keeper that does not exist yet."""
    context = bench.context("swap", run="r6-crash")
    for name, text in (("v", "old"), ("r", "new")):
        bench.clients.docker.create_volume(f"{bench.volume}_{name}", context.labels)
        write(bench, f"{bench.volume}_{name}", text)
    return volume.move_of(context, f"{bench.volume}_v", f"{bench.volume}_r", f"{bench.volume}_k")


@pytest.fixture(autouse=True)
def _tidy(bench: Bench) -> Iterator[None]:
    yield
    for name in ("v", "r", "k"):
        bench.clients.docker.remove_volume(f"{bench.volume}_{name}", permitted(f"{bench.volume}_{name}"))


def shell(bench: Bench, name: str, script: str) -> str:
    """Output of a shell script with this volume at /x."""
    context = bench.context("swap", run="r6-crash")
    order = helper.HelperOrder(
        image=context.clients.postgres.recipe(context.cancelled).image,
        name=None,
        labels=context.labels,
        entrypoint=("sh", "-c", script),
        mounts=(helper.Mount(source=name, target="/x"),),
        user="root",
    )
    return helper.run(bench.clients.docker, order, context.cancelled).output


def write(bench: Bench, name: str, text: str) -> None:
    """Put a file into a volume."""
    shell(bench, name, f"echo {text} > /x/content")


def read(bench: Bench, name: str) -> str:
    """The file's content."""
    return shell(bench, name, "cat /x/content")


class CopyingMover(VolumeMover):
    """As for a volume driver that is not local."""

    def method_of(self, *names: str) -> Method:
        """Always by copying."""
        return "copy"


@pytest.mark.parametrize("method", ["rename", "copy"])
def test_a_crash_between_the_two_renames_is_seen_and_repaired(bench: Bench, three: Move, method: str) -> None:
    volumes = bench.clients.volumes
    if method == "copy":
        volumes = CopyingMover(bench.clients.docker)
    assert volumes.state(three) == "before"

    with pytest.raises(PermanentError, match="between"):
        volumes.move(three, permitted(three.volume), "stop-between")
    seen = volumes.state(three)
    moved = volumes.move(three, permitted(three.volume))
    again = volumes.move(three, permitted(three.volume))

    assert seen == "between"
    assert moved.method == again.method == method
    assert volumes.state(three) == "after"
    assert (read(bench, three.volume), read(bench, three.keeper)) == ("new", "old")


def test_a_volume_that_was_emptied_is_kept_all_the_same(bench: Bench, three: Move) -> None:
    shell(bench, three.volume, "rm /x/content")

    bench.clients.volumes.move(three, permitted(three.volume))

    assert bench.clients.volumes.state(three) == "after"
    assert read(bench, three.volume) == "new"
    assert "WAS-EMPTY.txt" in shell(bench, three.keeper, "ls /x")


def test_somebody_who_started_the_service_in_between_is_not_overwritten(bench: Bench, three: Move) -> None:
    with pytest.raises(PermanentError, match="between"):
        bench.clients.volumes.move(three, permitted(three.volume), "stop-between")
    bench.clients.docker.client.api.remove_volume(three.volume)
    bench.clients.docker.client.api.create_volume(three.volume)
    write(bench, three.volume, "third")

    with pytest.raises(PermanentError, match="all three"):
        bench.clients.volumes.move(three, permitted(three.volume))

    assert [read(bench, name) for name in (three.volume, three.replacement, three.keeper)] == ["third", "new", "old"]


def test_what_was_written_in_between_is_not_overwritten_by_copying_either(bench: Bench, three: Move) -> None:
    volumes = CopyingMover(bench.clients.docker)
    with pytest.raises(PermanentError, match="between"):
        volumes.move(three, permitted(three.volume), "stop-between")
    shell(bench, three.volume, "touch -d tomorrow /x/third")  # the host rebooted and the service came up

    with pytest.raises(PermanentError, match="all three"):
        volumes.move(three, permitted(three.volume))

    assert [read(bench, name) for name in (three.volume, three.replacement, three.keeper)] == ["old", "new", "old"]
    assert "third" in shell(bench, three.volume, "ls /x")


def test_kept_data_returns_only_to_where_it_was(bench: Bench, three: Move) -> None:
    bench.clients.volumes.move(three, permitted(three.volume))
    other = replace(
        three, volume=three.replacement, replacement=three.keeper, keeper=f"{three.keeper}_2", brings_back=True
    )
    bench.clients.docker.create_volume(other.volume, three.labels)

    with pytest.raises(PermanentError, match=f"does not hold kept data of {other.volume}"):
        bench.clients.volumes.move(other, permitted(other.volume))

    assert (read(bench, three.volume), read(bench, three.keeper)) == ("new", "old")


def test_data_put_aside_is_whole_or_the_original_stays(bench: Bench, three: Move) -> None:
    context = bench.context("set-aside", run="r6-crash")
    stopped = bench.clients.docker.client.api.create_container(
        three.image, "true", host_config={"Binds": [f"{three.volume}:/x"]}, labels=dict(three.labels)
    )["Id"]
    with pytest.raises(PermanentError, match="in use"):  # stopped, but it could be started
        keep(context, three.volume, three.keeper)
    bench.clients.docker.client.api.remove_container(stopped)
    bench.clients.docker.create_volume(three.keeper, {**context.labels, ORIGINAL_LABEL: three.volume})
    shell(
        bench, three.keeper, f"cp /dev/null /x/{mark_of(context.run.id)}"
    )  # a copy that was whole, before the worker died
    shell(bench, three.volume, "touch -d tomorrow /x/later")

    with pytest.raises(PermanentError, match=r"written to after it was kept: /volume"):
        keep(context, three.volume, three.keeper)

    assert "later" in shell(bench, three.volume, "ls /x")


def test_data_is_never_put_aside_over_what_others_have_kept(bench: Bench, three: Move) -> None:
    context = bench.context("set-aside", run="r6-crash")
    bench.clients.docker.create_volume(
        three.keeper, {**context.labels, "drbot.run": "r1", ORIGINAL_LABEL: three.volume}
    )
    shell(bench, three.keeper, "echo 'the only good copy' > /x/kept")

    with pytest.raises(PermanentError, match="holds what this run did not put there"):
        keep(context, three.volume, three.keeper)

    assert "only good copy" in shell(bench, three.keeper, "cat /x/kept")
    assert bench.clients.docker.volume(three.volume) is not None


def test_unnamed_volumes_of_the_systems_containers_outlive_them(bench: Bench, three: Move) -> None:
    api = bench.clients.docker.client.api
    project = {"com.docker.compose.project": f"drlab-unnamed-{three.volume}"}
    container = api.create_container(three.image, "true", volumes=["/unnamed"], labels={**project, **three.labels})[
        "Id"
    ]
    unnamed = api.inspect_container(container)["Mounts"][0]["Name"]

    bench.clients.docker.remove_container(container, "unnamed", permit(container_subject("unnamed", container)))

    assert bench.clients.docker.labelled(project) == ()
    assert bench.clients.docker.volume(unnamed) is not None
    bench.clients.docker.remove_volume(unnamed, permitted(unnamed))


@pytest.mark.parametrize(
    "labels", [{}, {RUN_LABEL: "r5-earlier", KEPT_LABEL: "true"}], ids=["a stranger's", "kept by an earlier run"]
)
def test_a_volume_that_is_not_ours_is_neither_swapped_in_nor_removed(
    bench: Bench, three: Move, labels: dict[str, str]
) -> None:
    context = bench.context("swap", run="r6-crash")
    with pytest.raises(PermanentError, match=f"not made by {context.run.id}"):
        volume.remove(context, {"volume": bench.volume})
    bench.clients.docker.client.api.create_volume(three.keeper, labels=labels)
    with pytest.raises(PermanentError, match=f"not made by {context.run.id}"):
        volume.swap(context, {"volume": three.volume, "replacement": three.replacement, "keeper": three.keeper})

    assert (read(bench, three.volume), read(bench, three.replacement)) == ("old", "new")
