"""Full backups in a bucket with everything that can be wrong there: refused before anything is touched, or replaced.

The source document's way is `aws s3 cp … && tar -xzf`, or `aws s3 sync` and `ls -t | head -1`.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import PermanentError, TemporaryError, UserError
from core.full_manifest import Member, manifest_name
from runners.clients.full_archive import unpack
from runners.full_choice import FullRules, choose_full_backup, fetch_full_backup, find_full_backup
from tests.archives import MOMENT, make_foreign, put
from tests.integration.backups.conftest import Place

RULES = FullRules(system="shop", site="production", server_major=15)
LATER = MOMENT + timedelta(hours=1)


def silent(done: float, total: float | None, unit: str) -> None:
    """No progress is shown."""


def going_on() -> bool:
    return False


def test_it_is_chosen_fetched_and_unpacked_as_exactly_this_version(place: Place, tmp_path: Path, here: Path) -> None:
    store = place.store()
    put(store, tmp_path / "work")

    sealed = choose_full_backup((store,), RULES).backup
    put(store, tmp_path / "work", weight=80_000)  # the same name again: another version, and another manifest
    fetched = fetch_full_backup((store,), sealed, here, silent, going_on)
    found = unpack(fetched, here / "out", silent, going_on)

    assert "?versionId=" in sealed.place
    assert fetched.stat().st_size == sealed.size
    assert found.manifest is not None
    assert found.manifest.rows == sealed.rows
    assert sum(path.stat().st_size for path in (here / "out").rglob("*") if path.name == "files_backup_x.tar.gz") < 100


def test_an_upload_that_was_cut_is_refused_and_the_next_good_one_taken(place: Place, tmp_path: Path) -> None:
    store, client = place.store(), place.client()
    good, bad = put(store, tmp_path / "work"), put(store, tmp_path / "work", LATER)
    client.write(bad.name, client.read(bad.name)[:-100])

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.name == good.name
    assert "cut off or replaced" in chosen.refused[0]


def test_an_archive_without_its_manifest_is_read_from_start_to_end(place: Place, tmp_path: Path) -> None:
    store, client = place.store(), place.client()
    mine = put(store, tmp_path / "work")
    client.remove(manifest_name(mine.name))
    foreign = make_foreign(tmp_path, LATER)
    client.upload(foreign, foreign.name, sha256="")

    newest = choose_full_backup((store,), RULES).backup
    second = choose_full_backup((store,), RULES, mine.name).backup

    assert (newest.name, newest.manifest, newest.rows) == (foreign.name, False, {})
    assert (second.manifest, second.rows) == (True, {"authdb.users": 2})  # the manifest inside counts


def test_a_byte_that_rotted_is_found_and_the_copy_in_the_second_bucket_is_used(
    place: Place, tmp_path: Path, here: Path
) -> None:
    store, second, client = place.store(), place.second(), place.client()
    backup = put(store, tmp_path / "work")
    name = backup.name
    assert backup.manifest is not None
    second.add(tmp_path / "work" / name, backup.manifest)
    rotten = bytearray(client.read(name))
    rotten[len(rotten) // 2] ^= 1
    client.write(name, bytes(rotten))
    sealed = choose_full_backup((store, second), RULES).backup

    with pytest.raises(PermanentError, match="damaged or replaced"):
        fetch_full_backup((store,), sealed, here, silent, going_on)
    fetched = fetch_full_backup((store, second), sealed, here, silent, going_on)

    assert fetched.read_bytes() == second.store.read(name)


def test_a_connection_cut_again_and_again_changes_nothing(place: Place, tmp_path: Path, here: Path) -> None:
    put(place.store(), tmp_path / "work", weight=2_000_000)
    store = place.store(proxied=True)
    sealed = choose_full_backup((store,), RULES).backup
    place.faults.cut_after, place.faults.cuts = 300_000, 6

    fetched = fetch_full_backup((store,), sealed, here, silent, going_on)

    assert fetched.stat().st_size == sealed.size
    assert place.faults.cuts == 0


def test_without_rights_it_says_which_are_missing_and_looks_elsewhere(place: Place, tmp_path: Path) -> None:
    put(place.store(), tmp_path / "work")
    put(place.second(), tmp_path / "work")
    closed = place.store(person="nobody")

    chosen = choose_full_backup((closed, place.second()), RULES)
    with pytest.raises(UserError, match="s3:ListBucket"):
        choose_full_backup((closed,), RULES)

    assert chosen.backup.place.startswith("s3://ai-micro-backups-copy/")
    assert "s3:ListBucket" in chosen.refused[0]


def test_a_throttling_store_may_be_tried_again(place: Place, tmp_path: Path, here: Path) -> None:
    put(place.store(), tmp_path / "work")
    store = place.store(proxied=True)
    sealed = choose_full_backup((store,), RULES).backup
    place.faults.status = 503

    with pytest.raises(TemporaryError):
        fetch_full_backup((store,), sealed, here, silent, going_on)
    with pytest.raises(UserError, match="SlowDown"):
        choose_full_backup((store,), RULES)
    place.faults.status = None

    assert fetch_full_backup((store,), sealed, here, silent, going_on).exists()


def test_a_disk_that_is_too_small_is_noticed_before_a_byte_is_written(place: Place, tmp_path: Path, here: Path) -> None:
    huge = Member(path="all_databases_x.sql.gz", size=2**60, sha256="0" * 64)
    put(place.store(), tmp_path / "work", members=(huge,))
    store = place.store(proxied=True)
    sealed = choose_full_backup((store,), RULES).backup
    asked = len(place.faults.seen)

    with pytest.raises(PermanentError, match="too small"):
        fetch_full_backup((store,), sealed, here, silent, going_on)

    read = [line for line in place.faults.seen[asked:] if line.startswith("GET") and sealed.name in line]
    assert read == []
    assert list(here.iterdir()) == []


def test_two_of_the_same_moment_in_two_buckets_are_told(place: Place, tmp_path: Path) -> None:
    put(place.store(), tmp_path / "work")
    put(place.second(), tmp_path / "work", weight=8_000)

    chosen = choose_full_backup((place.store(), place.second()), RULES)

    assert chosen.backup.place.startswith("s3://ai-micro-backups/")
    assert "ai-micro-backups-copy" in chosen.refused[0]
    assert "same moment" in chosen.refused[0]


def test_a_removed_backup_is_not_found_again(place: Place, tmp_path: Path) -> None:
    store = place.store()
    for hours in range(3):
        put(store, tmp_path / "work", MOMENT + timedelta(hours=hours))

    removed = store.remove_old(2, "shop", "production")
    left = [backup.name for backup in store.newest_first()]

    assert len(removed) == 1
    assert len(left) == 2
    with pytest.raises(PermanentError, match="There is no full backup"):
        store.get(removed[0])
    sealed = choose_full_backup((store,), RULES).backup
    assert find_full_backup((store,), sealed).name == left[0]
