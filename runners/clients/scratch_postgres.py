"""A PostgreSQL server of our own on a volume beside production: no network, no port, removed at the end.

Restores are proven in it. Tuned for a restore it does not wait for the disk; the volume is synced before it counts.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from drbot.core.base.errors import CancelledError, Cause, PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.postgres_server import PostgresRecipe, stated
from drbot.runners.clients.server_command import PRELOADED, needed_of
from drbot.runners.clients.streams import STDOUT, feed_command
from drbot.runners.clients.table_counts import COUNT, COUNT_AND_DIGEST, DATABASES, ENVIRONMENT, counted, digested
from drbot.runners.foundation.causes import cause_in
from drbot.runners.foundation.watching import Cancelled

READY_WITHIN_SECONDS = 120
STOP_WITHIN_SECONDS = 600
SAYS_WHY_WITHIN_SECONDS = 2
FAST_SHUTDOWN = 0  # the exit code of a server that Docker told to end
_PAUSE = threading.Event()
# Nothing here survives the restore but the data: production starts the volume with its own settings.
TUNED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "256MB",
}


# Whatever the volume's own settings say: it is found where it is looked for, and sends nothing anywhere.
ALONE = {
    "listen_addresses": "127.0.0.1",
    "port": "5432",
    "archive_mode": "off",
    "logging_collector": "off",
    "lc_messages": "C",  # what it says is judged
}
ENTRYPOINT = "docker-entrypoint.sh"
# A script around it that waits for other services, or reports somewhere, would do so for ever: nothing answers here.
UNWRAPPED = f"""
if command -v {ENTRYPOINT} >/dev/null; then shift "$0"; exec {ENTRYPOINT} "$@"; fi
exec "$@"
"""
# What an image would put into a new cluster by itself. A dump is for an empty one, and brings all of that along.
OWN_INIT = "/docker-entrypoint-initdb.d"
NO_ROOM = re.compile(r"(PANIC|FATAL):  .*: No space left on device$", re.MULTILINE)
KILLED = re.compile(r"LOG:  server process \(PID \d+\) was terminated by signal 9: Killed$", re.MULTILINE)
SETTLE = 'initdb --sync-only -D "$1" >/dev/null && exec pg_controldata -D "$1"'
OWN_RULES = PurePosixPath("/tmp/drbot_hba.conf")  # noqa: S108  inside a container of our own


@dataclass(frozen=True, kw_only=True, slots=True)
class Scratch:
    engine: DockerEngine
    recipe: PostgresRecipe
    user: str
    volume: str
    name: str
    labels: Mapping[str, str]
    cancelled: Cancelled
    gentle: bool = False  # True: nobody waits for it
    settings: Mapping[str, str] = field(default_factory=dict)  # beside those of every temporary server
    mounts: tuple[Mount, ...] = ()  # the same


@contextmanager
def scratch_server(scratch: Scratch, *, tuned: bool, own_rules: bool = True) -> Iterator[str]:
    """A server that answers; killed and removed at the end unless it was stopped cleanly before. `own_rules` False: who
    may connect is what the volume's own pg_hba.conf says, so that it is tried whether the server starts with it.
    """
    with helper.helper(scratch.engine, order_of(scratch, tuned=tuned, own_rules=own_rules)) as container:
        helper.put(scratch.engine, container, OWN_RULES, b"local all all trust\nhost all all 127.0.0.1/32 trust\n")
        helper.start(scratch.engine, container)
        try:
            _wait_until_ready(scratch, container, is_new=tuned)
            yield container
        except PermanentError as error:  # whatever was said: if the server was ended under it, that is the reason
            require_well(scratch, container, error)
            raise


def _wait_until_ready(scratch: Scratch, container: str, *, is_new: bool) -> None:
    """Nothing of a backup has been read so far: what goes wrong on an empty volume is no fault of it."""
    try:
        wait_until_ready(scratch, container)
    except PermanentError as error:
        require_well(scratch, container, error)
        is_its_own = is_new and error.cause in (Cause.OTHER, Cause.TIME)
        raise PermanentError(str(error), cause=Cause.IMAGE if is_its_own else error.cause) from error


def require_well(scratch: Scratch, container: str, error: PermanentError) -> None:
    """Raise what happened to the server, where that is why `error` was raised; of a connection that broke the server
    says so a moment later. A statement's own text is not believed: a cause stands at the end of a line of the server's.
    """
    deadline = time.monotonic() + (SAYS_WHY_WITHIN_SECONDS if error.cause is Cause.OTHER else 0)
    while True:
        helper.require_not_ended(scratch.engine, container, FAST_SHUTDOWN)
        said = scratch.engine.logs(container, 200) if scratch.engine.find(container) else ""
        if full := NO_ROOM.search(said):
            raise PermanentError(phrase("The temporary server stopped: {said}", said=full[0]), cause=Cause.DISK)
        if KILLED.search(said):
            raise helper.no_memory()
        if time.monotonic() > deadline:
            return
        _PAUSE.wait(0.2)


def order_of(scratch: Scratch, *, tuned: bool, own_rules: bool = True) -> HelperOrder:
    """Run as production runs it, as far as a restore needs that; but alone, and empty at first."""
    left_out = ("POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "POSTGRES_USER_FILE", "POSTGRES_DB_FILE", "PGHOST")
    environment = {name: value for name, value in scratch.recipe.environment.items() if name not in left_out}
    # The dump brings the real passwords; a first start without any password is refused by the image.
    environment.setdefault("POSTGRES_PASSWORD", secrets.token_urlsafe(24))
    environment |= {"POSTGRES_USER": scratch.user, "POSTGRES_DB": "postgres", "PGPORT": "5432"}
    if tuned:  # everything is brought to the disk at once in the end
        environment["POSTGRES_INITDB_ARGS"] = f"{environment.get('POSTGRES_INITDB_ARGS', '')} --no-sync".strip()
    rules = {"hba_file": str(OWN_RULES)} if own_rules and not tuned else {}
    needed = needed_of(scratch.recipe.command)
    still = {"max_worker_processes": "0"} if PRELOADED in needed else {}  # no library does its own work in a copy
    settings = {**needed, **still, **ALONE, **rules, **(TUNED if tuned else {}), **scratch.settings}
    return HelperOrder(
        image=scratch.recipe.image,
        name=scratch.name,
        labels=scratch.labels,
        entrypoint=_unwrapped(scratch) if tuned else None,
        command=("postgres", *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))),
        mounts=(Mount(source=scratch.volume, target=scratch.recipe.mounted_at), *scratch.mounts),
        hidden=(OWN_INIT,),
        environment=environment,
        confined=True,
        gentle=scratch.gentle,
    )


def _unwrapped(scratch: Scratch) -> tuple[str, ...] | None:
    """Without what an image has around the official one's start; None where it has nothing."""
    with docker_errors(phrase("Look at the image {image}", image=scratch.recipe.image)):
        config = scratch.engine.client.images.get(scratch.recipe.image).attrs["Config"]
    own = tuple(config.get("Entrypoint") or ())
    if not own or PurePosixPath(own[-1]).name == ENTRYPOINT:
        return None
    return ("sh", "-c", UNWRAPPED, str(len(own)), *own)


def wait_until_ready(scratch: Scratch, container: str) -> None:
    """Until it answers over TCP: an image may first run a temporary server on the Unix socket. As long as it tells what
    it does, such as that it has restored a segment, it is waited for.
    """
    deadline, told = time.monotonic() + READY_WITHIN_SECONDS, ""
    command = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", scratch.user]
    while True:
        if scratch.cancelled():
            raise CancelledError(phrase("Stopped while a temporary server was starting"))
        state = scratch.engine.inspect(container)["State"]["Status"]
        if state != "running":
            said = last_line(scratch.engine.logs(container, 20))
            raise PermanentError(
                phrase("The temporary server stopped immediately: {said}", said=said), cause=cause_in(said)
            )
        if scratch.engine.execute(container, command, seconds=5).code == 0:
            return
        if time.monotonic() > deadline:
            if (telling := _told(scratch, container)) == told:
                raise PermanentError(
                    phrase("The temporary server did not answer within {seconds} s", seconds=READY_WITHIN_SECONDS),
                    cause=Cause.TIME,
                )
            deadline, told = time.monotonic() + READY_WITHIN_SECONDS, telling
        _PAUSE.wait(0.2)


def _told(scratch: Scratch, container: str) -> str:
    """The last line of its log that is no answer to who asks whether it is ready."""
    lines = scratch.engine.logs(container, 2000).splitlines()
    return next((line for line in reversed(lines) if "the database system is" not in line), "")


def ask(scratch: Scratch, container: str, statement: str, database: str = "postgres") -> str:
    """The answer to one small statement. Raises PermanentError."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", scratch.user, "-c", statement]
    ended = scratch.engine.execute(container, command, seconds=60, environment=environment_of(scratch, database))
    if ended.code != 0:
        raise PermanentError(
            phrase("The temporary server does not answer: {said}", said=last_line(ended.output)), cause=ended.cause
        )
    return ended.output


def environment_of(scratch: Scratch, database: str) -> dict[str, str]:
    """For psql in the container. A database's name goes here: after -d, "=" in it would make it something else."""
    password = scratch.recipe.environment.get("POSTGRES_PASSWORD", "")
    return {**ENVIRONMENT, "PGPASSWORD": password, "PGDATABASE": database}


def count_rows(scratch: Scratch, container: str) -> dict[str, int]:
    """Rows of every table. The container is ours: removing it ends the count."""
    return counted(_said_in_each(scratch, container, COUNT))


def count_and_digest(scratch: Scratch, container: str) -> tuple[dict[str, int], dict[str, str]]:
    """Rows of every table, and the digest of what is in them where the table is not too large."""
    said = _said_in_each(scratch, container, COUNT_AND_DIGEST)
    return counted(said), digested(said)


def _said_in_each(scratch: Scratch, container: str, script: str) -> str:
    said = bytearray()
    for database in json.loads(ask(scratch, container, DATABASES)):
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", scratch.user, "-f", "-"]
        ended = feed_command(
            scratch.engine,
            container,
            command,
            [script.encode()],
            scratch.cancelled,
            environment_of(scratch, database),
            heard=partial(_keep, said),
        )
        if ended.code != 0:
            raise PermanentError(
                phrase("The rows of the copy could not be counted: {said}", said=last_line(ended.output)),
                cause=ended.cause,
            )
    return said.decode(errors="backslashreplace")


def _keep(said: bytearray, stream: int, piece: bytes) -> None:
    if stream == STDOUT:
        said += piece


def superusers(scratch: Scratch, container: str) -> tuple[str, ...]:
    """Everybody who may do everything in the copy."""
    statement = "SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolsuper"
    return tuple(json.loads(ask(scratch, container, statement)))


def stop_cleanly(scratch: Scratch, container: str) -> None:
    """A fast shutdown, which writes a last checkpoint. Raises PermanentError when it was none."""
    with docker_errors(phrase("Stop the temporary server")):
        scratch.engine.client.api.kill(container, "SIGINT")
    code = helper.wait(scratch.engine, container, scratch.cancelled, STOP_WITHIN_SECONDS)
    if code != 0:
        said = last_line(scratch.engine.logs(container, 20))
        raise PermanentError(
            phrase(
                "The temporary server did not shut down cleanly (exit code {code}): {said}",
                code=code,
                said=said,
            ),
            cause=cause_in(said),
        )


def settle(scratch: Scratch) -> str:
    """Bring the cold volume to the disk and read its state. Returns its system identifier; raises PermanentError."""
    order = HelperOrder(
        image=scratch.recipe.image,
        labels=scratch.labels,
        entrypoint=("sh", "-c", SETTLE, "sh", scratch.recipe.data_folder),
        mounts=(Mount(source=scratch.volume, target=scratch.recipe.mounted_at),),
        environment={"LC_ALL": "C"},
        user="postgres",
    )
    ended = helper.run(scratch.engine, order, scratch.cancelled)
    if ended.code != 0:
        raise PermanentError(
            phrase("The restored volume could not be written to the disk: {said}", said=last_line(ended.output)),
            cause=ended.cause,
        )
    state = stated(ended.output)
    if state.get("Database cluster state") != "shut down":
        raise PermanentError(
            phrase(
                "The restored database was not shut down cleanly: {state}",
                state=state.get("Database cluster state", phrase("unreadable")),
            )
        )
    return state["Database system identifier"]
