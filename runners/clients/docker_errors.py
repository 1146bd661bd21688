"""The Docker SDK's errors, wrapped once: an engine that cannot be reached may come back, a refusal will not."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import APIError, DockerException

from core.errors import PermanentError, TemporaryError


@contextmanager
def docker_errors(tried: str) -> Iterator[None]:
    """Raise TemporaryError (network) or PermanentError for what the SDK raises; `tried` begins the sentence."""
    try:
        yield
    except APIError as error:
        raise PermanentError(f"{tried}: {error.explanation or error}") from error
    except (requests.RequestException, OSError) as error:
        raise TemporaryError(f"{tried}: the Docker engine does not answer ({error})", kind="network") from error
    except DockerException as error:
        if "Error while fetching server API version" in str(error):
            raise TemporaryError(f"{tried}: the Docker engine does not answer ({error})", kind="network") from error
        raise PermanentError(f"{tried}: {error}") from error
