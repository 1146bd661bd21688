"""Data as it was at a moment: a base backup and the WAL since then, replayed by a PostgreSQL server beside production.

Source: PostgreSQL's documentation, "Continuous Archiving and Point-in-Time Recovery".
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drbot.core.base.errors import Cause, PermanentError, TemporaryError
from drbot.core.site.site import Continuous as Wanted
from drbot.core.site.site import Site
from drbot.core.site.wal import Archive, Base, exactly, to_the_second
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.continuous import BASES, WAL, Continuous
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.scratch_postgres import Scratch, ask, scratch_server
from drbot.runners.foundation.watching import Cancelled
from drbot.store.base.file_modes import PRIVATE_FOLDER

# Where the base backup lies, and the data folder; each file is read against the digest in the manifest of the backup,
# also the settings of ALTER SYSTEM, which pg_verifybackup leaves out. A link, of which a base backup has none, may lead
# elsewhere by the time a server follows it. The third: the digest of the manifest that was listed, or agreed to.
COPY = r"""
set -eu
mkdir -p "$2"
cp -a "$1/." "$2/"
odd=$(find "$2" ! -type f ! -type d | head -n 1)
if [ -n "$odd" ]; then
  echo "$odd is no file" >&2
  exit 1
fi
if [ "$(sha256sum < "$2/backup_manifest" | cut -c 1-64)" != "$3" ]; then
  echo "backup_manifest is another one" >&2
  exit 1
fi
pg_verifybackup --quiet --no-parse-wal "$2"
own="$2/postgresql.auto.conf"
if [ -e "$own" ] && ! grep -q "\"Path\": \"${own##*/}\".*$(sha256sum < "$own" | cut -c 1-64)" "$2/backup_manifest"; then
  echo "${own##*/} is not as in the manifest" >&2
  exit 1
fi
rm -f "$2/backup_manifest" "$2/postmaster.pid" "$2/standby.signal"
touch "$2/recovery.signal"
chown "$(stat -c %u:%g "$2/PG_VERSION")" "$2" "$2/recovery.signal"
chmod 0700 "$2"
"""
RESTORE = "cp {folder}/%f %p 2>/dev/null || cp {folder}/%f.partial %p"
SECOND = timedelta(seconds=1)
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
class Goal:
    """`moment`: None = all that was received. `is_all_there`: nothing that was committed up to the moment is missing,
    so where no later commit follows, the end is the moment. `as_of`: the moment, or what was seen to be received last.
    """

    base: Base
    moment: datetime | None
    is_all_there: bool
    as_of: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """`last_commit`: of the newest transaction that is in it; None: none was replayed."""

    container: str
    last_commit: datetime | None


def wanted_by(site: Site) -> Wanted | None:
    return site.postgres.continuous if site.postgres is not None else None


def continuous_of(clients: Clients, site: Site, name: str, cancelled: Cancelled) -> Continuous:
    return Continuous(clients.docker, clients.of(site).postgres, name, cancelled)


def keep_seen(home: Path, site: str, moment: datetime) -> None:
    """All that was committed up to this moment is received."""
    file = _seen_file(home, site)
    file.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    file.touch()
    os.utime(file, (moment.timestamp(), moment.timestamp()))


def seen(home: Path, site: str) -> datetime | None:
    """Up to when this worker has seen that all is received; None: it has seen none."""
    try:
        return datetime.fromtimestamp(_seen_file(home, site).stat().st_mtime, UTC)
    except OSError:
        return None


def _seen_file(home: Path, site: str) -> Path:
    return home / "wal" / site


def goal_of(archive: Archive, moment: datetime | None, now: datetime, seen_at: datetime | None) -> Goal:
    """How the data as of this moment is reached. Raises PermanentError with why not, and what is possible instead."""
    base = archive.base_for(moment, now)
    if missing := archive.gap_since(base):
        raise PermanentError(phrase("The WAL segment {name} is missing", name=missing))
    written_at = archive.series[base.series].written_at
    newest = max(one for one in (seen_at, written_at, base.ended_at) if one is not None)
    if moment is not None and newest + SECOND < moment:  # a file's time tells no more than its second
        raise PermanentError(
            phrase(
                "What was received ends before {moment} UTC: at {end} UTC",
                moment=exactly(moment),
                end=to_the_second(newest),
            )
        )
    is_all_there = moment is not None and seen_at is not None and seen_at >= moment
    return Goal(base=base, moment=moment, is_all_there=is_all_there, as_of=moment or newest.replace(microsecond=0))


@contextmanager
def recovered_to(continuous: Continuous, scratch: Scratch, goal: Goal) -> Iterator[Reached]:
    """Fill the empty volume of `scratch` and open it as it was. Raises PermanentError where WAL ends before,
    CancelledError.
    """
    _copy(scratch, continuous, goal.base)
    mount = Mount(source=continuous.wal, target=WAL, read_only=True)
    restore = {"restore_command": RESTORE.format(folder=f"{WAL}/{goal.base.series}")}
    replaying = replace(scratch, settings={**scratch.settings, **REPLAYING, **restore}, mounts=(mount,))
    with _opened(replaying, goal) as container:
        said = ask(replaying, container, "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())").strip()
        last = datetime.fromtimestamp(float(said), UTC) if said else None
        require_not_later(last, goal.moment)
        yield Reached(container=container, last_commit=last)


def require_not_later(last: datetime | None, moment: datetime | None) -> None:
    """Where nothing followed the moment all is replayed, and by then something may have: the next time it ends there.
    Raises TemporaryError.
    """
    if last is not None and moment is not None and last > moment:
        said = phrase("Something was committed after this moment while it was brought back. Try it once more")
        raise TemporaryError(said, kind="busy")


@contextmanager
def _opened(replaying: Scratch, goal: Goal) -> Iterator[str]:
    """A server stops where no commit follows its target: then all that there is is what there was."""
    with ExitStack() as stack:
        if goal.moment is None:
            yield stack.enter_context(scratch_server(replaying, tuned=False))
            return
        target = {"recovery_target_time": goal.moment.astimezone(UTC).isoformat()}
        still = {name: said for name, said in replaying.settings.items() if name not in target}
        aimed = replace(replaying, settings={**still, **target})  # a target comes last, or it is none
        try:
            container = stack.enter_context(scratch_server(aimed, tuned=False))
        except PermanentError as error:
            if BEFORE_TARGET not in str(error):
                raise
            if not goal.is_all_there:
                said = phrase("What was received ends before {moment} UTC", moment=exactly(goal.moment))
                raise PermanentError(said, cause=Cause.BACKUP) from error
            container = stack.enter_context(scratch_server(replaying, tuned=False))
        yield container


def _copy(scratch: Scratch, continuous: Continuous, base: Base) -> None:
    """Beside production, read against its manifest."""
    place = f"{BASES}/{base.series}/{base.name}"
    order = HelperOrder(
        image=scratch.recipe.image,
        labels=scratch.labels,
        entrypoint=("sh", "-c", COPY, "sh", place, scratch.recipe.data_folder, base.digest),
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
