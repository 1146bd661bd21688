"""What comes out of the archives inside a full backup of the source document's scripts: onto this host, or as a stream
for whoever may give files their owners.
"""

import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from isal import igzip

from drbot.core.base.errors import BackupError, PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.byte_streams import CHUNK, Digested, IteratorFile
from drbot.runners.clients.reading_limits import limits_of
from drbot.runners.clients.tar_entries import (
    Entry,
    archive_errors,
    entries,
    inner_path,
    require_inside,
    require_same_folder,
)
from drbot.runners.foundation.watching import Cancelled
from drbot.store.base.file_modes import private, public_folder


def unzipped(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Decompressed, which checks its CRC. Raises PermanentError, also for more than any real one of its size holds."""
    packed, done = Digested(pieces), 0
    with archive_errors(name), igzip.open(IteratorFile(packed), "rb") as file:  # type: ignore[no-untyped-call]
        while chunk := file.read(CHUNK):
            done += len(chunk)
            if done > (limits := limits_of(packed.bytes, None)).unpacked:
                raise BackupError(phrase("{what}: {why}", what=name, why=limits.why))
            yield chunk


def checked(entry: Entry, wanted: Iterable[str]) -> Entry:
    """Of the archive of files; `wanted` of it, as dr.yml names them. In a volume a link may lead anywhere, in a folder
    on the host it may not. Raises PermanentError.
    """
    for name in wanted:
        if entry.is_below(top := name.strip("/")):
            (require_inside if "/" in name else require_same_folder)(entry, top)
    return entry


def folders_in(pieces: Iterable[bytes], name: str, wanted: Iterable[str]) -> tuple[str, ...]:
    left = {one: one.strip("/") for one in wanted}
    there = set()
    for entry in entries(unzipped(pieces, name), name):
        there |= {one for one, top in left.items() if one not in there and entry.is_below(top)}
    return tuple(one for one in left if one in there)


def write_folder(pieces: Iterable[bytes], name: str, top: str, folder: Path, cancelled: Cancelled) -> int:
    """One folder of the archive to the same path below `folder`; its files. Raises PermanentError, CancelledError."""
    count = 0
    for entry in entries(unzipped(pieces, name), name, cancelled):
        if not entry.is_below(top):
            continue
        require_inside(entry, top)
        require_within(folder / entry.path, folder)
        public_folder(folder / (entry.path if entry.info.isdir() else str(PurePosixPath(entry.path).parent)))
        put(entry, folder)
        count += not entry.info.isdir()
    return count


def require_within(target: Path, folder: Path) -> None:
    """Raises PermanentError where a link on the way leads out."""
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise BackupError(phrase("{path} would be written elsewhere, through a link; nothing was used", path=target))


def put(entry: Entry, folder: Path) -> None:
    """One entry with its own mode, below a folder that this run has made. Raises PermanentError."""
    target, info = folder / entry.path, entry.info
    if target == folder or entry.is_again:
        return
    try:
        require_within(target, folder)
        if info.isdir():
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # named once more: the last one counts, as tar has it
        if info.issym():
            target.symlink_to(info.linkname)
        elif info.islnk():
            os.link(folder / info.linkname, target)
        else:
            keep(entry.pieces(), target)
            target.chmod(info.mode & 0o777 or 0o600)
            with suppress(OSError, OverflowError, ValueError):  # of a time that is none
                os.utime(target, (info.mtime, info.mtime))
    except OSError as error:
        raise unwritable(target, error) from error


def keep(pieces: Iterable[bytes], target: Path) -> None:
    """A new private file. Raises PermanentError."""
    try:
        with open(target, "xb", opener=private) as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise unwritable(target, error) from error


def unwritable(target: Path, error: OSError) -> PermanentError:
    return PermanentError(phrase("{path} cannot be written: {why}", path=target, why=error.strerror or error))


def repacked(pieces: Iterable[bytes], name: str, top: str, cancelled: Cancelled) -> Iterator[bytes]:
    """One folder of the archive of files as a tar stream of its own, whatever its names began with, for the tar of any
    image: owners by number, as the volume had them. Raises PermanentError, CancelledError.
    """
    for entry in entries(unzipped(pieces, name), name, cancelled):
        if entry.is_below(top) and not entry.is_again:
            yield header_of(entry, top)
            if entry.content is not None:
                yield from entry.pieces()
                yield bytes(-entry.info.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def header_of(entry: Entry, top: str) -> bytes:
    """With names below `top`. Raises PermanentError for a link to a file that is not in it."""
    info = entry.info
    require_same_folder(entry, top)
    if info.islnk():
        info.linkname = str(PurePosixPath(inner_path(info.linkname, entry.archive)).relative_to(top))
    elif entry.content is not None:
        info.type = tarfile.REGTYPE  # the gaps of a sparse one are read as what they are
    info.name = f"./{entry.path.removeprefix(top).lstrip('/')}"
    info.linkname = f"./{info.linkname}" if info.islnk() else info.linkname
    info.uname = info.gname = ""
    info.pax_headers = {}
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
