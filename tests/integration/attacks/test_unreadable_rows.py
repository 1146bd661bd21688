"""Somebody writes into a row what drbot never writes: what needs that row says so, and everything else goes on."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from drbot.bot.scheduled.ticker import Ticker
from drbot.commands.facts.faults import LEFT_OUT, faults_of
from drbot.commands.verb.readiness import UNREAD, everything
from drbot.commands.views.incident_view import views_of
from drbot.core.approvals.approval import Ballot, EntryPoint
from drbot.core.base.cron import Calendar
from drbot.core.base.errors import UnreadableError
from drbot.core.ledger.events import EventKind
from drbot.core.site.level import Level
from drbot.core.site.readiness import good
from drbot.store.base import ledger, reading
from drbot.store.base.database import Database
from drbot.store.records import incidents, readiness, requests, routines, schedules, surfaces
from tests.integration.commands.conftest import template as template
from tests.integration.commands.conftest import verb_fixture as verb_fixture
from tests.integration.commands.verb_fixture import VerbFixture

NO_TEXT, FAR = b"\xff\xfe", "9999-12-31 23:59:59.999999"
BYTES, DEEP = bytearray(NO_TEXT), "[" * 100_000
FAULTS: tuple[tuple[str, str, Any], ...] = (
    ("incidents", "declared_at", "garbage"),
    ("incidents", "started_at", FAR),
    ("incidents", "level", "two"),
    ("incidents", "title", NO_TEXT),
    ("incidents", "title", BYTES),
    ("incidents", "summary", BYTES),
    ("incidents", "rto_seconds", "garbage"),
    ("incidents", "rto_seconds", 1e999),
    ("runs", "kind", "garbage"),
    ("runs", "arguments", "7"),
    ("runs", "arguments", DEEP),
    ("runs", "plan", "{"),
    ("runs", "created_at", 1 << 62),
    ("steps", "state", "garbage"),
    ("steps", "facts", "{"),
    ("steps", "log", BYTES),
    ("requests", "guards", "7"),
    ("requests", "expires_at", FAR),
    ("votes", "entry_point", "garbage"),
    ("requests", "question", BYTES),
    ("votes", "attestation", "{"),
    ("votes", "reason", BYTES),
    ("events", "payload", "{"),
    ("events", "payload", DEEP),
    ("events", "person", BYTES),
    ("events", "kind", NO_TEXT),
    ("events", "at", "garbage"),
)


@pytest.fixture(autouse=True)
def _nothing_is_left_out() -> None:
    """Before, and for whatever this process does next."""
    reading.left_out.cache_clear()


@pytest.fixture
def two(verb_fixture: VerbFixture) -> VerbFixture:
    """DR-1, which waits for a second vote, and DR-2."""
    run, request = verb_fixture.asked()
    assert run.incident == 1
    ballot = Ballot(
        person="ben", account=None, decision="approve", reason="I looked at it.", seal=request.seal,
        target=request.target, entry_point=EntryPoint.TERMINAL, at=datetime.now(UTC),
    )  # fmt: skip
    with verb_fixture.database.write() as tx:
        assert requests.cast(tx, request.id, ballot, verb_fixture.context.roster).counted
        incidents.declare(
            tx, site="production", level=Level(1), title="Sign-in is slow", person="aiko", started_at=tx.now
        )
    return verb_fixture


def write(folder: Path, table: str, column: str, value: Any) -> None:
    """Into rows of DR-1, as whoever may write every row does."""
    said = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
    connection = sqlite3.connect(folder / "state.db")
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(
        f"UPDATE {table} SET {column} = {said} WHERE rowid IN (SELECT min(rowid) FROM {table})", (value,)
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize(("table", "column", "value"), FAULTS)
def test_a_row_that_nobody_can_read_ends_nothing_of_another_incident(
    two: VerbFixture, tmp_path: Path, table: str, column: str, value: Any
) -> None:
    write(tmp_path, table, column, value)

    for verb in ("list", "status DR-2", "report DR-2", "timeline DR-2", "kept", "drills", "alerts", "roster", "menu"):
        reply = two.say("aiko", verb)
        assert reply.ok or verb == "roster", (verb, reply.text)
    assert "DR-2" in str(two.say("aiko", "list").tables)
    with two.database.read() as connection:
        found = incidents.recent(connection, open_only=True)
        assert 2 in [view.incident.id for view in views_of(connection, two.context, found, datetime.now(UTC))]
    with capture_logs() as said:
        Ticker(two.context).tick()
    assert not [one for one in said if one.get("exc_info")], said


@pytest.mark.parametrize("end", ["garbage", 1e999])
def test_a_ledger_whose_end_cannot_be_read_is_broken_and_no_more(two: VerbFixture, tmp_path: Path, end: Any) -> None:
    """Gates are closed, and nothing can be recorded; what only reads goes on."""
    write(tmp_path, "head", "seq", end)

    assert "DR-2" in str(two.say("aiko", "list").tables)
    with two.database.read() as connection:
        assert "The end of the ledger cannot be read" in str(ledger.verify(connection))
    refused = two.say("aiko", "update DR-2 hello")
    assert (refused.ok, "drbot bootstrap" in refused.text) == (False, True), refused.text


def test_the_only_incident_that_can_be_read_is_not_the_one_that_is_meant(two: VerbFixture, tmp_path: Path) -> None:
    write(tmp_path, "incidents", "declared_at", "garbage")

    reply = two.say("aiko", "resolve")

    assert (reply.ok, "cannot be read" in reply.text) == (False, True), reply.text
    assert LEFT_OUT not in reply.text
    two.say("aiko", "list")
    assert LEFT_OUT in faults_of(two.context)


def test_a_vote_that_cannot_be_read_is_no_vote_less(two: VerbFixture, tmp_path: Path) -> None:
    """A no that is left out would be a yes."""
    write(tmp_path, "votes", "decision", "deny")
    write(tmp_path, "votes", "at", "garbage")

    with two.database.read() as connection, pytest.raises(UnreadableError, match="votes"):
        requests.votes(connection, two.requests(two.runs()[0])[0].id)


def test_what_was_seen_and_cannot_be_read_is_red(two: VerbFixture, tmp_path: Path) -> None:
    with two.database.write() as tx:
        readiness.saw(tx, "production", [good("clock", "as ours")])
    write(tmp_path, "readiness", "colour", "garbage")

    assert UNREAD in [one.line.reason for one in everything(two.context, datetime.now(UTC))]


def test_a_routine_that_cannot_be_read_is_planned_anew(two: VerbFixture, tmp_path: Path) -> None:
    calendar = Calendar(expression="0 3 * * *", time_zone="UTC")
    with two.database.write() as tx:
        routines.plan(tx, "backup", calendar)
    write(tmp_path, "routines", "next_at", "garbage")

    with two.database.write() as tx:
        routines.plan(tx, "backup", calendar)
        planned = routines.get(tx.connection, "backup")

    assert planned is not None and planned.calendar == calendar


def test_a_row_that_is_gone_keeps_nothing_else_from_becoming_due(two: VerbFixture, tmp_path: Path) -> None:
    """What is due follows from the ledger, event by event, and one of them is about that row."""
    write(tmp_path, "requests", "id", "another")

    with capture_logs():
        Ticker(two.context).tick()

    with two.database.read() as connection:
        assert "status/2" in [one.key for one in schedules.of_kind(connection, "status")]


def test_no_acceptance_of_a_roster_is_left_out(two: VerbFixture, tmp_path: Path) -> None:
    """An older one would be in force."""
    write(tmp_path, "events", "payload", "{")

    with two.database.read() as connection, pytest.raises(UnreadableError, match="events"):
        ledger.of_kinds(connection, [*EventKind])


@pytest.mark.parametrize("seq", ["garbage", 1e999])
def test_where_a_feed_had_come_to_and_nobody_can_read_is_its_beginning(
    two: VerbFixture, tmp_path: Path, seq: Any
) -> None:
    """What was shown is known by its key; a feed that cannot begin would keep all others back."""
    with two.database.write() as tx:
        surfaces.advance(tx, "publisher-1", 3)
    write(tmp_path, "cursors", "seq", seq)

    with two.database.write() as tx:
        assert surfaces.cursor(tx.connection, "publisher-1") == 0
        surfaces.advance(tx, "publisher-1", 4)
        assert surfaces.cursor(tx.connection, "publisher-1") == 4


@pytest.mark.parametrize("end", ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
def test_a_time_without_an_end_in_postgresql_is_of_its_own_row_alone(fresh_postgres_url: str, end: str) -> None:
    with closing(Database(fresh_postgres_url)) as database:
        database.migrate()
        with database.write() as tx:
            for title in ("Sign-in is slow", "Nothing works"):
                incidents.declare(tx, site="production", level=Level(1), title=title, person="aiko", started_at=tx.now)
        with psycopg.connect(fresh_postgres_url, autocommit=True) as connection:
            connection.execute("UPDATE incidents SET declared_at = %s WHERE id = 1", (end,))

        with database.read() as read:
            assert [one.id for one in incidents.recent(read, open_only=True)] == [2]
