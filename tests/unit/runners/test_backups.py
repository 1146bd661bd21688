"""Which backup is good, and why the others are not."""

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.runs.plan import Floor
from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import say
from drbot.runners.backups.choose_dump import BackupRules, choose, identify, newest
from drbot.runners.clients.backup_store import BackupStore, Manifest, backup_at, manifest_path
from drbot.runners.foundation.own_proofs import OwnProofs

SQL = b"""\\connect authdb
-- Dumped from database version 15.8
COPY public.users (id) FROM stdin;
1
2
\\.
-- PostgreSQL database cluster dump complete
"""
RULES = BackupRules(
    system="shop",
    site="production",
    server_major=15,
    cancelled=lambda: False,
    progress=lambda done, total, unit: None,
)


def put(folder: Path, hour: int, sql: bytes = SQL, **changes: Any) -> Path:
    """A backup of this hour with a manifest; `changes` go into the manifest."""
    data = gzip.compress(sql)
    path = folder / f"all_databases_20261126_{hour:02d}0000.sql.gz"
    path.write_bytes(data)
    moment = backup_at(path).snapshot_at
    manifest = Manifest.model_validate(
        {
            "name": path.name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "sql_bytes": len(sql),
            "started_at": moment, "finished_at": moment, "snapshot_at": moment, "server_version": "15.8",
            "system_identifier": "1", "rows": {"authdb.users": 2}, "system": "shop", "site": "production",
            "completed": True, **changes,
        }
    )  # fmt: skip
    BackupStore(folder).write_manifest(manifest)
    return path


def cut_in_half(folder: Path) -> None:
    path = put(folder, 2, size=1)
    path.write_bytes(path.read_bytes()[:-12])
    manifest_path(path).unlink()


def valid_gzip_of_a_cut_dump(folder: Path) -> None:
    put(folder, 2, SQL[:40])


def a_flipped_byte(folder: Path) -> None:
    path = put(folder, 2)
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)


def globals_only(folder: Path) -> None:
    manifest_path(put(folder, 2, b"CREATE ROLE app;\n-- PostgreSQL database cluster dump complete\n")).unlink()


def definitions_only(folder: Path) -> None:
    sql = SQL[: SQL.index(b"COPY")] + SQL[SQL.index(b"-- PostgreSQL database cluster") :]
    manifest_path(put(folder, 2, sql)).unlink()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut in half": (cut_in_half, "cut off: the file ends in the middle"),
    "a valid gzip of a cut dump": (valid_gzip_of_a_cut_dump, "closing line is missing"),
    "a flipped byte": (a_flipped_byte, "damaged"),
    "another file than the manifest's": (lambda folder: put(folder, 2, sha256="0" * 64), "SHA-256"),
    "too short": (lambda folder: put(folder, 2, size=10**6), "its manifest says 1.0 MB"),
    "roles and settings alone": (globals_only, "it holds no database"),
    "definitions alone": (definitions_only, "definitions and no data"),
    "an empty manifest": (lambda folder: put(folder, 2, rows={}), "its manifest counts no row"),
    "of another system": (lambda folder: put(folder, 2, system="bank"), 'another system, "bank"'),
    "of another site": (lambda folder: put(folder, 2, site="staging"), 'another site, "staging"'),
    "of a newer server": (lambda folder: put(folder, 2, server_version="17.1"), "PostgreSQL 17.1"),
    "not completed": (lambda folder: put(folder, 2, completed=False), "not completed"),
    "a manifest nobody can read": (
        lambda folder: manifest_path(put(folder, 2)).write_text("{"),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_backup_is_refused_with_its_reason_and_the_next_good_one_is_taken(tmp_path: Path, fault: str) -> None:
    make, said = FAULTS[fault]
    good = put(tmp_path, 1)
    make(tmp_path)

    chosen = choose(BackupStore(tmp_path), RULES)

    assert chosen.backup.name == good.name
    assert len(chosen.refused) == 1
    assert said in chosen.refused[0]


def test_the_newest_good_backup_is_taken_and_an_earlier_one_when_asked(tmp_path: Path) -> None:
    older, newer = put(tmp_path, 1), put(tmp_path, 2)
    store = BackupStore(tmp_path)

    first = choose(store, RULES).backup
    second = choose(store, RULES, before=first).backup

    assert [first.name, second.name] == [newer.name, older.name]
    assert choose(store, RULES, older.name.removesuffix(".sql.gz")).backup == second
    with pytest.raises(UserError, match="no older one"):
        choose(store, RULES, before=second)


def tried(path: Path, **changes: Any) -> BackupProof:
    """These bytes did not come back."""
    proof = BackupProof(
        site="production", kind=BackupKind.POSTGRES, name=path.name, place=f"file:{path.parent}",
        mark=backup_at(path).mark, sha256="", proven_at=datetime(2026, 11, 26, 5, tzinfo=UTC), seconds=1.0,
        version="1", result=ProofResult.FAILED, fault="its index is broken",
    )  # fmt: skip
    return replace(proof, **changes)


def test_one_that_could_not_be_restored_is_passed_over_and_the_one_before_it_taken(tmp_path: Path) -> None:
    older, newer = put(tmp_path, 1), put(tmp_path, 2)

    chosen = choose(BackupStore(tmp_path), replace(RULES, failures=(tried(newer),)))

    assert chosen.backup.name == older.name
    assert [say(why, "en") for why in chosen.refused] == [
        f"{newer.name}: could not be restored on 2026-11-26 05:00 UTC: its index is broken. "
        f"To use it anyway, name it: /dr recover backup {newer.name}"
    ]


@pytest.mark.parametrize(
    "changes",
    [{"mark": "other bytes"}, {"place": "s3://b/"}, {"kind": BackupKind.FULL}],
    ids=["other bytes", "elsewhere", "another kind"],
)
def test_only_what_these_bytes_have_shown_here_counts(tmp_path: Path, changes: dict[str, Any]) -> None:
    newer = put(tmp_path, 2)

    assert choose(BackupStore(tmp_path), replace(RULES, failures=(tried(newer, **changes),))).backup.name == newer.name


def test_what_failed_is_known_until_it_comes_back(tmp_path: Path) -> None:
    """A try that could not begin says nothing new of it; and each try is of one place."""
    own, failed = OwnProofs(tmp_path / "home"), tried(put(tmp_path, 2))
    elsewhere = replace(failed, place="s3://b/")

    for proof in (failed, elsewhere, replace(failed, fault="its rows are fewer")):
        own.tried(proof)
    own.tried(replace(failed, result=ProofResult.POSTPONED))
    assert own.failures() == [elsewhere, replace(failed, fault="its rows are fewer")]

    own.tried(replace(failed, result=ProofResult.SAME))
    assert own.failures() == [elsewhere]


def test_where_only_such_a_backup_is_there_it_is_said_how_to_use_it_and_by_its_name_it_is_used(tmp_path: Path) -> None:
    only = put(tmp_path, 2)
    store, rules = BackupStore(tmp_path), replace(RULES, failures=(tried(only),))

    with pytest.raises(UserError, match=f"could not be restored.*/dr recover backup {only.name}"):
        choose(store, rules)
    chosen = choose(store, rules, only.name)

    assert (chosen.backup.name, chosen.refused) == (only.name, ())
    assert [say(why, "en") for why in chosen.failed] == [
        f"{only.name}: could not be restored on 2026-11-26 05:00 UTC: its index is broken"
    ]


def test_a_backup_of_another_script_has_to_hold_what_the_one_before_it_held(tmp_path: Path) -> None:
    put(tmp_path, 1, rows={"authdb.users": 2, "authdb.dropped": 1, "authdb.queue": 0, "apidb.keys": 0})
    manifest_path(put(tmp_path, 2)).unlink()
    put(tmp_path, 3, rows={"authdb.later": 1})
    rules = replace(RULES, databases=("authdb", "apidb"), tables_now=lambda: {"authdb.users", "authdb.queue"})

    found = choose(BackupStore(tmp_path), rules, "all_databases_20261126_020000").backup

    assert not found.manifest
    assert found.rows == {}
    assert found.floor == Floor(
        named=("apidb", "authdb"),
        databases=("authdb",),
        tables=("authdb.queue", "authdb.users"),
        held=("authdb.dropped", "authdb.users"),
    )


@pytest.mark.parametrize("place", ["empty", "missing"])
def test_no_backup_at_all_is_said(tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    if place == "empty":
        folder.mkdir()

    with pytest.raises((UserError, PermanentError), match=str(folder)):
        choose(BackupStore(folder), RULES)


def test_a_dump_of_another_site_is_not_the_newest_of_this_one(tmp_path: Path) -> None:
    mine = put(tmp_path, 2)
    put(tmp_path, 3, site="staging")
    store = BackupStore(tmp_path)

    chosen = choose(store, RULES).backup

    assert (chosen.name, chosen.system, chosen.site) == (mine.name, "shop", "production")
    assert newest(store, "shop", "production").name == mine.name
    with pytest.raises(PermanentError, match="no backup"):
        newest(store, "bank", "production")


def test_a_file_that_was_replaced_has_another_identity(tmp_path: Path) -> None:
    path = put(tmp_path, 1)
    store = BackupStore(tmp_path)
    sealed = choose(store, RULES).backup
    assert identify(store, sealed) == sealed

    path.write_bytes(gzip.compress(SQL + b"\n"))

    assert identify(store, sealed).sha256 != sealed.sha256


@pytest.mark.parametrize("other", [{"system": "bank"}, {"site": "staging"}])
def test_backups_of_another_system_or_site_in_the_same_folder_are_not_removed(
    tmp_path: Path, other: dict[str, str]
) -> None:
    theirs = put(tmp_path, 1, SQL, **other)
    for hour in (2, 3, 4):
        put(tmp_path, hour)

    removed = BackupStore(tmp_path).remove_old(2, "shop", "production")

    assert removed == ("all_databases_20261126_020000.sql.gz",)
    assert theirs.exists()
    assert manifest_path(theirs).exists()


def test_only_our_own_old_backups_are_removed(tmp_path: Path) -> None:
    manifest_path(put(tmp_path, 1)).unlink()
    for hour in (2, 3, 4):
        put(tmp_path, hour)

    removed = BackupStore(tmp_path).remove_old(2, "shop", "production")

    assert removed == ("all_databases_20261126_020000.sql.gz",)
    assert len(BackupStore(tmp_path).newest_first()) == 3
    assert len(list(tmp_path.glob("*.manifest.json"))) == 2
    assert json.loads(manifest_path(tmp_path / "all_databases_20261126_040000.sql.gz").read_text())["completed"]
