"""Who may read a file: drbot's own are their owner's alone, the recovered system's are as everybody expects them.

Every file is made with its mode: neither what somebody's umask was, nor a moment before a chmod, leaves it open.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PRIVATE_FILE, PRIVATE_FOLDER, PUBLIC_FOLDER = 0o600, 0o700, 0o755
PRIVATE_UMASK, PUBLIC_UMASK = 0o077, 0o022

OWN = ("state.db", "state.db-wal", "state.db-shm", "logs", "evidence", "worker", "recoveries", "certbot")
"""What drbot makes below its home; other things that lie there are not drbot's to touch."""


def begin_private(home: Path) -> None:
    """At the start of a process: what it makes is its owner's alone, and what an older drbot left open is closed."""
    os.umask(PRIVATE_UMASK)
    for path in (home / name for name in OWN):
        for found in (path, *_below(path)):
            close(found)


def close(path: Path) -> None:
    """Take group and others away; somebody else's file and a link stay as they are."""
    with suppress(OSError):
        mode = path.lstat().st_mode
        if mode & 0o077 and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & 0o700)


def private(path: str, flags: int) -> int:
    """An `opener` for files that are written; one that is there already is closed too."""
    descriptor = os.open(path, flags, PRIVATE_FILE)
    with suppress(PermissionError):
        os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


def made_private(path: Path) -> None:
    """For SQLite, which gives what it puts beside a file the same mode. One that is there is never opened: closing it
    would take this process' locks away, and the next program to leave would delete the log of changes under us.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    close(path)
    with suppress(OSError):  # connecting says why
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))


def write_private(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8", opener=private) as file:
        file.write(text)


def public_folder(path: Path) -> None:
    """Make a folder of the recovered system, with those above it: its containers run as other users."""
    for missing in reversed([one for one in (path, *path.parents) if not one.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(PUBLIC_FOLDER)


def _below(path: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(path):
        yield from (Path(folder) / name for name in (*folders, *files))
