"""Looks at a pg_dumpall stream as it passes: its closing line, the server's version, whether it can hold data at all.

What is in it is not read here but counted in the server it was restored into: only PostgreSQL reads SQL right.
"""

import gzip
import re
import zlib
from enum import Enum, auto
from pathlib import Path

from drbot.runners.clients.plain_files import open_plain

CLOSING_LINE = b"-- PostgreSQL database cluster dump complete"
_VERSION = re.compile(rb"\n-- Dumped from database version (\S+)\s")
# A line that can bring data: rows, or a large object. A dump without any holds definitions alone.
_DATA = re.compile(rb"\n(?:COPY |INSERT INTO |SELECT pg_catalog\.lo_)")
_KEPT = 400  # more than any line that is looked for


class Head(Enum):
    """What a compressed file says of itself in its first lines."""

    CLUSTER = auto()  # of pg_dumpall
    DATABASE = auto()  # of pg_dump
    ELSE = auto()  # of another program
    UNREADABLE = auto()  # empty, cut off, damaged, no file


_HEADS = {b"-- PostgreSQL database cluster dump": Head.CLUSTER, b"-- PostgreSQL database dump": Head.DATABASE}
_HEAD = 4096  # bytes, unpacked; some scripts put words of their own before it


def head_of(path: Path) -> Head:
    try:
        with open_plain(path) as file, gzip.open(file) as unpacked:
            said = unpacked.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return Head.UNREADABLE
    if not said:
        return Head.UNREADABLE
    return next((head for words, head in _HEADS.items() if words in said), Head.ELSE)


class DumpScanner:
    """Feed it the stream in pieces of any size. It keeps a few hundred bytes, however long a line is."""

    def __init__(self) -> None:
        self.server_version = ""  # of the first database in it; "" when it holds none
        self.holds_data = False
        self.bytes = 0
        self._tail = b"\n"

    @property
    def complete(self) -> bool:
        """Whether its last line is the closing line; only empty comments follow that."""
        lines = (line.rstrip() for line in reversed(self._tail.split(b"\n")))
        return next((line for line in lines if line not in (b"", b"--")), b"") == CLOSING_LINE

    def feed(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        if not (self.server_version and self.holds_data):
            self._look(self._tail + chunk)
        self._tail = (self._tail + chunk[-_KEPT:])[-_KEPT:]

    def _look(self, data: bytes) -> None:
        if not self.server_version and (found := _VERSION.search(data)):
            self.server_version = found[1].decode(errors="replace")
        self.holds_data = self.holds_data or _DATA.search(data) is not None


def major(version: str) -> int:
    """15 of "15.8 (Debian …)"; 0 when it says nothing that is a version."""
    found = re.match(r"\d{1,4}(?!\d)", version)
    return int(found[0]) if found else 0
