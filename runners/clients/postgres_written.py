"""What was written on the running server since a transaction: counted row by row, for the card of an undo.

Every version of a row carries the transaction that wrote it (xmin), also after it was frozen (PostgreSQL 9.4 on).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.base.table_names import table_name
from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.postgres_server import PostgresServer, count_within

COUNT_SECONDS = 30.0  # a survey people wait for; what takes longer is said to be uncounted
LONGEST = 2**31 - 10_000_000  # more transactions than that cannot be told apart by age

# One line a table: name, rows written since, their bytes, all rows. $1 is the first transaction that counts. Large
# objects are rows of their catalog, as in a backup; one of which any page was written since counts, with these pages.
COUNT_WRITTEN = r"""
set -eu
psql -XAtq -d postgres -c "SELECT txid_snapshot_xmax(txid_current_snapshot())"
psql -XAtq -d postgres -c "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template0'" \
    > /tmp/databases
while IFS= read -r database; do
PGDATABASE="$database" psql -XAtq -v ON_ERROR_STOP=1 -v since="$1" -F "	" <<'SQL'
SELECT format('SELECT %L, count(*) FILTER (WHERE age(t.xmin) <= age(%L::xid)), '
    'coalesce(sum(pg_column_size(t.*)) FILTER (WHERE age(t.xmin) <= age(%L::xid)), 0), count(*) FROM ONLY %I.%I AS t',
    json_build_array(current_database(), n.nspname, c.relname),
    :'since', :'since', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1
\gexec
SELECT json_build_array(current_database(), 'pg_catalog', 'pg_largeobject_metadata'),
    count(*) FILTER (WHERE p.written OR age(o.xmin) <= age(:'since'::xid)), coalesce(sum(p.bytes), 0), count(*)
FROM pg_catalog.pg_largeobject_metadata AS o LEFT JOIN (
    SELECT loid, true AS written, sum(octet_length(data)) AS bytes
    FROM pg_catalog.pg_largeobject WHERE age(xmin) <= age(:'since'::xid) GROUP BY loid
) AS p ON p.loid = o.oid
HAVING count(*) > 0;
SQL
done < /tmp/databases
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Rows that were added or changed, and their bytes. `untouched`: table → rows that are as they were then."""

    rows: int
    bytes: int
    untouched: Mapping[str, int] = field(default_factory=dict)

    def removed(self, then: Mapping[str, int]) -> int:
        """How many of the rows of `then` were changed or deleted."""
        return sum(max(0, count - self.untouched.get(table, 0)) for table, count in then.items())


def written_since(
    engine: DockerEngine,
    server: PostgresServer,
    since: int,
    labels: Mapping[str, str],
    cancelled: Callable[[], bool],
) -> Written:
    """What transactions from number `since` on wrote. Raises TemporaryError or PermanentError saying why not."""
    order = server.beside(labels, cancelled, ("sh", "-c", COUNT_WRITTEN, "sh", str(since % 2**32)))
    ended = count_within(engine, order, cancelled, COUNT_SECONDS)
    if ended.code != 0:
        raise TemporaryError(phrase("PostgreSQL said: {said}", said=last_line(ended.output)), kind="starting")
    first, *lines = ended.output.splitlines()
    if int(first) - since > LONGEST:
        raise PermanentError(phrase("too many transactions ran since then"))
    return written_in(lines)


def written_in(lines: list[str]) -> Written:
    rows = size = 0
    untouched = {}
    for line in lines:
        parts, written, count, every = line.rsplit("\t", 3)
        name = table_name(*json.loads(parts))
        rows += int(written)
        size += int(count)
        untouched[name] = int(every) - int(written)
    return Written(rows=rows, bytes=size, untouched=untouched)


def next_transaction(state: Mapping[str, str]) -> int | None:
    """The first transaction that a server on data in this state will run, while none runs, by what pg_controldata says
    of it; None when it cannot be read.
    """
    epoch, _, number = state.get("Latest checkpoint's NextXID", "").partition(":")
    return (int(epoch) << 32) + int(number) if epoch.isdigit() and number.isdigit() else None
