"""Containers of our own that do the heavy work: labelled by run and step, so that whoever stops can find them.

Killing `docker exec` leaves its process alive inside the container; removing a container leaves nothing.
"""

import io
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from docker.errors import APIError
from docker.types import LogConfig
from docker.types import Mount as EngineMount

from drbot.core.base.errors import CancelledError, Cause, PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import HELPER_LABEL, NO_PROJECT, PROJECT
from drbot.runners.clients.docker_engine import DockerEngine, Executed
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.foundation.watching import Cancelled

_PAUSE = threading.Event()
LOOK_EVERY_SECONDS = 0.05
ENDED = (137, 143, 255)  # killed, told to end, and Docker's word for a container it lost sight of
# Into a file: of what a container writes to its streams an engine loses what is there two seconds after its end.
SAID = PurePosixPath("/drbot-said")
SAYS_INTO_FILE = f'exec >{SAID} 2>&1; exec "$@"'
# What an image's start needs to hand the data to its own user, and no more; the server itself has none of these.
CONFINED: Mapping[str, Any] = {
    "cap_drop": ["ALL"],
    "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": 1000,
}
# Beside production and for nobody in a hurry: it gets what production leaves, and is the first to go for want of room.
GENTLE: Mapping[str, Any] = {"cpu_shares": 128, "mem_limit": "2g", "oom_score_adj": 500}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A named volume, a path of the engine's host, or (without a source) a volume of its own, inside the helper."""

    source: str
    target: str
    read_only: bool = False

    @property
    def is_path(self) -> bool:
        """Whether it is one of the host's, which has to be there."""
        return self.source.startswith("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class HelperOrder:
    image: str
    labels: Mapping[str, str]
    name: str | None = None  # a name is exclusive: a second helper of this name is refused
    entrypoint: tuple[str, ...] | None = None  # None = the image's own
    command: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    network: str = "none"
    hidden: tuple[str, ...] = ()  # folders of the image that are empty in it
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    keeps_log: bool = True  # False when its output is data: the engine would write all of it to disk once more
    confined: bool = False  # True when it executes what somebody else wrote: few rights, few processes
    gentle: bool = False  # True: nobody waits for it
    pinned: Mapping[str, str] = field(default_factory=dict)  # mounted folder inside → which one it is: "device:inode"


# Docker follows a link that was planted after somebody has looked; what it has mounted by then stays that.
PIN = """
while [ "$1" != -- ]; do
  if [ "$(stat -c %d:%i "$1")" != "$2" ]; then
    echo "a link was put on the way to this folder, which leads elsewhere; nothing was touched"
    exit 74
  fi
  shift 2
done
shift
exec "$@"
"""


def create(engine: DockerEngine, order: HelperOrder) -> str:
    """Id of a new helper, not started yet. Raises TemporaryError (busy) when one of its name is at work."""
    mounts = [
        EngineMount(mount.target, mount.source, "bind" if mount.is_path else "volume", read_only=mount.read_only)
        for mount in order.mounts
    ]
    engine.before_a_start()
    with docker_errors(phrase("Create a helper container")):
        try:
            made = engine.client.containers.create(
                order.image,
                list(order.command),
                entrypoint=None if order.entrypoint is None else [*_pins(order), *order.entrypoint],
                name=order.name,
                labels={**order.labels, HELPER_LABEL: "true", PROJECT: NO_PROJECT},
                mounts=mounts,
                tmpfs=dict.fromkeys(order.hidden, "ro"),
                network_mode=order.network,
                environment=dict(order.environment),
                user=order.user,
                healthcheck={"test": ["NONE"]},
                log_config=LogConfig(type="json-file" if order.keeps_log else "none"),
                **(CONFINED if order.confined else {}),
                **(GENTLE if order.gentle else {}),
            )
        except APIError as error:
            if error.status_code == 409 and order.name:
                raise TemporaryError(
                    phrase("Another helper named {name} is at work", name=order.name), kind="busy"
                ) from error
            raise
    return str(made.id)


def _pins(order: HelperOrder) -> tuple[str, ...]:
    """In front of its own entrypoint."""
    words = tuple(word for pin in order.pinned.items() for word in pin)
    return ("sh", "-c", PIN, "pinned", *words, "--") if words else ()


def put(engine: DockerEngine, container: str, path: PurePosixPath, data: bytes, mode: int = 0o644) -> None:
    """A small file that everybody may read, into a created helper; not into its volumes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(path.name)
        member.size, member.mode = len(data), mode
        archive.addfile(member, io.BytesIO(data))
    with docker_errors(phrase("Put a file into a helper container")):
        engine.client.api.put_archive(container, str(path.parent), packed.getvalue())


@contextmanager
def helper(engine: DockerEngine, order: HelperOrder) -> Iterator[str]:
    """A created helper; removed at the end, whatever happens."""
    container = create(engine, order)
    try:
        yield container
    finally:
        engine.remove_helper(container)


@contextmanager
def throw_away_volume(engine: DockerEngine, image: str, labels: Mapping[str, str]) -> Iterator[str]:
    """The name of a new, empty volume. It has none of its own: it goes with a container that is never started."""
    place = "/drbot-volume"
    order = HelperOrder(image=image, labels=labels, entrypoint=("true",), mounts=(Mount(source="", target=place),))
    with helper(engine, order) as keeper:
        mounts = engine.inspect(keeper)["Mounts"]
        yield next(str(mount["Name"]) for mount in mounts if mount["Destination"] == place)


def start(engine: DockerEngine, container: str) -> None:
    with docker_errors(phrase("Start a helper container")):
        engine.client.api.start(container)


def wait(engine: DockerEngine, container: str, cancelled: Cancelled, seconds: float | None = None) -> int:
    """Its exit code. Raises CancelledError as soon as it is cancelled or `seconds` are over."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        if cancelled():  # first: whoever stopped us may have removed the container already
            raise CancelledError(phrase("Stopped while a helper container was at work; the container is removed"))
        state = engine.inspect(container)["State"]
        if state["Status"] in ("exited", "dead"):
            return int(state["ExitCode"])
        if deadline is not None and time.monotonic() > deadline:
            raise CancelledError(
                phrase("A helper container was not done after {seconds} s; it is removed", seconds=round(seconds or 0))
            )
        _PAUSE.wait(LOOK_EVERY_SECONDS)


def require_not_ended(engine: DockerEngine, container: str, *codes: int) -> None:
    """Raise TemporaryError when something else ended or removed it: an engine that is restarted takes its containers
    with it. `codes`: what else that looks like. Raises PermanentError when there was no memory left for what ran in it.
    """
    found = engine.find(container)
    state = found["State"] if found else {}
    if state.get("OOMKilled"):
        raise no_memory()
    if found is None or (state["Status"] in ("exited", "dead") and state["ExitCode"] in (*ENDED, *codes)):
        raise TemporaryError(
            phrase("A container of drbot's was ended from outside: was Docker restarted?"),
            kind="network",
            cause=Cause.ENGINE,
        )


def no_memory() -> PermanentError:
    said = phrase("The system ended a program in a container of drbot's because there was not enough memory")
    return PermanentError(said, cause=Cause.MEMORY)


def run(engine: DockerEngine, order: HelperOrder, cancelled: Cancelled, seconds: float | None = None) -> Executed:
    """Run a helper, whose image has a shell, to its end: exit code and all of its output. It is gone afterwards. Raises
    TemporaryError when it was ended from outside.
    """
    if not order.entrypoint:
        raise ValueError("what the image does by itself is not known to end")
    entrypoint = ("sh", "-c", SAYS_INTO_FILE, "sh", *order.entrypoint)
    with helper(engine, replace(order, entrypoint=entrypoint)) as container:
        put(engine, container, SAID, b"", 0o666)
        start(engine, container)
        code = wait(engine, container, cancelled, seconds)
        if code:
            require_not_ended(engine, container)
        return Executed(code=code, output=_said(engine, container))


def _said(engine: DockerEngine, container: str) -> str:
    """All that it wrote to both streams."""
    with docker_errors(phrase("Read a helper's output")):
        pieces, _ = engine.client.api.get_archive(container, str(SAID))
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as packed:
            said = packed.extractfile(SAID.name)
            return said.read().decode(errors="replace").strip() if said else ""
