"""The full backups of one place, a bucket or a folder: snapshots of a repository, and archives of the document's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from pydantic import ValidationError

from drbot.core.base.errors import PermanentError
from drbot.core.site.backup_times import future_fault
from drbot.core.site.full_manifest import (
    MANIFEST,
    OWN,
    PREFIX,
    SUFFIX,
    FullManifest,
    is_archive,
    is_full_name,
    named_moment,
)
from drbot.core.site.site import Configuration
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.full_folder import FolderStore
from drbot.runners.clients.object_store import ObjectStoreClient, Source, StoredObject
from drbot.runners.clients.restic import Repository, Restic, Snapshot
from drbot.runners.foundation.watching import Cancelled, Progress, never, unheard

REPOSITORY = "restic"  # the folder, or the part of every key


class Objects(Source, Protocol):
    """What buckets and folders have in common; errors as in runners/clients/object_store.py."""

    def list(self, prefix: str = "") -> tuple[StoredObject, ...]: ...
    def head(self, key: str, version: str | None = None) -> StoredObject: ...
    def repository_url(self, name: str) -> str: ...
    def keys(self) -> Mapping[str, str]: ...
    def keep(self, prefix: str) -> None: ...
    def require_plain(self, name: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FullBackup:
    """One of them, as far as it is known without reading it."""

    store: "FullBackupStore"
    name: str
    moment: datetime  # of the data; of an archive what its name says, or when it was stored
    size: int
    snapshot: Snapshot | None = None
    archive: StoredObject | None = None  # of the document's scripts

    @property
    def fault(self) -> str | None:
        return future_fault(self.moment, datetime.now(UTC))

    @property
    def names(self) -> tuple[str, str]:
        return self.name, self.name.removesuffix(SUFFIX)

    @property
    def place(self) -> str:
        """URL of exactly these bytes, as a plan seals it."""
        if self.archive is not None:
            return self.store.objects.place(self.archive.key, self.archive.version)
        return f"{self.store.place}{self.name}"

    @property
    def digest(self) -> str:
        """Of everything in it: the same in every place. "" of an archive that was not read yet."""
        return self.snapshot.tree if self.snapshot else ""

    @property
    def mark(self) -> str:
        """The same, also of an archive, as far as its place tells."""
        return self.digest or f"{self.place}/{self.size}"


class RepositoryStore:
    folder = REPOSITORY

    def __init__(self, objects: Objects, cache: Path | None = None) -> None:
        """`cache`: where restic remembers what it has seen of a place far away; None = where it always does."""
        self.objects = objects
        self._cache = cache

    @property
    def place(self) -> str:
        """Where that is, for people."""
        return self.objects.place()

    @property
    def repository(self) -> Repository:
        url = self.objects.repository_url(self.folder)
        keys = self.objects.keys()
        cache = (self._cache or cache_folder()) if keys else None
        return Repository(url=url, place=self.place, keys={**password(), **keys}, cache=cache)

    def restic(self, cancelled: Cancelled = never, progress: Progress = unheard) -> Restic:
        return Restic(self.repository, cancelled=cancelled, progress=progress)

    def has_repository(self) -> bool:
        """Asked of the place: restic would try for a quarter of an hour. Raises PermanentError, TemporaryError."""
        there = bool(self.objects.list(f"{self.folder}/config"))
        if there:
            self.objects.require_plain(self.folder)
        return there


class FullBackupStore(RepositoryStore):
    def newest_first(self, cancelled: Cancelled = never, unread: list[str] | None = None) -> tuple[FullBackup, ...]:
        """All of them; unreadable ones go into `unread`. Raises PermanentError, TemporaryError, CancelledError."""
        found = [self.of_archive(stored) for stored in self.objects.list(PREFIX) if is_archive(stored.key)]
        if self.has_repository():
            found += [
                FullBackup(store=self, name=name, moment=one.time, size=one.size, snapshot=one)
                for one in self.restic(cancelled).snapshots(unread)
                if (name := name_of(one)) is not None
            ]
        return tuple(sorted(found, key=lambda backup: (backup.moment, backup.name), reverse=True))

    def get(self, name: str) -> FullBackup:
        """The one of this name. Raises PermanentError with the names there are."""
        backups = self.newest_first()
        for backup in backups:
            if name in backup.names:
                return backup
        known = listed(backup.name for backup in backups[:5]) or phrase("none at all")
        raise PermanentError(
            phrase(
                "There is no full backup {name} in {place}; the newest are: {names}",
                name=name,
                place=self.place,
                names=known,
            )
        )

    def manifest(self, backup: FullBackup, cancelled: Cancelled = never) -> FullManifest | None:
        """What it says of itself; None of an archive. Raises PermanentError, TemporaryError, CancelledError."""
        if backup.snapshot is None:
            return None
        return parsed(self.restic(cancelled).document(backup.snapshot.id, f"{OWN}/{MANIFEST}"), backup.place)

    def add(
        self, repository: Repository, snapshot: Snapshot, progress: Progress = unheard, cancelled: Cancelled = never
    ) -> None:
        """Copy it here from another repository, and have it kept as `lock` of dr.yml says."""
        restic = self.restic(cancelled, progress)
        if not self.has_repository():
            restic.make(like=repository)
        restic.copy_from(repository, snapshot.id)
        self.objects.keep(f"{REPOSITORY}/")

    def remove_old(self, keep: int, system: str, site: str, cancelled: Cancelled = never) -> tuple[str, ...]:
        """Remove the oldest of this system and site beyond `keep`; what cannot be used pushes none out."""
        found = self.newest_first(cancelled)
        ours = [backup for backup in found if is_of(backup, system, site) and not backup.fault]
        old = {backup.name: backup.snapshot.id for backup in ours[keep:] if backup.snapshot}
        return tuple(old) if self.restic(cancelled).forget(tuple(old.values())) else ()

    def of_archive(self, stored: StoredObject) -> FullBackup:
        moment = named_moment(stored.key) or stored.modified_at
        return FullBackup(store=self, name=stored.key, moment=moment, size=stored.size, archive=stored)


def tags_of(name: str, system: str) -> tuple[str, ...]:
    """What a snapshot carries, beside its host, which is the site's name."""
    return name, f"system={quote(system, safe='')}"


def name_of(snapshot: Snapshot) -> str | None:
    """The full backup's name; None of other snapshots."""
    return next((tag for tag in snapshot.tags if is_full_name(tag)), None)


def is_of(backup: FullBackup, system: str, site: str) -> bool:
    """Whether it says so; an archive says nothing."""
    return backup.snapshot is not None and is_made_for(backup.snapshot, system, site)


def is_made_for(snapshot: Snapshot, system: str, site: str) -> bool:
    """Whether its host and its tags say so."""
    return snapshot.hostname == site and tags_of("", system)[1] in snapshot.tags


def parsed(document: bytes, place: str) -> FullManifest:
    """Raises PermanentError when nobody can read it."""
    try:
        return FullManifest.model_validate_json(document)
    except ValidationError as error:
        raise PermanentError(
            phrase("{place}: its manifest cannot be read ({why})", place=place, why=str(error).splitlines()[0])
        ) from error


def password() -> Mapping[str, str]:
    """Of every repository, from the environment as restic reads it; without it they are not encrypted."""
    given = os.environ.get("RESTIC_PASSWORD")
    return {"RESTIC_PASSWORD": given, "RESTIC_FROM_PASSWORD": given} if given else {}


def cache_folder() -> Path:
    """Where restic remembers what it has seen of places far away."""
    return Path(os.environ.get("DRBOT_HOME", ".drbot")).absolute() / "cache"


def local_repository(folder: Path) -> Repository:
    return Repository(url=str(folder), place=f"file:{folder}", keys=password())


def full_stores(configuration: Configuration, cache: Path | None = None) -> tuple[FullBackupStore, ...]:
    """Every place that dr.yml names for full backups: the bucket, the second one, the folder. Nothing connects yet."""
    places = (*buckets(configuration), FolderStore(configuration.backups.directory))
    return tuple(FullBackupStore(objects, cache) for objects in places)


def buckets(configuration: Configuration) -> tuple[Objects, ...]:
    """The bucket of dr.yml and the second one, as far as it names them. Nothing connects yet."""
    bucket = configuration.object_store
    if bucket is None:
        return ()
    copy = bucket.model_copy(update={"bucket": bucket.second_bucket, "second_bucket": None})
    return (ObjectStoreClient(bucket), *([ObjectStoreClient(copy)] if bucket.second_bucket else []))
