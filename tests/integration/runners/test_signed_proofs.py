"""What a card says of a proof was signed by the worker that saw it: rows that tell of another one, or of one that never
was, say "Do not vote" and have no buttons.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from drbot.bot.blocks.approval_card import approval_card
from drbot.commands.facts.context import CommandContext, context_of
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.core.runs.run import Run, RunState
from drbot.core.site.configuration import Loaded
from drbot.store.base import schema
from drbot.store.base.doorbell import doorbell_of
from drbot.store.base.schema import requests, steps
from drbot.store.records import codes, incidents
from drbot.store.records.as_sealed import proof_statement, reads_as_sealed
from drbot.store.records.steps import of_run
from tests.integration.runners.worker_fixture import WorkerFixture

DO_NOT_VOTE = "Do not vote"
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def context(worker_fixture: WorkerFixture) -> CommandContext:
    """Of a bot that knows the worker's key."""
    with worker_fixture.database.write() as tx:
        codes.publish(tx, "production", worker_fixture.worker_context.key.public)
    loaded = Loaded(configuration=worker_fixture.worker_context.configuration)
    return context_of(worker_fixture.database, doorbell_of(None), loaded)


def seen(worker_fixture: WorkerFixture, run: Run) -> IncidentView:
    bot = context(worker_fixture)
    with worker_fixture.database.read() as connection:
        return view_of(connection, bot, incidents.get(connection, run.incident), datetime.now(UTC))


def proof_of(worker_fixture: WorkerFixture, run: Run) -> str:
    """The first step of the proof of what is asked."""
    assert run.plan is not None
    gate = run.plan.step(worker_fixture.request(run).gate).gate
    assert gate is not None
    return gate.proof[-1]


def require_no_buttons(view: IncidentView) -> None:
    assert DO_NOT_VOTE in str(approval_card(view, is_current=True))
    assert not {"approve", "deny"} & {action.verb for action in available_actions(view)}


def test_a_proof_that_the_worker_saw_is_on_the_card(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())

    view = seen(worker_fixture, run)

    assert run.state is RunState.WAITING and worker_fixture.request(run).proven_at is not None
    card = str(approval_card(view, is_current=True))
    assert "PROVEN: restored beside production" in card and DO_NOT_VOTE not in card


@pytest.mark.parametrize(
    "change",
    [
        {"facts": {"rows": {"authdb.users": 9_000_000}}},
        {"facts": {"notes": []}},
        {"facts": {"own_checks": 7}},
        {"finished_at": LATER},
        {"state": "skipped"},
    ],
    ids=["rows", "notes", "own checks", "when", "state"],
)
def test_a_row_that_tells_the_proof_otherwise_is_not_voted_on(
    worker_fixture: WorkerFixture, change: Mapping[str, Any]
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    step = proof_of(worker_fixture, run)
    with worker_fixture.database.write() as tx:
        before = tx.connection.execute(select(steps.c.facts).where(steps.c.run == run.id, steps.c.id == step))
        values = dict(change) | ({"facts": {**before.scalar_one(), **change["facts"]}} if "facts" in change else {})
        if values.get("facts", {}).get("notes") == []:
            values["facts"]["notes"] = ["The database auth holds no row in this backup."]
        tx.connection.execute(update(steps).where(steps.c.run == run.id, steps.c.id == step).values(**values))

    view = seen(worker_fixture, run)

    require_no_buttons(view)
    with worker_fixture.database.read() as connection:
        key = worker_fixture.worker_context.key.public
        assert not reads_as_sealed(connection, worker_fixture.request(run), key)


def test_a_proof_that_never_was_is_not_called_proven(worker_fixture: WorkerFixture) -> None:
    """Two columns: the step has succeeded, and when."""
    run = worker_fixture.go(worker_fixture.declare())
    step = proof_of(worker_fixture, run)
    with worker_fixture.database.write() as tx:
        undone: dict[str, Any] = {"state": "pending", "facts": {}, "finished_at": None}
        tx.connection.execute(update(steps).where(steps.c.run == run.id, steps.c.id == step).values(**undone))
        tx.connection.execute(update(requests).values(proven_at=None, proof_signature=None))
    forged = {"state": "succeeded", "finished_at": datetime.now(UTC)}

    with worker_fixture.database.write() as tx:
        tx.connection.execute(update(steps).where(steps.c.run == run.id, steps.c.id == step).values(**forged))
        tx.connection.execute(update(schema.requests).values(proven_at=tx.now))

    require_no_buttons(seen(worker_fixture, run))


def test_a_signature_under_another_request_is_none(worker_fixture: WorkerFixture) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    signature = worker_fixture.request(first).proof_signature
    worker_fixture.stop(first)
    worker_fixture.worker().handle(first.id)
    run = worker_fixture.go(worker_fixture.declare())

    with worker_fixture.database.write() as tx:
        tx.connection.execute(update(requests).where(requests.c.run == run.id).values(proof_signature=signature))

    require_no_buttons(seen(worker_fixture, run))


@pytest.mark.parametrize("name", ["id", "gate", "run", "seal"])
def test_the_signature_says_which_request_gate_run_and_plan_it_is_about(
    worker_fixture: WorkerFixture, name: str
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    request, proof = worker_fixture.request(run), (proof_of(worker_fixture, run),)
    with worker_fixture.database.read() as connection:
        records = of_run(connection, run.id)

    changes: dict[str, Any] = {name: "another"}
    another = replace(request, **changes)

    assert proof_statement(request, proof, records) != proof_statement(another, proof, records)
