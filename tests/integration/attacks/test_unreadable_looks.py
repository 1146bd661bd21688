"""The same of what drbot has looked at, and of who does what: one row that nobody can read ends nothing else."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from structlog.testing import capture_logs

from drbot.bot.scheduled.ticker import Ticker
from drbot.bot.slack_api import signed_values
from drbot.commands.facts.unheard import untold
from drbot.core.base.errors import UnreadableError
from drbot.core.site.alerts import Alert
from drbot.core.site.confirmations import Subject
from drbot.runners.upkeep.readiness_keeper import Looking
from drbot.store.base import keys, reading
from drbot.store.base.column_types import metadata
from drbot.store.records import alerts, confirmations, figures, schedules, surfaces, surveys
from drbot.store.records.schedules import Schedule
from tests.integration.attacks.test_unreadable_rows import BYTES, DEEP, FAR, write
from tests.integration.commands.conftest import template as template
from tests.integration.commands.conftest import verb_fixture as verb_fixture
from tests.integration.commands.verb_fixture import VerbFixture

NOW = datetime.now(UTC)
ROWS: Mapping[str, Mapping[str, Any]] = {
    "led_names": {"name": "api.example.com", "addresses": ["192.0.2.1"], "told": None, "seen_at": NOW},
    "machines": {
        "key": "ec2/production/i-1", "machine": "i-1", "by": "ec2", "site": "production", "incident": 1, "type": "t3",
        "region": "eu", "addresses": ["192.0.2.1"], "state": "running", "since": NOW, "seen_at": NOW,
    },
    "backups": {
        "source": "production", "kind": "dump", "name": "all_databases_20261126_020000.sql.gz", "place": "here",
        "is_off_site": False, "moment": NOW, "size": 5, "fault": "", "mark": "m", "seen_at": NOW,
    },
    "confirmations": {"subject": next(iter(Subject)).value, "person": "aiko", "at": NOW},
    "leaders": {"name": surfaces.PUBLISHER, "owner": "another", "until": NOW - timedelta(hours=1)},
    "surveys": {
        "site": "production", "lost": "production", "runbook": "recover-data", "arguments": {}, "person": "aiko",
        "asked_at": NOW,
    },
}  # fmt: skip
FAULTS = (
    ("led_names", "seen_at", "garbage"),
    ("led_names", "addresses", DEEP),
    ("led_names", "addresses", "[[1]]"),
    ("machines", "addresses", "[[1]]"),
    ("backups", "place", BYTES),
    ("backups", "seen_at", "garbage"),
    ("leaders", "until", "garbage"),
    ("events", "at", 7),
)


@pytest.fixture(autouse=True)
def _nothing_is_left_out() -> None:
    reading.left_out.cache_clear()


@pytest.fixture
def filled(verb_fixture: VerbFixture) -> VerbFixture:
    verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        for table, values in ROWS.items():
            tx.connection.execute(insert(metadata.tables[table]).values(**values))
    return verb_fixture


def took(filled: VerbFixture, *starts_at: datetime) -> list[list[str]]:
    """Alerts that are heard now, and the names in what people are to be shown."""
    came = [Alert(fingerprint=f"{one}", name=f"Down {one:%H:%M}", labels={}, summary="", starts_at=one)
            for one in starts_at]  # fmt: skip
    with filled.database.write() as tx:
        alerts.take(tx, "key", came)
        alerts.list_of(tx.connection)
        return [sorted(one.name for one in group.firing) for group in alerts.unshown(tx.connection)]


@pytest.mark.parametrize(("table", "column", "value"), FAULTS)
def test_a_row_of_what_was_seen_ends_no_command(
    filled: VerbFixture, tmp_path: Path, table: str, column: str, value: Any
) -> None:
    write(tmp_path, table, column, value)

    for verb in ("list", "status DR-1", "report DR-1", "kept", "backups", "readiness", "menu", "update DR-1 hello"):
        reply = filled.say("aiko", verb)
        assert reply.ok or verb == "backups", (verb, reply.text)
    with filled.database.read() as connection:
        figures.figures(connection, surfaces.PUBLISHER)


@pytest.mark.parametrize(("column", "value"), [("at", "garbage"), ("at", FAR), ("subject", "garbage")])
def test_what_somebody_has_confirmed_keeps_no_worker_from_looking(
    filled: VerbFixture, tmp_path: Path, column: str, value: Any
) -> None:
    write(tmp_path, "confirmations", column, value)
    looked: list[int] = []
    looking = Looking(database=filled.database, look=lambda: looked.append(1))

    looking.look_if_due()
    looking.look_if_due()

    assert looked == [1]
    with filled.database.read() as connection:
        assert len(confirmations.list_of(connection)) <= 1


@pytest.mark.parametrize("until", ["garbage", FAR, BYTES])
def test_nobody_leads_for_ever(filled: VerbFixture, tmp_path: Path, until: Any) -> None:
    write(tmp_path, "leaders", "until", until)

    with filled.database.read() as connection:
        assert untold(connection, datetime.now(UTC)), "people are said to be told"
    with filled.database.write() as tx:
        assert surfaces.lead(tx, surfaces.PUBLISHER, "me", 6.0)


@pytest.mark.parametrize("column", ["arguments", "plan", "timeline"])
def test_one_survey_keeps_no_other_from_being_asked(filled: VerbFixture, tmp_path: Path, column: str) -> None:
    write(tmp_path, "surveys", column, DEEP)

    with filled.database.write() as tx:
        mine = surveys.ask(tx, site="production", lost="production", runbook="recover-host", arguments={}, person="ben")
        assert [one.id for one in surveys.waiting(tx.connection, "production", tx.now)] == [mine.id]


@pytest.mark.parametrize(
    "rotten",
    [
        {"minutes": {"2026-12-01T02:00:00Z": -3}},
        {"minutes": {"2026-12-01T02:00:00": 3}},
        {"minutes": {"2026-12-01T02:00:00Z": 10**400}},
        {"since": "2026-12-01T02:00:00"},
    ],
)
def test_a_timeline_that_no_worker_has_answered_is_not_drawn(filled: VerbFixture, rotten: dict[str, Any]) -> None:
    hour = {"since": "2026-12-01T02:00:00Z", "until": "2026-12-01T03:00:00Z"}
    with filled.database.write() as tx:
        tx.connection.execute(update(metadata.tables["surveys"]).values(timeline=hour | rotten))

    with filled.database.write() as tx, pytest.raises(UnreadableError):
        surveys.get(tx.connection, 1)


@pytest.mark.parametrize("secret", ["", "garbage", "é" * 44, "A" * 44 + "A" * 44, BYTES])
def test_another_key_of_buttons_is_made_where_somebody_has_spoilt_it(
    filled: VerbFixture, tmp_path: Path, secret: str | bytes
) -> None:
    with filled.database.write() as tx:
        keys.find_or_make(tx, signed_values.KEY)
    write(tmp_path, "keys", "secret", secret)

    ours = signed_values.signed_values_of(filled.database)

    assert ours.read(ours.token({"request": "r1"}, "do"), "do") == {"request": "r1"}
    assert signed_values.signed_values_of(filled.database).read(ours.token({}, "do"), "do") == {}


@pytest.mark.parametrize("every", [0, -1, 1e-300, 1e14])
def test_what_comes_back_too_often_keeps_nothing_else_from_its_turn(
    filled: VerbFixture, tmp_path: Path, every: float
) -> None:
    with filled.database.write() as tx:
        for key in ("a", "b"):
            due = Schedule(key=key, kind="status", incident=1, next_at=tx.now - timedelta(hours=1), every_seconds=60)
            schedules.put(tx, due)
    connection = sqlite3.connect(tmp_path / "state.db")
    connection.execute("UPDATE schedules SET every_seconds = ?, next_at = '2026-01-01' WHERE key = 'a'", (every,))
    connection.commit()
    connection.close()

    with capture_logs() as said:
        Ticker(filled.context).tick()

    assert not [one for one in said if one.get("exc_info")], said
    with filled.database.read() as read:
        assert "b" not in [one.key for one in schedules.due(read, datetime.now(UTC))]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("alert_groups", "answer", "garbage"),
        ("alert_groups", "opened_at", "garbage"),
        ("alert_groups", "rings", 1e999),
        ("alerts", "labels", "7"),
        ("alerts", "name", BYTES),
        ("alerts", "group_id", 7),
    ],
)
def test_an_alert_that_nobody_can_read_is_shown_when_it_is_heard_again(
    filled: VerbFixture, tmp_path: Path, table: str, column: str, value: Any
) -> None:
    first, second = NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)
    took(filled, first)
    write(tmp_path, table, column, value)

    shown = took(filled, first, second)

    assert sorted(name for names in shown for name in names) == [f"Down {first:%H:%M}", f"Down {second:%H:%M}"]
    assert filled.say("aiko", "alerts").ok
