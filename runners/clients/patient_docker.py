"""The Docker SDK's client with patience: an engine that is restarted is back in seconds, and no run ends for that.

A request that never reached the engine is sent again, and so is one that may be answered twice. Whatever else was cut
is an error, and whoever asked looks again.
"""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import docker
import requests

PATIENCE_SECONDS = 18.0
"""Counted from the first failure. A killed engine was back after 3 s, one that was told to stop after 13 s; for more a
person has to look. Shorter than the grace in which an act that was told to stop has to end."""

PAUSE_SECONDS = 0.25

# Starting what runs, stopping what is stopped, making the volume that is there: none of these changes anything.
_REPEATABLE = re.compile(r"/containers/[^/]+/(start|stop)$|/volumes/create$")
_pause = threading.Event()


class Patience:
    """How long an engine may be away; shared by everything that talks to it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._away_since: float | None = None
        self._asked = 0.0

    def here(self) -> None:
        self._away_since = None

    def ends(self) -> bool:
        """It has not, once more: a moment is waited, or no longer."""
        now = time.monotonic()
        if self._away_since is None or now - self._asked > self.seconds:  # nobody has asked for long: a new absence
            self._away_since = now
        self._asked = now
        if now - self._away_since >= self.seconds:
            return True
        _pause.wait(PAUSE_SECONDS)
        return False


class PatientApi(docker.APIClient):
    """The SDK's requests, each tried until the engine answers or patience ends."""

    def __init__(self, *arguments: Any, patience: Patience, **options: Any) -> None:
        self._patience = patience
        super().__init__(*arguments, **options)  # asks for the version already

    def send(self, request: Any, **options: Any) -> Any:
        """requests' own way out for everything that leaves. Any: the SDK and requests' stubs say no more."""
        while True:
            try:
                answer = super().send(request, **options)
            except requests.ConnectionError as error:
                if not may_repeat(request.method, request.path_url, error) or self._patience.ends():
                    raise
            else:
                self._patience.here()
                return answer


class PatientDocker(docker.DockerClient):
    """The SDK's client, over such requests."""

    def __init__(self, *arguments: Any, patience: Patience, **options: Any) -> None:
        self.api = PatientApi(*arguments, patience=patience, **options)


def may_repeat(method: str, path: str, error: BaseException) -> bool:
    """Whether sending it once more can do no harm."""
    if any(isinstance(cause, (FileNotFoundError, ConnectionRefusedError)) for cause in causes(error)):
        return True  # it never left
    return method in ("GET", "HEAD", "DELETE") or bool(_REPEATABLE.search(path.partition("?")[0]))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, as causes or (urllib3) as arguments."""
    seen: set[int] = set()
    to_see: list[BaseException] = [error]
    while to_see:
        one = to_see.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        to_see += [other for other in inside if isinstance(other, BaseException)]
