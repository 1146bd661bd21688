"""What stands around the runs: schedules, surfaces and leaders, site locks, kept data."""

from datetime import timedelta

import pytest

from drbot.core.base.errors import UserError
from drbot.core.runs.run import RunState
from drbot.store.base.database import Database
from drbot.store.records import kept, locks, schedules, surfaces
from drbot.store.runs import runs
from tests.integration.store import store_fixture


def put(database: Database, *, every_seconds: float | None, late_seconds: float = 1) -> schedules.Schedule:
    with database.write() as tx:
        schedule = schedules.Schedule(
            key="status-1",
            kind="status",
            incident=1,
            next_at=tx.now - timedelta(seconds=late_seconds),
            every_seconds=every_seconds,
        )
        schedules.put(tx, schedule)
    return schedule


@pytest.mark.parametrize("every_seconds", [None, 1800.0])
def test_what_is_due_fires_for_one_of_two_bots(database: Database, every_seconds: float | None) -> None:
    schedule = put(database, every_seconds=every_seconds)

    def take() -> bool:
        with database.write() as tx:
            return schedules.take(tx, schedule)

    assert sorted(store_fixture.at_once(take, take)) == [False, True]


def test_times_that_were_missed_fire_once(database: Database) -> None:
    schedule = put(database, every_seconds=60, late_seconds=600)

    with database.write() as tx:
        assert schedules.due(tx.connection, tx.now) == [schedule]
        assert schedules.take(tx, schedule)
        assert schedules.due(tx.connection, tx.now) == []
        after = schedules.due(tx.connection, tx.now + timedelta(seconds=60))

    assert [(item.next_at - schedule.next_at).total_seconds() % 60 for item in after] == [0]


def test_a_schedule_is_replaced_by_its_key_and_dropped_with_its_incident(database: Database) -> None:
    put(database, every_seconds=None)
    newest = put(database, every_seconds=60)

    with database.write() as tx:
        assert schedules.due(tx.connection, tx.now) == [newest]
        schedules.drop(tx, 1)
        assert schedules.due(tx.connection, tx.now) == []


def test_a_message_is_remembered_by_its_key(database: Database) -> None:
    with database.write() as tx:
        surfaces.put(tx, surfaces.Surface(incident=1, key="board", channel="C1", ts="1.0"))
        surfaces.put(tx, surfaces.Surface(incident=1, key="board", channel="C1", ts="2.0"))
        surfaces.advance(tx, "publisher", 7)
        surfaces.advance(tx, "publisher", 9)

    with database.read() as connection:
        assert [surface.ts for surface in surfaces.of_incident(connection, 1)] == ["2.0"]
        assert surfaces.get(connection, 1, "card") is None
        assert (surfaces.cursor(connection, "publisher"), surfaces.cursor(connection, "other")) == (9, 0)


def test_one_leads_until_its_time_is_over(database: Database) -> None:
    def lead(owner: str, seconds: float = 60) -> bool:
        with database.write() as tx:
            return surfaces.lead(tx, "publisher", owner, seconds)

    assert sorted(store_fixture.at_once(lambda: lead("first"), lambda: lead("second"))) == [False, True]
    leader, other = ("first", "second") if lead("first") else ("second", "first")
    assert lead(leader, -1)
    assert lead(other)
    assert not lead(leader)


def test_one_run_holds_a_site_and_a_run_that_is_over_holds_nothing(database: Database) -> None:
    first, second = store_fixture.running(database), store_fixture.running(database)

    def take(run_id: str) -> str | None:
        with database.write() as tx:
            return locks.take(tx, "production", run_id)

    assert (take(first.id), take(first.id), take(second.id)) == (None, None, first.id)
    with database.write() as tx:
        locks.release(tx, "production", second.id)
        assert locks.holder(tx.connection, "production") == first.id
        runs.finish(tx, first, RunState.FAILED, "It did not work.")
    assert take(second.id) is None
    with database.write() as tx:
        locks.release(tx, "production", second.id)
        assert locks.holder(tx.connection, "production") is None


def test_kept_data_is_listed_until_it_is_moved(database: Database) -> None:
    with database.write() as tx:
        old = kept.add(
            tx,
            kept.Kept(
                site="production",
                incident=1,
                run="r1",
                volume="postgres_data_before_r1",
                original="postgres_data",
                size_bytes=3 << 40,
                created_at=tx.now,
            ),
            from_step="swap",
        )

    with database.write() as tx:
        assert kept.list_of(tx.connection) == kept.list_of(tx.connection, "production") == [old]
        kept.moved(tx, old.id, "brought back by undo")
        assert kept.list_of(tx.connection, None) == []

    with pytest.raises(UserError, match="not there any more"), database.write() as tx:
        kept.moved(tx, old.id, "again")
    assert store_fixture.kinds(database) == ["kept.created", "incident.note"]
