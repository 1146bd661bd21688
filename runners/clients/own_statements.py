"""How a statement of dr.yml's `proof` is asked: one statement, in a transaction that can only read and is rolled back.

The server takes it as the text of a cursor, so that it can be neither several statements nor one that writes. In a copy
it is asked by a role that may read every table and nothing else, made in that transaction and gone with it.
"""

import re
from collections.abc import Mapping

from drbot.core.text.words import cut
from drbot.runners.clients.last_words import last_line

SECONDS = 60
"""For one statement."""
GRACE = 10
"""Seconds more for psql itself: the server's own limit comes first."""
_ROW, _FIELD = "\x01", "\x02"  # in no text of PostgreSQL that people read, and no white space
_PSQL = ("psql", "-XAtq", "-F", _FIELD, "-R", _ROW, "-P", "null=NULL", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse")

# Before PostgreSQL 14 no role may read every table; there the superuser asks, and still only reads. Rows that a policy
# hides count in a copy.
_AS_READER = """
DO $do$ BEGIN
    IF to_regrole('pg_read_all_data') IS NOT NULL THEN
        CREATE ROLE drbot_own_check BYPASSRLS;
        GRANT pg_read_all_data TO drbot_own_check;
        SET LOCAL ROLE drbot_own_check;
    END IF;
END $do$;
"""
# On production no role is made, so policies stay on.
_AS_IS = """
SET LOCAL row_security = on;
DO $do$ BEGIN
    IF to_regrole('pg_read_all_data') IS NOT NULL THEN
        SET LOCAL ROLE pg_read_all_data;
    END IF;
END $do$;
"""
_SCRIPT = """
BEGIN READ WRITE;
SELECT set_config('drbot.statement', :'statement', true) AS statement \\gset
%s
SET TRANSACTION READ ONLY;
DO $do$ DECLARE answer refcursor := 'answer'; BEGIN
    OPEN answer NO SCROLL FOR EXECUTE current_setting('drbot.statement');
END $do$;
%s
ROLLBACK;
"""
ASK = _SCRIPT % (_AS_READER, "FETCH 2 FROM answer;")
TRY = _SCRIPT % (_AS_IS, "")
"""The same without an answer: nothing is read, no role is made, and a statement that cannot be run is refused."""
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
    rows = output.split(_ROW) if output else []
    return rows[0] if len(rows) == 1 and _FIELD not in rows[0] else None


def refusal_in(output: str) -> str:
    """What the server says against it, without where that stands in our script."""
    return cut(_PLACE.sub("", last_line(output)), 300)
