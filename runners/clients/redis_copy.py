"""A copy of a running Redis, made by its own programs in a helper on its own network."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from drbot.core.base.errors import Cause, PermanentError, TemporaryError
from drbot.core.site.full_manifest import REDIS
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.rdb_check import CHECK, RdbCount, counted
from drbot.runners.clients.redis_login import REFUSED
from drbot.runners.clients.redis_server import MAY_COPY, RedisServer, refusal
from drbot.runners.foundation.watching import Cancelled

FOLDER = "/drbot"  # where the copy is written
# The server sends its data as it would to a replica; the check reads every key and the checksum.
COPY = f'set -eu; redis-cli -h 127.0.0.1 "$@" --rdb {FOLDER}/{REDIS} > /dev/null; {CHECK} {FOLDER}/{REDIS}'


def identity(redis: RedisServer) -> tuple[str, bool]:
    """Version of the running server, and whether it keeps an append-only file. Raises TemporaryError, and
    PermanentError when nobody lets us in.
    """
    said = redis.ask(redis.running(), "info")
    if REFUSED.search(said):
        raise PermanentError(phrase("Redis does not say its version: {why}", why=refusal(said)))
    version = re.search(r"redis_version:(\S+)", said)
    if version is None:
        raise TemporaryError(phrase("Redis does not say its version"), kind="starting")
    return version[1], "aof_enabled:1" in said


def copy(
    engine: DockerEngine, redis: RedisServer, labels: Mapping[str, str], folder: Path, cancelled: Cancelled
) -> RdbCount:
    """dump.rdb into a folder of the engine's host; its keys. Raises PermanentError, TemporaryError, CancelledError."""
    container = redis.running()
    login = redis.login(container, *MAY_COPY)
    order = HelperOrder(
        image=container.image,
        labels=labels,
        entrypoint=("sh", "-c", COPY, "copy", *login.words),
        network=f"container:{container.id}",
        environment=login.environment,
    )
    mount = Mount(source=str(folder), target=FOLDER)
    ended = helper.run(engine, replace(order, mounts=(mount,)), cancelled)
    if REFUSED.search(ended.output):
        raise PermanentError(phrase("Redis gives no copy of its data: {why}", why=refusal(ended.output)))
    if ended.code != 0:
        said = phrase(
            "redis-cli --rdb failed (exit code {code}): {said}", code=ended.code, said=last_line(ended.output)
        )
        raise (PermanentError if ended.cause is Cause.DISK else TemporaryError)(said, cause=ended.cause)
    return counted(ended.output)
