"""Judges what psql says while it executes a dump. The server's SQLSTATE and the function that raised it decide.

psql goes on after an error, so that a dump made with --clean restores; whoever listens here ends it at the first error
that is none of the few below. What a dump sets inside psql cannot change that.
"""

import re
import secrets
from collections.abc import Mapping, Sequence

from drbot.core.base.errors import BackupError, Cause, PermanentError
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.runners.clients.hijacked import KILLED

# (SQLSTATE, function of the server): what fails on a new cluster although the dump is good.
TOLERATED = frozenset(
    {
        ("42710", "CreateRole"),  # the superuser is there already
        ("42704", "DropRole"),  # --clean: nothing to drop
        ("55006", "DropRole"),  # --clean: the superuser cannot drop itself
        ("3D000", "dropdb"),
        ("42704", "DropTableSpace"),
        ("42710", "CreateTableSpace"),  # made beforehand, inside the volume
    }
)
# pg_dump sets the encoding of the next database while it is still connected to the one before; where there is no way
# between these two, that fails, and is set again after \connect. It must be followed by CREATE DATABASE.
ENCODING = ("0A000", 'invalid value for parameter "client_encoding"')
_SOON = 100  # lines
HARMLESS = frozenset({"NOTICE", "WARNING", "INFO", "LOG", "DEBUG"})
# In a scratch server the shell is this program: it complains, so that a dump that wants to run something is heard.
SHELL = b"#!/bin/cat\n"
_SHELL_SAYS = "/bin/cat: "
_BEGINS = re.compile(r"^psql:(?:(?P<file>.*?):(?P<line>\d+):)? ?(?P<said>.*)$")
_SERVER = re.compile(r"^(?P<severity>[A-Z]+):  (?P<state>[0-9A-Z]{5}): (?P<text>.*)$")
_WHERE = re.compile(r"^CONTEXT:  (COPY [^,:]+, line \d+(?:, column [^:]+)?)")
# Classes and states of the server's errors that say nothing about the dump; with none the connection broke.
NOT_THE_DUMP: Mapping[str, Cause] = {
    "53100": Cause.DISK,
    "53200": Cause.MEMORY,
    "57P": Cause.ENGINE,
    "08": Cause.ENGINE,
}
LOST = 2  # exit code of psql without its connection
_BROKEN_OFF = re.compile(r"server closed the connection|connection to server was lost|could not receive data")
_LONGEST = 60  # lines of a message that are kept


class PsqlJudge:
    """Hears both streams of one psql that was started with VERBOSITY=verbose. Raises PermanentError from `hear`."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._rest: dict[int, bytes] = {}
        self._message: list[str] = []
        self._at_end = False
        self._encodings: list[tuple[int, list[str]]] = []  # line, message

    @property
    def epilogue(self) -> bytes:
        """To be executed after the dump; only where it is reached, and psql is as it was, the dump has ended well."""
        return f"\n\\echo {self._secret} :VERBOSITY :SHOW_CONTEXT\n".encode()

    def hear(self, stream: int, piece: bytes) -> None:
        """The next bytes. Raises PermanentError at the first message that is not harmless."""
        *lines, self._rest[stream] = (self._rest.get(stream, b"") + piece).split(b"\n")
        for line in lines:
            self._line(line.decode(errors="replace"))

    def finish(self, code: int, databases: Sequence[int] = ()) -> None:
        """psql has ended. `databases`: the lines of the dump that begin with CREATE DATABASE. Raises PermanentError
        when it did not come to the end of the dump.
        """
        for rest in list(self._rest.values()):
            self._line(rest.decode(errors="replace"))
        self._settle()
        for line, message in self._encodings:
            if not any(line < created < line + _SOON for created in databases):
                raise judged(message)
        if not self._at_end and code in (LOST, KILLED):
            raise broken_off(phrase("psql ended (exit code {code})", code=code), Cause.OTHER)
        if not self._at_end:
            raise refused(
                phrase("psql ended in the middle of it (exit code {code}), or its settings were changed", code=code)
            )

    def _line(self, line: str) -> None:
        if line.startswith(_SHELL_SAYS):
            raise refused(phrase("it runs a program, and no dump of PostgreSQL does that"))
        if line == f"{self._secret} verbose errors":
            self._settle()
            self._at_end = True
        elif _BEGINS.match(line):
            self._settle()
            self._message = [line]
        elif self._message and len(self._message) < _LONGEST:
            self._message.append(line)
            if line.startswith("LOCATION:") and not is_harmless(self._message):
                self._settle()  # at once; a harmless one waits for its end, for a text may have such a line too

    def _settle(self) -> None:
        message, self._message = self._message, []
        if not message or is_harmless(message):
            return
        line = encoding_line(message)
        if line is None:
            raise judged(message)
        self._encodings.append((line, message))


def is_harmless(message: list[str]) -> bool:
    """Whether a dump that makes psql say this is good all the same."""
    begins = _BEGINS.match(message[0])
    server = _SERVER.match(begins["said"]) if begins else None
    if begins is None or begins["file"] != "<stdin>":  # what a file says that the dump had read in
        return False
    if server is None:
        return begins["said"].startswith("warning: ")
    said_last = next((line for line in reversed(message) if line.startswith("LOCATION:  ")), "")
    where = said_last.removeprefix("LOCATION:  ").partition(",")[0]
    return server["severity"] in HARMLESS or (server["state"], where) in TOLERATED


def encoding_line(message: list[str]) -> int | None:
    """The line of the dump where an encoding could not be set; None for every other error."""
    begins = _BEGINS.match(message[0])
    server = _SERVER.match(begins["said"]) if begins and begins["file"] == "<stdin>" else None
    if begins is None or server is None or server["state"] != ENCODING[0] or not server["text"].startswith(ENCODING[1]):
        return None
    return int(begins["line"])


def complaint(message: list[str]) -> str:
    """The error with its line and table, without the row it quotes: that is somebody's data."""
    begins = _BEGINS.match(message[0])
    if begins is None:
        return cut(message[0], 240)
    server = _SERVER.match(begins["said"])
    told = cut(f"{server['severity']}: {server['text']}" if server else begins["said"], 240)
    where = next((found[1] for line in message if (found := _WHERE.match(line))), None)
    said = f"{told} ({where})" if where else told
    if not begins["line"]:
        return said
    if begins["file"] in ("<stdin>", None):
        return phrase("line {line} of the dump: {why}", line=begins["line"], why=said)
    return phrase("line {line} of {file}: {why}", line=begins["line"], file=begins["file"], why=said)


def judged(message: list[str]) -> PermanentError:
    """By the server's SQLSTATE; where the connection broke, whoever has the container knows why."""
    begins = _BEGINS.match(message[0])
    said = begins["said"] if begins else message[0]
    server = _SERVER.match(said)
    if server is None and _BROKEN_OFF.search(said):
        return broken_off(complaint(message), Cause.OTHER)
    state = server["state"] if server else ""
    cause = next((cause for start, cause in NOT_THE_DUMP.items() if state.startswith(start)), None)
    return refused(complaint(message)) if cause is None else broken_off(complaint(message), cause)


def broken_off(why: str, cause: Cause) -> PermanentError:
    return PermanentError(phrase("The restore broke off: {why}", why=why), cause=cause)


def refused(why: str) -> BackupError:
    return BackupError(phrase("The backup does not restore: {why}", why=why))
