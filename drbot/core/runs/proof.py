"""When a restored backup counts as proven: by what is counted in the server it is in, and never by nothing."""

from collections.abc import Collection, Iterable, Mapping

from drbot.core.base.table_names import database_of
from drbot.core.runs.plan import BackupIdentity, Floor
from drbot.core.text.messages import and_more, listed, phrase

_NAMED = 3  # tables in one sentence
OWN_CHECKS = "own_checks"
"""Among the facts of a step that restored: how many checks of dr.yml the copy has passed, which are all."""


def floor_of(databases: Iterable[str], before: Mapping[str, int] | None, now: Iterable[str] | None) -> Floor:
    """What must be in a backup without a manifest. `databases`: of dr.yml; `before`: table → rows in the newest backup
    with a manifest that is older; `now`: tables of production, None where it does not answer.
    """
    held = {table for table, rows in (before or {}).items() if rows}
    holding = {database_of(table) for table in held}
    return Floor(
        named=tuple(sorted(databases)),
        databases=tuple(sorted(name for name in databases if name in holding)),
        tables=tuple(sorted((before or {}).keys() & set(now or ()))),  # in both: it was there in between
        held=tuple(sorted(held)),
    )


def faults(backup: BackupIdentity, found: Mapping[str, int]) -> list[str]:
    """Why these rows do not prove the backup, one sentence each. `found`: all tables of the restored server."""
    wrong = differences(backup.rows, found) if backup.manifest else _below(backup.floor, found)
    return wrong or ([] if any(found.values()) else [phrase("no table holds a row: that proves nothing")])


def doubts(backup: BackupIdentity, found: Mapping[str, int]) -> list[str]:
    """What people should know although nothing is wrong for certain."""
    holding = {database_of(table) for table, rows in found.items() if rows}
    empty = [name for name in backup.floor.named if name not in holding]
    said: list[str] = [phrase("The database {name} holds no row in this backup.", name=name) for name in empty]
    gone = [table for table in backup.floor.held if not found.get(table)]
    if len(gone) == 1:
        said.append(phrase("{table} held rows in the previous backup and holds none in this one.", table=gone[0]))
    elif gone:
        names = and_more(gone, _NAMED)
        said.append(phrase("{tables} held rows in the previous backup and hold none in this one.", tables=names))
    return said


def differences(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """One sentence per table whose rows are not as expected."""
    return [
        phrase("{table} has {found} rows instead of {rows}", table=table, found=found[table], rows=rows)
        if table in found
        else phrase("{table} is missing", table=table)
        for table, rows in sorted(expected.items())
        if found.get(table) != rows
    ]


def altered(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Tables whose rows are as many as they should be, and not the same; only those that both sides digested."""
    both = sorted(expected.keys() & found.keys())
    changed = [table for table in both if expected[table] != found[table]]
    return [phrase("{table} holds other rows than its source", table=table) for table in changed]


def _below(floor: Floor, found: Mapping[str, int]) -> list[str]:
    holding = {database_of(table) for table, rows in found.items() if rows}
    missing = [table for table in floor.tables if table not in found]
    return [
        *_without_rows(floor, holding),
        *(phrase("{table} is missing; it is in the previous backup and in production", table=one) for one in missing),
    ]


def _without_rows(floor: Floor, holding: Collection[str]) -> list[str]:
    if floor.named and not set(holding).intersection(floor.named):
        return [phrase("no database of dr.yml holds a row: {names}", names=listed(floor.named))]
    empty = [name for name in floor.databases if name not in holding]
    return [phrase("the database {name} is missing or empty", name=name) for name in empty]
