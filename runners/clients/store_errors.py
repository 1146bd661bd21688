"""What S3 says when it refuses, as the three kinds of errors drbot knows; wrapped once, here."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.exceptions import (
    ConnectionError as StoreConnectionError,
)

from drbot.core.errors import DrbotError, PermanentError, TemporaryError

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


@contextmanager
def store_errors(act: str, place: str) -> Iterator[None]:
    """Translate what happens inside; `act` is a key of PERMISSIONS."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, act, place) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise PermanentError(
            f"{place}: there are no keys for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for this process"
        ) from error
    except SSLError as error:
        raise PermanentError(f"{place}: its certificate is not trusted: {error}") from error
    except (StoreConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise TemporaryError(f"{place}: the connection failed: {error}") from error
    except BotoCoreError as error:
        raise PermanentError(f"{place}: {error}") from error


def _answered(error: ClientError, act: str, place: str) -> DrbotError:
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status == 429:
        return TemporaryError(f"{place}: S3 asks to be slower ({code})", kind="throttled")
    if status >= 500:
        return TemporaryError(f"{place}: S3 answers {status} ({code})")
    if status == 403:
        return PermanentError(
            f"{place}: S3 refuses ({code}). The keys in use need {PERMISSIONS[act]} there, and must be valid"
        )
    if status == 404:
        return PermanentError(f"{place}: there is no such {'bucket' if code == 'NoSuchBucket' else 'object'}")
    return PermanentError(f"{place}: S3 answers {status} ({code}): {message}")
