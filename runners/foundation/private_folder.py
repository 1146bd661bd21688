"""A folder that only the worker's user can read: small JSON files, whole or not at all, for several processes."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.text.messages import phrase

LOCKS = "locks"


class PrivateFolder:
    """Mode 0700; its files have 0600."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process and one thread at a time, for a read and the write that follows from it."""
        with _told(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.fdopen(os.open(self.folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Until the end of the block, or of this process, whoever ends it. Several may hold the same name."""
        path = self.folder / LOCKS / name
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # never long: whoever looks has it for a moment
            yield

    @contextmanager
    def taken(self, name: str) -> Iterator[bool]:
        """Whether it is ours alone until the end of the block, or of this process, whoever ends it; never waits."""
        path = self.folder / LOCKS / name
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def held_now(self, pattern: str) -> list[str]:
        """Which names that match are held by anybody on this host."""
        return [path.name for path in sorted((self.folder / LOCKS).glob(pattern)) if _is_held(path)]

    def read(self, name: str) -> Any:
        """The JSON in a file; None where there is none. Raises PermanentError when it is damaged."""
        path = self.folder / name
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise PermanentError(phrase("{path} cannot be read: {why}", path=path, why=error)) from error

    def write(self, name: str, value: Any) -> None:
        """Replace a file; on the disk when this returns. Raises TemporaryError when there is no room."""
        path = self.folder / name
        fresh = path.with_name(f"{path.name}.new")
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(value, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)


def _is_held(path: Path) -> bool:
    with _told(path), path.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TemporaryError(
            phrase("{path} cannot be written: {why}", path=path, why=error.strerror or error), kind="busy"
        ) from error
