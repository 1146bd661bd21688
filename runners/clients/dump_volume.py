"""Copies of a running PostgreSQL and Redis, made by their own programs in helpers, on a volume of our own.

Each database is dumped once, in directory format; the dump of all databases is written from these, so that both hold
the same rows. Both servers go on working; the volume is gone afterwards.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote

from core.errors import PermanentError, TemporaryError
from runners.clients import helper, redis_copy
from runners.clients.docker_engine import DockerEngine
from runners.clients.helper import HelperOrder, Mount
from runners.clients.last_words import last_line
from runners.clients.postgres_dump import CLOSING, IN_SNAPSHOT, counting_environment
from runners.clients.postgres_server import PostgresServer
from runners.clients.redis_server import RedisServer
from runners.clients.streams import archive_of, output_of
from runners.watching import Cancelled

FOLDER = "/dump"
COUNTS = "counts"  # the file of COUNT's lines
# Arguments: folder and name of each database.
DUMP = rf"""
set -eu
exec 3>&1
{IN_SNAPSHOT}
jobs=$(nproc); [ "$jobs" -le 4 ] || jobs=4
pg_dumpall --no-password --globals-only > /dump/globals.sql
mkdir /dump/databases
while [ $# -gt 0 ]; do
  export FOLDER="/dump/databases/$1" JOBS="$jobs"
  in_snapshot "$2" 'pg_dump --no-password --snapshot="$SNAPSHOT" --format directory --compress 1 \
    --jobs "$JOBS" --file "$FOLDER"'
  shift 2
done
"""
# What pg_dumpall would have written: template1 and postgres exist everywhere, so they are only filled.
WRITE_SQL = rf"""
set -eu
sed '/^-- PostgreSQL database cluster dump complete/,$d' /dump/globals.sql
while [ $# -gt 0 ]; do
  printf '\n--\n-- Database "%s" dump\n--\n\n' "$2"
  case "$2" in
    template1|postgres) printf '\\connect %s\n\n' "$2"; pg_restore --file - "/dump/databases/$1" ;;
    *) pg_restore --create --file - "/dump/databases/$1" ;;
  esac
  shift 2
done
{CLOSING}
"""
# The server sends its data as it would to a replica; the check reads every key and the checksum.
DUMP_REDIS = r"""
set -eu
redis-cli -h 127.0.0.1 --rdb /dump/dump.rdb > /dev/null
check=$(command -v redis-check-rdb || command -v valkey-check-rdb)
"$check" /dump/dump.rdb
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DumpVolume:
    """A volume with the copies, and who may stop the work."""

    engine: DockerEngine
    name: str
    labels: Mapping[str, str]
    cancelled: Cancelled

    def dump_postgres(self, postgres: PostgresServer, databases: Sequence[str]) -> None:
        """Every database in directory format below databases/, and its counts. Raises Permanent-, TemporaryError."""
        order = postgres.beside(self.labels, self.cancelled, self._script(DUMP, databases))
        environment = {**order.environment, **counting_environment(f"{FOLDER}/{COUNTS}")}
        self._run(replace(order, environment=environment), "pg_dump")

    def sql(self, postgres: PostgresServer, databases: Sequence[str]) -> Iterator[bytes]:
        """The dump of all databases as one script. Raises PermanentError."""
        order = replace(
            postgres.beside(self.labels, self.cancelled, self._script(WRITE_SQL, databases)),
            network="none",
            keeps_log=False,
            mounts=(self._mount,),
        )
        errors = bytearray()
        with helper.helper(self.engine, order) as container:
            yield from output_of(self.engine, container, errors, self.cancelled)
            code = helper.wait(self.engine, container, self.cancelled)
        if code != 0:
            raise PermanentError(f"pg_restore failed (exit code {code}): {last_line(errors.decode(errors='replace'))}")

    def dump_redis(self, redis: RedisServer) -> tuple[int, int]:
        """dump.rdb; returns how many keys it holds and how many of them expire. Raises PermanentError."""
        said = self._run(
            redis_copy.beside(self.engine, redis, self.labels, ("sh", "-c", DUMP_REDIS)), "redis-cli --rdb"
        )
        keys, expires = (re.search(rf"(\d+) {word}", said) for word in ("keys read", "expires"))
        if keys is None:
            raise PermanentError(f"The check of the RDB file did not say how many keys it holds: {last_line(said)}")
        return int(keys[1]), int(expires[1]) if expires else 0

    def content(self, image: str) -> Iterator[bytes]:
        """All of it as a tar stream, below dump/."""
        order = HelperOrder(
            image=image,
            name=None,
            labels=self.labels,
            entrypoint=("true",),
            mounts=(replace(self._mount, read_only=True),),
        )
        with helper.helper(self.engine, order) as container:
            yield from archive_of(self.engine, container, FOLDER, self.cancelled)

    @property
    def _mount(self) -> Mount:
        return Mount(source=self.name, target=FOLDER)

    def _run(self, order: HelperOrder, what: str) -> str:
        ended = helper.run(self.engine, replace(order, mounts=(self._mount,)), self.cancelled)
        if ended.code != 0:
            error = PermanentError if "No space left" in ended.output else TemporaryError
            raise error(f"{what} failed (exit code {ended.code}): {last_line(ended.output)}")
        return ended.output

    def _script(self, script: str, databases: Sequence[str]) -> tuple[str, ...]:
        return ("sh", "-c", script, "sh", *(word for name in databases for word in (folder_of(name), name)))


@contextmanager
def dump_volume(
    engine: DockerEngine, name: str, labels: Mapping[str, str], cancelled: Cancelled
) -> Iterator[DumpVolume]:
    """A new volume, removed at the end."""
    with engine.scratch_volume(name, labels):
        yield DumpVolume(engine=engine, name=name, labels=labels, cancelled=cancelled)


def folder_of(database: str) -> str:
    """The folder of a database below databases/: its name, quoted as in a URL."""
    return quote(database, safe="")
