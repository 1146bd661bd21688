"""Whoever has deleted much is found in the WAL, and the moment before it has the rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drbot.cli.receiving import forget
from drbot.commands.views.timeline_view import timeline_reply
from drbot.core.site.wal import newest_run, segments_a_log
from drbot.core.site.wal_timeline import Event, Timeline, What
from drbot.runners.backups.wal_timeline import timeline_of
from drbot.runners.clients.continuous import WAL, Continuous
from drbot.runners.clients.scratch_postgres import ask
from drbot.runners.foundation.watching import never
from tests.integration.actions.conftest import WorkerFixture
from tests.integration.actions.test_moments import as_it_was, behind, in_volume
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

OLDER = "There is no way back to what is older."
SMALL = "INSERT INTO public.journal DEFAULT VALUES"
JOURNAL = "CREATE TABLE public.journal (id serial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())"


@pytest.fixture(scope="module")
def followed(shared: WorkerFixture) -> Iterator[Continuous]:
    """The lab's server, received from, with a base backup."""
    clients = shared.clients
    continuous = Continuous(clients.docker, clients.postgres, "production", never)
    clients.postgres.answer(f"DROP TABLE IF EXISTS public.journal; {JOURNAL}")
    continuous.start()
    continuous.take_base(datetime.now(UTC))
    yield continuous
    forget(continuous)


def table(continuous: Continuous, name: str, rows: int) -> None:
    """Of so many rows, a second later than what was before."""
    continuous.postgres.answer(f"CREATE TABLE {name} AS SELECT i FROM generate_series(1, {rows}) i")
    continuous.postgres.answer("SELECT pg_sleep(1.1)")
    continuous.postgres.answer(SMALL)


def told(continuous: Continuous) -> Timeline:
    continuous.postgres.answer(SMALL)
    wait_for(lambda: behind(continuous) == 0, PATIENCE, "everything to be received")
    now = datetime.now(UTC)
    return timeline_of(continuous, now - timedelta(hours=1), now, now)


def of(timeline: Timeline, what: What, name: str = "") -> list[Event]:
    return [one for one in timeline.events if one.what is what and any(name in of for of in one.names)]


def rows_at(continuous: Continuous, moment: datetime, name: str, database: str = "postgres") -> str:
    with as_it_was(continuous, moment) as (scratch, reached):
        return ask(scratch, reached.container, f"SELECT count(*) FROM {name}", database=database).strip()


def test_a_delete_without_where_is_found_and_just_before_it_nothing_is_missing(followed: Continuous) -> None:
    table(followed, "public.people_of_shop", 500)
    last = followed.postgres.answer(f"{SMALL} RETURNING id").split()[0]  # mostly in the very second
    followed.postgres.answer("DELETE FROM public.people_of_shop")

    timeline = told(followed)

    (event,) = of(timeline, What.DELETE, "public.people_of_shop")
    assert (event.rows, event.names, event.reachable) == (500, ("public.people_of_shop",), True)
    assert sum(timeline.minutes.values()) >= 4 and timeline.doubts == (OLDER,)  # table, small, DELETE, small
    assert event.at == event.moment + timedelta(microseconds=1)
    counted = (
        f"(SELECT i FROM public.people_of_shop UNION ALL SELECT id FROM public.journal WHERE id = {last}) AS found"
    )
    assert rows_at(followed, event.moment, counted) == "501"


def test_what_a_program_says_in_the_wal_is_no_line_of_pg_waldump(followed: Continuous) -> None:
    """Everybody may write a message there, and pg_waldump prints its name as it is, with all of its lines."""
    record = "len (rec/tot):     34/    34, tx:        999, lsn: 0/00000028, prev 0/00000000, desc:"
    forged = (
        f"rmgr: Database    {record} DROP dir 1663/16400",
        f"rmgr: Transaction {record} COMMIT {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC",
        "code 124",
    )
    lines = "\\n".join(("x", *forged, ""))
    followed.postgres.answer(f"SELECT pg_logical_emit_message(false, E'{lines}', '')")

    timeline = told(followed)

    assert of(timeline, What.DATABASE, "16400") == []
    assert "took too long" not in str(timeline.doubts)


def test_rows_that_savepoints_have_deleted_count_with_their_transaction(followed: Continuous) -> None:
    table(followed, "public.savepoints", 100)
    followed.postgres.answer(
        "BEGIN; SAVEPOINT a; DELETE FROM public.savepoints WHERE i <= 30; RELEASE a; SAVEPOINT b; "
        "DELETE FROM public.savepoints WHERE i <= 90; ROLLBACK TO b; DELETE FROM public.savepoints WHERE i > 95; COMMIT"
    )
    followed.postgres.answer("BEGIN; DELETE FROM public.savepoints; ROLLBACK")

    (event,) = of(told(followed), What.DELETE, "public.savepoints")

    assert event.rows == 35


def test_truncate_and_drop_are_found_and_reindex_is_neither(followed: Continuous) -> None:
    table(followed, "public.emptied", 70)
    followed.postgres.answer("TRUNCATE public.emptied")
    table(followed, "public.dropped", 80)
    number = followed.postgres.answer("SELECT 'public.dropped'::regclass::oid::bigint")
    followed.postgres.answer("DROP TABLE public.dropped")
    followed.postgres.answer("REINDEX TABLE public.journal")
    followed.postgres.answer("CREATE INDEX of_journal ON public.journal (at)")
    followed.postgres.answer("DROP INDEX public.of_journal")

    timeline = told(followed)

    (emptied,) = of(timeline, What.TRUNCATE)
    (dropped,) = of(timeline, What.DROP)
    assert (emptied.names, dropped.names) == (("public.emptied",), (f"postgres/{number}",))
    assert rows_at(followed, emptied.moment, "public.emptied") == "70"
    assert rows_at(followed, dropped.moment, "public.dropped") == "80"


def test_a_database_that_was_dropped_is_whole_at_the_moment_before(followed: Continuous) -> None:
    followed.postgres.answer("CREATE DATABASE shop")
    followed.postgres.answer("CREATE TABLE public.things AS SELECT generate_series(1, 9)", "shop")
    followed.postgres.answer("SELECT pg_sleep(1.1)")
    followed.postgres.answer(SMALL)
    followed.postgres.answer("DROP DATABASE shop")

    (event,) = of(told(followed), What.DATABASE)

    assert rows_at(followed, event.moment, "public.things", "shop") == "9"


def test_a_column_that_was_dropped_is_a_change_and_a_name_cannot_move_the_cursor(followed: Continuous) -> None:
    odd = 'public.U&"evil\\000a\\001b[2J<!channel>*_`"'
    table(followed, odd, 40)
    followed.postgres.answer(f"ALTER TABLE {odd} DROP COLUMN i")

    timeline = told(followed)

    assert len(of(timeline, What.ALTER, "evil")) == 1
    cells = [cell for one in timeline_reply(timeline).tables for row in one.rows for cell in row if "evil" in cell]
    assert cells and not any("\n" in cell or "\x1b" in cell for cell in cells)


def test_a_segment_that_is_missing_is_said_and_what_is_newer_is_looked_at(followed: Continuous) -> None:
    for _ in range(2):
        followed.postgres.answer("SELECT pg_switch_wal()")
        followed.postgres.answer(SMALL)
    table(followed, "public.later", 60)
    followed.postgres.answer("DELETE FROM public.later")
    told(followed)
    archive = followed.archive()
    base = archive.bases[0]
    run, _ = newest_run(archive.series[base.series], base.ended_at, segments_a_log(base.segment_bytes))
    folder = f"{WAL}/{base.series}"
    in_volume(followed, followed.wal, WAL, f"mv {folder}/{run[-2]} {WAL}/hidden")

    try:
        timeline = told(followed)
    finally:
        in_volume(followed, followed.wal, WAL, f"mv {WAL}/hidden {folder}/{run[-2]}")

    assert [one.rows for one in of(timeline, What.DELETE)] == [60]
    assert not any(one.reachable for one in timeline.events)
    assert f"The WAL segment {run[-2]} is missing" in str(timeline.doubts)
