"""A full backup as the source document's scripts leave it: one archive, in it what their restore looks for.

…/config_<time>.tar.gz             paths below `projects`
  all_databases_<time>.sql.gz      as pg_dumpall writes it
  redis_<time>.rdb.gz
  files_backup_<time>.tar.gz       one folder per volume or folder

It has no manifest, so it is read from start to end before anybody is asked.
"""

import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from isal import igzip, isal_zlib

from drbot.core.errors import CancelledError, PermanentError
from drbot.core.full_manifest import DUMP, OWN, PROJECTS, REDIS
from drbot.runners.clients.byte_streams import CHUNK, Digested, IteratorFile
from drbot.runners.clients.dump import DumpScanner
from drbot.runners.clients.full_folder import read_pieces
from drbot.runners.clients.reading_limits import limits_of
from drbot.runners.watching import Cancelled, Progress
from drbot.store.file_modes import private

SQL, CONFIGURATION, RDB, FILES = (
    re.compile(pattern)
    for pattern in (
        r"^all_databases_.*\.sql\.gz$",
        r"^config_.*\.tar\.gz$",
        r"^redis_.*\.rdb\.gz$",
        r"^files_backup_.*\.tar\.gz$",
    )
)
MOST_PARTS = 8  # of a name in `files`


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What one reading of an archive found."""

    sha256: str
    scanner: DumpScanner  # of its dump
    parts: frozenset[str]  # names of the files in it

    @property
    def redis(self) -> bool:
        """Whether it holds data of Redis."""
        return any(RDB.match(name) for name in self.parts)

    @property
    def configuration(self) -> bool:
        """Whether it holds settings."""
        return any(CONFIGURATION.match(name) for name in self.parts)


def read_archive(pieces: Iterable[bytes], name: str, cancelled: Cancelled) -> Contents:
    """Read an archive from start to end without keeping it; what is compressed inside is decompressed, so that its CRC
    counts. Raises PermanentError with what is wrong, CancelledError.
    """
    source, scanner, parts = Digested(pieces), DumpScanner(), set()
    for path, content in members(source, name, cancelled):
        part = PurePosixPath(path).name
        parts.add(part)
        if path.endswith(".gz"):
            for piece in unzipped(content, path, name):
                if SQL.match(part):
                    scanner.feed(piece)
    if not any(SQL.match(part) for part in parts):
        raise PermanentError(f"{name} holds no all_databases_….sql.gz")
    if not scanner.complete:
        raise PermanentError(f"{name} is not complete: the closing line of its dump is missing")
    return Contents(sha256=source.hexdigest(), scanner=scanner, parts=frozenset(parts))


def unpack(archive: Path, folder: Path, progress: Progress, cancelled: Cancelled) -> Path | None:
    """Put its parts where a full backup of ours has them, below `folder`; returns the archive of files inside, for
    whoever may give files their owners. Raises PermanentError, CancelledError.
    """
    size, files = archive.stat().st_size, None
    own, projects = folder / OWN.strip("/"), folder / PROJECTS.strip("/")
    for part in (own, projects):
        part.mkdir(parents=True)
    source = Digested(read_pieces(archive, 0, cancelled))
    for path, content in members(source, archive.name, cancelled):
        name = PurePosixPath(path).name
        if SQL.match(name):
            keep(unzipped(content, path, archive.name), own / DUMP)
        elif RDB.match(name):
            keep(unzipped(content, path, archive.name), own / REDIS)
        elif CONFIGURATION.match(name):
            unpack_settings(unzipped(content, path, archive.name), projects, archive.name)
        elif FILES.match(name):
            files = folder / name
            keep(iter(partial(content.read, CHUNK), b""), files)
        progress(source.bytes, size, "bytes")
    return files


def unpack_settings(pieces: Iterable[bytes], folder: Path, name: str) -> None:
    """Plain files only; a path that leads elsewhere is refused. Raises PermanentError."""
    with archive_errors(name), tarfile.open(fileobj=IteratorFile(pieces), mode="r|", bufsize=CHUNK) as files:
        for member in files:
            if not member.isfile():
                continue
            path = inner_path(member.name, name)
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            content = files.extractfile(member)
            assert content is not None  # a plain file
            with open(target, "wb", opener=private) as file:
                shutil.copyfileobj(content, file)
            target.chmod(member.mode & 0o777 or 0o600)


def folders_in(pieces: Iterable[bytes], name: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """Those of these names that the archive of files has."""
    tops = set()
    with archive_errors(name), tarfile.open(fileobj=IteratorFile(pieces), mode="r|gz", bufsize=CHUNK) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            tops |= {"/".join(parts[:depth]) for depth in range(1, min(len(parts), MOST_PARTS) + 1)}
    return tuple(one for one in wanted if one.strip("/") in tops)


def members(source: Digested, name: str, cancelled: Cancelled) -> Iterator[tuple[str, BinaryIO]]:
    """Every file of the archive: its path without the folder around all, and its content, to be read before the next
    one is asked for. Links, devices and paths that lead elsewhere are refused.
    """
    with archive_errors(name):
        with (
            igzip.open(IteratorFile(source), "rb") as packed,  # type: ignore[no-untyped-call]
            tarfile.open(fileobj=packed, mode="r|", bufsize=CHUNK) as archive,
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


def unzipped(content: BinaryIO, path: str, name: str) -> Iterator[bytes]:
    """A file inside, decompressed, which checks its CRC. Raises PermanentError, also for one that holds far more than
    any real one of its size.
    """
    packed, done = Digested(iter(partial(content.read, CHUNK), b"")), 0
    with (
        archive_errors(f"{path} in {name}"),
        igzip.open(IteratorFile(packed), "rb") as file,  # type: ignore[no-untyped-call]
    ):
        while chunk := file.read(CHUNK):
            done += len(chunk)
            if done > (limits := limits_of(packed.bytes, None)).unpacked:
                raise PermanentError(f"{path} in {name}: {limits.why}")
            yield chunk


def keep(pieces: Iterable[bytes], target: Path) -> None:
    """A new private file. Raises PermanentError."""
    try:
        with open(target, "xb", opener=private) as file:
            for piece in pieces:
                file.write(piece)
    except FileExistsError as error:
        raise PermanentError(f"The archive holds two parts for {target.name}; nothing was used") from error
    except OSError as error:
        raise PermanentError(f"{target} cannot be written: {error.strerror or error}") from error


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
