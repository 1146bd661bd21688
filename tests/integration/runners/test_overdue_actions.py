"""What was to be done after a drill is amber in readiness once its day is over, with who was to do it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from drbot.core.runs.action_item import ActionItem
from drbot.core.site.level import Level
from drbot.core.site.people import Person, Roster
from drbot.core.site.readiness import Colour, Line
from drbot.runners.upkeep.action_readiness import action_lines
from drbot.store.base.database import Database
from drbot.store.records import action_items, incidents
from tests.integration.runners.worker_fixture import worker_fixture_in

DUE = date(2026, 12, 15)
ROSTER = Roster(people={"ben": Person(id="ben", name="Ben", roles=frozenset())})
LATE_THAT_DAY = datetime(2026, 12, 15, 16, 30, tzinfo=UTC)  # in Tokyo it is the next day


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = worker_fixture_in(tmp_path).database
    with database.write() as tx:
        incidents.declare(tx, site="drill", level=Level.DATABASE, title="x", person="ben", service=None)
    yield database
    database.close()


def kept(database: Database) -> ActionItem:
    with database.write() as tx:
        return action_items.add(tx, 1, text="shrink the backup", owner="ben", due=DUE, person="ben")


def lines(database: Database, folder: Path, now: datetime, time_zone: str = "UTC") -> list[Line]:
    configuration = worker_fixture_in(folder).worker_context.configuration
    there = configuration.model_copy(update={"time_zone": time_zone})
    with database.read() as connection:
        return list(action_lines(connection, there, ROSTER, now))


def test_a_day_that_is_over_where_the_system_is_makes_it_amber(database: Database, tmp_path: Path) -> None:
    kept(database)

    (line,) = lines(database, tmp_path / "there", LATE_THAT_DAY, "Asia/Tokyo")

    assert (line.what, line.colour) == ("action item 1 of DRILL-1", Colour.AMBER)
    assert line.reason == "Ben was to do it by 2026-12-15: shrink the backup"
    assert line.remedy == "Ben does it, then types /dr action DRILL-1 done 1"


def test_until_then_they_are_counted_and_what_is_done_is_no_line(database: Database, tmp_path: Path) -> None:
    assert lines(database, tmp_path / "none", LATE_THAT_DAY) == []
    item = kept(database)
    (line,) = lines(database, tmp_path / "open", LATE_THAT_DAY)
    assert (line.colour, line.reason) == (Colour.GREEN, "1 open, none overdue")

    with database.write() as tx:
        action_items.done(tx, item, "ben")

    assert lines(database, tmp_path / "done", datetime(2027, 1, 1, tzinfo=UTC)) == []
