"""A dump of a running server and the rows that are in it, counted in the very snapshot that is dumped.

pg_dumpall cannot be given a snapshot; so each database is dumped by pg_dump, and put together as pg_dumpall does.
"""

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.byte_streams import IteratorFile
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.streams import archive_of, output_of
from drbot.runners.clients.table_counts import COUNT_AND_DIGEST, ENVIRONMENT, counted, digested
from drbot.runners.foundation.watching import Cancelled

FOLDER = "/drbot"  # where `into` writes
COUNTS = "/tmp/counts"  # noqa: S108  # inside a helper that nobody else is in
# in_snapshot <database> <shell command>: counts into $COUNTS, then runs the command with $SNAPSHOT set. The count comes
# first: its locks keep every table as it is until the dump is done, and the session keeps the snapshot open.
IN_SNAPSHOT = rf"""
in_snapshot() {{
  rm -f /tmp/failed
  PGDATABASE="$1" DUMP="$2" PGOPTIONS="$COUNTING" psql -XAtq -v ON_ERROR_STOP=1 > /dev/null <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\o | cat >> "$COUNTS"
{COUNT_AND_DIGEST}
\o
\! unset PGOPTIONS; eval "$DUMP" < /dev/null >&3 || touch /tmp/failed
COMMIT;
SQL
  [ ! -e /tmp/failed ]
}}
"""
CLOSING = r"printf -- '--\n-- PostgreSQL database cluster dump complete\n--\n\n'"
# What pg_dumpall would have written: template1 and postgres exist everywhere, so they are only filled.
DUMP_ALL = rf"""
set -eu
[ -z "${{OUTPUT:-}}" ] || exec > "$OUTPUT"
exec 3>&1
{IN_SNAPSHOT}
pg_dumpall --no-password --globals-only > /tmp/globals.sql
sed '/^-- PostgreSQL database cluster dump complete/,$d' /tmp/globals.sql
for database in "$@"; do
  printf '\n--\n-- Database "%s" dump\n--\n\n' "$database"
  create=--create
  case "$database" in template1|postgres) create=; printf '\\connect %s\n\n' "$database" ;; esac
  in_snapshot "$database" "pg_dump --no-password $create --snapshot=\"\$SNAPSHOT\""
done
{CLOSING}
"""


class PostgresDump:
    """`pieces` once; then `rows` and `digests` hold what was counted."""

    def __init__(self, engine: DockerEngine, order: HelperOrder, databases: tuple[str, ...]) -> None:
        environment = {**order.environment, **counting_environment()}
        command = ("sh", "-c", DUMP_ALL, "sh", *databases)
        self._engine = engine
        self._order = replace(order, entrypoint=command, environment=environment, keeps_log=False)
        self.rows: dict[str, int] = {}
        self.digests: dict[str, str] = {}

    def into(self, path: Path, cancelled: Cancelled) -> None:
        """The dump into a file of the engine's host. Raises as `pieces`."""
        mount = Mount(source=str(path.parent), target=FOLDER)
        environment = {**self._order.environment, "OUTPUT": f"{FOLDER}/{path.name}"}
        self._order = replace(self._order, environment=environment, mounts=(mount,))
        for _ in self.pieces(cancelled):
            pass

    def pieces(self, cancelled: Cancelled) -> Iterator[bytes]:
        """The dump. Raises PermanentError when it fails, with what was said."""
        errors = bytearray()
        with helper.helper(self._engine, self._order) as container:
            yield from output_of(self._engine, container, errors, cancelled)
            code = helper.wait(self._engine, container, cancelled)
            if code == 0:
                said = read_file(self._engine, container, COUNTS, cancelled)
                self.rows, self.digests = counted(said), digested(said)
        if code != 0:
            said = last_line(errors.decode(errors="replace"))
            raise PermanentError(phrase("pg_dump failed (exit code {code}): {said}", code=code, said=said))


def counting_environment() -> Mapping[str, str]:
    """What IN_SNAPSHOT needs; pg_dump itself runs without these options."""
    return {"COUNTING": ENVIRONMENT["PGOPTIONS"], "COUNTS": COUNTS}


def read_file(engine: DockerEngine, container: str, path: str, cancelled: Cancelled) -> str:
    """A small text file inside a container; names that are no UTF-8 are shown by their bytes."""
    with tarfile.open(fileobj=IteratorFile(archive_of(engine, container, path, cancelled)), mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                return content.read().decode(errors="backslashreplace")
    return ""
