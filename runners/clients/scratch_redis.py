"""A Redis server of our own on a volume that nobody uses yet: it loads an RDB file as production would, and stops.

A running Redis saves over a file that is copied in, and one with an append-only file ignores it. So the file is put
in place before the server is ever started, and where production appends, the append-only file is built from it.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from core.errors import CancelledError, PermanentError
from core.site import Site
from runners.clients import helper
from runners.clients.compose import Compose
from runners.clients.docker_engine import DockerEngine
from runners.clients.docker_errors import docker_errors
from runners.clients.helper import HelperOrder, Mount
from runners.clients.process import Bounds
from runners.clients.streams import feed_command
from runners.watching import Cancelled

READY_WITHIN_SECONDS = 600  # it answers while it loads, but not to questions
_PAUSE = threading.Event()
ASKED = ("appendonly", "dir", "dbfilename")
LOOK = ("--requirepass", "")
# As production, but silent on disk until it is told to write: what it loads is the file and nothing else.
LOAD = ("--requirepass", "", "--appendonly", "no", "--save", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisRecipe:
    """How production's Redis is run, from its compose file."""

    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: tuple[Mount, ...]  # configuration files of the host
    mounted_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyCount:
    """Keys in all databases; those with a time to live may be gone at the next look."""

    keys: int
    expiring: int

    @property
    def lasting(self) -> int:
        """Keys that nothing but a command removes."""
        return self.keys - self.expiring


@dataclass(frozen=True, kw_only=True, slots=True)
class ScratchRedis:
    """Where a scratch server runs."""

    engine: DockerEngine
    recipe: RedisRecipe
    volume: str
    name: str
    labels: Mapping[str, str]
    cancelled: Cancelled


def recipe_of(site: Site, compose: Compose, engine: DockerEngine, cancelled: Cancelled) -> RedisRecipe:
    """From the compose file. Raises PermanentError when it does not mount the volume that dr.yml names."""
    if site.redis is None:
        raise PermanentError("This site has no `redis` in dr.yml")
    service = site.services[site.redis.service]
    found = compose.service(service.project, service.service, Bounds(cancelled=cancelled, seconds=60))
    names, mounts = found["volume_names"], found.get("volumes") or ()
    mounted_at = next((v["target"] for v in mounts if names.get(v.get("source")) == site.redis.volume), None)
    if mounted_at is None:
        raise PermanentError(f"{service.project}/{service.service} does not mount the volume {site.redis.volume}")
    container = engine.container(service)
    return RedisRecipe(
        image=container.image if container else str(found.get("image") or f"{service.project}-{service.service}"),
        command=tuple(str(word) for word in found.get("command") or ("redis-server",)),
        environment={name: str(value) for name, value in (found.get("environment") or {}).items()},
        files=tuple(
            Mount(source=v["source"], target=v["target"], read_only=True) for v in mounts if v.get("type") == "bind"
        ),
        mounted_at=str(mounted_at),
    )


def restore(scratch: ScratchRedis, chunks: Iterable[bytes]) -> tuple[KeyCount, bool]:
    """Fill the empty volume with an RDB file; the keys it has, and whether an append-only file was built.

    Raises PermanentError when Redis cannot read the file. The volume is cold and on the disk afterwards.
    """
    settings = look(scratch)
    appends = settings["appendonly"] == "yes"
    file = f"{settings['dir'].rstrip('/')}/{settings['dbfilename']}"
    put(scratch, chunks, file)
    with server(scratch, LOAD, with_data=True) as container:
        count = key_count(ask(scratch, container, "INFO", "keyspace"))
        if appends:
            build_append_only_file(scratch, container)
        stop_cleanly(scratch, container)
    sync = replace(order_of(scratch, (), with_data=True), name=None, entrypoint=("sync",), command=())
    helper.run(scratch.engine, sync, scratch.cancelled)
    return count, appends


def look(scratch: ScratchRedis) -> dict[str, str]:
    """How production is set up, asked of a server without data: it may be in a file, on the command line, or both."""
    with server(scratch, LOOK, with_data=False) as container:
        lines = [ask(scratch, container, "CONFIG", "GET", name).splitlines() for name in ASKED]
    found = {name: answer[1].strip() for name, answer in zip(ASKED, lines, strict=True) if len(answer) > 1}
    if len(found) < len(ASKED):
        raise PermanentError("Redis does not tell where it keeps its data (CONFIG GET is refused)")
    return found


def put(scratch: ScratchRedis, chunks: Iterable[bytes], file: str) -> None:
    """Write the file into the volume."""
    order = replace(order_of(scratch, (), with_data=True), entrypoint=("sleep", "infinity"), command=(), user="root")
    with helper.helper(scratch.engine, order) as container:
        helper.start(scratch.engine, container)
        command = ["sh", "-c", 'cat > "$1" && chmod 0644 "$1" && test "$(head -c 5 "$1")" = REDIS', "put", file]
        ended = feed_command(scratch.engine, container, command, chunks, scratch.cancelled)
    if ended.code != 0:
        raise PermanentError(f"The RDB file could not be put in place, or is none: {ended.output or ended.code}")


@contextmanager
def server(scratch: ScratchRedis, options: tuple[str, ...], *, with_data: bool) -> Iterator[str]:
    """A server that answers; killed and removed at the end unless it was stopped cleanly before."""
    with helper.helper(scratch.engine, order_of(scratch, options, with_data=with_data)) as container:
        helper.start(scratch.engine, container)
        wait_until_ready(scratch, container)
        yield container


def order_of(scratch: ScratchRedis, options: tuple[str, ...], *, with_data: bool) -> HelperOrder:
    """Run as production runs it, but alone."""
    recipe = scratch.recipe
    data = (Mount(source=scratch.volume, target=recipe.mounted_at),) if with_data else ()
    return HelperOrder(
        image=recipe.image,
        name=scratch.name,
        labels=scratch.labels,
        command=(*recipe.command, *options),
        mounts=(*data, *recipe.files),
        # It has no password here, and redis-cli would complain about one that is not asked for.
        environment={name: value for name, value in recipe.environment.items() if name != "REDISCLI_AUTH"},
    )


def wait_until_ready(scratch: ScratchRedis, container: str) -> None:
    """Until it has loaded its data."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        if scratch.cancelled():
            raise CancelledError("Stopped while Redis was loading the backup")
        if scratch.engine.inspect(container)["State"]["Status"] != "running":
            said = scratch.engine.logs(container, 5).splitlines()
            raise PermanentError(f"Redis cannot load the backup: {' '.join(said[-2:])}")
        if "PONG" in ask(scratch, container, "PING"):
            return
        if time.monotonic() > deadline:
            raise PermanentError(f"Redis had not loaded the backup after {READY_WITHIN_SECONDS} s")
        _PAUSE.wait(0.1)


def ask(scratch: ScratchRedis, container: str, *words: str) -> str:
    """redis-cli in the container."""
    return scratch.engine.execute(container, ["redis-cli", *words], seconds=30).output


def build_append_only_file(scratch: ScratchRedis, container: str) -> None:
    """Turn it on, which writes all data into a new one, and wait until it is whole."""
    ask(scratch, container, "CONFIG", "SET", "appendonly", "yes")
    while True:
        state = fields(ask(scratch, container, "INFO", "persistence"))
        busy = "1" in (state.get("aof_rewrite_in_progress"), state.get("aof_rewrite_scheduled"))
        if not busy and state.get("aof_enabled") == "1":
            break
        if scratch.cancelled():
            raise CancelledError("Stopped while the append-only file was being built")
        _PAUSE.wait(0.1)
    if state.get("aof_last_bgrewrite_status") != "ok":
        raise PermanentError("Redis could not build its append-only file from the backup")


def stop_cleanly(scratch: ScratchRedis, container: str) -> None:
    """A shutdown that writes what is open. Raises PermanentError when it was none."""
    with docker_errors("Stop the Redis that loaded the backup"):
        scratch.engine.client.api.kill(container, "SIGTERM")
    code = helper.wait(scratch.engine, container, scratch.cancelled, READY_WITHIN_SECONDS)
    if code != 0:
        raise PermanentError(f"The Redis that loaded the backup did not shut down cleanly (exit code {code})")


def key_count(keyspace: str) -> KeyCount:
    """From INFO keyspace: lines like db0:keys=500,expires=3,avg_ttl=0."""
    databases = (value for name, value in fields(keyspace).items() if name.startswith("db"))
    counts = [dict(part.split("=", 1) for part in value.split(",")) for value in databases]
    return KeyCount(
        keys=sum(int(count["keys"]) for count in counts), expiring=sum(int(count["expires"]) for count in counts)
    )


def fields(info: str) -> dict[str, str]:
    """name:value lines of INFO."""
    pairs = (line.strip().split(":", 1) for line in info.splitlines() if ":" in line and not line.startswith("#"))
    return {part[0]: part[1] for part in pairs}
