"""Iterators of bytes as files, digested as they pass: what libraries read from and write to."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

CHUNK = 1 << 20


class Digested:
    """Pieces of bytes with the count and SHA-256 of those that have passed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        """Itself: it passes once."""
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._sha256.update(piece)
        self.bytes += len(piece)
        return piece

    def hexdigest(self) -> str:
        """Of what has passed."""
        return self._sha256.hexdigest()


class IteratorFile(io.RawIOBase):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes. Any: typeshed's WriteableBuffer exists for type checkers only."""
        while not self._rest:
            try:
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                return 0
        view = memoryview(buffer)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class DigestingWriter:
    """A file that digests and counts what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()
