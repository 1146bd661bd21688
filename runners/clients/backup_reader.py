"""Reads a backup once from start to end: decompresses, checks the CRC, digests, scans the dump inside."""

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from isal import igzip, isal_zlib

from core.errors import CancelledError, PermanentError
from core.words import size
from runners.clients.backup_store import Backup
from runners.clients.dump import DumpScanner

CHUNK = 1 << 20
PROGRESS_EVERY_SECONDS = 0.5

Progress = Callable[[float, float | None, str], None]


class DigestingFile(io.RawIOBase):
    """A file that digests and counts what is read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes. Any: typeshed's WriteableBuffer exists for type checkers only."""
        view = memoryview(buffer)
        data = self._file.read(len(view))
        view[: len(data)] = data
        self._sha256.update(data)
        self.position += len(data)
        return len(data)

    def hexdigest(self) -> str:
        """SHA-256 of everything, read to its end."""
        while self.read(CHUNK):
            pass
        return self._sha256.hexdigest()


class BackupReader:
    """One pass over a backup. `sha256` and `scanner` are complete when `statements` is exhausted."""

    def __init__(self, backup: Backup, superuser: str, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.scanner = DumpScanner(superuser)
        self.sha256 = ""
        self._backup = backup
        self._progress = progress
        self._cancelled = cancelled
        self._told = 0.0

    def statements(self) -> Iterator[bytes]:
        """What psql should execute. Raises PermanentError when the file is cut, damaged or not complete."""
        try:
            with self._backup.path.open("rb") as file:
                source = DigestingFile(file)
                with igzip.open(source, "rb") as unzipped:  # type: ignore[no-untyped-call]
                    while chunk := unzipped.read(CHUNK):
                        self._tell(source.position)
                        yield self.scanner.feed(chunk)
                yield self.scanner.finish()
                self.sha256 = source.hexdigest()
        except EOFError as error:
            raise PermanentError(
                f"{self._backup.name} is cut off: the file ends in the middle after {size(self._backup.size)}"
            ) from error
        except (OSError, isal_zlib.error) as error:  # type: ignore[misc]
            raise PermanentError(f"{self._backup.name} is damaged: {error}") from error
        self._progress(self._backup.size, self._backup.size, "bytes")
        if not self.scanner.complete:
            raise PermanentError(
                f"{self._backup.name} is not complete: the dump's closing line is missing, so it was cut off "
                "before it was compressed"
            )

    def _tell(self, position: int) -> None:
        if self._cancelled():
            raise CancelledError(f"Stopped while reading {self._backup.name}")
        now = time.monotonic()
        if now - self._told >= PROGRESS_EVERY_SECONDS:
            self._told = now
            self._progress(position, self._backup.size, "bytes")
