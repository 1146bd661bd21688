"""The moment that is offered is the last one that lacks what was done wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.site.wal import Series, newest_run, segments_a_log
from drbot.core.site.wal_timeline import (
    Event,
    Names,
    Timeline,
    What,
    buckets,
    is_end,
    most_telling,
    named,
    read,
    redacted,
)

SEGMENT = 16 << 20
A_LOG = segments_a_log(SEGMENT)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def events(*words: str) -> list[Event]:
    return list(read([f"commit {one}" for one in words], SEGMENT).events)


def at(second: float) -> datetime:
    return NINE + timedelta(seconds=second)


@pytest.mark.parametrize(
    ("committed", "before_it"),
    [("2026-03-02T09:00:07.250000", at(7.249999)), ("2026-03-02T09:00:07", at(6.999999))],
)
def test_it_is_just_before_the_commit(committed: str, before_it: datetime) -> None:
    (event,) = events(f"{committed} - 0 delete=5/16385:500")

    assert (event.what, event.rows, event.moment, event.reachable) == (What.DELETE, 500, before_it, True)


def test_the_files_of_a_database_go_before_its_commit_so_the_commit_before_it_is_given_up() -> None:
    (event,) = events("2026-03-02T09:00:07.5 2026-03-02T09:00:05.25 0 database=16400:1")

    assert (event.what, event.moment, event.reachable) == (What.DATABASE, at(5.249999), True)


def test_without_a_commit_before_it_nobody_knows_how_a_database_comes_back() -> None:
    (event,) = events("2026-03-02T09:00:07.5 - 0 database=16400:1")

    assert not event.reachable


LOCK = "lock=5/16393:1"


@pytest.mark.parametrize(
    ("files", "written", "what"),
    [
        (1, "update=5/1259:1", What.TRUNCATE),
        (1, "delete=5/1259:1 delete=5/1247:2", What.DROP),
        (1, "delete=5/1259:1", None),  # an index
        (2, "insert=5/1259:3 delete=5/1259:3 insert=5/1247:2 delete=5/1247:2 update=5/1259:9", What.REWRITE),
        (1, "insert=5/1259:1 delete=5/1259:1", None),  # REINDEX CONCURRENTLY
        (0, "update=5/1249:1", What.ALTER),
        (0, "insert=5/1259:1 update=5/1259:1 insert=5/1247:2", None),  # CREATE TABLE
        (0, "delete=5/1259:1 delete=5/1247:2", None),  # of a temporary table, which has no files in WAL
    ],
)
def test_what_became_of_a_table_is_told_by_the_catalogs(files: int, written: str, what: What | None) -> None:
    found = events(f"2026-03-02T09:00:07.5 - {files} {LOCK} {written}")

    assert [one.what for one in found] == ([what] if what else [])


def test_lines_of_others_are_left_out_and_an_empty_log_is_empty() -> None:
    odd = ["minute x y", "minute 2026", "commit", "commit 2026-03-02T09:00:07 - 0 delete=x", "commit now - 0 drop"]
    told = read(["code 1", "until ", "first ", "last ", "least 20", "ln: no such file", "", *odd, "error "], SEGMENT)

    assert (told.events, told.minutes, told.first, told.place, told.is_late) == ((), {}, None, None, False)


@pytest.mark.parametrize(
    ("until", "fault", "is_it"),
    [
        ("0/4000100", "", True),
        ("0/4000100", "pg_waldump: error: error in WAL record at 0/4000100: invalid record length at 0/4000188", True),
        ("0/3FFFF00", "pg_waldump: error: error in WAL record at 0/3FFFF00: invalid record length at 0/4000028", True),
        ("0/3000100", "error: invalid magic number 0000 in log segment 000000010000000000000004, offset 0", True),
        ("0/2000100", "error in WAL record at 0/2000100: incorrect resource manager data checksum at 0/2000188", False),
        ("", "pg_waldump: error: could not find a valid record after 0/2000000", False),
    ],
)
def test_at_the_end_pg_waldump_always_fails_and_before_it_something_is_wrong(
    until: str, fault: str, is_it: bool
) -> None:
    told = read([f"until {until}", f"error {fault}"], SEGMENT)

    assert is_end(told, 4, "000000010000000000000004", SEGMENT) is is_it


def change(what: What, *relations: int, rows: int = 0, second: float = 0) -> Event:
    return Event(at=at(second), what=what, moment=at(second), rows=rows, relations=tuple((5, one) for one in relations))


ANSWERED = Names(
    databases={5: "shop"},
    relations={
        (5, 1): ("public.orders", "r"),
        (5, 2): ("public.orders_pkey", "i"),
        (5, 3): ("pg_toast.pg_toast_1", "t"),
        (5, 4): ("pg_catalog.pg_statistic", "r"),
    },
)


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (change(What.DELETE, 1), ("public.orders",)),
        (change(What.DELETE, 3), None),
        (change(What.DELETE, 4), None),
        (change(What.DELETE, 9), ("shop/9",)),  # dropped since
        (change(What.TRUNCATE, 1, 2, 3), ("public.orders",)),
        (change(What.TRUNCATE, 2), None),  # REINDEX
        (change(What.TRUNCATE, 9, 10), ("shop/9",)),
        (change(What.DROP, 9, 1), ("shop/9",)),
        (change(What.REWRITE, 1, 9), ("public.orders",)),
    ],
)
def test_what_is_no_table_of_people_is_not_told(event: Event, shown: tuple[str, ...] | None) -> None:
    assert [one.names for one in named([event], ANSWERED)] == ([shown] if shown else [])


def test_without_a_server_numbers_are_all_there_is() -> None:
    found = named([change(What.TRUNCATE, 1), change(What.DATABASE, 0)], Names())

    assert [event.names for event in found] == [("5/1",), ("5",)]


def test_what_deleted_most_is_kept_and_shown_in_its_order() -> None:
    small, big = change(What.DELETE, 1, rows=20, second=2), change(What.DELETE, 1, rows=900, second=1)
    drop, alter = change(What.DROP, 1, second=3), change(What.ALTER, 1, second=0)

    assert most_telling([small, big, drop, alter], 2) == (big, drop)


def test_every_commit_is_in_one_part_of_the_picture() -> None:
    minutes = {NINE - timedelta(minutes=1): 1, NINE: 2, at(59 * 60): 4, at(3600): 8}
    timeline = Timeline(since=NINE, until=at(3600), minutes=minutes)

    assert buckets(timeline, 2) == (3, 12)


def test_a_secret_in_a_name_is_masked() -> None:
    timeline = Timeline(since=NINE, until=NINE, events=(change(What.DROP, 1),), doubts=("s3cret",))
    (event,) = named(timeline.events, Names(databases={5: "s3cret"}))

    told = redacted(
        Timeline(since=NINE, until=NINE, events=(event,), doubts=("s3cret",)), lambda said: said.replace("s3cret", "•")
    )

    assert (told.events[0].names, told.doubts) == (("•/1",), ("•",))


def test_the_newest_segments_without_a_gap_are_looked_at_whatever_timeline_they_were_written_in() -> None:
    there = {
        "000000010000000000000003": at(0),
        "0000000100000000000000FE": at(10),
        "0000000100000000000000FF": at(20),
        "000000010000000100000000.partial": at(25),
        "000000020000000100000000": at(30),
        "000000020000000100000001.partial": at(40),
        "00000002.history": at(30),
    }

    run, missing = newest_run(Series(written=there), at(15), A_LOG)
    assert run == ("0000000200000000000000FF", "000000020000000100000000", "000000020000000100000001")
    assert missing is None
    assert newest_run(Series(written=there), at(-1), A_LOG)[1] == "0000000200000000000000FD"
    assert newest_run(Series(), at(0), A_LOG) == ((), None)
