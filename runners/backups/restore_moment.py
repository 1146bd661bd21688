"""A moment goes into an empty volume: a base backup is copied, what was received is replayed, and it is counted."""

from drbot.core.base.errors import BackupError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.proof import doubts, faults
from drbot.core.site.wal import to_the_second
from drbot.core.text.messages import clauses, phrase
from drbot.runners.backups.moments import Goal, recovered_to
from drbot.runners.backups.own_checks import AskedOfCopy, require_own_checks
from drbot.runners.backups.restore_dump import Loaded
from drbot.runners.clients.continuous import Continuous
from drbot.runners.clients.scratch_postgres import Scratch, count_rows, settle, stop_cleanly


def load(continuous: Continuous, scratch: Scratch, goal: Goal, backup: BackupIdentity, checks: AskedOfCopy) -> Loaded:
    """Copy, replay, count, ask, shut down, sync. Raises PermanentError, TemporaryError, CancelledError."""
    with recovered_to(continuous, scratch, goal) as reached:
        rows = count_rows(scratch, reached.container)
        if wrong := faults(backup, rows):
            raise BackupError(phrase("The restored rows are not those of the backup: {why}", why=clauses(wrong[:3])))
        require_own_checks(scratch, reached.container, checks)
        stop_cleanly(scratch, reached.container)
    last = phrase("Nothing was committed between the base backup and this moment.")
    if reached.last_commit is not None:
        last = phrase("The last commit in it is of {last} UTC.", last=to_the_second(reached.last_commit))
    return Loaded(
        rows=rows,
        notes=(last, *doubts(backup, rows)),
        passed=len(checks.checks),
        sql_bytes=goal.base.size,
        system_identifier=settle(scratch),
    )
