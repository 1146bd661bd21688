"""Writes the parts of a full backup into a private folder, and the folder into one archive, digesting everything."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from isal import igzip

from core.errors import CancelledError, PermanentError
from core.full_manifest import FileSet, Member, digest_of_files
from runners.clients.byte_streams import CHUNK, DigestingReader, DigestingWriter, IteratorFile
from runners.watching import Cancelled, Progress
from store.file_modes import private

COMPRESSION = 1
FASTEST = 0  # what is in the archive is compressed already
LARGEST_CONFIGURATION_BYTES = 64 << 20
IGNORED = frozenset({".git", "__pycache__"})


@contextmanager
def written(path: Path) -> Iterator[DigestingWriter]:
    """A new file that is on the disk at the end. Raises PermanentError."""
    try:
        with open(path, "xb", opener=private) as file:
            yield (target := DigestingWriter(file))
            target.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def compressed(path: Path) -> Iterator[BinaryIO]:
    """A new gzip file. Raises PermanentError."""
    with written(path) as target, zipped_into(target, COMPRESSION) as zipped:
        yield zipped


def zipped_into(target: DigestingWriter, level: int) -> AbstractContextManager[BinaryIO]:
    """A gzip file that is written to `target`."""
    zipped: AbstractContextManager[BinaryIO] = igzip.open(target, "wb", compresslevel=level)  # type: ignore[no-untyped-call]
    return zipped


def unpack_stream(pieces: Iterable[bytes], folder: Path, cancelled: Cancelled) -> None:
    """The files of an engine's tar stream below `folder`, without the folder around all of them."""
    with tarfile.open(fileobj=stream_file(pieces), mode="r|", bufsize=CHUNK) as stream:
        for member in stream:
            content = stream.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            target = folder / Path(*Path(member.name).parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with written(target) as file:
                while piece := content.read(CHUNK):
                    file.write(piece)
                    require_going_on(cancelled)


def compress_file(path: Path, target: Path, cancelled: Cancelled) -> None:
    """The file as gzip; the original goes."""
    with path.open("rb") as file, compressed(target) as zipped:
        while piece := file.read(CHUNK):
            zipped.write(piece)
            require_going_on(cancelled)
    path.unlink()


def write_configuration(target: Path, projects: Path, names: Sequence[str], document: Path | None) -> dict[str, str]:
    """The folders of the compose projects and dr.yml; returns the digest of each file. Raises PermanentError."""
    found: dict[str, str] = {}
    total = 0
    with compressed(target) as zipped, tarfile.open(fileobj=zipped, mode="w|") as archive:
        for path in [*configuration_files(projects, names), *([document] if document else [])]:
            name = "dr.yml" if path == document else path.relative_to(projects).as_posix()
            total += path.stat().st_size
            if total > LARGEST_CONFIGURATION_BYTES:
                raise PermanentError(
                    f"The folders of the compose projects hold more than {LARGEST_CONFIGURATION_BYTES >> 20} MB: "
                    f"name what is data under `files` of the site and keep it elsewhere ({name})"
                )
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            archive.add(path, name, recursive=False)
    return found


def configuration_files(projects: Path, names: Sequence[str]) -> Iterator[Path]:
    """Every file of these projects, secrets included; a link is no configuration of its own."""
    for name in names:
        for folder, folders, files in os.walk(projects / name):
            folders[:] = sorted(part for part in folders if part not in IGNORED)
            yield from (path for file in sorted(files) if (path := Path(folder) / file).is_file())


class FilesWriter:
    """files_backup_….tar.gz: one folder per volume or folder that dr.yml names."""

    def __init__(self, archive: tarfile.TarFile, cancelled: Cancelled) -> None:
        self._archive = archive
        self._cancelled = cancelled

    def add_stream(self, name: str, pieces: Iterable[bytes]) -> FileSet:
        """A volume, as the engine's tar stream; owners, modes and links stay as they are."""
        sums: dict[str, str] = {}
        size = 0
        with tarfile.open(fileobj=stream_file(pieces), mode="r|", bufsize=CHUNK) as stream:
            for member in stream:
                require_going_on(self._cancelled)
                inside = "/".join(Path(member.name).parts[1:])
                member.name = "/".join(part for part in (name.strip("/"), inside) if part)
                if member.islnk():
                    member.linkname = "/".join((name.strip("/"), *Path(member.linkname).parts[1:]))
                content = stream.extractfile(member) if member.isreg() else None
                if content is None:
                    self._archive.addfile(member)
                    continue
                reader = DigestingReader(cast(BinaryIO, content))
                self._archive.addfile(member, reader)
                sums[inside] = reader.hexdigest()
                size += reader.bytes
        return FileSet(count=len(sums), bytes=size, digest=digest_of_files(sums))

    def add_folder(self, name: str, folder: Path) -> FileSet:
        """A folder of this host. Raises PermanentError when it cannot be read."""
        sums: dict[str, str] = {}
        size = 0
        try:
            for path in sorted(folder.rglob("*")):
                require_going_on(self._cancelled)
                inside = path.relative_to(folder).as_posix()
                member = self._archive.gettarinfo(path, f"{name.strip('/')}/{inside}")
                if not member.isreg():
                    self._archive.addfile(member)
                    continue
                with path.open("rb") as file:
                    reader = DigestingReader(file)
                    self._archive.addfile(member, reader)
                sums[inside] = reader.hexdigest()
                size += reader.bytes
        except OSError as error:
            raise PermanentError(f"{folder} cannot be read: {error.strerror or error}") from error
        return FileSet(count=len(sums), bytes=size, digest=digest_of_files(sums))


@contextmanager
def files_writer(target: Path, cancelled: Cancelled) -> Iterator[FilesWriter]:
    """Writes files_backup_….tar.gz."""
    with compressed(target) as zipped, tarfile.open(fileobj=zipped, mode="w|") as archive:
        yield FilesWriter(archive, cancelled)


class Packer:
    """The archive: files of the private folder first, the manifest last."""

    def __init__(self, archive: tarfile.TarFile, top: str, cancelled: Cancelled) -> None:
        self._archive = archive
        self._top = top
        self._cancelled = cancelled

    def add(self, folder: Path, progress: Progress) -> tuple[Member, ...]:
        """Every file of the folder, removed as soon as it is in; returns what the manifest says of them."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        total, done = sum(path.stat().st_size for path in paths), 0
        found = []
        for path in paths:
            require_going_on(self._cancelled)
            inside = path.relative_to(folder).as_posix()
            with path.open("rb") as file:
                reader = DigestingReader(file)
                self._archive.addfile(self._archive.gettarinfo(path, f"{self._top}/{inside}"), reader)
            found.append(Member(path=inside, size=reader.bytes, sha256=reader.hexdigest()))
            path.unlink()
            done += reader.bytes
            progress(done, total, "bytes")
        return tuple(found)

    def add_document(self, name: str, data: bytes) -> None:
        """A small file that is written here."""
        member = tarfile.TarInfo(f"{self._top}/{name}")
        member.size, member.mode = len(data), 0o600
        self._archive.addfile(member, io.BytesIO(data))


def stream_file(pieces: Iterable[bytes]) -> io.BufferedReader:
    """An engine's tar stream as tarfile reads it: never less than it asked for before the end."""
    return io.BufferedReader(IteratorFile(pieces), CHUNK)


def require_going_on(cancelled: Cancelled) -> None:
    """Raises CancelledError."""
    if cancelled():
        raise CancelledError("Stopped while a full backup was made")
