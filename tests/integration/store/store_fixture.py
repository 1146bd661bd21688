"""What the tests of the store act on: an incident, a claimed run with a plan, a request, people."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from drbot.core.approvals.approval import ApprovalRequest, Ballot, Decision, EntryPoint
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan, question_of, seal_of
from drbot.core.runs.run import Run, RunKind
from drbot.core.site.level import Level
from drbot.core.site.people import Person, Roster
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import incidents, requests
from drbot.store.runs import runs
from tests.waiting import PATIENCE

Answer = TypeVar("Answer")


class ClockedDatabase(Database):
    """One whose clock the test sets."""

    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def now(self, connection: Connection) -> datetime:
        """As the test says."""
        return self.moment


ROSTER = Roster(
    people={
        name: Person(id=name, name=name.title(), roles=frozenset({"approver"}))
        for name in ("aiko", "ben", "chika", "daiki")
    }
)


def step(name: str, **fields: Any) -> Step:
    """A step of a plan with what every step needs."""
    return Step.model_validate({"id": name, "title": {"en": name}, "limits": {"time": "1h"}} | fields)


STEPS = (
    step(
        "copy",
        do="postgres.restore_beside",
        effect="change",
        again="look_first",
        if_fails="ask",
        undo={"do": "volume.remove"},
        check=[{"probe": "postgres.beside_rows"}],
    ),
    step("look", do="evidence.collect", again="safe", after=[]),
    step("approval", gate={"for": ["swap"], "proof": ["copy"]}, after=[]),
    step("swap", do="volume.swap", effect="destroy", again="safe", undo={"do": "volume.swap_back"}),
    step("confirm", ask={"text": {"en": "Can you sign in?"}}),
)


def queued(database: Database) -> Run:
    """A new incident with its run."""
    with database.write() as tx:
        incident = incidents.declare(
            tx, site="production", level=Level.DATABASE, title="PostgreSQL corrupted", person="aiko"
        )
        return runs.queue(
            tx,
            incident=incident.id,
            site="production",
            kind=RunKind.RECOVER,
            runbook="level2-postgres",
            arguments={"backup": "newest"},
            person="aiko",
        )


def claimed(database: Database, run_id: str, *, owner: str = "worker", lease_seconds: float = 60) -> Run:
    """The run, claimed; fails the test if somebody else has it."""
    with database.write() as tx:
        run = runs.claim(tx, run_id, owner, lease_seconds)
    assert run is not None
    return run


def plan_of(run: Run, steps: Sequence[Step] = STEPS) -> Plan:
    """A plan with these steps."""
    return Plan(
        runbook=run.runbook,
        runbook_sha256="0" * 64,
        level=2,
        site="production",
        run=run.id,
        steps=tuple(steps),
        fingerprint={"system_identifier": "unreadable"},
        target="production",
        requesters=("aiko",),
        headline={"en": "Restore", "ja": "復元"},
        surveyed_at=datetime.now(UTC),
    )


def running(database: Database, *, lease_seconds: float = 60) -> Run:
    """A claimed run with its plan."""
    run = claimed(database, queued(database).id, lease_seconds=lease_seconds)
    with database.write() as tx:
        return runs.planned(tx, run, plan_of(run))


def opened(database: Database, run: Run, *, vote_seconds: float = 600, start_seconds: float = 600) -> ApprovalRequest:
    """An open request for the swap, asked for by Aiko."""
    assert run.plan is not None
    with database.write() as tx:
        return requests.open(
            tx,
            run,
            gate="approval",
            guards=("swap",),
            seal=seal_of(run.plan),
            question=question_of(run.plan),
            target="production",
            people=2,
            requesters=("aiko",),
            requester_counts=False,
            vote_seconds=vote_seconds,
            start_seconds=start_seconds,
        )


def vote(
    database: Database, request: ApprovalRequest, person: str, decision: str = "approve", *, slow_seconds: float = 0
) -> Decision:
    """A vote from a terminal whose clock is `slow_seconds` behind, in a transaction of its own."""
    ballot = Ballot(
        person=person,
        account=None,
        decision=decision,
        reason="Looked at the plan.",
        seal=request.seal,
        target=request.target,
        entry_point=EntryPoint.TERMINAL,
        at=datetime.now(UTC) - timedelta(seconds=slow_seconds),
    )
    with database.write() as tx:
        return requests.cast(tx, request.id, ballot, ROSTER)


def granted(database: Database, run: Run, *, start_seconds: float = 600) -> ApprovalRequest:
    """A request that two approved and that is proven."""
    request = opened(database, run, start_seconds=start_seconds)
    vote(database, request, "ben")
    vote(database, request, "chika")
    with database.write() as tx:
        return requests.prove(tx, request.id)


def kinds(database: Database) -> list[str]:
    """The names of everything that happened."""
    with database.read() as connection:
        return [event.kind.value for event in ledger.after(connection, 0, limit=10_000)]


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """The answers of all calls, made at the same moment in threads of their own."""
    barrier = threading.Barrier(len(calls))

    def call(function: Callable[[], Answer]) -> Answer:
        barrier.wait(PATIENCE)
        return function()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(call, function) for function in calls]]
