"""Backups in a folder: `all_databases_<time>.sql.gz`, as the source document's scripts name them, and manifests; and
what other scripts make of pg_dumpall there, by whatever name.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from drbot.core.base.errors import PermanentError
from drbot.core.base.model import Count, Model
from drbot.core.site.backup_times import UNKNOWN, future_fault, moment_in, not_after
from drbot.core.site.full_manifest import SUFFIX as FULL_SUFFIX
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.dump import Head, head_of
from drbot.runners.clients.plain_files import read_plain, stat_plain
from drbot.runners.clients.reading_limits import LARGEST_MANIFEST
from drbot.store.base.file_modes import close, write_private

SUFFIX = ".sql.gz"
LIKE = "all_20261126_0230.sql.gz"
USUAL_RATIO = 6  # SQL bytes per compressed byte where no manifest tells
_NAME = re.compile(r"^all_databases_\d{8}_\d{6}\.sql\.gz$")
_OTHER = re.compile(r"\w[\w .+@=~:-]{0,200}\.sql\.gz")  # a word of a card; no hidden letter, none that begins an option


class Manifest(Model):
    """What drbot wrote down when it made the backup; written last, so that its presence means "complete"."""

    format: int = 1
    name: str  # of the file, with its suffix
    size: Count
    sha256: str
    sql_bytes: Count
    started_at: AwareDatetime
    finished_at: AwareDatetime
    snapshot_at: AwareDatetime  # the data is at least as new as this
    server_version: str = Field(max_length=200)
    system_identifier: str
    rows: dict[str, Count] = Field(default_factory=dict)  # "authdb.users" → rows
    digests: dict[str, str] = Field(default_factory=dict)  # the same → digest of its rows, where there is one
    system: str
    site: str
    completed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """One file and, if drbot made it, its manifest."""

    path: Path
    size: int
    snapshot_at: datetime  # UNKNOWN when nothing says it
    manifest: Manifest | None
    fault: str | None = None  # why it cannot be used, as far as that is known without reading it
    changed_ns: int = 0  # when its bytes were written last, in nanoseconds of Unix time

    @property
    def mark(self) -> str:
        """Of its bytes, without reading them."""
        return f"{self.size}/{self.changed_ns}/{self.manifest.sha256 if self.manifest else ''}"

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def sql_bytes(self) -> int:
        """Unpacked; an estimate where no manifest tells."""
        return self.manifest.sql_bytes if self.manifest is not None else self.size * USUAL_RATIO


class BackupStore:
    """The folder `backups.directory` of dr.yml."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def place(self) -> str:
        """Where that is, as a plan names it."""
        return f"file:{self.directory}"

    def newest_first(self) -> tuple[Backup, ...]:
        """All finished ones; one that cannot be used says why. None without the folder, which the first one makes.
        Raises PermanentError when it cannot be read.
        """
        try:
            now = datetime.now(UTC)
            found = [backup_at(path, now) for path in self.directory.iterdir() if is_dump(path)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise PermanentError(
                phrase("The backups in {folder} cannot be listed: {why}", folder=self.directory, why=error.strerror)
            ) from error
        return tuple(sorted(found, key=lambda backup: (backup.snapshot_at, backup.name), reverse=True))

    def get(self, name: str) -> Backup:
        """The backup of this name, with or without suffix. Raises PermanentError with the names there are."""
        wanted = name if name.endswith(SUFFIX) else name + SUFFIX
        backups = self.newest_first()
        for backup in backups:
            if backup.name == wanted:
                return backup
        known = listed(backup.name for backup in backups[:5]) or phrase("none at all")
        raise PermanentError(
            phrase(
                "There is no backup {name} in {folder}; the newest are: {names}",
                name=wanted,
                folder=self.directory,
                names=known,
            )
        )

    def write_manifest(self, manifest: Manifest) -> None:
        """Write it beside its backup, whole or not at all."""
        path = manifest_path(self.directory / manifest.name)
        part = path.with_suffix(".json.part")
        write_private(part, manifest.model_dump_json(indent=2) + "\n")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(self.directory)

    def remove_old(self, keep: int, system: str, site: str) -> tuple[str, ...]:
        """Remove the oldest of drbot's own backups of this system and site beyond `keep`; those of others and files of
        other scripts are not ours to remove, and what cannot be used pushes nothing out.
        """
        ours = [
            backup
            for backup in self.newest_first()
            if backup.manifest and not backup.fault and (backup.manifest.system, backup.manifest.site) == (system, site)
        ]
        old = ours[keep:]
        for backup in old:
            backup.path.unlink(missing_ok=True)
            manifest_path(backup.path).unlink(missing_ok=True)
        return tuple(backup.name for backup in old)


def is_dump_name(name: str) -> bool:
    """Whether drbot gives such names."""
    return bool(_NAME.match(name))


def is_dump(path: Path) -> bool:
    """Whether it is, or once was, a dump of PostgreSQL; one that cannot be read is listed, and says so."""
    return is_dump_name(path.name) or bool(_OTHER.fullmatch(path.name) and head_of(path) is not Head.ELSE)


def manifest_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + ".manifest.json")


def close_own(directory: Path) -> None:
    """Take group and others away from drbot's own backups; those of other scripts are not ours to change."""
    for manifest in directory.glob("*.manifest.json"):
        stem = manifest.name.removesuffix(".manifest.json")
        for path in (manifest, *(directory / f"{stem}{suffix}" for suffix in (SUFFIX, FULL_SUFFIX))):
            close(path)


def backup_at(path: Path, now: datetime | None = None) -> Backup:
    """What is known without reading the backup itself. Never raises: whatever is odd about it is its fault."""
    now = now or datetime.now(UTC)
    manifest, fault = read_manifest(manifest_path(path))
    moment = manifest.snapshot_at if manifest else moment_in(path.name, now)
    size = changed = 0
    if moment is None:
        moment, fault = (
            UNKNOWN,
            fault or phrase("its name does not say when it was made: rename it, as {name}", name=LIKE),
        )
    try:
        found = stat_plain(path)
        size, changed = found.st_size, found.st_mtime_ns
        moment = moment if manifest else not_after(moment, found.st_mtime)
        fault = fault or (None if is_dump_name(path.name) else _other_fault(path))
    except OSError as error:
        fault = phrase("it cannot be read: {why}", why=error.strerror)
    return Backup(
        path=path,
        size=size,
        snapshot_at=moment,
        manifest=manifest,
        fault=fault or future_fault(moment, now),
        changed_ns=changed,
    )


def read_manifest(path: Path) -> tuple[Manifest | None, str | None]:
    """The manifest, or why there is none: (None, None) when the backup was made by another script."""
    try:
        return Manifest.model_validate_json(read_plain(path, LARGEST_MANIFEST)), None
    except FileNotFoundError:
        dangling = path.is_symlink()
        return None, phrase("its manifest {name} is a broken link", name=path.name) if dangling else None
    except (OSError, ValidationError) as error:
        first = getattr(error, "strerror", None) or str(error).splitlines()[0]
        return None, phrase("its manifest {name} cannot be read ({why})", name=path.name, why=first)


def _other_fault(path: Path) -> str | None:
    if head_of(path) is not Head.DATABASE:
        return None
    return phrase("it holds one database (pg_dump), and no roles: a recovery needs all, as pg_dumpall writes them")


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
