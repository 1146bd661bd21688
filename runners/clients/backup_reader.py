"""Reads a backup once from start to end: decompresses, checks the CRC, digests, scans the dump inside."""

import hashlib
import io
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Protocol

from isal import igzip, isal_zlib

from drbot.core.base.errors import BackupError, CancelledError, Cause, PermanentError
from drbot.core.text.messages import phrase
from drbot.core.text.words import size
from drbot.runners.clients.backup_store import Backup
from drbot.runners.clients.byte_streams import CHUNK
from drbot.runners.clients.dump import DumpScanner
from drbot.runners.clients.plain_files import forget_cached, open_plain
from drbot.runners.clients.reading_limits import limits_of
from drbot.runners.foundation.watching import Progress

PROGRESS_EVERY_SECONDS = 0.5


class DigestingFile(io.RawIOBase):
    """A file that digests and counts what is read from it: what it had when it was opened, though it may grow."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._opened = os.fstat(file.fileno())
        self._sha256 = hashlib.sha256()
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes. Any: typeshed's WriteableBuffer exists for type checkers only."""
        view = memoryview(buffer)
        data = self._file.read(min(len(view), self._opened.st_size - self.position))
        view[: len(data)] = data
        self._sha256.update(data)
        self.position += len(data)
        return len(data)

    @property
    def changed(self) -> bool:
        """Whether somebody has written to it since."""
        now = os.fstat(self._file.fileno())
        return (now.st_size, now.st_mtime_ns) != (self._opened.st_size, self._opened.st_mtime_ns)

    def hexdigest(self) -> str:
        """SHA-256 of everything, read to its end."""
        while self.read(CHUNK):
            pass
        return self._sha256.hexdigest()


class Sql(Protocol):
    """A dump that is read once. `sha256` and `scanner` are complete when `statements` is exhausted."""

    scanner: DumpScanner
    sha256: str  # "" where the content is under a digest already

    def statements(self) -> Iterator[bytes]: ...


class Pieces:
    """A dump that arrives in pieces from where each is under a digest."""

    def __init__(self, name: str, pieces: Iterable[bytes], total: int | None, progress: Progress) -> None:
        self.scanner = DumpScanner()
        self.sha256 = ""
        self._name = name
        self._pieces = pieces
        self._total = total
        self._progress = progress

    def statements(self) -> Iterator[bytes]:
        """What psql should execute. Raises PermanentError when it is not complete."""
        for piece in self._pieces:
            self.scanner.feed(piece)
            self._progress(self.scanner.bytes, self._total, "bytes")
            yield piece
        if not self.scanner.complete:
            raise BackupError(phrase("{name} is not complete: the dump's closing line is missing", name=self._name))


class BackupReader:
    """One pass over a backup. `sha256` and `scanner` are complete when `statements` is exhausted. `hurried`: for a
    look, which ends after the seconds a file of this size may take. `from_disk`: for whoever wants to know whether the
    disk still gives what it was given.
    """

    def __init__(
        self,
        backup: Backup,
        progress: Progress,
        cancelled: Callable[[], bool],
        *,
        hurried: bool = False,
        from_disk: bool = False,
    ) -> None:
        self.scanner = DumpScanner()
        self.sha256 = ""
        self._backup = backup
        self._progress = progress
        self._cancelled = cancelled
        self._told = 0.0
        self._from_disk = from_disk
        self._limits = limits_of(backup.size, backup.manifest.sql_bytes if backup.manifest else None)
        self._deadline = time.monotonic() + self._limits.seconds if hurried else math.inf

    def statements(self) -> Iterator[bytes]:
        """What psql should execute. Raises PermanentError when the file is cut, damaged, or still being written."""
        try:
            file = open_plain(self._backup.path)
        except OSError as error:
            raise BackupError(
                phrase("{name} cannot be read: {why}", name=self._backup.name, why=error.strerror)
            ) from error
        with file:
            if self._from_disk:
                forget_cached(file)
            source = DigestingFile(file)
            try:
                yield from self._pass(source)
            except PermanentError as error:
                if source.changed:
                    raise BackupError(phrase("{name} is still being written", name=self._backup.name)) from error
                raise
            if source.changed:
                raise BackupError(phrase("{name} is still being written", name=self._backup.name))

    def _pass(self, source: DigestingFile) -> Iterator[bytes]:
        try:
            with igzip.open(source, "rb") as unzipped:  # type: ignore[no-untyped-call]
                while chunk := unzipped.read(CHUNK):
                    self._tell(source.position)
                    self.scanner.feed(chunk)
                    yield chunk
                    self._require_within_limits()
            self.sha256 = source.hexdigest()
        except EOFError as error:
            raise BackupError(
                phrase(
                    "{name} is cut off: the file ends in the middle after {size}",
                    name=self._backup.name,
                    size=size(self._backup.size),
                )
            ) from error
        except (OSError, isal_zlib.error) as error:  # type: ignore[misc]
            raise BackupError(phrase("{name} is damaged: {why}", name=self._backup.name, why=error)) from error
        self._progress(self._backup.size, self._backup.size, "bytes")
        if not self.scanner.complete:
            raise BackupError(
                phrase(
                    "{name} is not complete: the dump's closing line is missing, so it was cut off before it was "
                    "compressed",
                    name=self._backup.name,
                )
            )

    def _require_within_limits(self) -> None:
        if self.scanner.bytes > self._limits.unpacked:
            raise BackupError(phrase("{what}: {why}", what=self._backup.name, why=self._limits.why))
        if time.monotonic() > self._deadline:
            raise PermanentError(
                phrase(
                    "{name} could not be read within {seconds} s: its disk is too slow, or it holds far more than "
                    "its size",
                    name=self._backup.name,
                    seconds=round(self._limits.seconds),
                ),
                cause=Cause.TIME,
            )

    def _tell(self, position: int) -> None:
        if self._cancelled():
            raise CancelledError(phrase("Stopped while reading {name}", name=self._backup.name))
        now = time.monotonic()
        if now - self._told >= PROGRESS_EVERY_SECONDS:
            self._told = now
            self._progress(position, self._backup.size, "bytes")
