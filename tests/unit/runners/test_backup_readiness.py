"""A backup counts as ready only as far as a recovery would take it, and a missed RPO is foreseen."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.core.base.table_names import table_name
from drbot.core.site.readiness import Colour
from drbot.core.site.site import Backups, Configuration, ObjectStore, Postgres, Schedule, Site
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.core.text.messages import say
from drbot.runners.clients.backup_store import Manifest, manifest_path
from drbot.runners.upkeep.backup_readiness import (
    DUMP,
    FULL,
    copies_lines,
    line_of_321,
    look_at_backups,
    look_at_backups_of,
    newest_line,
)
from drbot.runners.upkeep.readiness_rows import Who

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SITE = Site(postgres=Postgres(volume="pgdata", databases=("shop",)))
CONFIGURATION = Configuration(
    system="shop", sites={"production": SITE}, backups=Backups(directory="/srv/backups")
)  # RPO: 6 h


def dump(hours: float, fault: str = "") -> StoredBackup:
    return StoredBackup(
        site="production", kind=BackupKind.POSTGRES, name=f"dump-{hours}", place="file:/srv", is_off_site=False,
        moment=NOW - timedelta(hours=hours), size=1, fault=fault,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "colour", "said"),
    [
        ([dump(1)], Colour.GREEN, "dump-1 is 1 h 00 min old"),
        ([dump(5)], Colour.AMBER, "The next one must end by 13:00:00 UTC, or the RPO is missed."),
        ([dump(7)], Colour.RED, "more than the RPO of 6 h 00 min"),
        ([dump(7), dump(2)], Colour.GREEN, "dump-2 is 2 h 00 min old"),
        ([dump(2), dump(1, "cut off")], Colour.AMBER, "dump-1 is newer and cannot be used: cut off"),
        ([dump(7), dump(1, "cut off")], Colour.RED, "dump-7 is 7 h 00 min old, more than the RPO"),
        ([dump(1, "cut off")], Colour.RED, "none can be used. dump-1: cut off"),
        ([], Colour.RED, "there is none. drbot backup postgres makes one"),
    ],
    ids=["fresh", "soon too old", "too old", "two", "the newest is bad", "only an old one is good", "bad", "none"],
)
def test_what_is_said_of_the_newest(found: list[StoredBackup], colour: Colour, said: str) -> None:
    line = newest_line(DUMP, found, CONFIGURATION, NOW)

    assert (line.colour, said in line.sentence) == (colour, True), line.sentence


def test_before_the_first_backup_its_folder_is_no_fault(tmp_path: Path) -> None:
    backups = Backups(directory=tmp_path / "not there yet")

    lines = look_at_backups(CONFIGURATION.model_copy(update={"backups": backups})).lines

    assert [(line.what, line.reason) for line in lines if line.colour is Colour.RED] == [
        (DUMP, "there is none"), (FULL, "there is none"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["shop", "my shop", "本 の 店", "a.b", 'say "hi"'])
def test_a_backup_of_a_database_of_any_name_counts(tmp_path: Path, name: str) -> None:
    data, file = (
        gzip.compress(b"-- PostgreSQL database cluster dump complete\n"),
        f"all_databases_{NOW:%Y%m%d_%H%M%S}.sql.gz",
    )
    (tmp_path / file).write_bytes(data)
    manifest = Manifest(
        name=file, size=len(data), sha256="0" * 64, sql_bytes=9, started_at=NOW, finished_at=NOW, snapshot_at=NOW,
        server_version="15", system_identifier="1", rows={table_name(name, "public", "notes"): 3}, system="shop",
        site="production", completed=True,
    )  # fmt: skip
    manifest_path(tmp_path / file).write_text(manifest.model_dump_json())
    site = SITE.model_copy(update={"postgres": Postgres(volume="pgdata", databases=(name,))})
    known = {"sites": {"production": site}, "backups": Backups(directory=tmp_path)}

    (found,) = look_at_backups(CONFIGURATION.model_copy(update=known)).found

    assert found.fault == ""


def test_where_nothing_brings_redis_files_settings_or_the_host_back_nobody_is_ready(tmp_path: Path) -> None:
    lines = look_at_backups(CONFIGURATION.model_copy(update={"backups": Backups(directory=tmp_path)})).lines

    (line,) = (line for line in lines if line.what == FULL)
    assert line.colour is Colour.RED and "drbot backup full" in line.remedy


@pytest.mark.parametrize(
    ("schedule", "site", "missing"),
    [
        (Schedule(postgres="0 * * * *", sites=("staging",)), SITE, [DUMP]),
        (Schedule(postgres="0 * * * *", full="0 3 * * *", sites=("staging",)), SITE, [DUMP, FULL]),
        (Schedule(postgres="0 * * * *", full="0 3 * * *", sites=("staging",)), Site(), [FULL]),
    ],
    ids=["dumps alone", "both", "no PostgreSQL there"],
)
def test_what_the_calendar_makes_at_another_site_is_missed_there(
    schedule: Schedule, site: Site, missing: list[str], tmp_path: Path
) -> None:
    sites = {"production": SITE, "staging": site}
    backups = Backups(directory=tmp_path, schedule=schedule)
    configuration = CONFIGURATION.model_copy(update={"sites": sites, "backups": backups})

    lines = look_at_backups_of("staging", configuration).lines

    assert [(say(line.what, "en"), line.colour) for line in lines] == [
        (f"staging: {kind}", Colour.RED) for kind in missing
    ]
    assert Who.SCHEDULED.looks_at(configuration, "staging") and not Who.SCHEDULED.looks_at(configuration, "production")


def test_a_bucket_without_a_fresh_full_backup_is_red(tmp_path: Path) -> None:
    here, there = replace(FULL_THERE, place="file:/srv"), replace(FULL_THERE, moment=NOW - timedelta(hours=7))

    (missing,) = copies_lines(FULL, [here], ["s3://one/"], CONFIGURATION, NOW)
    (old,) = copies_lines(FULL, [here, there], ["s3://one/"], CONFIGURATION, NOW)
    (well,) = copies_lines(FULL, [here, FULL_THERE], ["s3://one/"], CONFIGURATION, NOW)

    assert [line.colour for line in (missing, old, well)] == [Colour.RED, Colour.RED, Colour.GREEN]
    assert "s3://one/ holds none" in missing.reason and "drbot backup full" in missing.remedy


ONE, TWO = ObjectStore(bucket="one"), ObjectStore(bucket="one", second_bucket="two")
HERE = replace(dump(1), place="file:/srv/backups")
THERE = replace(HERE, place="s3://one/", is_off_site=True)
FULL_THERE = replace(THERE, kind=BackupKind.FULL, name="full")


@pytest.mark.parametrize(
    ("buckets", "found", "todo"),
    [
        (None, [HERE], "Name a bucket and a second one under `object_store`"),
        (ONE, [FULL_THERE], "full has no good copy in file:/srv/backups/. drbot backup full makes one"),
        (TWO, [FULL_THERE], "full has no good copy in s3://two/, file:/srv/backups/. drbot backup full makes one"),
        (TWO, [HERE], "dump-1 has no good copy in s3://one/, s3://two/. drbot backup postgres makes one"),
        (ONE, [HERE, replace(THERE, fault="cut off")], "dump-1 has no good copy in s3://one/."),
        (TWO, [], "drbot backup postgres makes one that is in every place."),
    ],
    ids=["no bucket", "only in the bucket", "only in the first", "in none", "bad in the bucket", "no backup"],
)
def test_what_the_3_2_1_rule_lacks_is_what_is_advised(
    buckets: ObjectStore | None, found: list[StoredBackup], todo: str
) -> None:
    line = line_of_321(found, CONFIGURATION.model_copy(update={"object_store": buckets}))

    assert line.colour is Colour.AMBER and todo in line.remedy, line.remedy
    assert buckets is None or "a bucket and" not in line.remedy


def test_two_copies_and_production_are_enough() -> None:
    assert line_of_321([HERE, THERE], CONFIGURATION.model_copy(update={"object_store": ONE})).colour is Colour.GREEN


def test_without_postgresql_only_full_backups_are_asked_for(tmp_path: Path) -> None:
    changes = {"sites": {"production": Site()}, "backups": Backups(directory=tmp_path)}

    lines = look_at_backups(CONFIGURATION.model_copy(update=changes)).lines

    assert [line.sentence for line in lines if "PostgreSQL" in line.what or "postgres" in line.sentence] == []
    assert [line.reason for line in lines if line.what == "full backup"] == ["there is none"]
