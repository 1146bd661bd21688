"""An attacker who may write every row, but is not on the worker's host: random edits on copies of real situations.

A situation is made once by the real worker; each sequence of edits gets its own copy of the database, of the worker's
home and of the harmless target, and the worker then does whatever it would do.
"""

import copy
import json
import random
import shutil
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from drbot.core.approvals.approval import Ballot, EntryPoint, RequestState, claim_of
from drbot.core.ledger.attestation import Attestation, Proof, statement
from drbot.core.runs.run import RunState, StepState
from drbot.runners.contract.action import Action, Registry
from drbot.runners.execution.leftovers import clear_stopped_runs
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.timing import Timing
from drbot.runners.upkeep.chores import Upkeep
from drbot.runners.worker import Worker
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import requests
from drbot.store.runs import runs
from tests.integration.runners.harmless import HarmlessTarget
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in

AT_ONCE = Timing(lease=5.0, renew=1.0, look=0.001, tick=0.01, patience=0.0, pause=0.001, grace=5.0)
TABLES = ("runs", "steps", "requests", "votes", "incidents", "locks", "kept")
ROUNDS = 3
STATES = [state.value for kind in (RunState, StepState, RequestState) for state in kind]
TAKES = ("volume.swap", "volume.swap_back", "volume.remove", "compose.stop")

Taken = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """Where the real worker and real people have come to, and what may still be taken away without a new vote."""

    name: str
    folder: Path
    target: HarmlessTarget
    worker_context: WorkerContext
    run: str
    swaps: int  # that two people have approved and that were not made yet


def make(folder: Path, name: str) -> Situation:
    """One of SITUATIONS."""
    folder.mkdir(parents=True)
    worker_fixture = with_second_factor(worker_fixture_in(folder))
    run = worker_fixture.go(worker_fixture.declare())
    votes = {"asked": (), "one vote": ("ben",)}.get(name, ("ben", "chika"))
    for person in votes:
        vote(worker_fixture, run.id, person)
    if name in ("swapped", "ended"):
        run = worker_fixture.go(run)
        assert worker_fixture.target.moves == 1
    if name == "ended":
        worker_fixture.answer(run)
        assert worker_fixture.go(run).state is RunState.SUCCEEDED
    worker_fixture.upkeep()
    worker_fixture.ended()
    worker_fixture.database.close()
    swaps = 1 if name == "granted" else 0
    return Situation(
        name=name,
        folder=folder,
        target=worker_fixture.target,
        worker_context=worker_fixture.worker_context,
        run=run.id,
        swaps=swaps,
    )


SITUATIONS = ("asked", "one vote", "granted", "swapped", "ended")


def with_second_factor(worker_fixture: WorkerFixture) -> WorkerFixture:
    """Votes count with the worker's signature under a code only."""
    roster = replace(
        worker_fixture.worker_context.roster, second_factor="totp", worker_key=worker_fixture.worker_context.key.public
    )
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, roster=roster))


def vote(worker_fixture: WorkerFixture, run: str, person: str) -> None:
    """A genuine vote: the worker has checked a code and signed what it is for."""
    with worker_fixture.database.read() as connection:
        request = requests.of_run(connection, run)[-1]
    claim = claim_of(
        request, worker_fixture.worker_context.roster, person=person, seal=request.seal, decision="approve"
    )
    signed = Attestation(
        proof=Proof.CODE, signature=worker_fixture.worker_context.key.sign(statement(Proof.CODE, claim))
    )
    ballot = Ballot(
        person=person,
        account=None,
        decision="approve",
        reason="I looked at it.",
        seal=request.seal,
        target=request.target,
        entry_point=EntryPoint.DIALOG,
        at=worker_fixture.worker_context.own.now(),
        attestation=signed,
    )
    with worker_fixture.database.write() as tx:
        assert requests.cast(tx, request.id, ballot, worker_fixture.worker_context.roster).counted


def attack(situation: Situation, folder: Path, chance: random.Random) -> tuple[list[str], list[Taken]]:
    """Random edits, then the worker: what was edited, and what was taken away."""
    shutil.copytree(situation.folder, folder)
    edits = edit(folder / "state.db", chance)
    target, taken = copy.deepcopy(situation.target), list[Taken]()
    database = Database(f"sqlite:///{folder / 'state.db'}")
    worker_context = replace(
        situation.worker_context,
        database=database,
        home=folder,
        own=OwnRecord(folder),
        target=target,
        registry=recording(target.registry, taken),
        timing=AT_ONCE,
    )
    try:
        with capture_logs():  # a traceback a sequence would cost more than the sequence
            let_work(worker_context)
    finally:
        database.close()
        shutil.rmtree(folder)
    return edits, taken


def let_work(worker_context: WorkerContext) -> None:
    """Everything that a worker would do by itself; a row that cannot be read ends only what reads it."""
    worker, upkeep = Worker(worker_context, doorbell_of(None), threading.Event()), Upkeep(worker_context)
    for _ in range(ROUNDS):
        with suppress(Exception):
            upkeep.tick()
        with suppress(Exception):
            clear_stopped_runs(worker_context)
        for run in _claimable(worker_context):
            with suppress(Exception):
                worker.handle(run)


def _claimable(worker_context: WorkerContext) -> list[str]:
    with suppress(Exception), worker_context.database.read() as connection:
        return [*runs.claimable(connection, worker_context.site_name)]
    return []


def recording(registry: Registry, taken: list[Taken]) -> Registry:
    """The same, and what was taken away is written down when it was."""

    def recorded(name: str, action: Action) -> Action:
        def act(context: Any, given: Mapping[str, Any]) -> Any:
            outcome = action(context, given)
            taken.append((name, dict(given)))
            return outcome

        return act

    actions = {name: recorded(name, one) if name in TAKES else one for name, one in registry.actions.items()}
    return replace(registry, actions=actions)


def edit(path: Path, chance: random.Random) -> list[str]:
    """One to five edits of any rows, the last of them often one that sets a run going."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys=OFF")
    done = []
    for _ in range(chance.randint(1, 5)):
        try:
            done.append(chance.choice((_change, _change, _copy, _drop, _plan))(connection, chance))
        except sqlite3.Error as error:
            done.append(f"refused: {error}")
    if chance.random() < 0.8:
        connection.execute("UPDATE runs SET state = 'queued', owner = NULL, lease_until = NULL")
        done.append("every run is queued")
    connection.commit()
    connection.close()
    return done


def _row(connection: sqlite3.Connection, chance: random.Random) -> tuple[str, sqlite3.Row]:
    table = chance.choice(TABLES)
    rows = connection.execute(f"SELECT rowid AS _row, * FROM {table}").fetchall()
    if not rows:
        return _row(connection, chance)
    return table, chance.choice(rows)


def _change(connection: sqlite3.Connection, chance: random.Random) -> str:
    table, row = _row(connection, chance)
    column = chance.choice([name for name in row.keys() if name != "_row"])  # noqa: SIM118 - a row, no mapping
    value = _value(connection, chance, table, column, row[column])
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row["_row"]))
    return f"{table}.{column}: {str(row[column])[:60]} -> {str(value)[:60]}"


def _value(connection: sqlite3.Connection, chance: random.Random, table: str, column: str, old: Any) -> Any:
    others = [one[0] for one in connection.execute(f"SELECT {column} FROM {table}").fetchall()]
    choices: list[Any] = [None, chance.choice(others), chance.choice(STATES)]
    if column in ("settlement", "decision"):
        choices += ["done", "undo", "retry", "approve", "deny", "break-glass"]
    if isinstance(old, (int, float)):
        choices += [0, old + 1, old * 1000]
    moment = _moment(old)
    if moment is not None:
        choices += [str(moment + timedelta(days=days)) for days in (-1, 1, 3650)]
    if column == "attestation":
        choices += [json.dumps({"proof": "code", "signature": "AAAA"})]
    return chance.choice(choices)


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _copy(connection: sqlite3.Connection, chance: random.Random) -> str:
    """A row once more, under another name: votes for another request, requests for another gate."""
    table, row = _row(connection, chance)
    values = {name: row[name] for name in row.keys() if name != "_row"}  # noqa: SIM118 - a row, no mapping
    for name in ("id", "number"):
        if name in values:
            values[name] = values[name] + 1 if isinstance(values[name], int) else f"{values[name]}-x"
    column = chance.choice(list(values))
    values[column] = _value(connection, chance, table, column, values[column])
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
    return f"{table}: a copy of row {row['_row']} with another {column}"


def _drop(connection: sqlite3.Connection, chance: random.Random) -> str:
    table, row = _row(connection, chance)
    connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row["_row"],))
    return f"{table}: row {row['_row']} is gone"


def _plan(connection: sqlite3.Connection, chance: random.Random) -> str:
    """One value inside a plan."""
    planned = connection.execute("SELECT id, plan FROM runs WHERE json_extract(plan, '$.steps') IS NOT NULL").fetchall()
    if not planned:
        return "no run has a plan any more"
    run, text = chance.choice(planned)
    plan = json.loads(text)
    step = chance.choice(plan["steps"])
    change = chance.choice(
        [
            {"effect": "change"},
            {"gate": None},
            {"after": []},
            {"undo": {"do": "volume.swap_back", "with": {"volume": "redis_data", "keeper": "x", "replacement": "y"}}},
            {"do": "volume.remove", "with": {"volume": "postgres_data"}},
            {"if_fails": "undo"},
            {"check": []},
        ]
    )
    step.update(change)
    connection.execute("UPDATE runs SET plan = ? WHERE id = ?", (json.dumps(plan), run))
    return f"plan of {run}: {step['id']} {change}"
