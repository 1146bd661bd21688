"""What EC2 and Route 53 say when they refuse, as the kinds of errors drbot knows; wrapped once, here."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError, PartialCredentialsError

from drbot.core.errors import DrbotError, PermanentError, TemporaryError

THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "PriorRequestNotComplete"})
REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthFailure",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    }
)


@contextmanager
def cloud_errors(permission: str, what: str) -> Iterator[None]:
    """Translate what happens inside. `permission`: as it is called in a policy; a refusal names it."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, permission, what) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise PermanentError(
            f"{what}: there are no keys for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for this process"
        ) from error
    except HTTPClientError as error:
        raise TemporaryError(f"{what}: the connection failed: {error}") from error
    except BotoCoreError as error:
        raise PermanentError(f"{what}: {error}") from error


def code_of(error: ClientError) -> str:
    """The error's name."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(error: ClientError, permission: str, what: str) -> DrbotError:
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status == 429:
        return TemporaryError(f"{what}: Amazon asks to be slower ({code})", kind="throttled")
    if status >= 500:
        return TemporaryError(f"{what}: Amazon answers {status} ({code})")
    if code in REFUSED or status in (401, 403):
        return PermanentError(f"{what}: refused ({code}). The keys in use need {permission}, and must be valid")
    return PermanentError(f"{what}: {code}: {message}")
