"""The awk program in the helper, on what pg_waldump of several versions prints."""

import subprocess

import pytest

from drbot.core.site.wal_timeline import Read, What, read
from drbot.runners.backups.wal_timeline import TELL


def told(*lines: str) -> Read:
    printed = "\n".join(
        f"rmgr: {kind:<11} len (rec/tot):     54/    54, tx: {xid:>10}, lsn: 0/{3 << 24 | place:08X}, "
        f"prev 0/03000000, desc: {said}"
        for place, line in enumerate(lines)
        for kind, xid, said in [line.split(" ", 2)]
    )
    done = subprocess.run(["awk", TELL], input=printed, capture_output=True, text=True, check=True)
    assert not done.stderr
    return read(done.stdout.splitlines(), 16 << 20)


OLD = "Heap {xid} DELETE off 86 flags 0x00 KEYS_UPDATED , blkref #0: rel 1663/5/16385 blk 13"
NEW = "Heap {xid} DELETE off: 86, flags: 0x00, infobits: [KEYS_UPDATED], blkref #0: rel 1663/5/16385 blk 13"
COMMIT = "Transaction {xid} COMMIT 2026-12-01 19:24:18.024249 UTC"


@pytest.mark.parametrize("delete", [OLD, NEW])
def test_rows_are_counted_in_what_older_and_newer_versions_print(delete: str) -> None:
    lines = [delete.format(xid=7)] * 30 + [delete.format(xid=8)] * 30
    aborted = "Transaction 8 ABORT 2026-12-01 19:24:17.5 UTC"

    found = told(*lines, aborted, COMMIT.format(xid=7))

    assert [(one.what, one.rows, one.relations) for one in found.events] == [(What.DELETE, 30, ((5, 16385),))]
    assert (sum(found.minutes.values()), found.place) == (1, 3)


def test_numbers_are_never_rounded() -> None:
    """Older mawk keeps six digits of what is above 2**31, and no awk knows these two apart as numbers."""
    one, other = 2**53, 2**53 + 1

    found = told(*[OLD.format(xid=one)] * 30, *[OLD.format(xid=other)] * 40, COMMIT.format(xid=one))

    assert [event.rows for event in found.events] == [30]


def test_what_was_prepared_is_told_when_it_is_committed() -> None:
    prepared = "Transaction 9 COMMIT_PREPARED 7: 2026-12-01 19:24:18.024249 UTC; subxacts: 8"

    found = told(*[OLD.format(xid=7)] * 15, *[OLD.format(xid=8)] * 10, prepared)

    assert [one.rows for one in found.events] == [25]


def test_a_table_that_goes_is_told_with_its_lock_and_a_database_by_what_was_before_its_files_went() -> None:
    found = told(
        COMMIT.format(xid=6),
        "Standby 7 LOCK xid 7 db 5 rel 16393 xid 8 db 5 rel 16500 ",
        "Heap 7 DELETE off 6 flags 0x00 KEYS_UPDATED , blkref #0: rel 1663/5/1259 blk 1",
        "Heap 7 DELETE off 6 flags 0x00 KEYS_UPDATED , blkref #0: rel 1663/5/1247 blk 1",
        "Transaction 7 COMMIT 2026-12-01 19:24:18.9 UTC; rels: base/5/16393; inval msgs: catcache 80",
        "Database 9 DROP dir 1663/16400",
        "Transaction 10 COMMIT 2026-12-01 19:24:19.5 UTC",
        "Transaction 9 COMMIT 2026-12-01 19:24:19.9 UTC; inval msgs: catcache 21; sync",
    )

    drop, database = found.events
    assert (drop.what, drop.relations) == (What.DROP, ((5, 16393),))
    assert (database.what, database.moment) == (What.DATABASE, drop.moment)


def test_where_very_much_was_deleted_only_the_larger_ones_are_told() -> None:
    lines = [line for xid in range(1, 2101) for line in ([OLD.format(xid=xid)] * 20 + [COMMIT.format(xid=xid)])]

    found = told(*lines)

    assert (len(found.events), found.least, sum(found.minutes.values())) == (2000, 200, 2100)


def test_what_is_told_of_a_flood_is_bounded_and_says_so() -> None:
    """One commit that deletes from thousands of tables is as long as thousands of commits."""
    one = OLD.replace("16385", "{file}")
    lines = [one.format(xid=7, file=20000 + number) for number in range(12_000) for _ in range(20)]
    later = [line.format(xid=8) for line in [OLD] * 30] + [COMMIT.format(xid=8)]

    found = told(*lines, COMMIT.format(xid=7), *later)

    assert found.least > 30 and {event.rows for event in found.events} == {20}
