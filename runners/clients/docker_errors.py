"""The Docker SDK's errors, wrapped once: an engine that cannot be reached may come back, a refusal will not."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import APIError, DockerException

from drbot.core.base.errors import Cause, PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.foundation.causes import cause_in


@contextmanager
def docker_errors(tried: str) -> Iterator[None]:
    """Raise TemporaryError (network) or PermanentError for what the SDK raises; `tried` says what was not done."""
    try:
        yield
    except APIError as error:
        said = phrase("Not done: {what}: {why}", what=tried, why=error.explanation or error)
        raise PermanentError(said, cause=cause_in(str(error.explanation), Cause.ENGINE)) from error
    except (requests.RequestException, OSError) as error:
        raise _away(tried, error) from error
    except DockerException as error:
        if "Error while fetching server API version" in str(error):
            raise _away(tried, error) from error
        said = phrase("Not done: {what}: {why}", what=tried, why=error)
        raise PermanentError(said, cause=Cause.ENGINE) from error


def _away(tried: str, error: BaseException) -> TemporaryError:
    """With the system's own words for it, which requests and urllib3 wrap several times: "Connection refused"."""
    reason, cause = str(error), error.__cause__ or error.__context__
    while cause is not None:
        reason = getattr(cause, "strerror", None) or reason
        cause = cause.__cause__ or cause.__context__
    return TemporaryError(
        phrase("Not done: {what}: the Docker engine does not answer ({reason})", what=tried, reason=reason),
        kind="network",
        cause=Cause.ENGINE,
    )
