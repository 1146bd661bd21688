"""What is due by the calendar of dr.yml is done by one worker, beside the runs and never against them."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.core.base.cron import Calendar
from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.ledger.events import EventKind
from drbot.core.site.readiness import Colour, Line
from drbot.core.text.messages import say
from drbot.core.text.redaction import Redactor
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.watching import Cancelled
from drbot.runners.upkeep.routine_readiness import routine_lines
from drbot.runners.upkeep.routines import Work, do_if_due, keep_doing
from drbot.runners.upkeep.scheduled_backups import scheduled_backups
from drbot.store.base import ledger, schema
from drbot.store.records import locks, routines
from drbot.store.records.routines import Routine
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in
from tests.integration.store.store_fixture import ClockedDatabase, at_once
from tests.waiting import PATIENCE, wait_for

KEY, NAME = "backup.postgres", "scheduled backup of PostgreSQL"
HOURLY = Calendar(expression="0 * * * *")
SECRET = "hunter2-hunter2"
HOUR = timedelta(hours=1)


@pytest.fixture
def worker_fixture(tmp_path: Path, database: ClockedDatabase) -> WorkerFixture:
    made = worker_fixture_in(tmp_path)
    made.database.close()
    context = replace(made.worker_context, database=database, redact=Redactor([SECRET]))
    return replace(made, database=database, worker_context=context)


@pytest.fixture
def context(worker_fixture: WorkerFixture, database: ClockedDatabase) -> WorkerContext:
    """Of a worker that has planned it; it is due now."""
    do_if_due(worker_fixture.worker_context, work(lambda cancelled: None), threading.Event())
    database.moment += HOUR
    return worker_fixture.worker_context


def work(act: Callable[[Cancelled], object], calendar: Calendar | None = HOURLY) -> Work:
    return Work(key=KEY, name=NAME, calendar=calendar, act=act)


def look(context: WorkerContext, act: Callable[[Cancelled], object], stop: threading.Event | None = None) -> None:
    do_if_due(context, work(act), stop or threading.Event())


def row(context: WorkerContext) -> Routine:
    with context.database.read() as connection:
        found = routines.get(connection, KEY)
    assert found is not None
    return found


def line(context: WorkerContext) -> Line:
    with context.database.read() as connection:
        (found,) = routine_lines(routines.list_of(connection), context.database.now(connection))
    assert found.what == NAME
    return found


def told(context: WorkerContext) -> list[str]:
    with context.database.read() as connection:
        return [str(one.payload["why"]) for one in ledger.of_kinds(connection, [EventKind.CONTROL_FAILED])]


def fail(cancelled: Cancelled) -> None:
    raise PermanentError(f"s3://shop does not take it: {SECRET}")


def wait_until(cancelled: Cancelled) -> None:
    wait_for(cancelled, PATIENCE, "the work to be cancelled")
    raise CancelledError("Stopped.")


def test_of_two_workers_and_two_that_only_watch_one_does_it_once(context: WorkerContext) -> None:
    done: list[str] = []
    both = [replace(context, owner=owner) for owner in ("one", "two")]

    at_once(
        *(lambda one=one: look(one, lambda cancelled: done.append(one.owner)) for one in both),
        lambda: line(context),
        lambda: line(context),
    )

    assert len(done) == 1
    assert row(context).taken_by is None
    assert line(context).colour is Colour.GREEN


def test_while_a_run_holds_the_site_nothing_is_begun(worker_fixture: WorkerFixture, context: WorkerContext) -> None:
    run, done = worker_fixture.declare(), []
    with context.database.write() as tx:
        locks.take(tx, "production", run.id)

    look(context, lambda cancelled: done.append("too early"))
    assert done == []

    with context.database.write() as tx:
        locks.release(tx, "production", run.id)
    look(context, lambda cancelled: done.append("now"))
    assert done == ["now"]


def test_a_run_that_takes_the_site_meanwhile_goes_first(worker_fixture: WorkerFixture, context: WorkerContext) -> None:
    run, begun = worker_fixture.declare(), threading.Event()

    def act(cancelled: Cancelled) -> None:
        begun.set()
        wait_until(cancelled)

    thread = threading.Thread(target=look, args=(context, act), daemon=True)
    thread.start()
    assert begun.wait(PATIENCE)
    assert "it has been worked on since 2026-06-01 13:00 UTC" in line(context).reason
    with context.database.write() as tx:
        locks.take(tx, "production", run.id)
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert (row(context).taken_by, row(context).fault) == (None, "")
    assert row(context).succeeded_at is None


def test_a_worker_that_ends_hands_it_to_the_next_one(context: WorkerContext) -> None:
    stop, done = threading.Event(), []
    stop.set()

    look(context, wait_until, stop)
    look(replace(context, owner="next"), lambda cancelled: done.append("by the next one"))

    assert done == ["by the next one"]


def test_a_failure_is_seen_and_told_once_and_tried_again_later(
    context: WorkerContext, database: ClockedDatabase
) -> None:
    look(context, fail)

    assert line(context).colour is Colour.AMBER
    assert "s3://shop does not take it" in line(context).reason
    assert "tried again at 2026-06-01 13:15 UTC" in line(context).remedy
    assert SECRET not in line(context).reason + "".join(told(context))

    done: list[str] = []
    look(context, lambda cancelled: done.append("at once"))
    assert done == []
    database.moment += routines.AGAIN
    look(context, fail)
    assert len(told(context)) == 1
    database.moment += routines.AGAIN
    look(context, lambda cancelled: done.append("later"))

    assert done == ["later"]
    assert line(context).colour is Colour.GREEN


def test_a_fault_that_nobody_foresaw_is_a_failure_too(context: WorkerContext) -> None:
    def break_down(cancelled: Cancelled) -> None:
        raise KeyError("oops")

    look(context, break_down)

    assert "KeyError: 'oops'" in row(context).fault


def test_what_nobody_does_is_seen(context: WorkerContext, database: ClockedDatabase) -> None:
    database.moment += 2 * HOUR

    assert line(context).colour is Colour.AMBER
    assert "it was due at 2026-06-01 13:00 UTC and nobody has done it" in line(context).reason


def test_what_dr_yml_asks_for_no_more_is_forgotten(context: WorkerContext) -> None:
    do_if_due(context, work(fail, calendar=None), threading.Event())

    with context.database.read() as connection:
        assert routines.list_of(connection) == []


def test_each_is_looked_after_in_a_thread_of_its_own_until_the_worker_ends(context: WorkerContext) -> None:
    begun, stop = threading.Event(), threading.Event()

    def act(cancelled: Cancelled) -> None:
        begun.set()
        wait_until(cancelled)

    threads = keep_doing(context, [work(act)], stop)
    assert begun.wait(PATIENCE)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)

    assert not any(thread.is_alive() for thread in threads)
    assert row(context).taken_by is None


def test_the_default_sites_worker_makes_backups_and_those_that_dr_yml_names(context: WorkerContext) -> None:
    def works(default: str, *sites: str) -> list[tuple[str, str]]:
        backups = context.configuration.backups
        schedule = backups.schedule.model_copy(update={"sites": sites})
        changes = {"default_site": default, "backups": backups.model_copy(update={"schedule": schedule})}
        configuration = context.configuration.model_copy(update=changes)
        found = scheduled_backups(replace(context, configuration=configuration), None)
        return [(one.key, say(one.name, "en")) for one in found]

    at_home = works("production")
    assert [key for key, _ in at_home] == ["backup.postgres", "backup.full"]
    assert works("other") == works("production", "other") == []
    assert works("production", "production", "other") == at_home
    assert works("other", "other", "production") == [
        (f"{key}@production", f"{name}, production") for key, name in at_home
    ]


def test_a_row_that_puts_a_backup_off_puts_nothing_off(context: WorkerContext, database: ClockedDatabase) -> None:
    """Only a drill may be left out."""
    done: list[str] = []
    with context.database.write() as tx:
        tx.connection.execute(update(schema.routines).values(skip_at=row(context).due_at, skipped_by="ben"))

    assert "left out" not in line(context).reason
    look(context, lambda cancelled: done.append("the backup"))
    assert done == ["the backup"]
