"""Opens what lies in a folder that others write to: regular files only, and never waiting for what is none.

A pipe without a writer would hold whoever opens it for ever; a device may do anything.
"""

import errno
import hashlib
import io
import os
import stat
from contextlib import suppress
from pathlib import Path

from drbot.core.text.messages import phrase

KINDS = {
    stat.S_IFIFO: phrase("a pipe"),
    stat.S_IFSOCK: phrase("a socket"),
    stat.S_IFDIR: phrase("a folder"),
    stat.S_IFCHR: phrase("a device"),
    stat.S_IFBLK: phrase("a device"),
}


def stat_plain(path: Path) -> os.stat_result:
    """What is known of a regular file, through links. Raises OSError, also for what is none."""
    found = path.stat()
    _require_plain(found, path)
    return found


def open_plain(path: Path) -> io.BufferedReader:
    """A regular file for reading. Raises OSError, also for what is none."""
    stat_plain(path)  # before it is opened: opening a device may already do something
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    try:
        _require_plain(os.fstat(file.fileno()), path)  # it may have been exchanged in between
    except OSError:
        file.close()
        raise
    return file


def forget_cached(file: io.BufferedReader) -> None:
    """What is read next comes from the disk, and not from memory, which knows nothing of what a disk has spoiled since.
    Where the host keeps it all the same, or the file system knows no disk, it comes as it does.
    """
    with suppress(OSError):
        os.fdatasync(file.fileno())  # what was not written yet would stay
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_plain(path: Path, most: int) -> bytes:
    """A small regular file as a whole. Raises OSError, also when it has more than `most` bytes."""
    with open_plain(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, phrase("it has more than {most} bytes", most=most), str(path))
    return data


def digest_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_plain(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), phrase("no regular file"))
        raise OSError(errno.EINVAL, phrase("it is {kind}, not a file", kind=kind), str(path))
