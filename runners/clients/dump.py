"""Reads a pg_dumpall stream as it passes: counts the rows, waits for the closing line, leaves out what must fail.

Used by backup, check and restore, so that all three mean the same by "rows" and "complete". Inside COPY blocks only
newlines are counted, so it keeps up with the disk.
"""

import re

CLOSING_LINE = b"-- PostgreSQL database cluster dump complete"
END_OF_ROWS = b"\\.\n"
_CONNECT = re.compile(rb"^\\connect (?:-reuse-previous=on \"dbname='(.+)'\"|\"?(.+?)\"?)\s*$")
_COPY = re.compile(rb'^COPY ("(?:[^"]|"")+"|[^".\s]+)\.("(?:[^"]|"")+"|[^".\s]+) .*FROM stdin;\s*$')
_VERSION = re.compile(rb"^-- Dumped from database version (\S+)")
# Statements of the head (before the first database) that fail on a fresh cluster although the dump is intact:
# the superuser exists already, and there is nothing to drop. Everything else that fails stops the restore.
_TOLERATED = (
    rb"^CREATE ROLE \"?%s\"?;\s*$",
    rb"^DROP ROLE (?:IF EXISTS )?.+;\s*$",
    rb"^DROP DATABASE (?:IF EXISTS )?.+;\s*$",
)


class DumpScanner:
    """Feed it the stream in pieces of any size; it returns what psql should execute."""

    def __init__(self, superuser: str = "postgres") -> None:
        self.rows: dict[str, int] = {}  # "authdb.users" → rows; other schemas: "authdb.schema.table"
        self.complete = False
        self.server_version = ""
        self.bytes = 0
        name = re.escape(superuser.encode())
        self._tolerated = [re.compile(pattern.replace(b"%s", name)) for pattern in _TOLERATED]
        self._database: str | None = None
        self._table: str | None = None  # set while inside a COPY block
        self._rest = b""
        self._in_row = False  # the beginning of the row was passed on already

    def feed(self, chunk: bytes) -> bytes:
        """The part of the stream that is complete up to a line's end, ready for psql."""
        self.bytes += len(chunk)
        data = self._rest + chunk
        ready: list[bytes] = []
        position = 0
        while True:
            after = self._rows(data, position, ready) if self._table else self._line(data, position, ready)
            if after == position:
                break
            position = after
        self._rest = data[position:]
        return b"".join(ready)

    def finish(self) -> bytes:
        """What remains after the last line's end."""
        rest, self._rest = self._rest, b""
        return rest

    def _line(self, data: bytes, start: int, ready: list[bytes]) -> int:
        """Take one line outside of COPY; `start` again when there is no whole one."""
        end = data.find(b"\n", start) + 1
        if end == 0:
            return start
        line = data[start:end]
        if self._database is None and any(pattern.match(line) for pattern in self._tolerated):
            ready.append(b"-- left out: " + line)
            return end
        ready.append(line)
        if line.startswith(b"COPY "):
            self._open_block(line)
        elif line.startswith(b"\\connect "):
            self._connect(line)
        elif line.startswith(b"--"):
            self._comment(line)
        return end

    def _rows(self, data: bytes, start: int, ready: list[bytes]) -> int:
        """Take rows up to the end of the block, or as many whole lines as there are."""
        assert self._table is not None
        if not self._in_row and data.startswith(END_OF_ROWS, start):
            end, rows = start + len(END_OF_ROWS), 0
            closed = True
        else:
            found = data.find(b"\n" + END_OF_ROWS, start)
            closed = found >= 0
            end = found + 1 + len(END_OF_ROWS) if closed else data.rfind(b"\n", start) + 1
            if end == 0:
                return self._part_of_row(data, start, ready)
            self._in_row = False
            rows = data.count(b"\n", start, end) - (1 if closed else 0)
        self.rows[self._table] += rows
        ready.append(data[start:end])
        if closed:
            self._table = None
        return end

    def _part_of_row(self, data: bytes, start: int, ready: list[bytes]) -> int:
        """Pass on a row that has no end yet: looking for it again from its start would take ages for a long one."""
        if not self._in_row and len(data) - start < len(END_OF_ROWS):
            return start  # it may become the end of the block
        ready.append(data[start:])
        self._in_row = True
        return len(data)

    def _open_block(self, line: bytes) -> None:
        found = _COPY.match(line)
        if found:
            schema, table = (unquoted(part) for part in found.groups())
            name = table if schema == "public" else f"{schema}.{table}"
            self._table = f"{self._database}.{name}"
            self.rows.setdefault(self._table, 0)

    def _connect(self, line: bytes) -> None:
        found = _CONNECT.match(line)
        if found:
            self._database = (found[1] or found[2]).decode(errors="replace")

    def _comment(self, line: bytes) -> None:
        found = _VERSION.match(line)
        if found:
            self.server_version = found[1].decode()
        elif line.startswith(CLOSING_LINE):
            self.complete = True


def unquoted(identifier: bytes) -> str:
    """The name behind an SQL identifier."""
    text = identifier.decode(errors="replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def major(version: str) -> int:
    """15 of "15.8 (Debian …)"; 0 when it says nothing."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
