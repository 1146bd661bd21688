"""What S3 says when it refuses, as the three kinds of errors drbot knows; wrapped once, here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from drbot.core.base.errors import DrbotError, PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.clients.cloud_errors import cloud_errors, code_of

# What the request needs, as it is called in a policy; a refusal names it.
PERMISSIONS = {
    "list": "s3:ListBucket",
    "list versions": "s3:ListBucketVersions",
    "read": "s3:GetObject",
    "write": "s3:PutObject",
    "lock": "s3:PutObjectRetention",
    "remove": "s3:DeleteObject",
}
THROTTLED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"})

TOLD: Mapping[str, str] = {
    "ListObjectsV2": "Name",
    "ListObjectVersions": "Name",
    "HeadObject": "ETag",
    "GetObject": "ETag",
    "PutObject": "ETag",
    "GetObjectLockConfiguration": "ObjectLockConfiguration",
}
"""What every S3 says to a request that it grants. A page of a portal or a proxy has status 200 too, says nothing of it,
and would pass for an empty bucket.
"""


class NoS3Error(BotoCoreError):
    """What answers is something else."""

    fmt = "what answers there is no S3"


def watch_answers(client: Any) -> None:
    """Have boto3's client raise NoS3Error; Any: its types are made at run time."""
    client.meta.events.register_first("before-parse.*.*", _require_xml)  # before boto3's own, which is of "s3.*"
    client.meta.events.register("after-call.s3", _require_told)


def _require_xml(*, response_dict: Mapping[str, Any], **others: Any) -> None:
    """What is no XML boto3 asks for again and calls an error of the store; the content of an object is no such text."""
    text = response_dict.get("body")
    if response_dict.get("status_code") != 200 or not isinstance(text, bytes) or not text.strip():
        return
    start = text.lstrip().lower()
    if not start.startswith(b"<") or start.startswith((b"<!doctype", b"<html")):
        raise NoS3Error


def _require_told(*, parsed: Mapping[str, Any], model: Any, **others: Any) -> None:
    granted = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 300
    if granted and not parsed.get(TOLD.get(model.name, "ResponseMetadata")):
        raise NoS3Error


@contextmanager
def store_errors(act: str, place: str) -> Iterator[None]:
    """Translate what happens inside; `act` is a key of PERMISSIONS."""
    with cloud_errors(PERMISSIONS[act], place, _answered):
        try:
            yield
        except (NoS3Error, ResponseParserError) as error:
            raise PermanentError(
                phrase("{place}: what answers there is not S3; check its address and what is in between", place=place)
            ) from error


def _answered(error: ClientError, permission: str, place: str) -> DrbotError:
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status == 429:
        return TemporaryError(
            phrase("{place}: S3 asks drbot to slow down ({code})", place=place, code=code), kind="throttled"
        )
    if status >= 500:
        return TemporaryError(phrase("{place}: S3 answers {status} ({code})", place=place, status=status, code=code))
    if status == 403:
        return PermanentError(
            phrase(
                "{place}: S3 refuses ({code}). The keys in use need {right} there, and must be valid",
                place=place,
                code=code,
                right=permission,
            )
        )
    if status == 404:
        gone = phrase("there is no such bucket") if code == "NoSuchBucket" else phrase("there is no such object")
        return PermanentError(phrase("{what}: {why}", what=place, why=gone))
    return PermanentError(
        phrase("{place}: S3 answers {status} ({code}): {why}", place=place, status=status, code=code, why=message)
    )
