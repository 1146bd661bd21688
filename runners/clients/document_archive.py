"""A full backup as the source document's scripts leave it: one archive, in it what their restore looks for.

…/config_<time>.tar.gz             paths below `projects`
  all_databases_<time>.sql.gz      as pg_dumpall writes it
  redis_<time>.rdb.gz
  files_backup_<time>.tar.gz       one folder per volume or folder

It has no manifest, so it is read from start to end before anybody is asked.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from drbot.core.base.errors import BackupError
from drbot.core.site.full_manifest import DUMP, OWN, PROJECTS, REDIS
from drbot.core.text.messages import phrase
from drbot.runners.clients.archive_files import checked, keep, put, unzipped
from drbot.runners.clients.byte_streams import Digested
from drbot.runners.clients.dump import DumpScanner
from drbot.runners.clients.full_folder import read_pieces
from drbot.runners.clients.tar_entries import NO_FILE, Entry, entries, require_inside, unusable
from drbot.runners.foundation.watching import Cancelled, Progress

SQL, CONFIGURATION, RDB, FILES = (
    re.compile(pattern)
    for pattern in (
        r"^all_databases_.*\.sql\.gz$",
        r"^config_.*\.tar\.gz$",
        r"^redis_.*\.rdb\.gz$",
        r"^files_backup_.*\.tar\.gz$",
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What one reading of an archive found."""

    sha256: str
    scanner: DumpScanner  # of its dump
    kinds: frozenset[re.Pattern[str]]  # of the parts in it
    unpacked: int  # bytes of all that comes out of them

    @property
    def redis(self) -> bool:
        return RDB in self.kinds

    @property
    def configuration(self) -> bool:
        return CONFIGURATION in self.kinds


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A file of the archive, to be read before the next one is asked for."""

    kind: re.Pattern[str]
    place: str  # for people
    entry: Entry

    @property
    def unzipped(self) -> Iterator[bytes]:
        return unzipped(self.entry.pieces(), self.place)


def read_archive(pieces: Iterable[bytes], name: str, files: Iterable[str], cancelled: Cancelled) -> Contents:
    """Read an archive from start to end without keeping it: every part as a restore would, and its CRC counts.
    `files`: what of them is restored, as dr.yml names it. Raises PermanentError with what is wrong,
    CancelledError.
    """
    source, scanner, kinds, unpacked = Digested(pieces), DumpScanner(), set(), 0
    for part in members(source, name, cancelled):
        kinds.add(part.kind)
        if part.kind in (SQL, RDB):
            for piece in part.unzipped:
                unpacked += len(piece)
                if part.kind is SQL:
                    scanner.feed(piece)
        elif part.kind is CONFIGURATION:
            unpacked += sum(entry.info.size for entry in settings(part, cancelled))
        else:
            found = entries(part.unzipped, part.place, cancelled)
            unpacked += sum(checked(entry, files).info.size for entry in found)
    if SQL not in kinds:
        raise BackupError(phrase("{name} holds no all_databases_….sql.gz", name=name))
    if not scanner.complete:
        raise BackupError(phrase("{name} is not complete: the closing line of its dump is missing", name=name))
    return Contents(sha256=source.hexdigest(), scanner=scanner, kinds=frozenset(kinds), unpacked=unpacked)


def unpack(archive: Path, folder: Path, progress: Progress, cancelled: Cancelled) -> Path | None:
    """Put its parts where a full backup of ours has them, below `folder`; returns the archive of files inside, for
    whoever may give files their owners. Raises PermanentError, CancelledError.
    """
    size, files = archive.stat().st_size, None
    own, projects = folder / OWN.strip("/"), folder / PROJECTS.strip("/")
    for place in (own, projects):
        place.mkdir(parents=True)
    source = Digested(read_pieces(archive, 0, cancelled))
    for part in members(source, archive.name, cancelled):
        if part.kind is SQL:
            keep(part.unzipped, own / DUMP)
        elif part.kind is RDB:
            keep(part.unzipped, own / REDIS)
        elif part.kind is CONFIGURATION:
            for entry in settings(part, cancelled):
                put(entry, projects)
        else:
            files = folder / PurePosixPath(part.entry.path).name
            keep(part.entry.pieces(), files)
        progress(source.bytes, size, "bytes")
    return files


def settings(part: Part, cancelled: Cancelled) -> Iterator[Entry]:
    """The paths below `projects`. Raises PermanentError."""
    for entry in entries(part.unzipped, part.place, cancelled):
        require_inside(entry)
        yield entry


def members(source: Digested, name: str, cancelled: Cancelled) -> Iterator[Part]:
    """Every part of the archive. Links and paths that lead elsewhere are refused, and a second part of a kind."""
    kinds: set[re.Pattern[str]] = set()
    for entry in entries(unzipped(source, name), name, cancelled):
        if entry.info.isdir():
            continue
        if entry.content is None:
            raise unusable(NO_FILE, name, entry.info.name)
        part = PurePosixPath(entry.path).name
        kind = next((kind for kind in (SQL, CONFIGURATION, RDB, FILES) if kind.match(part)), None)
        if kind is None:
            continue
        if kind in kinds:
            raise BackupError(
                phrase("{name} holds two parts for one place, {part} for one; nothing was used", name=name, part=part)
            )
        kinds.add(kind)
        yield Part(kind=kind, place=phrase("{path} in {name}", path=without_top(entry.path), name=name), entry=entry)
    for _ in source:  # what follows the end of the archive belongs to its digest
        pass


def without_top(path: str) -> str:
    """Below the archive's own folder, which the document's scripts may leave out."""
    top, _, below = path.partition("/")
    return below if below and top.startswith("full_backup_") else path
