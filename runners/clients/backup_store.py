"""Backups in a folder: `all_databases_<time>.sql.gz`, as the source document's scripts name them, and manifests."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from core.errors import PermanentError
from core.site import Model

SUFFIX = ".sql.gz"
_NAME = re.compile(r"^all_databases_(\d{8}_\d{6})\.sql\.gz$")


class Manifest(Model):
    """What drbot wrote down when it made the backup; written last, so that its presence means "complete"."""

    format: int = 1
    name: str  # of the file, with its suffix
    size: int
    sha256: str
    sql_bytes: int
    started_at: datetime
    finished_at: datetime
    snapshot_at: datetime  # the data is at least as new as this
    server_version: str
    system_identifier: str
    rows: dict[str, int] = Field(default_factory=dict)
    system: str
    site: str
    completed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """One file and, if drbot made it, its manifest."""

    path: Path
    size: int
    snapshot_at: datetime
    manifest: Manifest | None
    fault: str | None = None  # why its manifest cannot be read

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


class BackupStore:
    """The folder `backups.directory` of dr.yml."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def place(self) -> str:
        """Where that is, as a plan names it."""
        return f"file:{self.directory}"

    def newest_first(self) -> tuple[Backup, ...]:
        """All finished backups. Raises PermanentError when the folder cannot be read."""
        try:
            found = [backup_at(path) for path in self.directory.iterdir() if _NAME.match(path.name)]
        except OSError as error:
            raise PermanentError(f"The backups in {self.directory} cannot be listed: {error.strerror}") from error
        return tuple(sorted(found, key=lambda backup: (backup.snapshot_at, backup.name), reverse=True))

    def get(self, name: str) -> Backup:
        """The backup of this name, with or without suffix. Raises PermanentError with the names there are."""
        wanted = name if name.endswith(SUFFIX) else name + SUFFIX
        backups = self.newest_first()
        for backup in backups:
            if backup.name == wanted:
                return backup
        known = ", ".join(backup.name for backup in backups[:5]) or "none at all"
        raise PermanentError(f"There is no backup {wanted} in {self.directory}; the newest are: {known}")

    def write_manifest(self, manifest: Manifest) -> None:
        """Write it beside its backup, whole or not at all."""
        path = manifest_path(self.directory / manifest.name)
        part = path.with_suffix(".json.part")
        part.write_text(manifest.model_dump_json(indent=2) + "\n")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(self.directory)

    def remove_old(self, keep: int) -> tuple[str, ...]:
        """Remove the oldest of drbot's own backups beyond `keep`; files of other scripts are not ours to remove."""
        old = [backup for backup in self.newest_first() if backup.manifest is not None][keep:]
        for backup in old:
            backup.path.unlink(missing_ok=True)
            manifest_path(backup.path).unlink(missing_ok=True)
        return tuple(backup.name for backup in old)


def manifest_path(path: Path) -> Path:
    """Where the manifest of a backup is."""
    return path.with_name(path.name.removesuffix(SUFFIX) + ".manifest.json")


def backup_at(path: Path) -> Backup:
    """What is known without reading the backup itself."""
    manifest, fault = read_manifest(manifest_path(path))
    moment = manifest.snapshot_at if manifest else named_time(path.name)
    return Backup(path=path, size=path.stat().st_size, snapshot_at=moment, manifest=manifest, fault=fault)


def read_manifest(path: Path) -> tuple[Manifest | None, str | None]:
    """The manifest, or why there is none: (None, None) when the backup was made by another script."""
    try:
        document: Mapping[str, Any] = json.loads(path.read_text())
        return Manifest.model_validate(document), None
    except FileNotFoundError:
        return None, None
    except (OSError, ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        return None, f"its manifest {path.name} cannot be read ({first})"


def named_time(name: str) -> datetime:
    """The moment in a backup's name; scripts write the host's local time."""
    found = _NAME.match(name)
    if found is None:
        raise PermanentError(f"{name} is not the name of a backup")
    return datetime.strptime(found[1], "%Y%m%d_%H%M%S").astimezone().astimezone(UTC)


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
