"""A full backup on the host where it is restored: a snapshot in a repository of the recovery's own.

An archive of the document's becomes one too, so that there is one way to restore.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drbot.core.base.errors import BackupError, Cause, PermanentError
from drbot.core.base.model import Model
from drbot.core.base.names import is_below, is_folder
from drbot.core.site.full_manifest import FILES, LINKED, MANIFEST, OWN, PROJECTS, FullManifest
from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.document_archive import unpack
from drbot.runners.clients.full_folder import FolderStore
from drbot.runners.clients.full_store import FullBackup, local_repository, parsed
from drbot.runners.clients.helper import Mount
from drbot.runners.clients.host_folders import identity_of
from drbot.runners.clients.restic import Compared, Repository, Restic, Snapshot, Wanted
from drbot.runners.clients.restic_helper import ResticHelper, portable
from drbot.runners.foundation.watching import Cancelled, Progress

ARCHIVE = "files.tar.gz"  # below OWN: the files of an archive of the document's; only root may give them their owners
TARGET = "/target"


class Facts(Model):
    backup: str  # the digest of the plan's backup
    snapshot: str
    tree: str  # the digest of everything in it
    own: tuple[str, ...]  # names below OWN
    projects: tuple[str, ...]
    volumes: tuple[str, ...]
    linked: bool
    manifest: FullManifest | None  # None: made by the document's scripts


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """Where the backups of a site's recoveries are kept, and who may stop the work."""

    home: Path  # drbot's
    site: str
    cancelled: Cancelled
    progress: Progress

    @property
    def folder(self) -> Path:
        return self.home / "recoveries" / self.site

    @property
    def restic(self) -> Restic:
        return Restic(local_repository(self.folder / "restic"), cancelled=self.cancelled, progress=self.progress)

    @property
    def size(self) -> int:
        """Bytes that are here already, of whatever backup; not what is being written."""
        packs = (self.folder / "restic" / "data").glob("*/*")
        return sum(path.stat().st_size for path in packs if "-tmp-" not in path.name)

    def fetch(self, backup: FullBackup) -> Snapshot:
        """Copy it here; what is here already does not come again, unless it has rotted, and what is another backup's
        goes. restic reads each piece against its digest as it copies, but what an index of the place has lost it leaves
        out without a word: so it is looked whether all is here, for a host is cleared because it is.
        """
        assert backup.snapshot is not None
        source = backup.store.repository
        self._prepare(like=source)
        self.restic.copy_from(source, backup.snapshot.id)
        found = self.only(backup.snapshot.tree)
        try:
            self.restic.check(reads_data=False)
        except PermanentError as error:
            raise PermanentError(
                phrase(
                    "{place} is damaged: parts of it are missing ({why})",
                    place=backup.place,
                    why=error,
                ),
                cause=Cause.BACKUP if error.cause is Cause.OTHER else error.cause,
            ) from error
        return found

    def _prepare(self, like: Repository | None = None) -> None:
        """Keep what an earlier attempt brought where it is whole, every byte of it; else begin anew."""
        with suppress(PermanentError):
            FolderStore(self.folder).require_plain("restic")
            if self.restic.exists():
                self.restic.know_again()
                self.restic.check()
                return
        shutil.rmtree(self.folder / "restic", ignore_errors=True)
        self.restic.make(like)

    def take_in(self, archive: Path, work: Path, moment: datetime) -> Snapshot:
        """The same from an archive of the document's, through an empty folder of this run."""
        shutil.rmtree(work, ignore_errors=True)
        own = work / OWN.strip("/")
        files = unpack(archive, work, self.progress, self.cancelled)
        if files is not None:
            files.rename(own / ARCHIVE)
        self._prepare()
        paths = [OWN.strip("/"), PROJECTS.strip("/")]
        made = self.restic.backup(paths, host=self.site, tags=(archive.name,), moment=moment, folder=work)
        shutil.rmtree(work, ignore_errors=True)
        return self.only(next(one.tree for one in self.restic.snapshots() if one.id == made))

    def only(self, tree: str) -> Snapshot:
        """The one of this content; the others go. Raises PermanentError when it is not here."""
        snapshots = self.restic.snapshots()
        found = next((one for one in snapshots if one.tree == tree), None)
        if found is None:
            raise BackupError(phrase("The backup that was fetched holds something else than the one the plan is for"))
        self.restic.forget([one.id for one in snapshots if one.tree != tree])
        return found

    def facts_of(self, snapshot: Snapshot, backup: str) -> Facts:
        tree, paths = self.restic.listed(snapshot.id, (OWN, PROJECTS, FILES, LINKED))
        has = {folder: sorted(below(folder, paths)) for folder in (OWN, PROJECTS, FILES, LINKED)}
        document = self.restic.document(snapshot.id, f"{OWN}/{MANIFEST}") if MANIFEST in has[OWN] else None
        return Facts(
            backup=backup,
            snapshot=snapshot.id,
            tree=tree,
            own=tuple(has[OWN]),
            projects=tuple(has[PROJECTS]),
            volumes=tuple(has[FILES]),
            linked=bool(has[LINKED]),
            manifest=None if document is None else parsed(document, self.restic.repository.place),
        )


def below(folder: str, paths: Iterable[str]) -> Iterator[str]:
    """The names of what lies directly in a folder."""
    for path in paths:
        above, _, name = path.rpartition("/")
        if above == folder:
            yield name


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """A volume of the system or beside it, what of a backup belongs there, and how to get at it."""

    name: str
    engine: DockerEngine
    image: str  # any that is there
    labels: Mapping[str, str]
    wanted: Wanted

    @property
    def inside(self) -> str:
        """Where it is mounted in a helper, so that what is wanted lies at its top."""
        return f"{TARGET}/{self.wanted.only}".rstrip("/")

    @property
    def is_settings(self) -> bool:
        """Whether all that is no data of the projects belongs there."""
        return self.wanted.folder == PROJECTS and not self.wanted.only


def files_wanted(name: str) -> Wanted:
    """An entry of `files` in dr.yml."""
    return Wanted(folder=PROJECTS if is_below(name) else FILES, only=name.strip("/"))


def settings_wanted(without: tuple[str, ...]) -> Wanted:
    """All below `projects` but these folders, which are data."""
    return Wanted(folder=PROJECTS, without=without)


class Fetched:
    """What can be restored from it. Raises PermanentError, TemporaryError, CancelledError."""

    def __init__(self, recovery: Recovery, facts: Facts) -> None:
        self.facts = facts
        self._recovery = recovery
        self._restic = recovery.restic
        self._id = facts.snapshot

    @property
    def manifest(self) -> FullManifest | None:
        """None: made by the document's scripts."""
        return self.facts.manifest

    def require_here(self) -> None:
        """Raises PermanentError when it is not in the repository any more, or not what it was."""
        tree, _ = self._restic.listed(self._id, ())
        if tree != self.facts.tree:
            raise PermanentError(
                phrase(
                    "{place} holds another backup than the one that was fetched", place=self._restic.repository.place
                )
            )

    def part(self, name: str) -> Iterator[bytes]:
        """DUMP, REDIS or ARCHIVE."""
        return self._restic.stream(self._id, f"{OWN}/{name}")

    def put_settings(self, target: Path, without: tuple[str, ...]) -> int:
        """The folders of the projects, and what links in them led to. Returns how many files."""
        count = self._restic.restore(self._id, settings_wanted(without), str(target))
        if self.facts.linked:
            count += self._restic.restore(self._id, Wanted(folder=LINKED), str(target))
        return count

    def compare_settings(self, target: Path, without: tuple[str, ...]) -> Compared:
        return self._restic.compare(self._id, settings_wanted(without), str(target), alone=False)

    def put_file(self, path: str, target: Path) -> int:
        """One file by its path below `projects`; none where the backup has none there."""
        return self._restic.restore(self._id, Wanted(folder=PROJECTS, only=path), str(target))

    def put_folder(self, name: str, target: Path) -> int:
        """One folder below `projects`."""
        return self._restic.restore(self._id, files_wanted(name), str(target))

    def compare_folder(self, name: str, target: Path) -> Compared:
        return self._restic.compare(self._id, files_wanted(name), str(target), alone=True)

    def put_volume(self, there: Volume) -> int:
        """One volume, with the owners and modes of all that is in it."""
        restic = self._inside(there, read_only=False)
        count = restic.restore(self._id, there.wanted, TARGET)
        if there.is_settings and self.facts.linked:
            count += restic.restore(self._id, Wanted(folder=LINKED), TARGET)
        return count

    def compare_volume(self, there: Volume) -> Compared:
        restic = self._inside(there, read_only=True)
        return restic.compare(self._id, there.wanted, TARGET, alone=not there.is_settings)

    def _inside(self, there: Volume, *, read_only: bool) -> Restic:
        recovery, repository = self._recovery, self._restic.repository
        is_filled = is_folder(there.name) and not read_only
        execute = ResticHelper(
            engine=there.engine,
            image=there.image,
            labels=there.labels,
            tool=portable(recovery.home),
            repository=Path(repository.url),
            mounts=(Mount(source=there.name, target=there.inside, read_only=read_only),),
            writes=False,
            secrets=repository.keys,
            cancelled=recovery.cancelled,
            pinned={there.inside: identity_of(there.engine, there.name)} if is_filled else {},
        )
        return Restic(repository, cancelled=recovery.cancelled, progress=recovery.progress, execute=execute)
