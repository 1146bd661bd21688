"""Which full backup is good, why the others are not, and what comes out of one."""

import shutil
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import PermanentError, UserError
from core.full_manifest import FileSet, full_name, manifest_name
from core.plan import Holds
from runners.clients.full_archive import unpack
from runners.clients.full_folder import FolderStore
from runners.clients.full_store import FullBackupStore
from runners.clients.full_writer import files_writer
from runners.full_choice import FullRules, choose_full_backup, fetch_full_backup, find_full_backup
from tests.archives import MOMENT, SQL, add, make, make_foreign, put

RULES = FullRules(system="shop", site="production", server_major=15)
LATER = MOMENT + timedelta(hours=1)


def silent(done: float, total: float | None, unit: str) -> None:
    """No progress is shown."""


def going_on() -> bool:
    return False


@pytest.fixture
def store(tmp_path: Path) -> FullBackupStore:
    (tmp_path / "store").mkdir()
    return FullBackupStore(FolderStore(tmp_path / "store"))


def folder_of(store: FullBackupStore) -> Path:
    assert isinstance(store.store, FolderStore)
    return store.store.directory


def cut(store: FullBackupStore, work: Path) -> None:
    path = folder_of(store) / put(store, work, LATER).name
    path.write_bytes(path.read_bytes()[:-50])


def unreadable_manifest(store: FullBackupStore, work: Path) -> None:
    name = put(store, work, LATER).name
    (folder_of(store) / manifest_name(name)).write_text("{")


def foreign_cut(store: FullBackupStore, work: Path) -> None:
    path = make_foreign(folder_of(store), LATER)
    path.write_bytes(path.read_bytes()[:-50])


def foreign_without_dump(store: FullBackupStore, work: Path) -> None:
    with tarfile.open(folder_of(store) / full_name(LATER), "w:gz") as archive:
        add(archive, "full/redis_x.rdb.gz", b"")


FAULTS: dict[str, tuple[Callable[[FullBackupStore, Path], object], str]] = {
    "cut off": (cut, "cut off or replaced"),
    "of another system": (lambda store, work: put(store, work, LATER, system="bank"), 'another system, "bank"'),
    "of another site": (lambda store, work: put(store, work, LATER, site="staging"), 'another site, "staging"'),
    "of a newer PostgreSQL": (lambda store, work: put(store, work, LATER, server_version="17.2"), "PostgreSQL 17.2"),
    "of a newer drbot": (lambda store, work: put(store, work, LATER, format=2), "format 2"),
    "not completed": (lambda store, work: put(store, work, LATER, completed=False), "not completed"),
    "a manifest nobody can read": (unreadable_manifest, "cannot be read"),
    "of the scripts, cut off": (foreign_cut, "cut off"),
    "of the scripts, with a dump that was cut before it was compressed": (
        lambda store, work: make_foreign(folder_of(store), LATER, sql=SQL[:60]),
        "closing line",
    ),
    "of the scripts, without a dump": (foreign_without_dump, "holds no all_databases"),
    "of the scripts, of a newer PostgreSQL": (
        lambda store, work: make_foreign(folder_of(store), LATER, sql=SQL.replace(b"15.8", b"17.2")),
        "PostgreSQL 17.2",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_one_is_refused_with_its_reason_and_the_next_good_one_is_taken(
    store: FullBackupStore, tmp_path: Path, fault: str
) -> None:
    break_it, said = FAULTS[fault]
    good = put(store, tmp_path / "work")
    break_it(store, tmp_path / "work")

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.name == good.name
    assert len(chosen.refused) == 1
    assert said in chosen.refused[0]


def test_nothing_good_is_said_with_every_reason(store: FullBackupStore, tmp_path: Path) -> None:
    put(store, tmp_path / "work", system="bank")
    (tmp_path / "file").write_text("no folder")
    silent_place = FullBackupStore(FolderStore(tmp_path / "file"))

    with pytest.raises(UserError, match=r"file cannot be listed.*another system"):
        choose_full_backup((silent_place, store), RULES)
    with pytest.raises(UserError, match="there is none in file:"):
        choose_full_backup((FullBackupStore(FolderStore(tmp_path / "missing")),), RULES)


def test_the_newest_is_taken_an_earlier_one_when_asked_and_one_by_name(store: FullBackupStore, tmp_path: Path) -> None:
    older, newer = put(store, tmp_path / "work"), put(store, tmp_path / "work", LATER)

    first = choose_full_backup((store,), RULES).backup
    second = choose_full_backup((store,), RULES, before=first).backup

    assert (first.name, second.name) == (newer.name, older.name)
    assert choose_full_backup((store,), RULES, older.name.removesuffix(".tar.gz")).backup == second
    with pytest.raises(UserError, match="no older one"):
        choose_full_backup((store,), RULES, before=second)


def test_of_two_of_the_same_moment_one_is_taken_always_the_same_and_the_other_is_named(
    store: FullBackupStore, tmp_path: Path
) -> None:
    put(store, tmp_path / "work")
    twin = put(store, tmp_path / "work", LATER, snapshot_at=MOMENT)
    places = [store, FullBackupStore(FolderStore(tmp_path / "empty"))]
    (tmp_path / "empty").mkdir()

    chosen = [choose_full_backup(order, RULES) for order in (places, places[::-1])]

    assert {one.backup.name for one in chosen} == {twin.name}
    assert all("is of the same moment" in one.refused[0] for one in chosen)


def test_what_it_holds_is_part_of_what_is_sealed(store: FullBackupStore, tmp_path: Path) -> None:
    """By its manifest; one of the scripts is read, and says nothing of its files."""
    files = {"uploads": FileSet(count=0, bytes=0, digest="0")}
    put(store, tmp_path / "work", redis=None, files=files, configuration={"a/.env": "0"})
    mine = choose_full_backup((store,), RULES).backup
    make_foreign(folder_of(store), LATER)
    theirs = choose_full_backup((store,), RULES).backup

    assert (mine.system, mine.site, mine.holds) == ("shop", "production", Holds(configuration=True, files=("uploads",)))
    assert (theirs.system, theirs.site, theirs.holds) == ("", "", Holds(redis=True, configuration=True))


def test_one_of_the_scripts_is_taken_and_has_to_hold_what_the_one_before_it_held(store: FullBackupStore) -> None:
    make_foreign(folder_of(store), top="backup_20261126/postgres")

    found = choose_full_backup((store,), RULES).backup

    assert (found.manifest, found.rows, found.server_version) == (False, {}, "15.8")


def test_the_latest_of_the_scripts_counts_as_old_as_it_is_stored(store: FullBackupStore, tmp_path: Path) -> None:
    make_foreign(folder_of(store)).rename(folder_of(store) / "full_backup_latest.tar.gz")
    put(store, tmp_path / "work")

    assert choose_full_backup((store,), RULES).backup.name == "full_backup_latest.tar.gz"


def test_what_is_packed_comes_out_whole(store: FullBackupStore, tmp_path: Path) -> None:
    backup = put(store, tmp_path / "work")

    found = unpack(folder_of(store) / backup.name, tmp_path / "out", silent, going_on)

    assert found.manifest is not None
    assert found.manifest.rows == {"authdb.users": 2}
    assert (found.databases["authdb"] / "toc.dat").read_text() == "table of contents"
    assert all((found.dump, found.configuration, found.redis, found.files))


def test_a_changed_file_inside_is_noticed_when_it_is_unpacked(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    with tarfile.open(tmp_path / manifest.name) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    top = manifest.name.removesuffix(".tar.gz")
    (tmp_path / "out" / top / "databases/authdb/toc.dat").write_text("something else")
    with tarfile.open(tmp_path / manifest.name, "w:gz") as archive:
        archive.add(tmp_path / "out" / top, top)

    with pytest.raises(PermanentError, match=r"toc\.dat is not what the manifest says"):
        unpack(tmp_path / manifest.name, tmp_path / "again", silent, going_on)


@pytest.mark.parametrize("name", ["../outside", "/etc/outside"])
def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / full_name(MOMENT)
    with tarfile.open(path, "w:gz") as archive:
        add(archive, name, b"x")

    with pytest.raises(PermanentError, match="written elsewhere"):
        unpack(path, tmp_path / "out", silent, going_on)
    assert not (tmp_path / "outside").exists()


def test_the_same_bytes_come_from_another_place_when_the_sealed_one_is_damaged(
    store: FullBackupStore, tmp_path: Path
) -> None:
    copy = FullBackupStore(FolderStore(tmp_path / "copy"))
    backup = put(store, tmp_path / "work")
    shutil.copytree(folder_of(store), tmp_path / "copy")
    sealed = choose_full_backup((store, copy), RULES).backup
    damaged = bytearray((folder_of(store) / backup.name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder_of(store) / backup.name).write_bytes(damaged)
    (tmp_path / "here").mkdir()

    fetched = fetch_full_backup((store, copy), sealed, tmp_path / "here", silent, going_on)

    assert fetched.read_bytes() == (tmp_path / "copy" / backup.name).read_bytes()
    shutil.rmtree(tmp_path / "copy")
    fetched.unlink()
    with pytest.raises(PermanentError, match="damaged"):
        fetch_full_backup((store, copy), sealed, tmp_path / "here", silent, going_on)


def test_an_archive_that_was_replaced_is_not_the_sealed_one(store: FullBackupStore, tmp_path: Path) -> None:
    backup = put(store, tmp_path / "work")
    sealed = choose_full_backup((store,), RULES).backup
    assert find_full_backup((store,), sealed).name == backup.name

    (folder_of(store) / backup.name).write_bytes(b"another")

    with pytest.raises(PermanentError, match="replaced"):
        find_full_backup((store,), sealed)


def test_only_our_own_old_ones_of_this_site_are_removed(store: FullBackupStore, tmp_path: Path) -> None:
    make_foreign(folder_of(store), MOMENT - timedelta(days=1))
    put(store, tmp_path / "work", MOMENT - timedelta(hours=1), site="staging")
    for hour in range(3):
        put(store, tmp_path / "work", MOMENT + timedelta(hours=hour))

    removed = store.remove_old(2, "shop", "production")

    assert removed == (full_name(MOMENT),)
    assert len(store.newest_first()) == 4


def test_the_digest_of_files_is_that_of_sha256sum_sorted_by_path(tmp_path: Path) -> None:
    for name in ("b", "a/c", "B"):
        (tmp_path / "uploads" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "uploads" / name).write_text(name)

    with files_writer(tmp_path / "files.tar.gz", going_on) as writer:
        found = writer.add_folder("shop/uploads", tmp_path / "uploads")

    # find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum
    assert found.digest == "fc95e54e5aa22553fbe1a055e62cb3a5d66d567334b43d319f3d6da2d7c99d00"
    assert (found.count, found.bytes) == (3, 5)
    with tarfile.open(tmp_path / "files.tar.gz") as archive:
        assert "shop/uploads/a/c" in archive.getnames()
