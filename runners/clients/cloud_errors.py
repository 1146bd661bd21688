"""What Amazon says when it refuses, as the kinds of errors drbot knows; wrapped once, here (S3: store_errors.py)."""

from collections.abc import Callable, Iterator
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
from botocore.exceptions import ConnectionError as CloudConnectionError

from drbot.core.base.errors import DrbotError, PermanentError, TemporaryError
from drbot.core.text.messages import phrase

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


Answered = Callable[[ClientError, str, str], DrbotError]  # of a permission and what was asked for


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(error: ClientError, permission: str, what: str) -> DrbotError:
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status == 429:
        return TemporaryError(
            phrase("{what}: Amazon asks drbot to slow down ({code})", what=what, code=code), kind="throttled"
        )
    if status >= 500:
        return TemporaryError(phrase("{what}: Amazon answers {status} ({code})", what=what, status=status, code=code))
    if code in REFUSED or status in (401, 403):
        return PermanentError(
            phrase(
                "{what}: refused ({code}). The keys in use need {permission}, and must be valid",
                what=what,
                code=code,
                permission=permission,
            )
        )
    return PermanentError(phrase("{what}: {code}: {why}", what=what, code=code, why=message))


@contextmanager
def cloud_errors(permission: str, what: str, answered: Answered = _answered) -> Iterator[None]:
    """Translate what happens inside. `permission`: as it is called in a policy; a refusal names it. `answered`: what an
    error that was answered means.
    """
    try:
        yield
    except ClientError as error:
        raise answered(error, permission, what) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise PermanentError(
            phrase(
                "{what}: there are no keys for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for this process",
                what=what,
            )
        ) from error
    except SSLError as error:  # a connection error too, and another try changes nothing
        raise PermanentError(phrase("{place}: its certificate is not trusted: {why}", place=what, why=error)) from error
    except (HTTPClientError, CloudConnectionError, IncompleteReadError) as error:
        raise TemporaryError(phrase("{what}: the connection failed: {why}", what=what, why=error)) from error
    except BotoCoreError as error:
        raise PermanentError(phrase("{what}: {why}", what=what, why=error)) from error
