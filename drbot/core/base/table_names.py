"""One name per table of a whole cluster, in which no two tables meet: "a.b" beside schema a, table b."""

import re

_UNCLEAR = re.compile(r'[."\s]')


def table_name(database: str, schema: str, table: str) -> str:
    """ "authdb.users", "authdb.audit.log" outside of public; a part with a dot, a quote or a space is quoted."""
    parts = (database, table) if schema == "public" else (database, schema, table)
    return ".".join(quoted(part) for part in parts)


def quoted(part: str) -> str:
    """As SQL would quote it, but only where it would be unclear."""
    return '"' + part.replace('"', '""') + '"' if _UNCLEAR.search(part) else part


def database_of(name: str) -> str:
    if not name.startswith('"'):
        return name.partition(".")[0]
    end = re.match(r'"((?:[^"]|"")*)"', name)
    return end[1].replace('""', '"') if end else name
