"""Work that comes back by the calendar: each due time is done by one of however many look, and none is done twice
because a clock or the hour was changed.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.base.cron import Calendar
from drbot.store.base.database import Database
from drbot.store.records import routines
from drbot.store.records.routines import Routine
from tests.integration.store.store_fixture import ClockedDatabase, at_once

KEY, NOON = "drill.level2", ClockedDatabase.moment
EVERY_THREE_HOURS = Calendar(expression="30 */3 * * *", time_zone="Europe/Berlin")
NIGHTLY = Calendar(expression="30 2 * * *", time_zone="Europe/Berlin")
STEP = timedelta(minutes=15)


@pytest.fixture
def database(database_url: str) -> Iterator[ClockedDatabase]:
    database = ClockedDatabase(database_url)
    database.migrate()
    yield database
    database.close()


def look(database: Database, owner: str = "worker", calendar: Calendar = EVERY_THREE_HOURS) -> Routine | None:
    with database.write() as tx:
        routines.plan(tx, KEY, calendar)
        return routines.take(tx, KEY, owner)


def end(database: Database, taken: Routine, fault: str = "") -> None:
    with database.write() as tx:
        if fault:
            routines.failed(tx, taken, 1.0, fault)
        else:
            routines.done(tx, taken, 1.0)


def row(database: Database) -> Routine:
    with database.read() as connection:
        found = routines.get(connection, KEY)
    assert found is not None
    return found


def live(database: ClockedDatabase, until: datetime, calendar: Calendar = EVERY_THREE_HOURS) -> list[str]:
    """Two workers look every few minutes until then, and do what they get at once: what was done, and when."""
    done = []
    while database.moment < until:
        for owner in ("one", "two"):
            if taken := look(database, owner, calendar):
                done.append(f"{taken.due_at:%d %H:%M}")
                end(database, taken)
        database.moment += STEP
    return done


def test_a_day_of_two_workers_has_each_due_time_once(database: ClockedDatabase) -> None:
    done = live(database, NOON + timedelta(days=1))

    assert done == ["01 13:30", "01 16:30", "01 19:30", "01 22:30", "02 01:30", "02 04:30", "02 07:30", "02 10:30"]


@pytest.mark.parametrize(
    ("day", "calendar", "expected"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), NIGHTLY, ["29 01:00", "30 00:30"]),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), NIGHTLY, ["25 00:30", "26 01:30"]),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), EVERY_THREE_HOURS, ["24 22:30", *(f"25 {hour:02d}:30" for hour in
         range(2, 21, 3)), "25 23:30", *(f"26 {hour:02d}:30" for hour in range(2, 21, 3))]),
    ],
    ids=["an hour less", "an hour more", "every three hours"],
)  # fmt: skip
def test_a_night_on_which_clocks_are_changed_has_each_due_time_once(
    database: ClockedDatabase, day: datetime, calendar: Calendar, expected: list[str]
) -> None:
    database.moment = day

    assert live(database, day + timedelta(days=2), calendar) == expected


def test_of_workers_that_look_at_the_same_moment_one_gets_it(database: ClockedDatabase) -> None:
    look(database)
    database.moment = NOON + timedelta(hours=2)
    lookers: list[Callable[[], Routine | None]] = [
        lambda owner=str(number): look(database, owner) for number in range(4)  # type: ignore[misc]
    ]  # fmt: skip

    taken = [one for one in at_once(*lookers) if one is not None]

    assert len(taken) == 1
    assert row(database).taken_by == taken[0].taken_by
    end(database, taken[0])
    assert [one for one in at_once(*lookers) if one is not None] == []


def test_what_was_missed_while_nobody_looked_is_done_once(database: ClockedDatabase) -> None:
    look(database)
    database.moment = NOON + timedelta(days=1)

    assert live(database, NOON + timedelta(days=1, hours=2)) == ["01 13:30", "02 13:30"]


def test_a_clock_that_is_set_back_makes_none_double(database: ClockedDatabase) -> None:
    live(database, NOON + timedelta(hours=2))
    database.moment -= timedelta(hours=1)

    assert live(database, NOON + timedelta(hours=5)) == ["01 16:30"]


def test_a_clock_that_was_ahead_by_years_does_not_stop_it_for_years(database: ClockedDatabase) -> None:
    database.moment = NOON + timedelta(days=4000)
    live(database, database.moment + timedelta(hours=4))
    dead = look(database)
    database.moment += timedelta(hours=3)
    assert look(database, "dead") is not None and dead is None
    database.moment = NOON

    assert live(database, NOON + timedelta(hours=5)) == ["01 13:30", "01 16:30"]


def test_what_failed_is_tried_again_after_a_while_and_says_why(database: ClockedDatabase) -> None:
    look(database)
    database.moment = NOON + timedelta(minutes=90)
    taken = look(database)
    assert taken is not None
    end(database, taken, "the disk is full")

    assert (row(database).fault, row(database).succeeded_at) == ("the disk is full", None)
    assert look(database) is None
    database.moment += routines.AGAIN
    again = look(database)
    assert again is not None and (again.due_at, again.began_at) == (taken.due_at, taken.began_at)
    end(database, again)
    assert (row(database).fault, row(database).succeeded_at) == ("", database.moment)
    assert (row(database).done_at, row(database).seconds) == (taken.due_at, 1.0)
    database.moment += timedelta(hours=3)
    following = look(database)
    assert following is not None and following.began_at == database.moment


def test_what_a_dead_worker_left_is_a_failure_that_another_one_makes_good(database: ClockedDatabase) -> None:
    look(database)
    database.moment = NOON + timedelta(minutes=90)
    dead = look(database, "dead")
    assert dead is not None
    database.moment += routines.LEASE / 2
    with database.write() as tx:
        assert routines.keep(tx, dead)
    database.moment += routines.LEASE / 2
    assert look(database, "other") is None and row(database).taken_by == "dead"

    database.moment += routines.LEASE
    assert look(database, "other") is None and row(database).fault == routines.DEAD
    with database.write() as tx:
        assert not routines.keep(tx, dead)
    end(database, dead)
    assert row(database).succeeded_at is None
    database.moment += routines.AGAIN
    assert look(database, "other") is not None


def test_what_was_given_back_is_done_by_whoever_looks_next(database: ClockedDatabase) -> None:
    look(database)
    database.moment = NOON + timedelta(minutes=90)
    taken = look(database, "ends")
    assert taken is not None
    with database.write() as tx:
        routines.give_back(tx, taken)

    following = look(database, "next")

    assert following is not None and following.due_at == taken.due_at


def test_another_expression_counts_from_now_on_and_none_forgets_it(database: ClockedDatabase) -> None:
    look(database)
    database.moment = NOON + timedelta(hours=1)
    assert look(database, calendar=NIGHTLY) is None

    assert f"{row(database).due_at:%d %H:%M}" == "02 00:30"
    with database.write() as tx:
        routines.unplan(tx, KEY)
    with database.read() as connection:
        assert routines.list_of(connection) == []


def skip(database: Database, there: Routine, person: str = "emi") -> bool:
    with database.write() as tx:
        return routines.skip(tx, there, person)


def test_a_due_time_that_is_put_off_passes_once_however_far_the_next_one_is(database: ClockedDatabase) -> None:
    quarterly = Calendar(expression="0 9 1 */3 *")
    assert look(database, calendar=quarterly) is None
    due = row(database).due_at

    assert skip(database, row(database))

    assert live(database, NOON + timedelta(days=1), quarterly) == []
    assert (row(database).due_at, row(database).skipped_by, row(database).is_skipped) == (due, "emi", True)
    database.moment = due + STEP
    assert look(database, calendar=quarterly) is None
    after = row(database)
    assert (after.due_at, after.is_skipped, after.done_at) == (quarterly.after(due), False, None)
    database.moment = after.due_at + STEP
    assert look(database, calendar=quarterly) is not None


def test_what_failed_and_is_put_off_is_not_tried_again(database: ClockedDatabase) -> None:
    look(database)
    database.moment += timedelta(hours=2)
    taken = look(database)
    assert taken is not None
    end(database, taken, fault="another drill goes on")

    assert skip(database, row(database))
    database.moment += STEP

    assert look(database) is None
    assert (row(database).fault, row(database).due_at) == ("", EVERY_THREE_HOURS.after(taken.due_at))


def test_what_is_being_done_or_moved_on_is_not_put_off(database: ClockedDatabase) -> None:
    look(database)
    before = row(database)
    database.moment += timedelta(hours=2)
    taken = look(database)
    assert taken is not None

    assert not skip(database, row(database)), "it is being done"
    end(database, taken)
    assert not skip(database, before), "another one comes next"
    assert not row(database).is_skipped
