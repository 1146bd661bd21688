"""A bucket for each test below one S3 server, and a proxy before it that fails on command."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from drbot.core.site.site import ObjectStore
from drbot.lab.object_store import BUCKET, SECOND_BUCKET, Bucket
from drbot.runners.clients.full_store import FullBackupStore
from drbot.runners.clients.object_store import ObjectStoreClient
from tests.faulty_proxy import Faults, faulty_proxy
from tests.integration.backups.copied_state import Bare, Copied, copied

pytest.importorskip("moto")
_NUMBERS = count()


@dataclass(frozen=True, kw_only=True)
class Place:
    """A prefix of this test's own in both buckets, seen directly and through the proxy."""

    bucket: Bucket
    prefix: str
    proxy: str
    faults: Faults

    def client(self, *, proxied: bool = False, name: str = BUCKET, person: str = "drbot") -> ObjectStoreClient:
        """A client with a person's keys."""
        endpoint = self.proxy if proxied else self.bucket.endpoint
        settings = ObjectStore(bucket=name, prefix=self.prefix, endpoint=endpoint, lock=3600)
        return ObjectStoreClient(settings, self.bucket.keys(person))

    def store(self, *, proxied: bool = False, name: str = BUCKET, person: str = "drbot") -> FullBackupStore:
        """The full backups below the prefix."""
        return FullBackupStore(self.client(proxied=proxied, name=name, person=person))

    def second(self) -> FullBackupStore:
        """The same in the second bucket."""
        return self.store(name=SECOND_BUCKET)

    def empty(self) -> None:
        """Nothing of this test is left: moto copies every version of a bucket whenever versions are listed, and keeps
        the copies in memory.
        """
        client = self.bucket.client()
        found = client.list_object_versions(Bucket=BUCKET, Prefix=self.prefix)
        for one in found.get("Versions", []):
            client.delete_object(
                Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"], BypassGovernanceRetention=True
            )


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    made = Bucket(folder=tmp_path_factory.mktemp("s3"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def place(bucket: Bucket) -> Iterator[Place]:
    with faulty_proxy(bucket.endpoint) as (url, faults):
        yield Place(bucket=bucket, prefix=f"test-{next(_NUMBERS)}/", proxy=url, faults=faults)


@pytest.fixture
def keys(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the bucket, in the environment; drbot's own state is a file."""
    for name, value in place.bucket.keys().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def made(place: Place, tmp_path: Path, keys: None) -> Iterator[Copied]:
    with copied(place.client(), tmp_path / "lost") as it:
        yield it


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(folder=tmp_path / "bare")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A private folder to download into."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder
