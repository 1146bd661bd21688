"""Production's Redis as its own compose file runs it, on a volume that nobody uses yet, without a network.

Nothing is asked of it over a connection, so passwords, ACLs, renamed commands, ports and TLS do not matter: its program
is called through a small script that adds our options last, however entrypoint, shell and files of the image lead
there. It says in a log of ours that it is ready, is told to end, and writes what it holds into an RDB file.
"""

import io
import shlex
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.container_files import text_of
from drbot.runners.clients.container_labels import HELPER_LABEL
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.helper import HelperOrder
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.own_definition import OwnDefinition
from drbot.runners.clients.process import Bounds
from drbot.runners.foundation.watching import Cancelled

OURS = PurePosixPath("/.drbot")
READY, SAVED = "eady to accept connections", "DB saved on disk"
ENDS_WITHIN_SECONDS, COMPOSE_SECONDS = 600, 300
_PAUSE = threading.Event()
FIND = """
find / -xdev \\( -name redis-server -o -name valkey-server -o -name keydb-server \\) 2> /dev/null |
while IFS= read -r path; do [ -f "$path" ] && [ -x "$path" ] && echo "$path $(readlink -f "$path")"; done; true
"""
# A replica of nobody removes no key when its time is over, so that every key of the file can be counted.
OPTIONS = (
    "--pidfile", f"{OURS}/pid", "--logfile", f"{OURS}/log", "--loglevel", "notice", "--bind", "127.0.0.1",
    "--maxmemory", "0", "--cluster-enabled", "no", "--replicaof", "127.0.0.1", "1", "--save", "3600", "1",
)  # fmt: skip
# Asked for its version, or to test the memory, it takes no options.
CALLED = """#!/bin/sh
case "$1" in -v | --version | -h | --help | --test-memory | --check-system) exec {real} "$@" ;; esac
exec {real} "$@" {options}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisAlone:
    engine: DockerEngine
    compose: Compose
    definition: OwnDefinition
    volume: str
    name: str
    labels: Mapping[str, str]
    cancelled: Cancelled

    def order(self, *entrypoint: str) -> HelperOrder:
        return HelperOrder(image=self.definition.image, labels=self.labels, entrypoint=entrypoint, user="root")


def programs_of(alone: RedisAlone) -> dict[str, str]:
    """Where in the image the server is, and which file each of these is a link to."""
    image = alone.definition.image
    try:
        ended = helper.run(alone.engine, alone.order("sh", "-c", FIND), alone.cancelled)
    except PermanentError as error:
        raise PermanentError(
            phrase("Redis cannot be tried: the image {image} cannot run a shell ({why})", image=image, why=error)
        ) from error
    programs = dict(line.split(" ", 1) for line in ended.output.splitlines() if line.startswith("/"))
    if not programs:
        raise PermanentError(
            phrase("Redis cannot be tried: the image {image} has no redis-server, valkey-server, …", image=image)
        )
    return programs


def run_once(alone: RedisAlone, programs: Mapping[str, str], within_seconds: float) -> None:
    """Start it, let it load its data, and end it: it saves them. Raises PermanentError with its own words."""
    with created(alone) as container:
        put_script(alone, container, programs)
        helper.start(alone.engine, container)
        wait_until_ready(alone, container, within_seconds)
        stop_cleanly(alone, container)


@contextmanager
def created(alone: RedisAlone) -> Iterator[str]:
    """Its container, not started; removed at the end."""
    if alone.engine.find(alone.name) is not None:
        raise TemporaryError(phrase("Another helper named {name} is at work", name=alone.name), kind="busy")
    document = alone.definition.alone(alone.name, alone.volume, labels_of(alone))
    try:
        bounds = Bounds(cancelled=alone.cancelled, seconds=COMPOSE_SECONDS)
        alone.compose.create_alone(alone.definition.project, document, bounds)
        yield str(alone.engine.inspect(alone.name)["Id"])
    finally:
        alone.engine.remove_helper(alone.name)


def labels_of(alone: RedisAlone) -> dict[str, str]:
    return {**alone.labels, HELPER_LABEL: "true"}


def put_script(alone: RedisAlone, container: str, programs: Mapping[str, str]) -> None:
    """In the place of each program; the program itself stays within reach under its own name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(entry(str(OURS), tarfile.DIRTYPE, mode=0o777))
        for number, (path, target) in enumerate(programs.items()):
            real = OURS / str(number) / PurePosixPath(path).name
            archive.addfile(entry(str(real.parent), tarfile.DIRTYPE))
            archive.addfile(entry(str(real), tarfile.LNKTYPE, link=target))
            script = CALLED.format(real=real, options=shlex.join(OPTIONS)).encode()
            archive.addfile(entry(path, size=len(script)), io.BytesIO(script))
    with docker_errors(phrase("Put a script into a helper container")):
        alone.engine.client.api.put_archive(container, "/", packed.getvalue())


def entry(
    path: str, kind: bytes = tarfile.REGTYPE, *, mode: int = 0o755, link: str = "", size: int = 0
) -> "tarfile.TarInfo":
    """One entry of an archive that is unpacked at the root."""
    made = tarfile.TarInfo(path.lstrip("/"))
    made.type, made.mode, made.linkname, made.size = kind, mode, link, size
    return made


def wait_until_ready(alone: RedisAlone, container: str, within_seconds: float) -> None:
    """Until it has loaded its data."""
    deadline = time.monotonic() + within_seconds
    while READY not in (text_of(alone.engine, container, f"{OURS}/log") or ""):
        if alone.cancelled():
            raise CancelledError(phrase("Stopped while Redis was loading the backup"))
        if not is_running(alone, container):
            helper.require_not_ended(alone.engine, container)
            raise PermanentError(
                phrase("Redis does not start as its compose file says: {said}", said=last_words(alone, container))
            )
        if time.monotonic() > deadline:
            raise PermanentError(
                phrase(
                    "Redis was not ready after {seconds} s, started as its compose file says but without a network: "
                    "{said}",
                    seconds=round(within_seconds),
                    said=last_words(alone, container),
                )
            )
        _PAUSE.wait(0.2)


def is_running(alone: RedisAlone, container: str) -> bool:
    return bool(alone.engine.inspect(container)["State"]["Status"] == "running")


def last_words(alone: RedisAlone, container: str) -> str:
    """Why it ended: what it wrote, else what stands in the log it was given."""
    said = alone.engine.logs(container, 8).splitlines()
    written = (text_of(alone.engine, container, f"{OURS}/log") or "").splitlines()
    return " ".join(line.partition(" ")[2].strip() for line in said[-3:]) or last_line("\n".join(written))


def stop_cleanly(alone: RedisAlone, container: str) -> None:
    """It saves what it holds. Raises PermanentError when it did not."""
    # Its exit code tells nothing: where Redis is quick, who tells it ends with its container.
    alone.engine.execute(container, ["sh", "-c", f'kill -TERM "$(cat {OURS}/pid)"'], seconds=30)
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    while is_running(alone, container) and text_of(alone.engine, container, f"{OURS}/pid") is not None:
        if alone.cancelled():
            raise CancelledError(phrase("Stopped while Redis was writing its data"))
        if time.monotonic() > deadline:
            raise PermanentError(
                phrase("The Redis that loaded the backup did not end within {seconds} s", seconds=ENDS_WITHIN_SECONDS)
            )
        _PAUSE.wait(0.2)
    log = text_of(alone.engine, container, f"{OURS}/log") or ""
    if SAVED not in log:
        helper.require_not_ended(alone.engine, container)
        raise PermanentError(phrase("The Redis that loaded the backup did not save it: {said}", said=last_line(log)))
