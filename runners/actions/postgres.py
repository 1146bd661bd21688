"""Restore beside production, prove it, and compare rows: production's volume is never touched from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import DrbotError, PermanentError
from core.plan import BackupIdentity
from runners.action import Finding, Outcome, StepContext
from runners.actions import arguments
from runners.actions.backup import differences
from runners.actions.carrying import carry_settings
from runners.clients.backup_reader import BackupReader
from runners.clients.backup_store import Backup
from runners.clients.docker_engine import RUN_LABEL, STEP_LABEL
from runners.clients.scratch_postgres import (
    Scratch,
    count_rows,
    execute_dump,
    scratch_server,
    settle,
    stop_cleanly,
)
from runners.clients.survivors import remove_survivors


def restore_beside(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """A new volume with the backup's data, counted, shut down cleanly and on the disk; or no volume at all."""
    volume, backup = arguments.text(given, "volume"), arguments.sealed_backup(context)
    if arguments.text(given, "backup") not in (backup.name, backup.name.removesuffix(".sql.gz")):
        raise PermanentError(f"The plan is sealed for {backup.name}, not for {given['backup']}")
    remove_leftovers(context, volume)
    context.clients.docker.create_volume(volume, context.labels)
    try:
        return fill(context, volume, backup)
    except DrbotError:
        context.clients.docker.remove_own_volume(volume, context.own_work())  # half a copy is no use to anybody
        raise


def remove_leftovers(context: StepContext, volume: str) -> None:
    """What an earlier attempt at this step left. Raises PermanentError when the volume is not this step's."""
    docker = context.clients.docker
    remove_survivors(docker, context.run.id, context.step.id)
    found = docker.volume(volume)
    if found is None:
        return
    if any(found.labels.get(label) != context.labels.get(label) for label in (RUN_LABEL, STEP_LABEL)):
        raise PermanentError(f"The volume {volume} exists and was not made by this step; nothing was touched")
    context.log(f"Removing what an earlier attempt left in {volume}")
    docker.remove_own_volume(volume, context.own_work())


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A dump that is in a volume, counted, and on the disk."""

    rows: Mapping[str, int]
    sha256: str  # of the file that was read
    sql_bytes: int
    system_identifier: str


def fill(context: StepContext, volume: str, backup: BackupIdentity) -> Outcome:
    """Restore, count, shut down, sync."""
    source = context.clients.backups.get(backup.name)
    context.log(f"Restoring {backup.name} into {volume}")
    loaded = load(context, volume, source, backup.rows, sha256=backup.sha256)
    carried = carry_settings(context, scratch_of(context, volume, "settings"))
    tables = len(backup.rows)
    return Outcome(
        summary=f"Restored {backup.name} into {volume}: {sum(backup.rows.values())} rows in {tables} tables, "
        f"each as in the backup{carried.sentence}",
        facts={
            **carried.facts,
            "volume": volume,
            "rows": {table: loaded.rows[table] for table in backup.rows},
            "sql_bytes": loaded.sql_bytes,
            "system_identifier": loaded.system_identifier,
        },
    )


def load(context: StepContext, volume: str, source: Backup, expected: Mapping[str, int], *, sha256: str) -> Loaded:
    """A dump into an empty volume, by a server of our own. `sha256` "" accepts any file. Raises PermanentError."""
    scratch = scratch_of(context, volume, "restore")
    reader = BackupReader(source, scratch.user, context.progress, context.cancelled)
    with scratch_server(scratch, tuned=True) as container:
        execute_dump(scratch, container, reader.statements())
        if sha256 and reader.sha256 != sha256:
            raise PermanentError(f"{source.name} is not the file that the plan was made for: it was replaced")
        rows = count_rows(scratch, container)
        require_rows(expected, rows)
        stop_cleanly(scratch, container)
    return Loaded(rows=rows, sha256=reader.sha256, sql_bytes=reader.scanner.bytes, system_identifier=settle(scratch))


def require_rows(expected: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raise PermanentError with the first tables that differ."""
    wrong = differences(expected, found)
    if wrong:
        raise PermanentError(f"The restored rows are not those of the backup: {'; '.join(wrong[:3])}")


def rows(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe postgres.rows: production against the sealed backup."""
    return compared(arguments.expected_rows(context), context.clients.postgres.rows(context.labels, context.cancelled))


def beside_rows(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe postgres.beside_rows: start the copy with the settings production has, and count."""
    volume = arguments.text(given, "volume")
    if context.clients.docker.volume(volume) is None:
        return Finding(passed=False, sentence=f"The volume {volume} does not exist")
    users = context.clients.docker.users_of(volume)
    if users:
        return Finding(passed=False, sentence=f"The volume {volume} is in use by {', '.join(users)}")
    scratch = scratch_of(context, volume, "count")
    try:
        with scratch_server(scratch, tuned=False) as container:
            found = count_rows(scratch, container)
            stop_cleanly(scratch, container)
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    return compared(arguments.expected_rows(context), found)


def compared(expected: Mapping[str, int], found: Mapping[str, int]) -> Finding:
    """Every table of the backup has exactly its rows."""
    wrong = differences(expected, found)
    facts = {"rows": {table: found.get(table) for table in expected}}
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Finding(passed=False, sentence="; ".join(wrong[:3]) + more, facts=facts)
    total = sum(expected.values())
    return Finding(passed=True, sentence=f"{total} rows in {len(expected)} tables, as in the backup", facts=facts)


def scratch_of(context: StepContext, volume: str, purpose: str) -> Scratch:
    """A server on this volume, run as production's is."""
    postgres = context.clients.postgres
    return Scratch(
        engine=context.clients.docker,
        recipe=postgres.recipe(context.cancelled),
        user=postgres.settings.user,
        volume=volume,
        name=f"drbot-{purpose}-{volume}",
        labels=context.labels,
        cancelled=context.cancelled,
    )
