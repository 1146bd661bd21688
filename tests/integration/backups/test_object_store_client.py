"""The client of the bucket: what it keeps cannot be deleted, what it brings goes on where it was cut."""

import hashlib
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.site.site import ObjectStore
from drbot.runners.clients.object_store import ObjectStoreClient, StoredObject, download
from tests.integration.backups.conftest import Place

BODY = bytes(range(256)) * 20_000
DIGEST = hashlib.sha256(BODY).hexdigest()


def stored(place: Place, body: bytes = BODY) -> StoredObject:
    client = place.client()
    client.client.put_object(Bucket=client.settings.bucket, Key=f"{place.prefix}archive", Body=body)
    return client.head("archive")


def test_a_small_document_is_written_read_and_listed(place: Place) -> None:
    client = place.client()

    client.write("one.json", b"{}", locked=True)

    assert client.read("one.json") == b"{}"
    assert [found.key for found in client.list("one")] == ["one.json"]


def test_what_is_kept_cannot_be_deleted_and_what_lies_beside_it_can(place: Place) -> None:
    client = place.client()
    for key in ("restic/config", "restic/locks/1", "restic-of-others/config"):
        client.write(key, b"x")

    client.keep("restic/")

    with pytest.raises(ClientError, match="AccessDenied"):
        delete(client, "restic/config")
    delete(client, "restic/locks/1")
    delete(client, "restic-of-others/config")


def delete(client: ObjectStoreClient, key: str) -> None:
    """This very version."""
    version = client.head(key).version
    client.client.delete_object(Bucket=client.settings.bucket, Key=client.settings.prefix + key, VersionId=str(version))


def test_nothing_is_kept_where_dr_yml_does_not_ask_for_it(place: Place) -> None:
    settings = place.client().settings.model_copy(update={"lock": None})
    client = ObjectStoreClient(settings, place.bucket.keys())
    client.write("restic/config", b"x", locked=True)

    client.keep("restic/")

    delete(client, "restic/config")


def test_what_other_programs_need_is_told_them(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address as restic takes it, and keys from wherever boto3 finds them; without any, in words."""
    client = place.client()
    given = place.bucket.keys()
    assert client.repository_url("restic") == f"s3:{place.bucket.endpoint}/ai-micro-backups/{place.prefix}restic"
    amazon = ObjectStore(bucket="shop", prefix="dr/", region="eu-west-1")
    assert ObjectStoreClient(amazon).repository_url("restic") == "s3:https://s3.eu-west-1.amazonaws.com/shop/dr/restic"
    assert client.keys() == given

    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert ObjectStoreClient(client.settings).keys() == given

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    for name in given:
        monkeypatch.delenv(name)
    with pytest.raises(PermanentError, match="there are no keys for it; set AWS_ACCESS_KEY_ID"):
        ObjectStoreClient(client.settings).keys()


def test_a_download_goes_on_where_it_was_cut(place: Place, here: Path) -> None:
    found = stored(place)
    place.faults.cut_after, place.faults.cuts = 1_500_000, 3

    download(place.client(proxied=True), found, here / "archive", sha256=DIGEST)

    assert (here / "archive").read_bytes() == BODY
    gets = [line.rpartition(" bytes=")[2] for line in place.faults.seen if line.startswith("GET") and "bytes=" in line]
    assert len(gets) == 3
    assert len(set(gets)) == 3  # each begins further on


def test_what_an_earlier_attempt_brought_is_not_brought_again(place: Place, here: Path) -> None:
    found = stored(place)
    (here / "archive.part").write_bytes(BODY[:4_000_000])

    download(place.client(proxied=True), found, here / "archive", sha256=DIGEST)

    assert (here / "archive").read_bytes() == BODY
    assert [line for line in place.faults.seen if line.endswith("bytes=4000000-")]


def test_a_damaged_beginning_is_found_and_does_not_stay(place: Place, here: Path) -> None:
    found = stored(place)
    (here / "archive.part").write_bytes(b"x" * 1000)

    with pytest.raises(PermanentError, match="SHA-256"):
        download(place.client(), found, here / "archive", sha256=DIGEST)

    assert list(here.iterdir()) == []


def test_a_store_that_stays_silent_ends_in_a_temporary_error_and_keeps_what_came(place: Place, here: Path) -> None:
    found = stored(place)
    client = place.client(proxied=True)
    place.faults.cut_after, place.faults.cuts = 2_000_000, 1
    with pytest.raises(TemporaryError) as failed:
        download(client, found, here / "archive", sha256=DIGEST, progress=lambda *_: set_status(place, 503))
    place.faults.status = None

    download(client, found, here / "archive", sha256=DIGEST)

    assert failed.value.kind == "throttled"
    assert (here / "archive").read_bytes() == BODY


def set_status(place: Place, status: int) -> None:
    place.faults.status = status


def test_a_slow_store_is_slow_and_nothing_else(place: Place, here: Path) -> None:
    found = stored(place)
    place.faults.bytes_per_second = 10_000_000
    seen: list[float] = []

    download(
        place.client(proxied=True),
        found,
        here / "archive",
        sha256=DIGEST,
        progress=lambda done, total, unit: seen.append(done),
    )

    assert seen == sorted(seen)
    assert seen[-1] == len(BODY)


def test_stop_ends_a_download_and_a_later_one_goes_on(place: Place, here: Path) -> None:
    found = stored(place)

    with pytest.raises(CancelledError):
        download(place.client(), found, here / "archive", sha256=DIGEST, cancelled=lambda: True)
    download(place.client(proxied=True), found, here / "archive", sha256=DIGEST)

    assert [line for line in place.faults.seen if "bytes=" in line]


def test_an_object_that_is_replaced_meanwhile_is_not_mixed_with_the_old_one(place: Place, here: Path) -> None:
    old = stored(place)
    stored(place, b"y" * len(BODY))
    newest = StoredObject(key=old.key, size=old.size, modified_at=old.modified_at, etag=old.etag)

    with pytest.raises(PermanentError, match="replaced while"):
        download(place.client(), newest, here / "archive", sha256=DIGEST)
    download(place.client(), old, here / "archive", sha256=DIGEST)  # its version is still there

    assert (here / "archive").read_bytes() == BODY


@pytest.mark.parametrize(
    ("act", "permission"),
    [("list", "s3:ListBucket"), ("head", "s3:GetObject"), ("read", "s3:GetObject"), ("remove", "s3:DeleteObject")],
)
def test_a_refusal_names_the_place_and_the_permission(place: Place, act: str, permission: str) -> None:
    place.client().write("one.json", b"{}")

    with pytest.raises(PermanentError, match=permission) as refused:
        getattr(place.client(person="nobody"), act)("one.json")

    assert f"s3://ai-micro-backups/{place.prefix}" in str(refused.value)


def test_wrong_keys_no_bucket_no_object_and_no_server_are_told_apart(place: Place) -> None:
    wrong = {**place.bucket.keys(), "AWS_SECRET_ACCESS_KEY": "wrong"}
    settings = place.client().settings
    elsewhere = settings.model_copy(update={"bucket": "no-such-bucket"})
    nowhere = ObjectStore(bucket="x", endpoint="http://127.0.0.1:1")

    with pytest.raises(PermanentError, match="must be valid"):
        ObjectStoreClient(settings, wrong).read("one.json")
    with pytest.raises(PermanentError, match="no such bucket"):
        ObjectStoreClient(elsewhere, place.bucket.keys()).list()
    with pytest.raises(PermanentError, match="no such object"):
        place.client().head("missing")
    with pytest.raises(TemporaryError, match="connection failed"):
        ObjectStoreClient(nowhere, place.bucket.keys()).list()
