"""A dump of PostgreSQL is proven in every place where it lies: a copy in a bucket is fetched from there, and restored
unless exactly its bytes were. Damaged, foreign, stale, empty and missing copies are each told, by their place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from drbot.core.site.proofs import LINES, ProofResult
from drbot.core.site.readiness import Colour
from drbot.core.site.site import ObjectStore
from drbot.core.site.stored_backups import BackupKind
from drbot.lab.object_store import BUCKET, SECOND_BUCKET, Bucket
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.backup_store import Manifest, manifest_path
from drbot.runners.clients.dump_store import DumpStore, dump_stores
from drbot.runners.clients.full_store import full_stores, tags_of
from drbot.runners.clients.object_store import ObjectStoreClient, StoredObject
from drbot.runners.upkeep.backup_readiness import COPIES, DUMP, look_at_backups
from drbot.store.base.database import Database
from tests.archives import make
from tests.integration.lab.provers import Proving, proving
from tests.labs import mend

pytest.importorskip("moto")
pytestmark = pytest.mark.docker
DUMPS, PLACES = LINES[BackupKind.POSTGRES], "places of backups"


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A dump that lies in the folder and in a bucket."""

    here: Proving
    made: Manifest

    @property
    def store(self) -> DumpStore:
        """The bucket's dumps."""
        return dump_stores(self.here.configuration)[0]

    @property
    def objects(self) -> ObjectStoreClient:
        """The bucket."""
        assert isinstance(self.store.objects, ObjectStoreClient)
        return self.store.objects

    def below(self, folder: str) -> list[StoredObject]:
        """Objects of the repository, the largest first."""
        found = self.objects.list(f"{self.store.folder}/{folder}")
        return sorted(found, key=lambda one: one.size, reverse=True)

    def rewrite(self, stored: StoredObject, change: Callable[[bytearray], object]) -> None:
        """It holds other bytes."""
        data = bytearray(self.objects.read(stored.key))
        change(data)
        self.objects.write(stored.key, bytes(data))

    def prove_all(self) -> list[ProofResult]:
        """As the worker does, one after the other."""
        self.here.look()
        found = []
        while (proof := self.here.prover.prove_next()) is not None:
            found.append(proof.result)
        return found


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    made = Bucket(folder=tmp_path_factory.mktemp("s3"))
    made.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.keys().items():
            patch.setenv(name, value)
        yield made
    made.stop()


@pytest.fixture
def empty(
    lab: Lab, bucket: Bucket, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proving]:
    """A folder and a bucket that nothing lies in."""
    mend(lab)
    monkeypatch.setenv("DRBOT_HOME", str(tmp_path))
    store = ObjectStore(bucket=BUCKET, prefix=f"{tmp_path.name}/", endpoint=bucket.endpoint)
    with proving(lab, database, tmp_path, object_store=store) as here:
        yield here


@pytest.fixture
def copied(empty: Proving) -> Copied:
    make(dump_stores(empty.configuration)[0])
    return Copied(here=empty, made=back_up_postgres(empty.configuration, "production", clients=empty.clients))


def without_folder(copied: Copied) -> None:
    """The host's own copy is lost."""
    path = copied.here.configuration.backups.directory / copied.made.name
    path.unlink()
    manifest_path(path).unlink()


def test_the_copy_of_a_proven_dump_is_read_back_and_not_restored_again(copied: Copied) -> None:
    assert copied.prove_all() == [ProofResult.PROVEN, ProofResult.SAME]

    line = copied.here.lines()[DUMPS]
    assert line.colour is Colour.GREEN
    assert f"in {copied.store.place} was read back" in line.reason
    assert "in file:" in line.reason
    assert {one.sha256 for one in copied.here.known()} == {copied.made.sha256}
    assert copied.here.left_behind() == []


@pytest.mark.long
def test_a_copy_whose_bytes_were_never_restored_is_fetched_and_restored_and_nothing_stays(copied: Copied) -> None:
    without_folder(copied)

    assert copied.prove_all() == [ProofResult.PROVEN]

    (proof,) = copied.here.known()
    assert (proof.place, proof.sha256) == (copied.store.place, copied.made.sha256)
    assert copied.here.lines()[DUMPS].colour is Colour.GREEN
    assert copied.here.left_behind() == []
    assert list(copied.here.clients.settings.home.rglob("*.sql.gz*")) == []


@pytest.mark.long
def test_the_second_buckets_copy_is_proven_too(copied: Copied) -> None:
    store = copied.here.configuration.object_store
    assert store is not None
    configuration = copied.here.configuration.model_copy(
        update={"object_store": store.model_copy(update={"second_bucket": SECOND_BUCKET})}
    )
    both = replace(copied, here=replace(copied.here, prover=replace(copied.here.prover, configuration=configuration)))
    assert both.here.lines()[COPIES[DUMP]].colour is Colour.RED
    make(dump_stores(configuration)[1])
    back_up_postgres(configuration, "production", clients=both.here.clients)

    assert both.here.lines()[COPIES[DUMP]].colour is Colour.GREEN
    assert both.prove_all() == [
        ProofResult.PROVEN,
        ProofResult.SAME,
        ProofResult.SAME,
        ProofResult.PROVEN,
        ProofResult.SAME,
    ]
    assert both.here.lines()[DUMPS].colour is Colour.GREEN
    assert SECOND_BUCKET in both.here.lines()[DUMPS].reason


@pytest.mark.long
def test_a_full_backup_is_proven_by_what_lies_in_the_bucket_and_not_by_what_is_remembered_here(empty: Proving) -> None:
    bucket = full_stores(empty.configuration)[0]
    make(bucket)
    back_up_full(empty.configuration, "production", clients=empty.clients)
    here, there = sorted(empty.look(), key=lambda one: one.is_off_site)
    assert isinstance(bucket.objects, ObjectStoreClient)

    assert [proof.result for one in (here, there) if (proof := empty.prover.prove(one))] == [ProofResult.PROVEN] * 2
    for one in sorted(bucket.objects.list(f"{bucket.folder}/data/"), key=lambda one: one.size)[:1]:
        bucket.objects.remove(one.key)
    proof = empty.prover.prove(there)

    assert proof is not None
    assert (proof.result, "could not be" in proof.fault) == (ProofResult.FAILED, True), proof
    assert empty.lines()[LINES[BackupKind.FULL]].colour is Colour.RED
    assert there.place in empty.lines()[LINES[BackupKind.FULL]].reason


def cut(copied: Copied) -> None:
    copied.rewrite(copied.below("data/")[0], lambda data: data.__delitem__(slice(len(data) // 2, None)))


def flip(copied: Copied) -> None:
    copied.rewrite(copied.below("data/")[0], lambda data: data.__setitem__(len(data) // 2, data[len(data) // 2] ^ 1))


def emptied(copied: Copied) -> None:
    copied.rewrite(copied.below("data/")[0], bytearray.clear)


def lost(copied: Copied) -> None:
    copied.objects.remove(copied.below("data/")[0].key)


def lose_what_is_remembered_here(copied: Copied) -> None:
    """Lists of files: restic has them in its cache on this host."""
    copied.objects.remove(copied.below("data/")[-1].key)


def lose_index(copied: Copied) -> None:
    for one in copied.below("index/"):
        copied.objects.remove(one.key)


def foreign(copied: Copied) -> None:
    """Another team's dump under this one's name and this system's tags."""
    manifest = copied.made.model_copy(update={"system": "bank"})
    plant(copied, manifest)


def another(copied: Copied) -> None:
    """Its manifest is of other bytes."""
    plant(copied, copied.made.model_copy(update={"sha256": "0" * 64}))


def plant(copied: Copied, manifest: Manifest) -> None:
    """In place of the bucket's copy."""
    folder = copied.here.clients.settings.home / "planted"
    folder.mkdir()
    name = copied.made.name
    (folder / name).write_bytes((copied.here.configuration.backups.directory / name).read_bytes())
    manifest_path(folder / name).write_text(manifest.model_dump_json())
    restic = copied.store.restic()
    restic.forget([one.snapshot.id for one in copied.store.newest_first()])
    tags = tags_of(name, copied.made.system)
    restic.backup(
        [name, manifest_path(Path(name)).name], host="production", tags=tags, moment=copied.made.snapshot_at,
        folder=folder,
    )  # fmt: skip


HARMS: dict[Callable[[Copied], None], str] = {
    cut: "could not be read",
    flip: "could not be read",
    emptied: "could not be read",
    lost: "could not be read",
    lose_what_is_remembered_here: "could not be read",
    lose_index: "could not be read",
    foreign: 'it is of another system, "bank"',
    another: "its SHA-256 is not",
}


ALWAYS = (flip,)


@pytest.mark.parametrize(
    "harm",
    [pytest.param(harm, marks=() if harm in ALWAYS else pytest.mark.long) for harm in HARMS],
    ids=lambda harm: harm.__name__,
)
def test_a_copy_that_would_not_come_back_is_told_by_its_place_and_the_dump_here_stays_proven(
    copied: Copied, harm: Callable[[Copied], None]
) -> None:
    harm(copied)

    assert copied.prove_all() == [ProofResult.PROVEN, ProofResult.FAILED]

    failed = next(one for one in copied.here.known() if one.result is ProofResult.FAILED)
    line = copied.here.lines()[DUMPS]
    assert failed.place == copied.store.place
    assert HARMS[harm] in failed.fault
    assert line.colour is Colour.RED
    assert failed.place in line.reason and HARMS[harm] in line.reason
    assert "drbot backup postgres" in line.remedy and "drbot backup prove" in line.remedy
    assert copied.here.left_behind() == []
    assert list((copied.here.clients.settings.home / "recoveries").rglob("*.sql.gz*")) == []


@pytest.mark.more
def test_what_was_damaged_before_it_was_ever_restored_is_told_too(copied: Copied) -> None:
    without_folder(copied)
    flip(copied)

    assert copied.prove_all() == [ProofResult.FAILED]
    assert copied.here.lines()[DUMPS].colour is Colour.RED


@pytest.mark.long
def test_a_newer_one_that_is_whole_makes_it_green_again(copied: Copied) -> None:
    lost(copied)
    assert copied.prove_all() == [ProofResult.PROVEN, ProofResult.FAILED]

    back_up_postgres(copied.here.configuration, "production", clients=copied.here.clients)

    assert copied.prove_all() == [ProofResult.PROVEN, ProofResult.SAME]
    assert copied.here.lines()[DUMPS].colour is Colour.GREEN


@pytest.mark.long
def test_a_bucket_without_a_dump_or_with_none_but_old_ones_is_told(copied: Copied) -> None:
    assert copied.here.lines()[COPIES[DUMP]].colour is Colour.GREEN
    late = copied.here.configuration.targets.model_copy(update={"rpo": 1e-3})
    stale = copied.here.configuration.model_copy(update={"targets": late})
    (told,) = (one for one in look_at_backups(stale).lines if one.what == COPIES[DUMP])
    for one in copied.below(""):
        copied.objects.remove(one.key)

    line = copied.here.lines()[COPIES[DUMP]]

    assert (told.colour, f"the newest in {copied.store.place} is" in told.reason) == (Colour.RED, True)
    assert (line.colour, line.reason) == (Colour.RED, f"{copied.store.place} holds none")
    assert "drbot backup postgres" in line.remedy
    assert copied.here.lines()[DUMP].colour is Colour.GREEN
    assert copied.prove_all() == [ProofResult.PROVEN]


def test_one_that_went_between_look_and_proof_is_told(copied: Copied) -> None:
    found = copied.here.look()
    (one,) = (one for one in found if one.is_off_site)
    copied.store.restic().forget([dump.snapshot.id for dump in copied.store.newest_first()])

    proof = copied.here.prover.prove(one)

    assert proof is not None
    assert (proof.result, f"is not in {copied.store.place} any more" in proof.fault) == (ProofResult.FAILED, True)


@pytest.mark.long
def test_a_lost_password_is_told_and_no_proof_of_the_bucket_is_claimed(
    empty: Proving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "the first one")
    copied = Copied(here=empty, made=back_up_postgres(empty.configuration, "production", clients=empty.clients))
    (one,) = (one for one in copied.here.look() if one.is_off_site)
    monkeypatch.setenv("RESTIC_PASSWORD", "another one")

    proof = copied.here.prover.prove(one)
    copied.prove_all()

    assert proof is not None
    assert proof.result is ProofResult.FAILED
    assert "another RESTIC_PASSWORD than this process has" in proof.fault
    places = copied.here.lines()[PLACES]
    assert (places.colour, copied.store.place in places.reason) == (Colour.RED, True)
    assert "keys" in places.remedy


def test_a_bucket_that_is_gone_is_told(copied: Copied) -> None:
    store = copied.here.configuration.object_store
    assert store is not None
    (one,) = (one for one in copied.here.look() if one.is_off_site)
    gone = copied.here.configuration.model_copy(
        update={"object_store": store.model_copy(update={"bucket": "nobody-has-made-it"})}
    )
    there = replace(copied.here, prover=replace(copied.here.prover, configuration=gone))

    proof = there.prover.prove(replace(one, place=dump_stores(gone)[0].place))

    assert proof is not None
    assert (proof.result, "nobody-has-made-it" in proof.fault) == (ProofResult.FAILED, True)
    assert there.lines()[PLACES].colour is Colour.RED
    assert "nobody-has-made-it" in there.lines()[PLACES].reason


@pytest.mark.long
def test_a_bucket_that_is_silent_forgets_no_proof(copied: Copied) -> None:
    copied.prove_all()
    store = copied.here.configuration.object_store
    assert store is not None
    silent = copied.here.configuration.model_copy(
        update={"object_store": store.model_copy(update={"endpoint": "http://127.0.0.1:9"})}
    )
    there = replace(copied, here=replace(copied.here, prover=replace(copied.here.prover, configuration=silent)))

    assert there.prove_all() == []
    assert copied.prove_all() == []
    assert {one.result for one in copied.here.known()} == {ProofResult.PROVEN, ProofResult.SAME}


@pytest.mark.more
def test_where_the_disk_is_too_small_it_waits(copied: Copied) -> None:
    (one,) = (one for one in copied.here.look() if one.is_off_site)

    proof = replace(copied.here.prover, room=10**12).prove(one)

    assert proof is not None
    assert (proof.result, "are needed to try it" in proof.fault) == (ProofResult.POSTPONED, True)
