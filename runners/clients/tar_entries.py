"""Reads a tar stream entry by entry, and refuses what could not come back as it is named: a survey and a restore read
through the same eyes, so what one lets through the other unpacks.

tarfile alone takes a header that has rotted for the end, and whatever follows for nothing.
"""

import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from isal import isal_zlib

from drbot.core.base.errors import BackupError, CancelledError, PermanentError
from drbot.core.text.messages import filled, phrase
from drbot.core.text.words import cut, size
from drbot.runners.clients.byte_streams import CHUNK, Digested, IteratorFile
from drbot.runners.clients.reading_limits import RATIO, UNPACKED_ANYWAY
from drbot.runners.foundation.watching import Cancelled, never

NO_FILE: str = phrase("{archive}: {path} is neither a file nor a folder; nothing was used")
ELSEWHERE: str = phrase("{archive}: {path} would be written elsewhere; nothing was used")
LEADS_AWAY: str = phrase("{archive}: {path} is a link that leads elsewhere; nothing was used")
LONGEST_NAME, LONGEST_PATH = 255, 3000  # bytes, of any file system; a path has a folder before it
LONGEST_HEADER = 32 << 10  # bytes of a header that says more of the next one; it is kept in memory and searched
HEADERS = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)


class StrictHeader(tarfile.TarInfo):
    """A header that is whole, or an error: only two empty blocks are an end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> "StrictHeader":
        """The next one. Raises ReadError."""
        try:
            return super().fromtarfile(tarfile)
        except HEADER_ERROR as error:
            if type(error).__name__ == "EOFHeaderError" or not tarfile.offset:  # at the start it is refused anyway
                raise
            raise READ_ERROR(phrase("a header in it is broken ({why})", why=error)) from error

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "StrictHeader":
        """One block. Raises ReadError for more than anybody would keep in memory."""
        found = super().frombuf(buf, encoding, errors)
        if found.size < 0 or (found.type in HEADERS and found.size > LONGEST_HEADER):
            raise READ_ERROR(phrase("a header in it has {size} bytes", size=found.size))
        return found


HEADER_ERROR, READ_ERROR = tarfile.HeaderError, tarfile.ReadError  # the name is a parameter's above


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One of them; its content is read before the next one is asked for."""

    archive: str  # its name, for people
    path: str  # without "./"; the folder around all is "."
    info: tarfile.TarInfo
    content: BinaryIO | None  # of a plain file

    def pieces(self) -> Iterator[bytes]:
        """What is in a plain file. Raises PermanentError."""
        assert self.content is not None
        with archive_errors(self.archive):
            yield from iter(partial(self.content.read, CHUNK), b"")

    @property
    def is_again(self) -> bool:
        """Whether it says of a file of several names, which tar was told to pack twice, that it is the same."""
        return self.info.islnk() and inner_path(self.info.linkname, self.archive) == self.path

    def is_below(self, top: str) -> bool:
        """Whether it is this folder, or in it; "" = the folder around all."""
        return not top or self.path == top or self.path.startswith(f"{top}/")


def entries(pieces: Iterable[bytes], name: str, cancelled: Cancelled = never) -> Iterator[Entry]:
    """Files, folders and links, none leading elsewhere by its own name. Raises PermanentError, CancelledError."""
    source, seen, holes = Digested(pieces), Seen(name), 0
    with archive_errors(name):
        with tarfile.open(fileobj=IteratorFile(source), mode="r|", bufsize=CHUNK, tarinfo=StrictHeader) as archive:
            while (info := archive.next()) is not None:
                if cancelled():
                    raise CancelledError(phrase("Stopped while reading {name}", name=name))
                archive.members.clear()  # type: ignore[attr-defined]  # a million of them would fill the memory
                path = inner_path(info.name, name)
                seen.take(path, info)
                holes += holes_of(info)
                if holes > (most := max(UNPACKED_ANYWAY, RATIO * source.bytes)):
                    raise BackupError(
                        phrase(
                            "{archive}: {path} unpacks to more than {size}; nothing was used",
                            archive=name,
                            path=info.name,
                            size=size(most),
                        )
                    )
                yield Entry(archive=name, path=path, info=info, content=content_of(archive, info))
            require_end(archive, name)
        for piece in source:
            require_empty(piece, name)


def holes_of(info: tarfile.TarInfo) -> int:
    """Bytes of a file that are not in the archive: all others follow its header, and how many come is bounded there."""
    pieces: Iterable[tuple[int, int]] | None = info.sparse  # type: ignore[assignment]  # typeshed: bytes
    return 0 if pieces is None else info.size - sum(length for _, length in pieces)


def content_of(archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO | None:
    return archive.extractfile(info) if info.isreg() else None  # type: ignore[return-value]  # typeshed: IO[bytes]


def require_end(archive: tarfile.TarFile, name: str) -> None:
    """What follows the end is empty too: else it would be lost without a word."""
    assert archive.fileobj is not None
    while block := archive.fileobj.read(CHUNK):
        require_empty(block, name)


def require_empty(piece: bytes, name: str) -> None:
    """Raises PermanentError."""
    if piece.count(0) != len(piece):
        raise BackupError(phrase("{name} is damaged: there is something behind its end", name=name))


class Seen:
    """What an archive has named so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._kinds: dict[str, str] = {}

    def take(self, path: str, info: tarfile.TarInfo) -> None:
        """Raises PermanentError for what is no file, folder or link, and for what lies below something else."""
        kind = kind_of(info)
        if kind is None:
            raise unusable(NO_FILE, self._name, info.name)
        require_short(path, self._name)
        if path == "." and kind != "folder":
            raise unusable(ELSEWHERE, self._name, info.name)
        for above in map(str, PurePosixPath(path).parents):
            if self._kinds.setdefault(above, "folder") != "folder":
                raise unusable(ELSEWHERE, self._name, info.name)
        if info.islnk() and self._kinds.get(inner_path(info.linkname, self._name)) != "file":
            raise unusable(
                phrase("{archive}: {path} is a link to what is not in it; nothing was used"), self._name, info.name
            )
        if self._kinds.setdefault(path, kind) != kind:
            raise unusable(
                phrase("{archive} holds {path} twice, as two different things; nothing was used"), self._name, info.name
            )
        if info.issym() and not info.linkname:
            raise unusable(phrase("{archive}: {path} is a link to nothing; nothing was used"), self._name, info.name)


def unusable(why: str, archive: str, path: str) -> PermanentError:
    """`why`: what is wrong with `{path}` in `{archive}`."""
    return BackupError(filled(why, archive=archive, path=path))


def kind_of(info: tarfile.TarInfo) -> str | None:
    """None of devices, pipes, and what tar does not know. A hard link is a file of two names."""
    if info.isdir():
        return "folder"
    if info.issym():
        return "link"
    return "file" if info.isreg() or info.islnk() else None


def require_short(path: str, name: str) -> None:
    """Raises PermanentError for what no file system takes."""
    if "\0" in path or len(os.fsencode(path)) > LONGEST_PATH:
        raise unusable(phrase("{archive}: {path} is no name of a file; nothing was used"), name, f"{cut(path, 80)!r}")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in path.split("/")):
        raise unusable(
            phrase("{archive}: {path} is longer than any file system takes; nothing was used"),
            name,
            f"{cut(path, 80)!r}",
        )


def require_inside(entry: Entry, top: str = "") -> None:
    """A link leads nowhere else, neither by itself nor over another link. Raises PermanentError."""
    require_same_folder(entry, top)
    info = entry.info
    parts = PurePosixPath(info.linkname).parts
    up = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    out = info.linkname.startswith("/") or ".." in parts[up:] or up >= len(PurePosixPath(entry.path).parts)
    if info.issym() and out:
        raise unusable(LEADS_AWAY, entry.archive, info.name)


def require_same_folder(entry: Entry, top: str) -> None:
    """A second name of a file comes back with the first; what comes back as a folder is one. Raises PermanentError."""
    info, name = entry.info, entry.archive
    if entry.path == top and not info.isdir():
        raise unusable(phrase("{archive}: {path} is no folder; nothing was used"), name, info.name)
    if info.islnk() and not PurePosixPath(inner_path(info.linkname, name)).is_relative_to(top or "."):
        raise unusable(LEADS_AWAY, name, info.name)


def inner_path(path: str, name: str) -> str:
    """A path below the archive's own folder, which is "."; one that leads elsewhere is refused."""
    parts = [part for part in PurePosixPath(path).parts if part != "."]
    if not path or ".." in parts or path.startswith("/"):
        raise unusable(ELSEWHERE, name, path)
    return "/".join(parts) or "."


@contextmanager
def archive_errors(name: str) -> Iterator[None]:
    """What gzip and tar say of a damaged archive."""
    try:
        yield
    except EOFError as error:
        raise BackupError(phrase("{name} is cut off: it ends in the middle", name=name)) from error
    except (tarfile.TarError, OSError, ValueError, OverflowError, isal_zlib.error) as error:  # type: ignore[misc]
        raise BackupError(phrase("{name} is damaged: {why}", name=name, why=error)) from error
