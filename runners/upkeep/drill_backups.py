"""Whether there is a backup that a drill could go back to: told before an engine is made for it (drill_run.py)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from drbot.core.base.errors import PermanentError
from drbot.core.runs.drill import Drill, backup_for
from drbot.core.site.level import Level
from drbot.core.site.site import Configuration
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.core.text.messages import closed, phrase, sentences
from drbot.runners.upkeep.backup_readiness import DUMP, FULL, look_at_backups, newest_line

OFF_SITE: str = phrase("full backup off-site")


def require_backup(drill: Drill, configuration: Configuration) -> None:
    """Looks at every place, and reads no backup. Raises PermanentError."""
    kind = backup_for(drill.runbook, configuration.site())
    require_among(look_at_backups(configuration).found, drill.level, kind, configuration)


def require_among(found: Sequence[StoredBackup], level: Level, kind: BackupKind, configuration: Configuration) -> None:
    """Raises PermanentError when none of these can be used."""
    mine = [one for one in found if one.kind is kind and (one.is_off_site or level is not Level.DATACENTRE)]
    if any(not one.fault for one in mine):
        return
    what = DUMP if kind is BackupKind.POSTGRES else FULL
    line = newest_line(what, mine, configuration, datetime.now(UTC))
    named = OFF_SITE if level is Level.DATACENTRE else what
    why = phrase("A drill of level {level} needs a {what}: {why}", level=int(level), what=named, why=line.reason)
    raise PermanentError(sentences(closed(why), line.remedy))
