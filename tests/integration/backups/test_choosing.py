"""Full backups in a bucket with everything that can be wrong there: refused before anything is touched, or replaced.

The source document's way is `aws s3 cp … && tar -xzf`, or `aws s3 sync` and `ls -t | head -1`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError, UserError
from drbot.core.site.full_manifest import DUMP
from drbot.core.site.site import Backups, Configuration, ObjectStore, Site
from drbot.lab.object_store import BUCKET, SECOND_BUCKET
from drbot.runners.actions import fetching
from drbot.runners.backups.choose_full import FullRules, check_full_backup, choose_full_backup, find_full_backup
from drbot.runners.clients.fetched import Fetched, Recovery
from drbot.runners.foundation.watching import Cancelled, never, unheard
from tests.archives import MOMENT, SQL, fetching_context, make_foreign, put, snapshot_of, store_in
from tests.integration.backups.conftest import Place

RULES = FullRules(system="shop", site="production", server_major=15)
LATER = MOMENT + timedelta(hours=1)
MEBIBYTE = 1 << 20


def recovery(home: Path, cancelled: Cancelled = never) -> Recovery:
    made = Recovery(home=home, site="recovery", cancelled=cancelled, progress=unheard)
    made.folder.mkdir(parents=True, exist_ok=True)
    return made


def put_object(place: Place, key: str, data: bytes) -> None:
    client = place.client()
    client.client.put_object(Bucket=client.settings.bucket, Key=place.prefix + key, Body=data)


def packs(place: Place) -> Iterator[tuple[str, bytes]]:
    """The largest first."""
    client = place.client()
    for found in sorted(client.list("restic/data/"), key=lambda one: one.size, reverse=True):
        yield found.key, client.read(found.key)


def rot(place: Place) -> None:
    """One bit in the middle of the contents: what is looked at before they are fetched, the manifest and the folders,
    is small and lies anywhere else.
    """
    key, data = next(packs(place))
    middle = len(data) // 2
    put_object(place, key, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def test_it_is_chosen_and_fetched_as_exactly_this_one(place: Place, here: Path) -> None:
    store = place.store()
    put(store)
    sealed = choose_full_backup((store,), RULES).backup
    put(store, sql=SQL + b"-- another of the same name")

    found = find_full_backup((store,), sealed)
    fetched = Fetched(recovery(here), recovery(here).facts_of(recovery(here).fetch(found), sealed.sha256))

    assert sealed.place == f"s3://ai-micro-backups/{place.prefix}{sealed.name}"
    assert found.digest == sealed.sha256
    assert b"".join(fetched.part(DUMP)) == SQL
    assert fetched.manifest is not None
    assert fetched.manifest.rows == sealed.rows


def test_an_archive_of_the_scripts_is_read_from_start_to_end(place: Place, tmp_path: Path) -> None:
    store = place.store()
    mine, foreign = put(store), make_foreign(tmp_path, LATER)
    put_object(place, foreign.name, foreign.read_bytes())

    newest = choose_full_backup((store,), RULES).backup
    second = choose_full_backup((store,), RULES, mine.name).backup

    assert (newest.name, newest.manifest, newest.rows) == (foreign.name, False, {})
    assert "?versionId=" in newest.place
    assert (second.manifest, second.rows) == (True, {"authdb.users": 2})

    put_object(place, foreign.name, foreign.read_bytes()[:-50])
    assert find_full_backup((store,), newest).size == newest.size  # its version is still there
    again = choose_full_backup((store,), RULES)
    assert again.backup.name == mine.name
    assert "cut off" in again.refused[0]


@pytest.mark.long
def test_a_bit_that_rotted_is_found_and_the_copy_in_the_second_bucket_is_used(
    place: Place, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the place that the plan names, whatever the order in dr.yml."""
    store, second = place.store(), place.second()
    second.add(store.repository, snapshot_of(put(store, weight=MEBIBYTE)))
    rot(place)
    sealed = choose_full_backup((store, second), RULES).backup
    assert find_full_backup((second, store), sealed).place == sealed.place
    for name, value in place.bucket.keys().items():
        monkeypatch.setenv(name, value)
    logged: list[str] = []
    run = replace(fetching_context(here, "r1", sealed, Site(), configuration(place, here)), log=logged.append)

    fetching.fetch(run, {})

    assert b"".join(fetching.fetched(run).part(DUMP)) == SQL
    assert any(f"could not be filled from {store.place}" in line for line in logged)
    assert [line.split()[1] for line in logged if line.startswith("Fetching")] == [
        sealed.place, f"{second.place}{sealed.name}",
    ]  # fmt: skip


def configuration(place: Place, here: Path) -> Configuration:
    """A dr.yml that names both buckets, and a folder that is not there."""
    buckets = ObjectStore(
        bucket=BUCKET, second_bucket=SECOND_BUCKET, prefix=place.prefix, endpoint=place.bucket.endpoint
    )
    return Configuration(
        system="shop",
        sites={"recovery": Site()},
        default_site="recovery",
        object_store=buckets,
        backups=Backups(directory=here / "nothing"),
    )


@pytest.mark.long
def test_a_connection_cut_again_and_again_changes_nothing(place: Place, here: Path) -> None:
    put(place.store(), weight=2_000_000)
    store = place.store(proxied=True)
    sealed = choose_full_backup((store,), RULES).backup
    found = find_full_backup((store,), sealed)
    place.faults.cut_after, place.faults.cuts = 300_000, 6

    assert recovery(here).fetch(found).tree == sealed.sha256
    assert place.faults.cuts == 0


def test_what_an_earlier_attempt_brought_is_not_brought_again(place: Place, here: Path) -> None:
    put(place.store(), weight=48 * MEBIBYTE)
    backup = place.store(proxied=True).newest_first()[0]
    place.faults.bytes_per_second = 8 * MEBIBYTE
    begun = recovery(here)
    with pytest.raises(CancelledError):
        recovery(here, lambda: begun.size > 15 * MEBIBYTE).fetch(backup)
    brought, place.faults.bytes_per_second = begun.size, None
    del place.faults.seen[:]

    assert begun.fetch(backup).tree == backup.digest

    assert brought > 15 * MEBIBYTE
    assert asked_for(place) < 50 * MEBIBYTE - brought + MEBIBYTE
    assert begun.size < 50 * MEBIBYTE
    place.empty()


def asked_for(place: Place) -> int:
    """Bytes of packs."""
    ranges = [line.rpartition(" bytes=")[2] for line in place.faults.seen if "/data/" in line and " bytes=" in line]
    return sum(int(last) - int(first) + 1 for first, last in (one.split("-") for one in ranges))


def test_without_rights_it_says_which_are_missing_and_looks_elsewhere(place: Place) -> None:
    put(place.store())
    put(place.second())
    closed = place.store(person="nobody")

    chosen = choose_full_backup((closed, place.second()), RULES)
    with pytest.raises(UserError, match="s3:ListBucket"):
        choose_full_backup((closed,), RULES)

    assert chosen.backup.place.startswith("s3://ai-micro-backups-copy/")
    assert "s3:ListBucket" in chosen.silent[0]


@pytest.mark.long
def test_a_throttling_store_may_be_tried_again(place: Place, here: Path) -> None:
    put(place.store())
    store = place.store(proxied=True)
    sealed = choose_full_backup((store,), RULES).backup
    place.faults.status = 503

    with pytest.raises(TemporaryError):
        find_full_backup((store,), sealed)
    with pytest.raises(UserError, match="SlowDown"):
        choose_full_backup((store,), RULES)
    place.faults.status = None

    assert recovery(here).fetch(find_full_backup((store,), sealed)).tree == sealed.sha256


def test_a_store_that_refuses_in_the_middle_is_told_at_once(place: Place, here: Path) -> None:
    """And work there ends when nobody wants it any more, however often restic itself would try again."""
    put(place.store())
    store = place.store(proxied=True)
    backup = store.newest_first()[0]
    place.faults.status, place.faults.methods = 403, ("GET",)
    with pytest.raises(PermanentError, match="AccessDenied"):
        recovery(here).fetch(backup)

    place.faults.status, asked = 503, len(place.faults.seen)
    with pytest.raises(CancelledError):
        store.restic(lambda: len(place.faults.seen) > asked + 2).snapshots()


def test_what_is_stored_in_a_bucket_is_kept_and_locks_of_programs_are_not(place: Place, tmp_path: Path) -> None:
    here, there = store_in(tmp_path / "folder"), place.store()
    backup = put(here)

    there.add(here.repository, snapshot_of(backup))
    put_object(place, "restic/locks/of-a-program", b"x")
    there.objects.keep("restic/")

    kept = retentions(place)
    parts = {key.removeprefix("restic/").split("/")[0] for key in kept}
    assert parts == {"config", "data", "index", "keys", "locks", "snapshots"}
    assert kept.pop("restic/locks/of-a-program") is None
    assert all(until is not None and until > datetime.now(UTC) + timedelta(minutes=50) for until in kept.values())


@pytest.mark.more
def test_retention_goes_on_over_what_is_kept(place: Place, tmp_path: Path) -> None:
    """Its versions stay until their time has come: whoever takes the keys of this host takes no backup."""
    here, there = store_in(tmp_path / "folder"), place.store()
    old, new = put(here), put(here, LATER)
    for backup in (old, new):
        there.add(here.repository, snapshot_of(backup))
    before = versions(place)

    assert there.remove_old(1, "shop", "production") == (old.name,)

    assert [backup.name for backup in there.newest_first()] == [new.name]
    assert before <= versions(place)
    assert check_full_backup(there.newest_first()[0], RULES).sha256 == new.digest


def retentions(place: Place) -> dict[str, datetime | None]:
    """Until when each object may not be deleted."""
    client = place.client()
    return {
        found.key: client.client.head_object(Bucket=client.settings.bucket, Key=place.prefix + found.key).get(
            "ObjectLockRetainUntilDate"
        )
        for found in client.list("restic/")
    }


def versions(place: Place) -> set[tuple[str, str]]:
    """Every version of what is no lock of a program."""
    client = place.client()
    found = client.client.list_object_versions(Bucket=client.settings.bucket, Prefix=f"{place.prefix}restic/")
    return {(one["Key"], one["VersionId"]) for one in found["Versions"] if "/locks/" not in one["Key"]}
