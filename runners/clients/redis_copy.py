"""A copy of a running Redis, made by its own programs in a helper on its own network."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.errors import PermanentError, TemporaryError
from core.full_manifest import REDIS
from runners.clients import helper
from runners.clients.docker_engine import DockerEngine, ServiceContainer
from runners.clients.helper import HelperOrder, Mount
from runners.clients.last_words import last_line
from runners.clients.redis_server import RedisServer, password_of
from runners.watching import Cancelled

FOLDER = "/drbot"  # where the copy is written
# The server sends its data as it would to a replica; the check reads every key and the checksum.
COPY = f"""
set -eu
redis-cli -h 127.0.0.1 --rdb {FOLDER}/{REDIS} > /dev/null
check=$(command -v redis-check-rdb || command -v valkey-check-rdb)
"$check" {FOLDER}/{REDIS}
"""


def running(engine: DockerEngine, redis: RedisServer) -> ServiceContainer:
    """Its container. Raises TemporaryError when it does not run."""
    container = engine.container(redis.service)
    if container is None or not container.is_running:
        raise TemporaryError("Redis is not running", kind="starting")
    return container


def identity(engine: DockerEngine, redis: RedisServer) -> tuple[str, bool]:
    """Version of the running server, and whether it keeps an append-only file. Raises TemporaryError."""
    container = running(engine, redis)
    version = re.search(r"redis_version:(\S+)", _ask(engine, container, "INFO", "server"))
    if version is None:
        raise TemporaryError("Redis does not say its version", kind="starting")
    said = _ask(engine, container, "CONFIG", "GET", "appendonly").split()
    if said[:1] == ["appendonly"]:
        return version[1], said[1:] == ["yes"]
    # CONFIG may be forbidden; then the command line is all there is
    return version[1], "--appendonly yes" in " ".join(container.command).lower()


def beside(
    engine: DockerEngine, redis: RedisServer, labels: Mapping[str, str], command: tuple[str, ...]
) -> HelperOrder:
    """A helper on the server's own network, with the server's programs and its password."""
    container = running(engine, redis)
    password = password_of(container)
    return HelperOrder(
        image=container.image,
        name=None,
        labels=labels,
        entrypoint=command,
        network=f"container:{container.id}",
        environment={"REDISCLI_AUTH": password} if password else {},
    )


def _ask(engine: DockerEngine, container: ServiceContainer, *command: str) -> str:
    environment = {"REDISCLI_AUTH": password} if (password := password_of(container)) else {}
    return engine.execute(container.id, ["redis-cli", *command], seconds=5, environment=environment).output


def copy(
    engine: DockerEngine, redis: RedisServer, labels: Mapping[str, str], folder: Path, cancelled: Cancelled
) -> tuple[int, int]:
    """dump.rdb into a folder of the engine's host; how many keys it holds and how many of them expire. Raises
    PermanentError, TemporaryError, CancelledError.
    """
    order = beside(engine, redis, labels, ("sh", "-c", COPY))
    mount = Mount(source=str(folder), target=FOLDER)
    ended = helper.run(engine, replace(order, mounts=(mount,)), cancelled)
    if ended.code != 0:
        kind = PermanentError if "No space left" in ended.output else TemporaryError
        raise kind(f"redis-cli --rdb failed (exit code {ended.code}): {last_line(ended.output)}")
    keys, expires = (re.search(rf"(\d+) {word}", ended.output) for word in ("keys read", "expires"))
    if keys is None:
        raise PermanentError(f"The check of the RDB file did not say how many keys it holds: {last_line(ended.output)}")
    return int(keys[1]), int(expires[1]) if expires else 0
