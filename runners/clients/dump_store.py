"""The dumps of PostgreSQL in one bucket, copies of what lies in the folder: snapshots of a repository of their own,
each of one dump and its manifest.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from drbot.core.base.errors import PermanentError
from drbot.core.site.backup_times import future_fault
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.runners.clients.backup_store import Backup, BackupStore, Manifest, is_dump_name, manifest_path
from drbot.runners.clients.full_store import RepositoryStore, buckets, is_made_for, tags_of
from drbot.runners.clients.object_store import StoredObject, download
from drbot.runners.clients.restic import Snapshot
from drbot.runners.foundation.watching import Cancelled, Progress, never


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDump:
    """One of them, as far as it is known without reading it."""

    store: "DumpStore"
    name: str  # of the file
    snapshot: Snapshot

    @property
    def snapshot_at(self) -> datetime:
        """The data is as of this moment."""
        return self.snapshot.time

    @property
    def fault(self) -> str | None:
        return future_fault(self.snapshot_at, datetime.now(UTC))

    @property
    def place(self) -> str:
        """URL, as a plan seals it."""
        return f"{self.store.place}{self.name}"

    @property
    def mark(self) -> str:
        """Of its bytes, without reading them."""
        return self.snapshot.tree


class DumpStore(RepositoryStore):
    """The dumps of one bucket. Raises PermanentError, TemporaryError, CancelledError."""

    folder = "restic-postgres"

    def newest_first(self, cancelled: Cancelled = never, unread: list[str] | None = None) -> tuple[StoredDump, ...]:
        """All of them; which ones nobody can read is put into `unread`."""
        if not self.has_repository():
            return ()
        found = [
            StoredDump(store=self, name=name, snapshot=snapshot)
            for snapshot in self.restic(cancelled).snapshots(unread)
            for name in snapshot.tags
            if is_dump_name(name)
        ]
        return tuple(sorted(found, key=lambda one: (one.snapshot_at, one.name), reverse=True))

    def find(self, name: str, system: str, site: str, cancelled: Cancelled = never) -> StoredDump | None:
        """The one of this name that is of this system and site: others have dumps of the same second."""
        found = self.newest_first(cancelled)
        return next((one for one in found if one.name == name and is_made_for(one.snapshot, system, site)), None)

    def manifest(self, dump: StoredDump, cancelled: Cancelled = never) -> Manifest:
        path = f"/{manifest_path(Path(dump.name))}"
        try:
            return Manifest.model_validate_json(self.restic(cancelled).document(dump.snapshot.id, path))
        except ValidationError as error:
            why = str(error).splitlines()[0]
            raise PermanentError(
                phrase("{place}: its manifest cannot be read ({why})", place=dump.place, why=why)
            ) from error

    def add(self, file: Path, manifest: Manifest, progress: Progress, cancelled: Cancelled) -> None:
        """Put a dump and its manifest here, and have both kept as `lock` of dr.yml says."""
        restic = self.restic(cancelled, progress)
        if not self.has_repository():
            restic.make()
        restic.backup(
            [file.name, manifest_path(file).name],
            host=manifest.site,
            tags=tags_of(manifest.name, manifest.system),
            moment=manifest.snapshot_at,
            folder=file.parent,
        )
        self.objects.keep(f"{self.folder}/")

    def remove_old(self, keep: int, system: str, site: str, cancelled: Cancelled = never) -> None:
        """Remove the oldest of this system and site beyond `keep`; what cannot be used pushes none out."""
        found = self.newest_first(cancelled)
        ours = [one for one in found if is_made_for(one.snapshot, system, site) and not one.fault]
        self.restic(cancelled).forget([one.snapshot.id for one in ours[keep:]])

    def pieces(self, dump: StoredDump, cancelled: Cancelled = never) -> Iterator[bytes]:
        return self.restic(cancelled).stream(dump.snapshot.id, f"/{dump.name}")

    def require_whole(self, dump: StoredDump, sha256: str, progress: Progress, cancelled: Cancelled) -> None:
        """Read it from start to end: it has this digest."""
        digest, done = hashlib.sha256(), 0
        for piece in self.pieces(dump, cancelled):
            digest.update(piece)
            done += len(piece)
            progress(done, dump.snapshot.size, "bytes")
        if digest.hexdigest() != sha256:
            why = phrase("its SHA-256 is not the one in its manifest: damaged or replaced")
            raise PermanentError(phrase("{what}: {why}", what=dump.place, why=why))

    def fetch(self, dump: StoredDump, folder: Path, sha256: str, progress: Progress, cancelled: Cancelled) -> Backup:
        """The dump and its manifest into a folder: exactly the bytes of this digest, or nothing."""
        manifest = self.manifest(dump, cancelled)
        stored = StoredObject(key=dump.name, size=manifest.size, modified_at=dump.snapshot_at)
        download(
            _Download(dump), stored, folder / dump.name, sha256=sha256, progress=progress, cancelled=cancelled
        )  # fmt: skip
        here = BackupStore(folder)
        here.write_manifest(manifest)
        return here.get(dump.name)


@dataclass(frozen=True, slots=True)
class _Download:
    dump: StoredDump

    def place(self, key: str = "", version: str | None = None) -> str:
        return self.dump.place

    def stream(self, stored: StoredObject, *, start: int = 0, cancelled: Cancelled = never) -> Iterator[bytes]:
        """The bytes from `start`: restic begins at the first one, and what is here already is passed over."""
        for piece in self.dump.store.pieces(self.dump, cancelled):
            yield piece[start:]
            start = max(0, start - len(piece))


def dump_stores(configuration: Configuration, cache: Path | None = None) -> tuple[DumpStore, ...]:
    """Every bucket of dr.yml. Nothing connects yet."""
    return tuple(DumpStore(objects, cache) for objects in buckets(configuration))
