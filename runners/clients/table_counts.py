"""Counts the rows of every table, in the same words on production, in a dump's own snapshot, and in a restored copy."""

import json
from collections.abc import Iterable, Iterator

from drbot.core.base.table_names import table_name

# For psql, connected to one database; one JSON list a line: database, schema, table, rows, digest or null. Parents of
# inheritance count themselves. Of an extension's tables only those a dump brings, and of these only the rows it brings.
# Materialized views are left out: a restore fills them anew. Large objects count as rows of their catalog.
_SCRIPT = r"""
SELECT format('SELECT json_build_array(%%L, %%L, %%L, count(*), %%s) FROM ONLY %%I.%%I %%s',
    current_database(), n.nspname, c.relname, %(digest)s, n.nspname, c.relname, own.condition)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
    AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN LATERAL (
    SELECT u.condition FROM pg_extension AS x, unnest(x.extconfig, x.extcondition) AS u(relation, condition)
    WHERE x.oid = d.refobjid AND u.relation = c.oid
) AS own ON true
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND (d.objid IS NULL OR own.condition IS NOT NULL)
UNION ALL
SELECT format('SELECT json_build_array(%%L, %%L, %%L, count(*), NULL) FROM pg_catalog.pg_largeobject_metadata',
    current_database(), 'pg_catalog', 'pg_largeobject_metadata')
WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
ORDER BY 1
\gexec
"""
# A sum over the rows, so that their order does not matter; by the names of the columns, so that neither does theirs.
# Generated columns are computed anew by a restore. Larger tables would hold up a backup for minutes.
_DIGEST = r"""CASE WHEN pg_table_size(c.oid) <= 1073741824 THEN (
        SELECT format('sum(hashtextextended(ROW(%s)::text COLLATE "C", 0))::text',
            string_agg(quote_ident(a.attname), ',' ORDER BY a.attname))
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ) ELSE 'NULL' END"""
COUNT = _SCRIPT % {"digest": "'NULL'"}
COUNT_AND_DIGEST = _SCRIPT % {"digest": _DIGEST}
# The same tables without their rows: quick, also where counting would take an hour.
NAME = r"""
SELECT json_build_array(current_database(), n.nspname, c.relname, 0, NULL)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_';
"""
# Every database with data of its own, template1 and other templates too; as pg_dumpall orders them.
DATABASES = (
    "SELECT json_agg(datname ORDER BY datname <> 'template1', datname) FROM pg_database "
    "WHERE datallowconn AND datname <> 'template0'"
)
ENVIRONMENT = {
    "PGCLIENTENCODING": "UTF8",
    "PGOPTIONS": "-c search_path= -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 "
    "-c row_security=off -c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c bytea_output=hex "
    "-c extra_float_digits=3 -c lc_monetary=C",
}
# For sh: the arguments are databases. They reach psql by PGDATABASE: after -d, a name with "=" in it would be taken for
# a connection string.
# Who goes away has given up, and the server ends too what it counted for them; before PostgreSQL 14 at the end only.
COUNT_EACH = """
set -eu
for database in "$@"; do
PGDATABASE="$database" psql -XAtq <<'SQL'
SELECT set_config(name, '500', false) FROM pg_settings WHERE name = 'client_connection_check_interval' \\g /dev/null
\\set ON_ERROR_STOP on
%s
SQL
done
"""


def counting(script: str, databases: Iterable[str]) -> tuple[str, ...]:
    """The command that runs COUNT or NAME in each of these databases."""
    return ("sh", "-c", COUNT_EACH % script, "sh", *databases)


def counted(output: str) -> dict[str, int]:
    """Table → rows. Raises ValueError for what is none of these scripts' output."""
    return {name: rows for name, rows, _ in _lines(output)}


def digested(output: str) -> dict[str, str]:
    """Table → digest of its rows; tables that are empty or too large have none."""
    return {name: digest for name, _, digest in _lines(output) if digest is not None}


def _lines(output: str) -> Iterator[tuple[str, int, str | None]]:
    for line in output.split("\n"):
        if line.startswith("["):
            database, schema, table, rows, digest = json.loads(line)
            yield table_name(database, schema, table), int(rows), digest
