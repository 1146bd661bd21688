"""Pauses containers while their files are copied, so that what is copied is of one moment, as after a power cut.

Only a small shell of its own lets them go on: when its pipe closes, so also when this process is killed.
"""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from docker.errors import APIError

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Service
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors

TRIES, TOO_BUSY = 3, "unable to freeze"
_GO_ON_AT_THE_END = """
trap '' TERM INT HUP
while read -r _; do :; done
exec docker unpause "$@" >/dev/null 2>&1
"""


@contextmanager
def paused(engine: DockerEngine, services: Sequence[Service]) -> Iterator[None]:
    """Every container of these that runs. One that somebody else has paused stays so. Raises PermanentError where one
    cannot be paused, and, with what to type, where one does not go on; TemporaryError.
    """
    running = [one for service in services for one in engine.containers(service) if one.is_running]
    if not running:
        yield
        return
    with _going_on(engine, [one.id for one in running]):
        with docker_errors(phrase("Pause {names}", names=listed(one.name for one in running))):
            for one in running:
                pause(engine.client.api.pause, one.id)
        yield
    ours = {one.id for one in running}
    found = (one for service in services for one in engine.containers(service))
    if still := [one.name for one in found if one.id in ours and one.status == "paused"]:
        raise PermanentError(
            phrase(
                "Still paused: {names}. Type: {command}",
                names=listed(still),
                command=" ".join(("docker unpause", *still)),
            )
        )


def pause(act: Callable[[str], object], container: str) -> None:
    """On a busy host the kernel may not have stopped all its processes when runc gives up, and takes it back."""
    for _ in range(TRIES - 1):
        try:
            act(container)
        except APIError as error:
            if TOO_BUSY not in str(error):
                raise
        else:
            return
    act(container)


@contextmanager
def _going_on(engine: DockerEngine, containers: Sequence[str]) -> Iterator[None]:
    environment = {**os.environ, **({"DOCKER_HOST": engine.host} if engine.host else {})}
    shell = subprocess.Popen(
        ["sh", "-c", _GO_ON_AT_THE_END, "sh", *containers],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C in a terminal is not for it
    )
    assert shell.stdin is not None
    try:
        yield
    finally:
        shell.stdin.close()
        shell.wait()
