"""What becomes due: reminders, expiry, status posts, unanswered questions. The ticker is called, nobody waits."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.bot.scheduled.ticker import Ticker
from drbot.commands.facts.context import CommandContext, context_of
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.core.site.configuration import Loaded
from drbot.store.base import ledger, waking
from drbot.store.base.database import Database
from drbot.store.base.schema import requests as requests_table
from drbot.store.base.schema import runs as runs_table
from drbot.store.base.schema import schedules as schedules_table
from drbot.store.records import incidents, kept, requests, schedules
from drbot.store.runs import runs
from tests.integration.bot.conftest import configuration
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened, queued


class Bell:
    """Remembers who was rung for."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, site: str, run_id: str) -> None:
        self.rung.append(run_id)

    def listen(self, site: str, handler: object, threads: int = 2) -> None:
        """Nobody listens."""

    def stop(self) -> None:
        """Nothing to stop."""


@pytest.fixture
def context(tmp_path: Path) -> CommandContext:
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    return context_of(database, Bell(), Loaded(configuration=configuration(tmp_path)))


TIMES = ((schedules_table, ("next_at",)), (requests_table, ("expires_at",)), (runs_table, ("queued_at",)))


def kinds(context: CommandContext) -> list[EventKind]:
    with context.database.read() as connection:
        return [event.kind for event in ledger.after(connection, 0, limit=1000)]


def let_pass(context: CommandContext, seconds: float) -> None:
    """As if so much time had passed: what is due becomes due that much earlier."""
    earlier = timedelta(seconds=seconds)
    with context.database.write() as tx:
        for table, columns in TIMES:
            for row in tx.connection.execute(table.select()).mappings().all():
                key = next(iter(table.primary_key))
                values = {name: row[name] - earlier for name in columns if row[name] is not None}
                tx.connection.execute(update(table).where(key == row[key.name]).values(**values))


def incident_of(context: CommandContext) -> Incident:
    run = queued(context.database)
    with context.database.read() as connection:
        return incidents.get(connection, run.incident)


def test_approvers_are_reminded_twice_and_then_the_request_expires(context: CommandContext) -> None:
    request = opened(context.database, planned(context.database, incident_of(context)), vote_seconds=600)
    tickers = [Ticker(context), Ticker(context)]

    for seconds in (0, 301, 200, 150):
        let_pass(context, seconds)
        for ticker in tickers:
            ticker.tick()

    assert kinds(context).count(EventKind.REQUEST_REMINDED) == 2
    assert kinds(context).count(EventKind.REQUEST_EXPIRED) == 1
    with context.database.read() as connection:
        assert requests.get(connection, request.id).state is RequestState.EXPIRED


def test_stakeholders_hear_by_the_cadence_of_the_level_in_every_state_until_it_is_resolved(
    context: CommandContext,
) -> None:
    incident = incident_of(context)
    tickers = [Ticker(context), Ticker(context)]

    for seconds in (0, 1801, 1801):
        let_pass(context, seconds)
        for ticker in tickers:
            ticker.tick()
    assert kinds(context).count(EventKind.STATUS_DUE) == 2

    with context.database.write() as tx:
        incidents.recovered(tx, incident.id, run="r", rto_seconds=1, rpo_seconds=1, outage_seconds=1)
    let_pass(context, 1801)
    tickers[0].tick()
    assert kinds(context).count(EventKind.STATUS_DUE) == 3

    with context.database.write() as tx:
        incidents.resolve(tx, incident.id, "aiko", "restored")
    let_pass(context, 1801)
    tickers[0].tick()
    assert kinds(context).count(EventKind.STATUS_DUE) == 3


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED])
def test_the_next_update_comes_also_while_a_run_waits_for_a_person(context: CommandContext, state: RunState) -> None:
    run = planned(context.database, incident_of(context))
    with context.database.write() as tx:
        assert runs.park(tx, run, state, seen_wakes=waking.wakes(tx.connection, run.id))
    ticker = Ticker(context)
    ticker.tick()

    let_pass(context, 1801)
    ticker.tick()

    assert kinds(context).count(EventKind.STATUS_DUE) == 1


def test_a_run_that_nobody_picks_up_is_rung_again_but_not_every_second(context: CommandContext) -> None:
    run = queued(context.database)
    ticker = Ticker(context)
    ticker.tick()
    assert context.doorbell.rung == []  # type: ignore[attr-defined]

    let_pass(context, 31)
    ticker.tick()
    ticker.tick()

    assert context.doorbell.rung == [run.id]  # type: ignore[attr-defined]


def test_a_dead_workers_run_goes_back_into_the_queue_and_is_rung_for(context: CommandContext) -> None:
    run = queued(context.database)
    with context.database.write() as tx:
        runs.claim(tx, run.id, "worker", -1)

    Ticker(context).tick()

    with context.database.read() as connection:
        assert runs.get(connection, run.id).state is RunState.QUEUED
    assert context.doorbell.rung == [run.id]  # type: ignore[attr-defined]


def keep(context: CommandContext, incident: int) -> kept.Kept:
    with context.database.write() as tx:
        row = kept.Kept(
            site="production",
            incident=incident,
            run="r1",
            volume="data_before_r1",
            original="data",
            size_bytes=5_000_000,
            created_at=tx.now,
        )
        return kept.add(tx, row)


def test_kept_data_is_asked_about_after_three_days_also_of_a_resolved_incident_until_it_is_gone(
    context: CommandContext,
) -> None:
    incident = incident_of(context)
    one = keep(context, incident.id)
    tickers = [Ticker(context), Ticker(context)]

    def hours_later(hours: float) -> int:
        let_pass(context, hours * 3600)
        for ticker in tickers:
            ticker.tick()
        return kinds(context).count(EventKind.KEPT_ASKED)

    tickers[0].tick()
    with context.database.write() as tx:
        incidents.resolve(tx, incident.id, "aiko", "restored")
        schedules.drop(tx, incident.id)
    assert hours_later(71) == 0
    assert hours_later(1.1) == 1
    assert hours_later(7 * 24) == 2

    with context.database.write() as tx:
        kept.moved(tx, one.id, "given up")
    assert hours_later(7 * 24) == 2
    assert hours_later(7 * 24) == 2
