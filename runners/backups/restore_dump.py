"""A dump goes into an empty volume by a server of drbot's own, and is judged by what is counted there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drbot.core.base.errors import BackupError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.proof import altered, doubts, faults
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.backups.own_checks import AskedOfCopy, require_own_checks
from drbot.runners.clients.backup_reader import Sql
from drbot.runners.clients.dump import major
from drbot.runners.clients.dump_execution import execute_dump
from drbot.runners.clients.scratch_postgres import (
    Scratch,
    count_and_digest,
    scratch_server,
    settle,
    stop_cleanly,
    superusers,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A dump that is in a volume, counted, and on the disk."""

    rows: Mapping[str, int]  # of every table that is in the volume now
    notes: tuple[str, ...]  # what people should know before they agree
    passed: int  # own checks of dr.yml, all that it asks of a copy
    sql_bytes: int
    system_identifier: str


def load(
    scratch: Scratch,
    reader: Sql,
    backup: BackupIdentity,
    digests: Mapping[str, str],
    server_major: int | None,
    checks: AskedOfCopy,
) -> Loaded:
    """Restore, count, ask, shut down, sync. `digests`: of its manifest. `server_major`: of the server of `scratch`.
    Raises PermanentError, TemporaryError, CancelledError.
    """
    with scratch_server(scratch, tuned=True) as container:
        notes = execute_dump(scratch, container, reader.statements())
        if reader.sha256 not in ("", backup.sha256):
            raise BackupError(
                phrase("{name} is not the file that the plan was made for: it was replaced", name=backup.name)
            )
        rows, found = count_and_digest(scratch, container)
        same = major(backup.server_version) == server_major
        require_rows(backup, rows, altered(digests, found) if same else [])
        notes = (*notes, *powerful(backup, superusers(scratch, container), scratch.user), *doubts(backup, rows))
        require_own_checks(scratch, container, checks)
        stop_cleanly(scratch, container)
    return Loaded(
        rows=rows,
        notes=notes,
        passed=len(checks.checks),
        sql_bytes=reader.scanner.bytes,
        system_identifier=settle(scratch),
    )


def require_rows(backup: BackupIdentity, found: Mapping[str, int], other: Sequence[str]) -> None:
    """Raise PermanentError with the first reasons why these rows prove nothing; `other`: tables that hold others."""
    wrong = [*faults(backup, found), *other]
    if wrong:
        raise BackupError(phrase("The restored rows are not those of the backup: {why}", why=clauses(wrong[:3])))


def powerful(backup: BackupIdentity, names: tuple[str, ...], own: str) -> tuple[str, ...]:
    """Who may do everything in the copy: a file that nobody vouches for can bring somebody along."""
    others = [name for name in names if name != own]
    if backup.manifest or not others:
        return ()
    return (phrase("Superusers in the backup besides {own}: {names}.", own=own, names=listed(others)),)
