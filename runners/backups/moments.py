"""Data as it was at a moment: a base backup and the WAL since then, replayed by a PostgreSQL server beside production.

Source: PostgreSQL's documentation, "Continuous Archiving and Point-in-Time Recovery".
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from drbot.core.base.errors import Cause, PermanentError
from drbot.core.site.wal import Base
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.continuous import BASES, WAL, Continuous
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.scratch_postgres import Scratch, ask, scratch_server

# Where the base backup lies, and the data folder; each file is read against the digest in the backup's own manifest.
COPY = r"""
set -eu
mkdir -p "$2"
cp -a "$1/." "$2/"
pg_verifybackup --quiet --no-parse-wal "$2"
rm -f "$2/backup_manifest" "$2/postmaster.pid" "$2/standby.signal"
touch "$2/recovery.signal"
chown "$(stat -c %u:%g "$2/PG_VERSION")" "$2" "$2/recovery.signal"
chmod 0700 "$2"
"""
RESTORE = "cp {folder}/%f %p 2>/dev/null || cp {folder}/%f.partial %p"
BEFORE_TARGET = "recovery ended before configured recovery target was reached"
# Whatever the data's own settings say: it waits for nobody, follows nobody, goes as far as told, and shows nothing
# before it is there. A recovery that somebody once made by hand leaves its target in postgresql.auto.conf.
TARGETS = ("", "_lsn", "_name", "_time", "_xid")
REPLAYING = {
    **{f"recovery_target{kind}": "" for kind in TARGETS},
    "recovery_target_inclusive": "on",
    "recovery_min_apply_delay": "0",
    "hot_standby": "off",
    "recovery_target_action": "promote",
    "recovery_target_timeline": "latest",
    "recovery_end_command": "",
    "archive_cleanup_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "synchronous_standby_names": "",
    "max_logical_replication_workers": "0",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """`last_commit`: of the newest transaction that is in it; None: none was replayed."""

    container: str
    last_commit: datetime | None


def base_for(bases: Sequence[Base], moment: datetime | None, now: datetime) -> Base:
    """The newest base backup that was done by then. Raises PermanentError with what is possible instead."""
    if moment is not None and moment > now:
        raise PermanentError(phrase("{moment} UTC is in the future", moment=to_the_second(moment)))
    if not bases:
        raise PermanentError(phrase("There is no base backup yet"))
    found = next((one for one in bases if moment is None or one.ended_at <= moment), None)
    if found is None:
        oldest = min(one.ended_at for one in bases)
        raise PermanentError(phrase("The oldest moment to go back to is {moment} UTC", moment=to_the_second(oldest)))
    return found


def to_the_second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@contextmanager
def recovered_to(continuous: Continuous, scratch: Scratch, moment: datetime | None, now: datetime) -> Iterator[Reached]:
    """Fill the empty volume of `scratch` and open it as it was at `moment`, the newest one for None. Raises
    PermanentError where WAL is missing or ends before, CancelledError.
    """
    bases = continuous.bases()
    if moment is None:  # of another cluster that was here before, "now" is long ago
        series = continuous.written_last()
        bases = tuple(one for one in bases if one.series == series)
    base = base_for(bases, moment, now)
    if missing := continuous.gap_since(base):
        raise PermanentError(phrase("The WAL segment {name} is missing", name=missing))
    _copy(scratch, continuous, base)
    target = {} if moment is None else {"recovery_target_time": f"{moment.astimezone(UTC).isoformat()}"}
    target["restore_command"] = RESTORE.format(folder=f"{WAL}/{base.series}")
    mount = Mount(source=continuous.wal, target=WAL, read_only=True)
    still = {name: said for name, said in REPLAYING.items() if name not in target}  # a target comes last, or it is two
    replaying = replace(scratch, settings={**scratch.settings, **still, **target}, mounts=(mount,))
    with _explained(moment), scratch_server(replaying, tuned=False) as container:
        said = ask(replaying, container, "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())").strip()
        last = datetime.fromtimestamp(float(said), UTC) if said else None
        yield Reached(container=container, last_commit=last)


@contextmanager
def _explained(moment: datetime | None) -> Iterator[None]:
    try:
        yield
    except PermanentError as error:
        if moment is not None and BEFORE_TARGET in str(error):
            said = phrase("What was received ends before {moment} UTC", moment=to_the_second(moment))
            raise PermanentError(said, cause=Cause.BACKUP) from error
        raise


def _copy(scratch: Scratch, continuous: Continuous, base: Base) -> None:
    """Beside production, read against its manifest."""
    order = HelperOrder(
        image=scratch.recipe.image,
        name=None,
        labels=scratch.labels,
        entrypoint=("sh", "-c", COPY, "sh", f"{BASES}/{base.series}/{base.name}", scratch.recipe.data_folder),
        mounts=(
            Mount(source=continuous.bases_place, target=BASES, read_only=True),
            Mount(source=scratch.volume, target=scratch.recipe.mounted_at),
        ),
        user="root",
        gentle=scratch.gentle,
    )
    ended = helper.run(scratch.engine, order, scratch.cancelled)
    if ended.code != 0:
        said = phrase("The base backup {name} is no use: {said}", name=base.name, said=ending(ended.output, 300))
        raise PermanentError(said, cause=ended.cause if ended.cause is not Cause.OTHER else Cause.BACKUP)
