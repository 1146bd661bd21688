"""Somebody writes into one column of one incident's rows what drbot never writes: a worker goes on with all others."""

import copy
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Float, Integer
from structlog.testing import capture_logs

from drbot.runners.foundation.own_record import OwnRecord
from drbot.store.base import reading
from drbot.store.base.column_types import Json, Moment
from drbot.store.base.database import Database
from drbot.store.base.schema import metadata
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in

TABLES = ("incidents", "runs", "steps", "requests", "votes", "locks")
PAST = "2026-01-01 00:00:00.000000"
STAGES: Mapping[str, Sequence[str]] = {
    "waiting": (),
    "its worker is dead": (
        f"UPDATE runs SET state = 'running', owner = 'x', lease_until = '{PAST}' WHERE id LIKE 'r1-%'",
    ),
    "to be stopped": (
        f"UPDATE runs SET state = 'queued', stop_requested = 'x', stop_kind = 'person', queued_at = '{PAST}' "
        "WHERE id LIKE 'r1-%'",
    ),
    "stopped": (
        "UPDATE runs SET state = 'stopped', stop_kind = 'discarded' WHERE id LIKE 'r1-%'",
        "UPDATE steps SET leftover = 'remains' WHERE run LIKE 'r1-%' AND state = 'succeeded'",
    ),
    "failed and resolved": (
        "UPDATE runs SET state = 'failed' WHERE id LIKE 'r1-%'", "UPDATE incidents SET state = 'resolved' WHERE id = 1",
    ),
    "a part of itself, to be stopped": (
        "UPDATE runs SET arguments = json_object('part_of', id, 'part_of_step', 'confirm') WHERE id LIKE 'r1-%'",
        "UPDATE steps SET part = run, attempt = 1 WHERE run LIKE 'r1-%'",
        f"UPDATE runs SET state = 'queued', stop_requested = 'x', stop_kind = 'person', queued_at = '{PAST}' "
        "WHERE id LIKE 'r1-%'",
    ),
    "asked too late": (f"UPDATE requests SET expires_at = '{PAST}'",),
    "held": (f"UPDATE requests SET hold_until = '{PAST}'",),
    "nobody answers": (
        f"UPDATE steps SET state = 'waiting', started_at = '{PAST}' WHERE run LIKE 'r1-%' AND id = 'confirm'",
    ),
    "unsure": (
        "UPDATE runs SET state = 'needs_decision' WHERE id LIKE 'r1-%'",
        f"UPDATE steps SET state = 'unsure', started_at = '{PAST}', attempt = 1 WHERE run LIKE 'r1-%'",
    ),
}  # fmt: skip
"""How DR-1 stands meanwhile: each has somebody else look after it."""
QUICK = ("waiting", "to be stopped")
NO_TEXT, FAR = b"\xff\xfe", "9999-12-31 23:59:59.999999"
OF_KIND: Mapping[type[Any], Sequence[Any]] = {
    Json: ("7", "{"),
    Moment: ("garbage", FAR),
    Integer: ("x", -1),
    Float: (1e999,),
}
OF_OTHERS = ("garbage", bytearray(NO_TEXT))


def spoilt(table: str) -> list[tuple[str, Any]]:
    """Column → what is written into it."""
    columns = metadata.tables[table].columns
    return [(one.name, value) for one in columns for value in OF_KIND.get(type(one.type), OF_OTHERS)]


@pytest.fixture(scope="module")
def situation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerFixture]:
    """DR-1 waits for a second vote; DR-2, of a service, is queued."""
    made = worker_fixture_in(tmp_path_factory.mktemp("situation"))
    first = made.go(made.declare())
    made.vote(first, "ben", "approve")
    made.declare(1, "auth")
    yield made
    made.database.close()


@pytest.fixture
def opened(situation: WorkerFixture, tmp_path: Path) -> Iterator["Opened"]:
    yield Opened(situation, tmp_path)


class Opened:
    """Copies of the situation."""

    def __init__(self, situation: WorkerFixture, folder: Path) -> None:
        self._situation, self._folder, self._count = situation, folder, 0

    def after(self, stage: str, table: str, column: str, value: Any) -> tuple[list[str], str]:
        """What a worker left for later, or failed at in a way nobody foresaw; and how DR-2's run is then."""
        self._count += 1
        folder = self._folder / str(self._count)
        shutil.copytree(self._situation.worker_context.home, folder)
        _write(folder / "state.db", STAGES[stage], table, column, value)
        target = copy.deepcopy(self._situation.target)
        reading.left_out.cache_clear()
        with closing(Database(f"sqlite:///{folder / 'state.db'}")) as database, capture_logs() as said:
            context = replace(
                self._situation.worker_context, database=database, home=folder, own=OwnRecord(folder), target=target,
                registry=target.registry,
            )  # fmt: skip
            worker_fixture = replace(self._situation, database=database, target=target, worker_context=context)
            worker_fixture.upkeep()
            worker_fixture.worker().handle(_of_second(folder, "id"))
            worker_fixture.upkeep()
        left = (one for one in said if one.get("exc_info") or one["event"] == "Not looked after yet.")
        shown = [f"{one.get('chore')} {one['event']} {one.get('error', '')}" for one in left]
        state = _of_second(folder, "state")
        shutil.rmtree(folder)
        return shown, state


def _of_second(folder: Path, column: str) -> str:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        return str(connection.execute(f"SELECT {column} FROM runs WHERE id LIKE 'r2-%'").fetchone()[0])


def _write(path: Path, stage: Sequence[str], table: str, column: str, value: Any) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for statement in stage:
            connection.execute(statement)
        key = f"SELECT min(rowid) FROM {table}"
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid IN ({key})", (value,))
        connection.commit()


def test_people_are_told_once_of_a_run_that_cannot_go_on(tmp_path: Path) -> None:
    """Its worker tries it again each time that its lease is over."""
    with closing(worker_fixture_in(tmp_path).database) as database:
        made = replace(worker_fixture_in(tmp_path), database=database)
        run = made.go(made.declare())
        _write(tmp_path / "state.db", ["UPDATE runs SET state = 'queued'"], "steps", "facts", "{")
        for _ in range(2):
            made.worker().handle(run.id)
            made.notice(run)

        (told,) = made.events(run, "control.failed")
        assert "drbot's own record in steps cannot be read" in str(told.payload["why"])


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "stage", [one if one in QUICK else pytest.param(one, marks=pytest.mark.long) for one in STAGES]
)
def test_a_worker_goes_on_with_everything_else(opened: Opened, stage: str, table: str) -> None:
    wrong = []
    for column, value in [("rowid", 1), *spoilt(table)]:
        with suppress(sqlite3.Error):  # the database itself refuses it
            left, state = opened.after(stage, table, column, value)
            if left or state in ("queued", "running"):
                wrong.append(f"{table}.{column} = {str(value)[:20]}: {state} {left}")

    assert wrong == []
