"""Dumps of PostgreSQL in the folder, the bucket and the second bucket: the nearest good one is used, nothing of it
before it is proven, and what is gone or locked is said in plain words while the work here goes on.
"""

import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from drbot.cli.copied_dumps import check_dumps, show_copied_dumps
from drbot.core.base.errors import PermanentError, TemporaryError, UserError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.readiness import Colour, Line
from drbot.core.site.site import Backups, Configuration, ObjectStore, Postgres, Service, Site
from drbot.core.site.stored_backups import missing_of_321, newest_of
from drbot.lab.object_store import BUCKET, SECOND_BUCKET
from drbot.runners.actions import backup as backup_actions
from drbot.runners.backups.choose_dump import choose
from drbot.runners.backups.dump_at_hand import dump_named, folder_of, let_go
from drbot.runners.backups.make_dump import copy_again, copy_elsewhere
from drbot.runners.clients.backup_store import BackupStore, Manifest, backup_at, manifest_path
from drbot.runners.clients.dump_store import DumpStore, dump_stores
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.target import Chosen
from drbot.runners.foundation.watching import never, unheard
from drbot.runners.planning.survey_questions import fetched_from, passed_over
from drbot.runners.upkeep.backup_readiness import DUMP, look_at_backups
from tests.archives import fetching_context, make, noise
from tests.integration.backups.conftest import Place
from tests.unit.runners.test_backups import RULES, put

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def configuration(place: Place, folder: Path) -> Configuration:
    """A dr.yml that names the folder and a bucket."""
    postgres = Service(project="shop", service="postgres", role="database")
    site = Site(services={"postgres": postgres}, postgres=Postgres(volume="postgres_data", databases=("authdb",)))
    made = Configuration(
        system="shop",
        sites={"production": site},
        backups=Backups(directory=folder, keep=2),
        object_store=ObjectStore(bucket=BUCKET, prefix=place.prefix, endpoint=place.bucket.endpoint),
    )
    make(dump_stores(made)[0])
    return made


@pytest.fixture
def two_buckets(configuration: Configuration) -> Configuration:
    """The same with a second one."""
    made = with_store(configuration, second_bucket=SECOND_BUCKET)
    make(dump_stores(made)[1])
    return made


def with_store(configuration: Configuration, **changes: Any) -> Configuration:
    """Another `object_store`."""
    assert configuration.object_store is not None
    return configuration.model_copy(update={"object_store": configuration.object_store.model_copy(update=changes)})


def copied(configuration: Configuration, hour: int, **changes: Any) -> Path:
    """A dump of this hour in every place."""
    path = put(configuration.backups.directory, hour, **changes)
    copy_elsewhere(configuration, manifest_of(path), dump_stores(configuration))
    return path


def manifest_of(path: Path) -> Manifest:
    found = backup_at(path).manifest
    assert found is not None
    return found


def chosen(configuration: Configuration, name: str | None = None) -> Chosen:
    return choose(BackupStore(configuration.backups.directory), RULES, name, elsewhere=dump_stores(configuration))


def context_of(configuration: Configuration, home: Path, sealed: BackupIdentity) -> StepContext:
    """A step of a run whose plan has this dump."""
    made = fetching_context(home, "r1", sealed, configuration.site(), configuration)
    server = SimpleNamespace(major_version=lambda: 15, settings=configuration.site().postgres)
    clients = SimpleNamespace(
        settings=SimpleNamespace(home=home), backups=BackupStore(configuration.backups.directory), postgres=server
    )  # fmt: skip
    plan = made.plan.model_copy(update={"site": "production"})
    return replace(made, clients=cast(Any, clients), plan=plan)


def lines_of(configuration: Configuration) -> dict[str, Line]:
    return {line.what: line for line in look_at_backups(configuration).lines}


def test_a_dump_lies_in_three_places_and_the_oldest_go_from_each(two_buckets: Configuration) -> None:
    names = [copied(two_buckets, hour).name for hour in (1, 2, 3)]
    folder = two_buckets.backups.directory

    for store in dump_stores(two_buckets):
        assert [one.name for one in store.newest_first()] == [names[2], names[1]]
        assert store.manifest(store.newest_first()[0]) == manifest_of(folder / names[2])
    found = look_at_backups(two_buckets).found
    assert list(missing_of_321(newest_of(found))) == []
    assert len({one.place for one in found if one.name == names[2]}) == 3
    assert listing(two_buckets).count(names[2].removesuffix(".sql.gz")) == 2
    good, wrong = check_dumps(two_buckets, BackupStore(folder), RULES, names[2])
    assert (len(good), wrong) == (3, [])


def listing(configuration: Configuration) -> str:
    """As `drbot backup list` prints them."""
    printed = StringIO()
    show_copied_dumps(Console(file=printed, width=200), configuration)
    return printed.getvalue()


def test_those_of_another_system_or_site_are_neither_removed_nor_shown(
    configuration: Configuration, tmp_path: Path
) -> None:
    theirs = copied(configuration, 3, system="bank")
    for hour in (1, 2, 3):
        mine = copied(configuration, hour)
    assert mine.name == theirs.name  # of the same second

    (store,) = dump_stores(configuration)
    assert [one.name for one in store.newest_first()].count(mine.name) == 2
    buckets = [one for one in look_at_backups(configuration).found if one.is_off_site]
    assert len(buckets) == 2
    gone(configuration.backups.directory, mine)
    found = chosen(configuration).backup
    assert (found.name, found.system) == (mine.name, "shop")
    assert dump_named(context_of(configuration, tmp_path / "home", found), found.name).manifest is not None


def test_the_folder_comes_first_where_several_places_have_it(configuration: Configuration) -> None:
    newest = copied(configuration, 2)

    found = chosen(configuration)

    here = BackupStore(newest.parent)
    assert (found.backup.name, found.backup.place) == (newest.name, f"file:{configuration.backups.directory}")
    assert (found.backup.store, found.backup.mark) == (here.place, here.get(newest.name).mark)
    assert (found.refused, found.silent) == ((), ())


def empty(folder: Path, newest: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def gone(folder: Path, newest: Path) -> None:
    shutil.rmtree(folder)


def damaged(folder: Path, newest: Path) -> None:
    data = bytearray(newest.read_bytes())
    data[-6] ^= 1
    newest.write_bytes(data)


def lost(folder: Path, newest: Path) -> None:
    newest.unlink()
    manifest_path(newest).unlink()


def test_a_damaged_copy_of_the_backup_that_is_used_is_called_a_copy_of_it(
    configuration: Configuration, folder: Path
) -> None:
    """Nothing newer than itself was refused."""
    damaged(folder, copied(configuration, 2))

    found = chosen(configuration)

    (told,) = passed_over(found)
    assert found.backup.is_in_bucket
    assert told.startswith("A copy of this backup was refused, and another copy of the same backup is used: file:")
    assert "is damaged" in told or "SHA-256" in told
    assert "newer" not in told


def test_a_newer_backup_that_is_refused_is_still_called_newer(configuration: Configuration, folder: Path) -> None:
    copied(configuration, 1)
    damaged(folder, put(folder, 2))

    (told,) = passed_over(chosen(configuration))

    assert told.startswith("A newer backup was refused: all_databases_20261126_020000")


@pytest.mark.parametrize("harm", [empty, gone, damaged, lost], ids=lambda harm: harm.__name__)
def test_what_the_folder_lacks_comes_from_the_bucket_proven_before_it_is_used(
    configuration: Configuration, folder: Path, tmp_path: Path, harm: Any
) -> None:
    put(folder, 1)
    newest = copied(configuration, 2)
    content = newest.read_bytes()
    harm(folder, newest)

    sealed = chosen(configuration).backup
    context = context_of(configuration, tmp_path / "home", sealed)
    said = backup_actions.check_again(context, {"backup": sealed.name})
    brought = dump_named(context, sealed.name)

    assert (sealed.name, sealed.rows) == (newest.name, {"authdb.users": 2})
    (copy,) = (one for one in dump_stores(configuration)[0].newest_first() if one.name == newest.name)
    assert sealed.place == f"{dump_stores(configuration)[0].place}{newest.name}"
    assert (sealed.store, sealed.mark) == (dump_stores(configuration)[0].place, copy.mark)
    assert "is complete and whole" in said.summary
    assert brought.path.read_bytes() == content
    assert (folder_of(context).stat().st_mode & 0o077, brought.path.stat().st_mode & 0o077) == (0, 0)
    assert backup_actions.whole(context, {"backup": sealed.name}).passed
    let_go(context)
    assert not folder_of(context).exists()


def test_a_plan_says_where_its_dump_is_fetched_from_and_who_could_have_made_it(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = copied(configuration, 2)
    here = chosen(configuration).backup
    empty(configuration.backups.directory, newest)
    there = chosen(configuration).backup

    assert fetched_from(here) == ()
    assert there.place in fetched_from(there)[0]
    assert "anyone who can write to that bucket" in fetched_from(there)[1]
    monkeypatch.setenv("RESTIC_PASSWORD", "kept elsewhere")
    assert len(fetched_from(there)) == 1


def test_bytes_that_are_not_those_of_the_plan_are_never_used(configuration: Configuration, tmp_path: Path) -> None:
    newest = copied(configuration, 2)
    sealed = BackupIdentity.model_validate(
        chosen(configuration).backup.model_dump() | {"sha256": "0" * 64, "place": "s3://elsewhere/"}
    )
    context = context_of(configuration, tmp_path / "home", sealed)

    with pytest.raises(PermanentError, match="SHA-256"):
        dump_named(context, newest.name)

    assert list(folder_of(context).iterdir()) == []


def test_one_that_is_longer_than_it_says_does_not_fill_the_disk(configuration: Configuration, tmp_path: Path) -> None:
    newest = copied(configuration, 2)
    (store,) = dump_stores(configuration)
    newest.write_bytes(newest.read_bytes() + noise(16 << 20))
    store.restic().forget([one.snapshot.id for one in store.newest_first()])
    store.add(newest, manifest_of(newest), unheard, never)
    here, brought = tmp_path / "here", list[float]()
    here.mkdir()

    def told(done: float, _total: float | None, _unit: str) -> None:
        brought.append(done)

    with pytest.raises(PermanentError, match="SHA-256"):
        store.fetch(store.newest_first()[0], here, manifest_of(newest).sha256, told, never)

    assert brought[-1] < 8 << 20
    assert list(here.iterdir()) == []


def test_when_the_bucket_of_the_plan_fails_the_same_bytes_come_from_the_second_one(
    two_buckets: Configuration, place: Place, folder: Path, tmp_path: Path
) -> None:
    newest = copied(two_buckets, 2)
    gone(folder, newest)
    sealed = chosen(two_buckets).backup
    for found in place.client().list(f"{DumpStore.folder}/data/"):
        place.client().remove(found.key)

    logged: list[str] = []
    context = replace(context_of(two_buckets, tmp_path / "home", sealed), log=logged.append)
    brought = dump_named(context, sealed.name)

    assert brought.name == newest.name
    assert any(line.startswith(f"Fetching s3://{SECOND_BUCKET}/") for line in logged)


def test_a_bucket_that_vanished_is_said_and_the_folder_is_used(configuration: Configuration) -> None:
    without = with_store(configuration, bucket="vanished", second_bucket="vanished-too")

    with pytest.raises(PermanentError, match=r"is not stored everywhere, 2 of 3 places failed: .*vanished"):
        copied(without, 2)
    found, lines = chosen(without), lines_of(without)

    assert found.backup.name == "all_databases_20261126_020000.sql.gz"
    assert found.backup.place.startswith("file:")
    assert "s3://vanished/" in found.silent[0]
    assert "s3://vanished/" in listing(without)
    assert lines["places of backups"].colour is Colour.RED
    assert "all_databases_20261126_020000" in lines[DUMP].reason
    assert lines["3-2-1 rule"].colour is Colour.AMBER


def test_without_the_buckets_keys_the_folder_is_used(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(configuration.backups.directory, 1)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))

    found = chosen(configuration)

    assert found.backup.place.startswith("file:")
    assert "credentials" in found.silent[0] or "keys" in found.silent[0]


def test_with_another_password_it_says_so_and_the_folder_is_used(
    configuration: Configuration, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "the first one")
    configuration = with_store(configuration, prefix=f"{place.prefix}encrypted/")
    newest = copied(configuration, 1)
    monkeypatch.setenv("RESTIC_PASSWORD", "another one")

    found = chosen(configuration)
    empty(configuration.backups.directory, newest)
    with pytest.raises(UserError, match="another RESTIC_PASSWORD than this process has"):
        chosen(configuration)
    monkeypatch.delenv("RESTIC_PASSWORD")
    with pytest.raises(UserError, match="a RESTIC_PASSWORD, and this process has none"):
        chosen(configuration)

    assert found.backup.place.startswith("file:")
    assert "another RESTIC_PASSWORD" in found.silent[0]


def test_what_only_the_bucket_did_not_take_is_copied_later_and_not_made_again(
    configuration: Configuration, place: Place
) -> None:
    place.faults.status = 503
    with pytest.raises(TemporaryError):
        copied(with_store(configuration, endpoint=place.proxy), 2)
    path = configuration.backups.directory / "all_databases_20261126_020000.sql.gz"
    began = manifest_of(path).started_at

    assert not copy_again(configuration, "production", lambda begun: False, never)
    assert not copy_again(configuration, "staging", lambda begun: True, never)
    assert dump_stores(configuration)[0].newest_first() == ()
    for _ in range(2):
        assert copy_again(configuration, "production", lambda begun: begun == began, never)

    assert [one.name for one in dump_stores(configuration)[0].newest_first()] == [path.name]
    assert len(list(configuration.backups.directory.glob("*.sql.gz"))) == 1


def test_a_bucket_that_fails_for_a_moment_may_be_tried_again(configuration: Configuration, place: Place) -> None:
    place.faults.status = 503

    with pytest.raises(TemporaryError, match="is not stored everywhere, 1 of 2 places failed"):
        copied(with_store(configuration, endpoint=place.proxy), 1)


def test_a_copy_is_judged_by_its_manifest(configuration: Configuration, folder: Path) -> None:
    good = copied(configuration, 1)
    bad: tuple[dict[str, Any], ...] = (
        {"completed": False}, {"rows": {}}, {"server_version": "17.1"},
    )  # fmt: skip
    kept = configuration.model_copy(update={"backups": Backups(directory=folder, keep=9)})
    for hour, changes in enumerate(bad, 2):
        copied(kept, hour, **changes)
    gone(folder, good)

    found = chosen(configuration)

    assert found.backup.name == good.name
    wanted = ("PostgreSQL 17.1", "counts no row", "not completed")
    assert [said in why for said, why in zip(wanted, found.refused, strict=True)] == [True] * 3


def test_one_that_is_named_comes_from_where_it_is(configuration: Configuration, folder: Path) -> None:
    older = copied(configuration, 1)
    lost(folder, older)
    put(folder, 2)

    assert chosen(configuration, older.name.removesuffix(".sql.gz")).backup.place.startswith(f"s3://{BUCKET}/")
    with pytest.raises(UserError, match="There is no backup all_databases_x"):
        chosen(configuration, "all_databases_x")


def test_a_copy_stays_undeletable_as_long_as_dr_yml_says(configuration: Configuration, place: Place) -> None:
    copied(with_store(configuration, lock=3600.0), 1)

    client = place.client()
    packs = client.list(f"{DumpStore.folder}/data/")

    assert packs and all(client.is_locked(client.head(one.key)) for one in packs)
