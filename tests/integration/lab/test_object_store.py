"""The bucket refuses like Amazon's, keeps what is locked, and its proxy fails on command. No Docker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError

from drbot.lab.object_store import BUCKET, Bucket
from tests.faulty_proxy import Faults, faulty_proxy

pytest.importorskip("moto")
BODY = bytes(range(256)) * 2048


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    made = Bucket(folder=tmp_path_factory.mktemp("s3"))
    made.start()
    made.client().put_object(Bucket=BUCKET, Key="backup", Body=BODY)
    yield made
    made.stop()


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_keys_without_rights_and_wrong_keys_are_refused(bucket: Bucket) -> None:
    wrong = {**bucket.keys(), "AWS_SECRET_ACCESS_KEY": "wrong"}

    with pytest.raises(ClientError) as no_right:
        bucket.client("nobody").get_object(Bucket=BUCKET, Key="backup")
    with pytest.raises(ClientError) as bad_signature:
        bucket.moto.client("s3", wrong).get_object(Bucket=BUCKET, Key="backup")

    assert (code(no_right), code(bad_signature)) == ("AccessDenied", "SignatureDoesNotMatch")


def test_a_locked_version_cannot_be_deleted_and_older_versions_stay(bucket: Bucket) -> None:
    s3, until = bucket.client(), datetime.now(UTC) + timedelta(days=1)
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    version = s3.put_object(Bucket=BUCKET, Key="locked", Body=b"first", **lock)["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="locked", Body=b"second")

    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket=BUCKET, Key="locked", VersionId=version)

    assert code(refused) == "AccessDenied"
    assert s3.get_object(Bucket=BUCKET, Key="locked", VersionId=version)["Body"].read() == b"first"


def test_it_is_started_once_and_known_by_its_process(bucket: Bucket) -> None:
    process = bucket.moto.program.process()
    bucket.start()

    assert process is not None
    assert bucket.moto.program.process() == process


@pytest.fixture
def proxied(bucket: Bucket) -> Iterator[tuple[Any, Faults]]:
    """A client that reaches the bucket through the proxy, and the faults to set."""
    with faulty_proxy(bucket.endpoint) as (url, faults):
        yield bucket.moto.client("s3", bucket.keys(), url), faults


def test_the_proxy_changes_nothing_by_itself(proxied: tuple[Any, Faults]) -> None:
    s3, faults = proxied
    s3.put_object(Bucket=BUCKET, Key="passed on", Body=BODY)

    assert s3.get_object(Bucket=BUCKET, Key="passed on", Range="bytes=100-199")["Body"].read() == BODY[100:200]
    assert faults.seen[-1] == f"GET /{BUCKET}/passed%20on bytes=100-199"


@pytest.mark.parametrize(("status", "word"), [(403, "AccessDenied"), (503, "SlowDown")])
def test_the_proxy_refuses(proxied: tuple[Any, Faults], status: int, word: str) -> None:
    s3, faults = proxied
    faults.status = status
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=BUCKET, Key="backup")
    faults.status = None

    assert code(refused) == word
    assert s3.get_object(Bucket=BUCKET, Key="backup")["Body"].read() == BODY


def test_the_proxy_cuts_a_download_as_often_as_told_then_lets_it_pass(proxied: tuple[Any, Faults]) -> None:
    s3, faults = proxied
    faults.cut_after, faults.cuts = 100_000, 1
    # urllib3 or http.client notice; which of them depends on where the cut falls.
    with pytest.raises((HTTPClientError, ResponseStreamingError, IncompleteReadError)):
        s3.get_object(Bucket=BUCKET, Key="backup")["Body"].read()

    assert s3.get_object(Bucket=BUCKET, Key="backup")["Body"].read() == BODY
