"""Which full backup is good, why the others are not, and what comes out of one."""

import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.runs.plan import Floor, Holds
from drbot.core.site.full_manifest import SUFFIX, full_name
from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind
from drbot.runners.backups.choose_full import FullRules, choose_full_backup, find_full_backup
from drbot.runners.clients.full_folder import FolderStore
from drbot.runners.clients.full_store import FullBackup, FullBackupStore
from tests.archives import MOMENT, SQL, add, make_foreign, put, put_files, snapshot_of, store_in

RULES = FullRules(system="shop", site="production", server_major=15)
LATER = MOMENT + timedelta(hours=1)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with one good full backup: to make a repository takes a second."""
    folder = tmp_path_factory.mktemp("made")
    put(store_in(folder))
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> FullBackupStore:
    """One of this test's own, with the good one of MOMENT in it."""
    return store_in(shutil.copytree(made, tmp_path / "store"))


def folder_of(store: FullBackupStore) -> Path:
    assert isinstance(store.objects, FolderStore)
    return store.objects.directory


def with_files(**files: bytes) -> Callable[[FullBackupStore], object]:
    """A newer backup of these files below /own alone."""
    named: Mapping[str, bytes] = {f"own/{name.replace('__', '.')}": data for name, data in files.items()}
    return lambda store: put_files(store, LATER, named)


def with_changes(**changes: Any) -> Callable[[FullBackupStore], object]:
    """A newer backup with another manifest."""
    return lambda store: put(store, LATER, **changes)


def of_scripts(sql: bytes) -> Callable[[FullBackupStore], object]:
    return lambda store: make_foreign(folder_of(store), LATER, sql=sql)


def foreign_cut(store: FullBackupStore) -> None:
    path = make_foreign(folder_of(store), LATER)
    path.write_bytes(path.read_bytes()[:-50])


def foreign_without_dump(store: FullBackupStore) -> None:
    with tarfile.open(folder_of(store) / f"{full_name(LATER)}{SUFFIX}", "w:gz") as archive:
        add(archive, "full/redis_x.rdb.gz", b"")


def still_to_come(store: FullBackupStore) -> None:
    put(store, datetime.now(UTC) + timedelta(hours=1))


FAULTS: dict[str, tuple[Callable[[FullBackupStore], object], str]] = {
    "of another system": (with_changes(system="bank"), 'another system, "bank"'),
    "of another site": (with_changes(site="staging"), 'another site, "staging"'),
    "of a newer PostgreSQL": (with_changes(server_version="17.2"), "PostgreSQL 17.2"),
    "of a newer drbot": (with_changes(format=3), "format 3"),
    "with the manifest of another": (with_changes(name=full_name(MOMENT)), f"its manifest is of {full_name(MOMENT)}"),
    "with the manifest of another moment": (with_changes(snapshot_at=MOMENT), "its manifest is of 2026-11-26 03:00:00"),
    "of no row": (with_changes(rows={"authdb.users": 0}), "counts no row"),
    "in the future": (still_to_come, "in the future: a clock was wrong"),
    "a manifest nobody can read": (with_files(manifest__json=b"{"), "its manifest cannot be read"),
    "a manifest of a million brackets": (with_files(manifest__json=b"[" * 10**6), "its manifest cannot be read"),
    "without a manifest": (with_files(all_databases__sql=SQL), "could not be read"),
    "of the scripts, cut off": (foreign_cut, "cut off"),
    "of the scripts, with a dump that was cut before it was compressed": (of_scripts(SQL[:60]), "closing line"),
    "of the scripts, without a dump": (foreign_without_dump, "holds no all_databases"),
    "of the scripts, of a newer PostgreSQL": (of_scripts(SQL.replace(b"15.8", b"17.2")), "PostgreSQL 17.2"),
    "of the scripts, without data": (of_scripts(SQL.replace(b"COPY", b"-- COPY")), "definitions and no data"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_one_is_refused_with_its_reason_and_the_next_good_one_is_taken(
    store: FullBackupStore, fault: str
) -> None:
    break_it, said = FAULTS[fault]
    break_it(store)
    newest = store.newest_first()[0]

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.name == full_name(MOMENT) != newest.name
    assert len(chosen.refused) == 1
    assert said in chosen.refused[0]
    assert newest.name in chosen.refused[0]


def failed(backup: FullBackup) -> BackupProof:
    """The last try with exactly this one, in its place."""
    return BackupProof(
        site="production", kind=BackupKind.FULL, name=backup.name, place=backup.store.place, mark=backup.mark,
        sha256="", proven_at=LATER, seconds=1.0, version="1", result=ProofResult.FAILED, fault="half of it came back",
    )  # fmt: skip


def test_one_that_could_not_be_restored_is_used_only_by_its_name(store: FullBackupStore) -> None:
    newer = put(store, LATER)
    rules = replace(RULES, failures=(failed(newer),))

    chosen, named = choose_full_backup((store,), rules), choose_full_backup((store,), rules, newer.name)

    assert (chosen.backup.name, len(chosen.refused)) == (full_name(MOMENT), 1)
    assert (named.backup.store, named.backup.mark) == (store.place, newer.mark)  # as its proof names it
    assert f"half of it came back. To use it anyway, name it: /dr recover backup {newer.name}" in chosen.refused[0]
    assert (named.backup.name, named.refused, len(named.failed)) == (newer.name, (), 1)
    assert "half of it came back" in named.failed[0]


def test_of_two_copies_the_one_that_came_back_is_used(store: FullBackupStore, tmp_path: Path) -> None:
    """Also by its name: the nearest is not the better one."""
    newer, second = put(store, LATER), store_in(tmp_path / "second")
    second.add(store.repository, snapshot_of(newer))
    rules = replace(RULES, failures=(failed(newer),))

    for name in (None, newer.name):
        chosen = choose_full_backup((store, second), rules, name)
        assert (chosen.backup.name, chosen.backup.place.startswith(second.place)) == (newer.name, True)
        assert (chosen.failed, chosen.refused) == ((), ())


def test_nothing_good_is_said_with_every_reason(store: FullBackupStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    silent_place, of_a_bank = store_in(tmp_path / "file"), replace(RULES, system="bank")

    with pytest.raises(UserError, match=r"file/ cannot be listed.*another system"):
        choose_full_backup((silent_place, store), of_a_bank)
    with pytest.raises(UserError, match="there is none in file:"):
        choose_full_backup((store_in(tmp_path / "missing"),), RULES)


def test_the_newest_is_taken_an_earlier_one_when_asked_and_one_by_name(store: FullBackupStore) -> None:
    newer = put(store, LATER)

    first = choose_full_backup((store,), RULES).backup
    second = choose_full_backup((store,), RULES, before=first).backup

    assert (first.name, second.name) == (newer.name, full_name(MOMENT))
    assert choose_full_backup((store,), RULES, second.name).backup == second
    with pytest.raises(UserError, match="no older one"):
        choose_full_backup((store,), RULES, before=second)


def test_one_of_the_scripts_is_named_with_and_without_its_suffix(store: FullBackupStore) -> None:
    name = make_foreign(folder_of(store), LATER).name

    for asked in (name, name.removesuffix(SUFFIX)):
        assert choose_full_backup((store,), RULES, asked).backup.name == store.get(asked).name == name
    with pytest.raises(PermanentError, match=f"no full backup other in file:.*the newest are: {name}"):
        store.get("other")


def test_the_same_one_in_two_places_is_taken_from_the_first_without_a_word(
    store: FullBackupStore, tmp_path: Path
) -> None:
    copy = store_in(tmp_path / "copy")
    (snapshot,) = (backup.snapshot for backup in store.newest_first())
    assert snapshot is not None
    copy.add(store.repository, snapshot)

    for places in ((store, copy), (copy, store)):
        chosen = choose_full_backup(places, RULES)
        assert (chosen.backup.sha256, chosen.refused) == (snapshot.tree, ())
        assert chosen.backup.place == f"{places[0].place}{full_name(MOMENT)}"


def test_another_one_of_the_same_name_is_told_and_the_first_place_wins(store: FullBackupStore, tmp_path: Path) -> None:
    other = store_in(tmp_path / "other")
    twin = put(other, sql=SQL + b"-- changed")

    chosen = choose_full_backup((other, store), RULES)

    assert chosen.backup.sha256 == twin.digest
    assert chosen.twins == (
        f"{store.place}{twin.name} has the same name but different contents; {twin.place} was chosen by its location",
    )


def test_what_it_holds_is_part_of_what_is_sealed(store: FullBackupStore) -> None:
    """By its manifest; one of the scripts is read, and says nothing of its files."""
    put(store, LATER, redis=None, files=("uploads",))
    mine = choose_full_backup((store,), RULES).backup
    make_foreign(folder_of(store), LATER + timedelta(hours=1))
    theirs = choose_full_backup((store,), RULES).backup

    assert (mine.system, mine.site, mine.holds) == ("shop", "production", Holds(configuration=True, files=("uploads",)))
    assert (theirs.system, theirs.site, theirs.holds) == ("", "", Holds(redis=True, configuration=True))


def test_one_of_the_scripts_is_taken_and_has_to_hold_what_the_one_before_it_held(store: FullBackupStore) -> None:
    """Of this system: what another one's backup held, this one need not hold."""
    put(store, MOMENT + timedelta(minutes=1), system="bank", rows={"bank.accounts": 5})
    make_foreign(folder_of(store), LATER, top="backup_20261126/postgres")

    found = choose_full_backup((store,), replace(RULES, databases=("authdb",))).backup

    assert (found.manifest, found.rows, found.server_version) == (False, {}, "15.8")
    assert (found.store, found.mark) == (store.place, store.newest_first()[0].mark)
    assert found.floor == Floor(named=("authdb",), databases=("authdb",), held=("authdb.users",))


def test_the_latest_of_the_scripts_counts_as_old_as_it_is_stored(store: FullBackupStore) -> None:
    make_foreign(folder_of(store)).rename(folder_of(store) / "full_backup_latest.tar.gz")

    assert choose_full_backup((store,), RULES).backup.name == "full_backup_latest.tar.gz"


def test_another_one_in_its_place_is_not_the_sealed_one(store: FullBackupStore) -> None:
    sealed = choose_full_backup((store,), RULES).backup
    found = find_full_backup((store,), sealed)
    assert (found.name, found.digest, found.place) == (sealed.name, sealed.sha256, sealed.place)

    assert store.remove_old(0, "shop", "production") == (sealed.name,)
    put(store, sql=SQL + b"-- changed")

    with pytest.raises(PermanentError, match=f"does not hold the {sealed.name} that the plan was made for"):
        find_full_backup((store,), sealed)
    with pytest.raises(PermanentError, match="names no place for full backups any more"):
        find_full_backup((), sealed)


def test_an_archive_that_was_replaced_is_not_the_sealed_one(store: FullBackupStore, tmp_path: Path) -> None:
    path = make_foreign(folder_of(store), LATER)
    sealed = choose_full_backup((store,), RULES).backup
    assert find_full_backup((store_in(tmp_path / "elsewhere"), store), sealed).place == sealed.place

    path.write_bytes(b"another")

    with pytest.raises(PermanentError, match="replaced"):
        find_full_backup((store,), sealed)


def test_only_our_own_old_ones_of_this_site_are_removed(store: FullBackupStore) -> None:
    """Several systems may share a repository; each looks after its own."""
    make_foreign(folder_of(store), MOMENT - timedelta(days=1))
    earlier = MOMENT - timedelta(hours=1)
    others = [put(store, earlier, site="staging"), put(store, earlier, system="bank")]
    put(store, LATER)
    kept = put(store, LATER + timedelta(hours=1))

    removed = store.remove_old(1, "shop", "production")

    left = store.newest_first()
    assert removed == (full_name(LATER), full_name(MOMENT))
    assert left[0].name == kept.name
    assert len(left) == 4
    assert {one.digest for one in others} < {one.digest for one in left}
    assert store.manifest(others[1]) is not None  # what it shared with those that went is still there


def test_what_cannot_be_used_pushes_no_good_backup_out(store: FullBackupStore) -> None:
    for days in (1, 2):
        put(store, datetime.now(UTC) + timedelta(days=days))

    assert store.remove_old(1, "shop", "production") == ()
    assert choose_full_backup((store,), RULES).backup.name == full_name(MOMENT)
