"""The inside of a full backup: one folder with the files the source document's scripts look for, and a manifest.

full_backup_<time>/config_<time>.tar.gz            paths below `projects`, and dr.yml
                   all_databases_<time>.sql.gz     as pg_dumpall writes it
                   databases/<database>/           the same data in pg_dump's directory format: restores in parallel
                   redis_<time>.rdb.gz
                   files_backup_<time>.tar.gz      one folder per volume or folder of `files`
                   manifest.json                   last
"""

import hashlib
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote

from isal import igzip, isal_zlib
from pydantic import ValidationError

from core.errors import CancelledError, PermanentError
from core.full_manifest import MANIFEST, FullManifest
from runners.clients.byte_streams import CHUNK, Digested, IteratorFile
from runners.clients.dump import DumpScanner
from runners.clients.full_folder import read_pieces
from runners.clients.object_store import LONGEST_DOCUMENT_BYTES
from runners.clients.reading_limits import limits_of
from runners.watching import Cancelled, Progress
from store.file_modes import private

DUMP, CONFIGURATION, REDIS, FILES = (
    re.compile(pattern)
    for pattern in (
        r"^all_databases_.*\.sql\.gz$",
        r"^config_.*\.tar\.gz$",
        r"^redis_.*\.rdb\.gz$",
        r"^files_backup_.*\.tar\.gz$",
    )
)
DATABASES = "databases"  # the folder; a database's own folder below has its name, quoted as in a URL


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """An archive on disk, every file of it as its manifest says. None = the archive has no such part."""

    manifest: FullManifest | None  # None: made by the document's scripts
    dump: Path  # all_databases_….sql.gz
    databases: Mapping[str, Path] = field(default_factory=dict)  # name → folder in pg_dump's directory format
    configuration: Path | None = None  # config_….tar.gz
    redis: Path | None = None  # redis_….rdb.gz
    files: Path | None = None  # files_backup_….tar.gz


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What one reading of an archive found."""

    sha256: str
    manifest: FullManifest | None
    scanner: DumpScanner  # of its dump
    parts: frozenset[str]  # names of the files in it


def unpack(archive: Path, folder: Path, progress: Progress, cancelled: Cancelled) -> Unpacked:
    """Unpack into an empty private folder, digesting every file. Raises PermanentError, CancelledError."""
    size = archive.stat().st_size
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found: dict[str, str] = {}
    source = Digested(read_pieces(archive, 0, cancelled))
    with archive_errors(archive.name):
        for path, content in members(source, archive.name, cancelled):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            found[path] = keep(content, target)
            progress(source.bytes, size, "bytes")
    manifest = inner_manifest(folder / MANIFEST, archive.name)
    require_members(manifest, found, archive.name)
    return unpacked_in(folder, manifest, archive.name)


def unpacked_in(folder: Path, manifest: FullManifest | None, name: str) -> Unpacked:
    """Where the parts of an unpacked archive are. Raises PermanentError without a dump."""
    own = folder / DATABASES
    databases = {unquote(path.name): path for path in sorted(own.iterdir())} if own.is_dir() else {}
    dump = first(folder, DUMP)
    if dump is None:
        raise PermanentError(f"{name} holds no all_databases_….sql.gz")
    return Unpacked(
        manifest=manifest,
        dump=dump,
        databases=databases,
        configuration=first(folder, CONFIGURATION),
        redis=first(folder, REDIS),
        files=first(folder, FILES),
    )


def read_archive(pieces: Iterable[bytes], name: str, cancelled: Cancelled) -> Contents:
    """Read an archive from start to end without keeping it. Raises PermanentError with what is wrong."""
    reading = Reading(name)
    source = Digested(pieces)
    with archive_errors(name):
        for path, content in members(source, name, cancelled):
            reading.take(path, content)
    return reading.result(source.hexdigest())


class Reading:
    """What was read so far of an archive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._scanner = DumpScanner()
        self._found: dict[str, str] = {}
        self._manifest: FullManifest | None = None

    def take(self, path: str, content: BinaryIO) -> None:
        """One file; what is compressed is decompressed, so that its CRC counts."""
        inside = Digested(iter(partial(content.read, CHUNK), b""))
        if path == MANIFEST:
            self._manifest = parsed(b"".join(inside), self._name)
            return
        if path.endswith(".gz"):
            unzip(inside, path, self._name, self._scanner.feed if is_dump(path) else nothing)
        for _ in inside:
            pass
        self._found[path] = inside.hexdigest()

    def result(self, sha256: str) -> Contents:
        """Raises PermanentError with what is missing or wrong."""
        name = self._name
        if not any(is_dump(path) for path in self._found):
            raise PermanentError(f"{name} holds no all_databases_….sql.gz")
        if not self._scanner.complete:
            raise PermanentError(f"{name} is not complete: the closing line of its dump is missing")
        require_members(self._manifest, self._found, name)
        parts = frozenset(PurePosixPath(path).name for path in self._found)
        return Contents(sha256=sha256, manifest=self._manifest, scanner=self._scanner, parts=parts)


def is_dump(path: str) -> bool:
    """Whether this file of an archive is the dump of all databases."""
    return bool(DUMP.match(PurePosixPath(path).name))


def members(source: Digested, name: str, cancelled: Cancelled) -> Iterator[tuple[str, BinaryIO]]:
    """Every file of the archive: its path without the folder around all, and its content, to be read before the next
    one is asked for. Links, devices and paths that lead elsewhere are refused.
    """
    with archive_errors(name):
        with (
            igzip.open(IteratorFile(source), "rb") as unzipped,  # type: ignore[no-untyped-call]
            tarfile.open(fileobj=unzipped, mode="r|", bufsize=CHUNK) as archive,
        ):
            for member in archive:
                if cancelled():
                    raise CancelledError(f"Stopped while reading {name}")
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise PermanentError(f"{name}: {member.name} is neither a file nor a folder; nothing was used")
                yield inner_path(member.name, name), content  # type: ignore[misc]  # typeshed: IO[bytes]
        for _ in source:  # what follows the end of the archive belongs to its digest
            pass


def inner_path(path: str, name: str) -> str:
    """The path below the archive's own folder; the document's scripts may leave that folder out."""
    parts = [part for part in PurePosixPath(path).parts if part != "."]
    if not parts or ".." in parts or path.startswith("/"):
        raise PermanentError(f"{name}: {path} would be written elsewhere; nothing was used")
    own = len(parts) > 1 and parts[0].startswith("full_backup_")
    return "/".join(parts[1:] if own else parts)


def keep(content: BinaryIO, target: Path) -> str:
    """Write a file and return its digest."""
    digest = hashlib.sha256()
    try:
        with open(target, "xb", opener=private) as file:
            while piece := content.read(CHUNK):
                file.write(piece)
                digest.update(piece)
    except FileExistsError as error:
        raise PermanentError(f"{target.name} is there twice; unpack into an empty folder") from error
    except OSError as error:
        if error.errno is None:  # of the archive: a damaged gzip says so in this way
            raise
        raise PermanentError(f"{target} cannot be written: {os.strerror(error.errno)}") from error
    return digest.hexdigest()


def unzip(packed: Digested, path: str, name: str, feed: Callable[[bytes], object]) -> None:
    """Decompress a file inside, which checks its CRC. Raises PermanentError, also for one that holds far more than any
    real one of its size.
    """
    done = 0
    with (
        archive_errors(f"{path} in {name}"),
        igzip.open(IteratorFile(packed), "rb") as unzipped,  # type: ignore[no-untyped-call]
    ):
        while chunk := unzipped.read(CHUNK):
            feed(chunk)
            done += len(chunk)
            if done > (limits := limits_of(packed.bytes, None)).unpacked:
                raise PermanentError(f"{path} in {name}: {limits.why}")


def nothing(chunk: bytes) -> None:
    """For what is only read."""


def inner_manifest(path: Path, name: str) -> FullManifest | None:
    """The manifest that lay in the archive."""
    return parsed(path.read_bytes(), name) if path.exists() else None


def parsed(document: bytes, name: str) -> FullManifest:
    """Raises PermanentError when nobody can read it."""
    try:
        return FullManifest.model_validate_json(document[:LONGEST_DOCUMENT_BYTES])
    except ValidationError as error:
        raise PermanentError(f"{name}: the manifest inside cannot be read ({str(error).splitlines()[0]})") from error


def require_members(manifest: FullManifest | None, found: Mapping[str, str], name: str) -> None:
    """Every file of the manifest is there and as it was. Raises PermanentError."""
    for member in manifest.members if manifest else ():
        if found.get(member.path) != member.sha256:
            wrong = "is missing" if member.path not in found else "is not what the manifest says"
            raise PermanentError(f"{name}: {member.path} {wrong}")


def first(folder: Path, pattern: re.Pattern[str]) -> Path | None:
    """The file of this kind."""
    return next((path for path in sorted(folder.rglob("*")) if pattern.match(path.name)), None)


@contextmanager
def archive_errors(name: str) -> Iterator[None]:
    """What gzip and tar say of a damaged archive."""
    try:
        yield
    except EOFError as error:
        raise PermanentError(f"{name} is cut off: it ends in the middle") from error
    except tarfile.TarError as error:
        raise PermanentError(f"{name} is damaged: {error}") from error
    except (OSError, isal_zlib.error) as error:  # type: ignore[misc]
        raise PermanentError(f"{name} is damaged: {error}") from error
