"""How a statement of dr.yml's `proof` is asked: one statement, in a transaction that can only read and is rolled back.

The server takes it as the text of a cursor, so that it can be neither several statements nor one that writes. It is
asked inside a function of a role that may read every table and nothing else: whoever connects may take any role again,
also by words in a view or a function that the statement comes by, but not within such a function.
"""

import re
from collections.abc import Mapping

from drbot.core.text.words import cut
from drbot.runners.clients.last_words import last_line

SECONDS = 60
"""For one statement."""
GRACE = 10
"""Seconds more for psql itself: the server's own limit comes first."""
_ROW = "\x01"  # in no text of PostgreSQL that people read
_PSQL = ("psql", "-XAtq", "-R", _ROW, "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse")

_SCRIPT = """
BEGIN READ WRITE;
CREATE FUNCTION pg_temp.drbot_own_check(statement text, rows integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER AS $do$
DECLARE answer refcursor; row record; BEGIN
    OPEN answer NO SCROLL FOR EXECUTE statement;
    FOR number IN 1..rows LOOP
        FETCH answer INTO row;
        EXIT WHEN NOT FOUND;
        RETURN NEXT row::text;
    END LOOP;
END $do$;
%s
SET TRANSACTION READ ONLY;
SELECT pg_temp.drbot_own_check(:'statement', %s;
ROLLBACK;
"""
# Before PostgreSQL 14 no role may read every table; there the superuser asks a copy, and still only reads. Rows that a
# policy hides count in a copy.
ASK = _SCRIPT % (
    """
DO $do$ BEGIN
    IF pg_catalog.to_regrole('pg_read_all_data') IS NOT NULL THEN
        CREATE ROLE drbot_own_check BYPASSRLS;
        GRANT pg_read_all_data TO drbot_own_check;
        ALTER FUNCTION pg_temp.drbot_own_check OWNER TO drbot_own_check;
    END IF;
END $do$;
""",
    "2)",
)
TRY = _SCRIPT % (
    """
SET LOCAL row_security = on;
DO $do$ BEGIN
    IF pg_catalog.to_regrole('pg_read_all_data') IS NOT NULL THEN
        ALTER FUNCTION pg_temp.drbot_own_check OWNER TO pg_read_all_data;
    END IF;
END $do$;
""",
    "0) WHERE pg_catalog.to_regrole('pg_read_all_data') IS NOT NULL",
)
"""The same on production without an answer: nothing is read, no role is made, so policies stay on, and a statement that
cannot be run is refused. Before PostgreSQL 14 it is not tried: to plan a statement carries out parts of it.
"""
_VALUE = re.compile(r'\((?:"((?:[^"\\]|""|\\\\)*)"|([^"(),\\\s]*))\)')
"""A row of one column, as PostgreSQL writes it."""
_PLACE = re.compile(r"^(psql: error: |psql:<stdin>:\d+: )?(ERROR|FATAL):\s+")


def asking(statement: str) -> tuple[str, ...]:
    """The command that reads ASK or TRY."""
    return (*_PSQL, "-v", f"statement={statement}")


def environment(database: str, user: str, seconds: int = SECONDS) -> Mapping[str, str]:
    """For that command."""
    options = ("client_min_messages=error", f"statement_timeout={seconds}s", "row_security=off", "timezone=UTC")
    return {
        "PGDATABASE": database,
        "PGUSER": user,
        "PGCLIENTENCODING": "UTF8",
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": " ".join(f"-c {option}" for option in (*options, "datestyle=ISO")),
    }


def value_in(output: str) -> str | None:
    """The single value that was answered; None = there are several, or none."""
    found = _VALUE.fullmatch(output.strip())
    if found is None:
        return None
    return (found[2] or "NULL") if found[1] is None else re.sub(r'(["\\])\1', r"\1", found[1])


def refusal_in(output: str) -> str:
    """What the server says against it, without where that stands in our script."""
    return cut(_PLACE.sub("", last_line(output)), 300)
