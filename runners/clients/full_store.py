"""The full backups of one place, a bucket or a folder: archives, and the manifests beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from core.backup_times import future_fault
from core.errors import PermanentError
from core.full_manifest import SUFFIX, FullManifest, is_full_name, manifest_name, named_moment
from core.site import Configuration
from runners.clients.full_folder import FolderStore
from runners.clients.object_store import ObjectStoreClient, StoredObject
from runners.watching import Cancelled, Progress, never, unheard

PREFIX = "full_backup_"


class Store(Protocol):
    """What buckets and folders have in common; errors as in runners/clients/object_store.py."""

    def place(self, key: str = "", version: str | None = None) -> str: ...
    def list(self, prefix: str = "") -> tuple[StoredObject, ...]: ...
    def head(self, key: str, version: str | None = None) -> StoredObject: ...
    def read(self, key: str, version: str | None = None) -> bytes: ...
    def write(self, key: str, data: bytes, *, locked: bool = False) -> str | None: ...
    def upload(
        self, path: Path, key: str, *, sha256: str, progress: Progress = ..., cancelled: Cancelled = ...
    ) -> StoredObject: ...
    def stream(self, stored: StoredObject, *, start: int = 0, cancelled: Cancelled = ...) -> Iterator[bytes]: ...
    def download(
        self, stored: StoredObject, target: Path, *, sha256: str, progress: Progress = ..., cancelled: Cancelled = ...
    ) -> str: ...
    def remove(self, key: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FullBackup:
    """One archive and, if drbot made it, its manifest."""

    store: Store
    stored: StoredObject
    moment: datetime  # of the data; without a manifest what its name says, or when it was stored
    manifest: FullManifest | None
    fault: str | None = None  # why its manifest cannot be read

    @property
    def name(self) -> str:
        """The archive's name."""
        return self.stored.key

    @property
    def place(self) -> str:
        """URL of exactly these bytes, as a plan seals it."""
        return self.store.place(self.stored.key, self.stored.version)


class FullBackupStore:
    """The full backups of one place."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def place(self) -> str:
        """Where that is, for people."""
        return self.store.place()

    def newest_first(self) -> tuple[FullBackup, ...]:
        """All of them. Raises PermanentError, TemporaryError."""
        found = {stored.key: stored for stored in self.store.list(PREFIX)}
        backups = [
            self._backup(stored, manifest_name(name) in found) for name, stored in found.items() if is_full_name(name)
        ]
        return tuple(sorted(backups, key=lambda backup: (backup.moment, backup.name), reverse=True))

    def get(self, name: str) -> FullBackup:
        """The one of this name, with or without suffix. Raises PermanentError with the names there are."""
        wanted = name if name.endswith(SUFFIX) else name + SUFFIX
        backups = self.newest_first()
        for backup in backups:
            if backup.name == wanted:
                return backup
        known = ", ".join(backup.name for backup in backups[:5]) or "none at all"
        raise PermanentError(f"There is no full backup {wanted} in {self.place}; the newest are: {known}")

    def add(
        self,
        archive: Path,
        manifest: FullManifest,
        progress: Progress = unheard,
        cancelled: Cancelled = never,
    ) -> FullBackup:
        """Store archive and then manifest: its presence means that the archive is complete."""
        stored = self.store.upload(
            archive, manifest.name, sha256=manifest.sha256, progress=progress, cancelled=cancelled
        )
        document = manifest.model_dump_json(indent=2).encode() + b"\n"
        self.store.write(manifest_name(manifest.name), document, locked=True)
        return FullBackup(store=self.store, stored=stored, moment=manifest.snapshot_at, manifest=manifest)

    def remove_old(self, keep: int, system: str, site: str) -> tuple[str, ...]:
        """Remove the oldest of drbot's own of this system and site beyond `keep`; others are not ours to remove."""
        ours = [
            backup
            for backup in self.newest_first()
            if backup.manifest and not backup.fault and (backup.manifest.system, backup.manifest.site) == (system, site)
        ]
        for backup in ours[keep:]:
            self.store.remove(manifest_name(backup.name))  # first: without it the archive does not count as complete
            self.store.remove(backup.name)
        return tuple(backup.name for backup in ours[keep:])

    def backup(self, stored: StoredObject) -> FullBackup:
        """This archive with the manifest beside it, if there is one."""
        name = manifest_name(stored.key)
        return self._backup(stored, any(found.key == name for found in self.store.list(name)))

    def _backup(self, stored: StoredObject, has_manifest: bool) -> FullBackup:
        manifest, fault = None, None
        if has_manifest:
            name = manifest_name(stored.key)
            try:
                manifest = FullManifest.model_validate_json(self.store.read(name))
            except ValidationError as error:
                fault = f"its manifest {name} cannot be read ({str(error).splitlines()[0]})"
            except PermanentError as error:  # one that cannot be read hides no other backup
                fault = str(error)
        moment = manifest.snapshot_at if manifest else named_moment(stored.key) or stored.modified_at
        fault = fault or future_fault(moment, datetime.now(UTC))
        return FullBackup(store=self.store, stored=stored, moment=moment, manifest=manifest, fault=fault)


def full_stores(configuration: Configuration) -> tuple[FullBackupStore, ...]:
    """Every place that dr.yml names for full backups: the bucket, the second one, the folder. Nothing connects yet."""
    bucket = configuration.object_store
    stores: list[Store] = []
    if bucket is not None:
        stores.append(ObjectStoreClient(bucket))
        if bucket.second_bucket:
            copy = bucket.model_copy(update={"bucket": bucket.second_bucket, "second_bucket": None})
            stores.append(ObjectStoreClient(copy))
    stores.append(FolderStore(configuration.backups.directory))
    return tuple(FullBackupStore(store) for store in stores)
