"""Restore beside production, prove it, and compare rows: production's volume is never touched from here."""

from collections.abc import Mapping, Sequence
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.proof import OWN_CHECKS, differences, faults
from drbot.core.site.own_checks import passed_text
from drbot.core.site.wal import is_moment_name
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.actions.carrying import Carried, carry_settings
from drbot.runners.actions.making_beside import made_beside
from drbot.runners.backups import restore_dump, restore_moment
from drbot.runners.backups.choose_moment import as_of_text, past_in
from drbot.runners.backups.dump_at_hand import dump_named, let_go
from drbot.runners.backups.own_checks import asked_of_copy
from drbot.runners.backups.readings import Readings
from drbot.runners.backups.restore_dump import Loaded
from drbot.runners.clients.backup_reader import BackupReader, Sql
from drbot.runners.clients.container_labels import helper_name
from drbot.runners.clients.scratch_postgres import Scratch, count_rows, scratch_server, stop_cleanly
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not

AS_IN_BACKUP = phrase("each as in the backup")
COUNTED = phrase("counted in the copy")
ONLY_COUNTED = phrase("counted in the copy: the backup has no manifest")


def restore_beside(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """A new volume with the backup's data, counted, shut down cleanly and on the disk; or no volume at all."""
    volume, backup = arguments.text(given, "volume"), arguments.sealed_backup(context)
    if arguments.text(given, "backup") not in (backup.name, backup.name.removesuffix(".sql.gz")):
        raise PermanentError(
            phrase("The plan is sealed for {name}, not for {backup}", name=backup.name, backup=given["backup"])
        )
    with made_beside(context, volume):
        return fill(context, volume, backup)


def fill(context: StepContext, volume: str, backup: BackupIdentity) -> Outcome:
    """Restore, count, shut down, sync."""
    if is_moment_name(backup.name):
        return _replay(context, volume, backup)
    source = dump_named(context, backup.name)
    context.log(f"Restoring {backup.name} into {volume}")
    digests = source.manifest.digests if source.manifest else {}
    reader = BackupReader(source, context.progress, context.cancelled)
    try:
        loaded = load(context, volume, reader, backup, digests)
    except PermanentError:  # the next plan reads it before it is chosen again
        Readings(context.clients.settings.home).doubt(source.path)
        raise
    carried = carry_settings(context, scratch_of(context, volume, "settings"))
    let_go(context)
    return restored(loaded, backup, source.name, volume, carried)


def _replay(context: StepContext, volume: str, backup: BackupIdentity) -> Outcome:
    """A base backup, and what was received since."""
    past = past_in(context)
    context.log(f"Replaying {backup.place} into {volume}")
    scratch = scratch_of(context, volume, "restore")
    asked = asked_of_copy(context.configuration, context.site)
    loaded = restore_moment.load(past.continuous, scratch, past.sealed(backup), backup, asked)
    carried = carry_settings(context, scratch_of(context, volume, "settings"))
    return restored(loaded, backup, as_of_text(backup.name), volume, carried)


def restored(loaded: Loaded, backup: BackupIdentity, name: str, volume: str, carried: Carried | None = None) -> Outcome:
    """What a restore tells: the rows that are there, by what they were judged, and the settings it got beside them."""
    carried = carried or Carried()
    how = AS_IN_BACKUP if backup.manifest else ONLY_COUNTED
    if is_moment_name(backup.name):
        how = COUNTED
    total, tables = sum(loaded.rows.values()), len(loaded.rows)
    said = phrase(
        "Restored {name} into {volume}: {rows} rows in {tables} tables, {how}",
        name=name,
        volume=volume,
        rows=total,
        tables=tables,
        how=how,
    )
    return Outcome(
        summary=clauses((said, passed_text(loaded.passed), carried.sentence)),
        facts={
            **carried.facts,
            "volume": volume,
            "rows": dict(loaded.rows),
            "notes": list(loaded.notes),
            "sql_bytes": loaded.sql_bytes,
            OWN_CHECKS: loaded.passed,
            "system_identifier": loaded.system_identifier,
        },
    )


def load(context: StepContext, volume: str, reader: Sql, backup: BackupIdentity, digests: Mapping[str, str]) -> Loaded:
    """A dump into an empty volume, judged by counting. `digests`: of its manifest. Raises PermanentError."""
    server_major = context.clients.postgres.major_version()
    asked = asked_of_copy(context.configuration, context.site)
    return restore_dump.load(scratch_of(context, volume, "restore"), reader, backup, digests, server_major, asked)


def rows(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe postgres.rows: production against the sealed backup, or against what was counted in its copy."""
    found = context.clients.postgres.rows(context.labels, context.cancelled)
    return compared(arguments.sealed_backup(context), arguments.counted_rows(context), found)


@or_why_not
def beside_rows(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe postgres.beside_rows: start the copy with the settings production has, and count."""
    volume = arguments.text(given, "volume")
    if context.clients.docker.volume(volume) is None:
        return Finding(passed=False, sentence=phrase("The volume {name} does not exist", name=volume))
    users = context.clients.docker.users_of(volume)
    if users:
        return Finding(
            passed=False,
            sentence=phrase("The volume {name} is in use by {users}", name=volume, users=listed(users)),
        )
    scratch = scratch_of(context, volume, "count")
    with scratch_server(scratch, tuned=False) as container:
        found = count_rows(scratch, container)
        stop_cleanly(scratch, container)
    return compared(arguments.sealed_backup(context), arguments.counted_rows(context), found)


def compared(backup: BackupIdentity, copied: Mapping[str, int], found: Mapping[str, int]) -> Finding:
    """Every table of the backup has exactly its rows; `copied`: what was counted when it was restored."""
    if not backup.manifest and not copied:
        return Finding(passed=False, sentence=phrase("the rows that this run restored were not fully counted"))
    expected = backup.rows if backup.manifest else copied
    wrong = faults(backup, found) or differences(expected, found)
    facts = {"rows": dict(found)}
    if wrong:
        return Finding(passed=False, sentence=first_of(wrong), facts=facts)
    total = sum(found.values())
    return Finding(
        passed=True,
        sentence=phrase("{rows} rows in {tables} tables, as in the backup", rows=total, tables=len(found)),
        facts=facts,
    )


def first_of(wrong: Sequence[str]) -> str:
    """The first three, and how many there are besides."""
    if len(wrong) <= 3:
        return clauses(wrong)
    return phrase("{names} and {count} more", names=clauses(wrong[:3]), count=len(wrong) - 3)


def scratch_of(context: StepContext, volume: str, purpose: str) -> Scratch:
    postgres = context.clients.postgres
    return Scratch(
        engine=context.clients.docker,
        recipe=postgres.recipe(context.cancelled),
        user=postgres.settings.user,
        volume=volume,
        name=helper_name(purpose, volume),
        labels=context.labels,
        cancelled=context.cancelled,
    )


IMPLEMENTED = Registry(
    actions={"postgres.restore_beside": restore_beside},
    probes={"postgres.rows": rows, "postgres.beside_rows": beside_rows},
)
