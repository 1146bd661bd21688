"""Dumps that other scripts leave in the folder: found by what they are, whatever their names; dated by their names."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.core.site.backup_times import UNKNOWN
from drbot.runners.backups.choose_dump import choose
from drbot.runners.clients.backup_store import Backup, BackupStore
from tests.unit.runners.test_backups import RULES, SQL, put

CLUSTER = b"--\n-- PostgreSQL database cluster dump\n--\n\n" + SQL
ONE_DATABASE = b"--\n-- PostgreSQL database dump\n--\n\nCOPY public.users (id) FROM stdin;\n1\n\\.\n"
WORDPRESS = b"-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n"


def leave(folder: Path, name: str, sql: bytes = CLUSTER) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(sql))
    return path


def listed(folder: Path) -> tuple[Backup, ...]:
    return BackupStore(folder).newest_first()


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("all_20261126_0230.sql.gz", datetime(2026, 11, 26, 2, 30).astimezone()),
        ("pg-2026-11-26_02-30-05.sql.gz", datetime(2026, 11, 26, 2, 30, 5).astimezone()),
        ("20261126023005.sql.gz", datetime(2026, 11, 26, 2, 30, 5).astimezone()),
        ("dump 2026-11-26 02:30.sql.gz", datetime(2026, 11, 26, 2, 30).astimezone()),
        ("バックアップ_2026-11-26T0230.sql.gz", datetime(2026, 11, 26, 2, 30).astimezone()),
        ("db2026.11.26.sql.gz", datetime(2026, 11, 26).astimezone()),
    ],
)
def test_a_dump_of_any_name_is_found_and_dated_by_it(tmp_path: Path, name: str, local: datetime) -> None:
    leave(tmp_path, name)

    chosen = choose(BackupStore(tmp_path), RULES).backup

    assert (chosen.name, chosen.manifest, chosen.snapshot_at) == (name, False, local)


def test_a_name_in_utc_is_read_so(tmp_path: Path) -> None:
    leave(tmp_path, "all_2026-11-26T02:30:00Z.sql.gz")

    assert listed(tmp_path)[0].snapshot_at == datetime(2026, 11, 26, 2, 30, tzinfo=UTC)


def test_of_two_dumps_the_newer_is_chosen_though_drbot_did_not_make_it(tmp_path: Path) -> None:
    put(tmp_path, 1)
    newer = leave(tmp_path, "all_2026-11-26_0200.sql.gz")

    assert choose(BackupStore(tmp_path), RULES).backup.name == newer.name


@pytest.mark.parametrize("name", ["latest.sql.gz", "all_20261345.sql.gz", "db-1733356800.sql.gz", "all_261126.sql.gz"])
def test_one_whose_name_tells_no_time_is_refused_and_says_how_to_name_it(tmp_path: Path, name: str) -> None:
    """The file's own time is when it was copied here: the loss could be told too small."""
    leave(tmp_path, name)

    with pytest.raises(UserError) as refused:
        choose(BackupStore(tmp_path), RULES)

    assert listed(tmp_path)[0].snapshot_at == UNKNOWN
    assert f"{name}: its name does not say when it was made: rename it, as all_20261126_0230.sql.gz" in str(
        refused.value
    )


def test_a_dump_of_one_database_says_what_is_missing(tmp_path: Path) -> None:
    good = leave(tmp_path, "all_20261126_0100.sql.gz")
    leave(tmp_path, "shop_20261126_0200.sql.gz", ONE_DATABASE)

    chosen = choose(BackupStore(tmp_path), RULES)

    assert chosen.backup.name == good.name
    assert "shop_20261126_0200.sql.gz: it holds one database (pg_dump)" in " ".join(map(str, chosen.refused))


def test_what_is_another_programs_is_not_listed(tmp_path: Path) -> None:
    leave(tmp_path, "wordpress_20261126.sql.gz", WORDPRESS)
    (tmp_path / "all_20261126.sql.gz.part").touch()

    assert listed(tmp_path) == ()


@pytest.mark.parametrize("data", [b"", b"no gzip", gzip.compress(CLUSTER)[:40]], ids=["empty", "no gzip", "cut"])
def test_one_that_cannot_be_read_is_listed_and_hides_no_good_one(tmp_path: Path, data: bytes) -> None:
    good = leave(tmp_path, "all_20261126_0100.sql.gz")
    (tmp_path / "all_20261126_0200.sql.gz").write_bytes(data)

    chosen = choose(BackupStore(tmp_path), RULES)

    assert chosen.backup.name == good.name
    assert "all_20261126_0200.sql.gz" in " ".join(map(str, chosen.refused))


def test_a_file_older_than_its_name_was_named_in_another_time_zone(tmp_path: Path) -> None:
    """A cron job in a container writes UTC: west of Greenwich that is some hours too new, and the loss too small."""
    written = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=9)
    path = leave(tmp_path, f"all_{(written + timedelta(hours=5)).astimezone():%Y%m%d_%H%M%S}.sql.gz")
    os.utime(path, (written.timestamp(), written.timestamp()))

    assert listed(tmp_path)[0].snapshot_at == written


@pytest.mark.parametrize("seconds", [0, 2**40], ids=["long ago", "after the last year there is"])
def test_a_file_of_an_odd_time_lost_it_on_the_way_here(tmp_path: Path, seconds: int) -> None:
    path = leave(tmp_path, "all_20261126_0230.sql.gz")
    os.utime(path, (seconds, seconds))

    assert listed(tmp_path)[0].snapshot_at == datetime(2026, 11, 26, 2, 30).astimezone(UTC)
