"""Rows become core types here, and the guards that every write shares: fence, run lock, upsert."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, Insert, Result, RowMapping, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from drbot.core.approvals.approval import ApprovalRequest, EntryPoint, RequestState, Vote
from drbot.core.base.errors import Cause, FencedError, UserError
from drbot.core.ledger.policy import attestation_of
from drbot.core.runs.drill import title_of
from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Leftover, Offer, Run, RunKind, RunState, Settlement, StepRecord, StepState, StopKind
from drbot.core.site.level import Level
from drbot.core.site.site import DRILL_SITE
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import first, words_in
from drbot.store.base.schema import runs

log = structlog.get_logger()

State = TypeVar("State", bound=StrEnum)

_NOT_OF_A_RUN = frozenset({"wakes", "queued_at", "fault_told_at"})


def incident_of(row: RowMapping) -> Incident:
    level = Level(row["level"])
    read = {
        "level": level,
        "title": title_of(level) if row["site"] == DRILL_SITE else row["title"],
        "state": IncidentState(row["state"]),
        "users_say": None if row["users_say"] is None else UsersSay(row["users_say"]),
    }
    return Incident(**(dict(row) | read))


def run_of(row: RowMapping) -> Run:
    values = {key: value for key, value in row.items() if key not in _NOT_OF_A_RUN}
    read = {
        "kind": RunKind(row["kind"]),
        "state": RunState(row["state"]),
        "arguments": dict(row["arguments"]),
        "plan": _plan_in(row),
        "stop_kind": None if row["stop_kind"] is None else StopKind(row["stop_kind"]),
        "offers": tuple(map(Offer, row["offers"] or ())),
        "missed": words_in(row["missed"]),
    }
    return Run(**(values | read))


def _plan_in(row: RowMapping) -> Plan | None:
    """Of what no drbot has written, such as a gate of one person, there is no plan: nothing can be done by it."""
    if row["plan"] is None:
        return None
    try:
        return Plan.model_validate(row["plan"])
    except ValidationError as error:
        log.error("The plan of a run cannot be read; somebody changed it.", run=row["id"], faults=error.error_count())
        return None


def step_of(row: RowMapping) -> StepRecord:
    read = {
        "state": StepState(row["state"]),
        "cause": None if row["cause"] is None else Cause(row["cause"]),
        "answers": words_in(row["answers"]),
        "settlement": None if row["settlement"] is None else Settlement(row["settlement"]),
        "leftover": None if row["leftover"] is None else Leftover(row["leftover"]),
    }
    return StepRecord(**(dict(row) | read))


def request_of(row: RowMapping) -> ApprovalRequest:
    values = {key: value for key, value in row.items() if key != "number"}
    lists = {"guards": words_in(row["guards"]), "requesters": words_in(row["requesters"])}
    return ApprovalRequest(**(values | lists | {"state": RequestState(row["state"])}))


def vote_of(row: RowMapping) -> Vote:
    values = {key: value for key, value in row.items() if key not in {"id", "request"}}
    read = {
        "entry_point": EntryPoint(row["entry_point"]),
        "attestation": attestation_of(row["attestation"]),
        "terminal": row["terminal"] or "",
    }
    return Vote(**(values | read))


def sources(moves: Mapping[State, Iterable[State]], target: State) -> list[str]:
    """The states from which the table of moves leads to `target`: for `WHERE state IN (…)`."""
    return [state.value for state, targets in moves.items() if target in targets]


def load_run(connection: Connection, run_id: str) -> Run:
    """The run. Raises UserError if there is none."""
    return _existing(connection.execute(select(runs).where(runs.c.id == run_id)), run_id)


def lock_run(tx: Transaction, run_id: str) -> Run:
    """The run, locked until the transaction ends: parking, voting and settling all pass through here."""
    query = select(runs).where(runs.c.id == run_id).with_for_update()
    return _existing(tx.connection.execute(query), run_id)


def _existing(result: Result[Any], run_id: str) -> Run:
    found = first(result, runs, run_of)
    if found is None:
        raise UserError(
            phrase("You asked for the run {run}.", run=run_id),
            phrase("There is no such run."),
            phrase("See: /dr status"),
        )
    return found


def fence(tx: Transaction, run: Run) -> None:
    """Lock the run's row. Raises FencedError unless this very claim still holds the run."""
    query = (
        select(runs.c.id)
        .where(runs.c.id == run.id, runs.c.epoch == run.epoch, runs.c.state == RunState.RUNNING.value)
        .with_for_update()
    )
    if tx.connection.execute(query).first() is None:
        raise FencedError(f"The run {run.id} is no longer ours (epoch {run.epoch}).")


def insert_or(tx: Transaction, table: Table, values: Mapping[str, Any], *, replace: bool) -> bool:
    """Insert the row; where its key is taken, replace it or leave it. Says whether anything was written."""
    dialect = sqlite if tx.connection.dialect.name == "sqlite" else postgresql
    keys = [column.name for column in table.primary_key]
    statement: Insert
    if replace:
        rest = {name: value for name, value in values.items() if name not in keys}
        statement = dialect.insert(table).values(**values).on_conflict_do_update(index_elements=keys, set_=rest)
    else:
        statement = dialect.insert(table).values(**values).on_conflict_do_nothing(index_elements=keys)
    # RETURNING, because psycopg forgets the count of an INSERT.
    return tx.connection.execute(statement.returning(*table.primary_key)).first() is not None
