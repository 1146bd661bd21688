"""Executes a dump in a scratch server. A dump is a program that somebody else wrote: whatever it does stays in there.

The container has no network, no rights and one volume; what a dump leaves in the volume beside data is refused.
"""

import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePosixPath

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import listed, phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.psql_judge import SHELL, PsqlJudge, refused
from drbot.runners.clients.scratch_postgres import Scratch, ask
from drbot.runners.clients.streams import feed_command
from drbot.runners.clients.tablespaces import make_room

LOOK_AFTER_SECONDS = 5.0
# Stronger than what ALTER DATABASE or ALTER ROLE sets, behind each \connect too; that itself is restored as it was.
WRITING = "-c default_transaction_read_only=off"
_CREATE_DATABASE = b"\nCREATE DATABASE "
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND wait_event = 'PgSleep'"
# The server's own notes change by themselves; everything else here is a setting, a certificate, or nobody's.
SETTINGS = ("-maxdepth", "1", "!", "-type", "d", "!", "-name", "postmaster.*", "-exec", "sha256sum", "{}", "+")


class Watch:
    """Asked again and again whether to stop; when nothing moves for a while it asks the server why."""

    def __init__(self, scratch: Scratch, container: str) -> None:
        self._scratch = scratch
        self._container = container
        self._moved_at = time.monotonic()

    def over(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces; each one is a move."""
        for piece in pieces:
            self._moved_at = time.monotonic()
            yield piece
            self._moved_at = time.monotonic()

    def __call__(self) -> bool:
        """Whether to stop. Raises PermanentError when the dump sleeps."""
        if self._scratch.cancelled():
            return True
        if time.monotonic() - self._moved_at > LOOK_AFTER_SECONDS:
            self._moved_at = time.monotonic()
            if self._sleeps():
                raise refused(phrase("it sleeps (pg_sleep), and no dump of PostgreSQL does that"))
        return False

    def _sleeps(self) -> bool:
        try:
            return ask(self._scratch, self._container, ASLEEP).strip() not in ("", "0")
        except PermanentError:  # with --clean this database goes and comes again
            return False


class CreatedDatabases:
    """The lines of a stream, counted from 1, that begin with CREATE DATABASE."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def over(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        before, rest = 1, b"\n"
        for piece in pieces:
            yield piece
            data = rest + piece
            at = data.find(_CREATE_DATABASE)
            while at >= 0:
                self.lines.append(before + data.count(b"\n", len(rest), at + 1))
                at = data.find(_CREATE_DATABASE, at + 1)
            before += piece.count(b"\n")
            rest = data[-len(_CREATE_DATABASE) + 1 :]


def execute_dump(scratch: Scratch, container: str, statements: Iterable[bytes]) -> tuple[str, ...]:
    """Feed a dump to psql; the first error that matters ends it. Returns what people should know of it, in sentences.
    Raises PermanentError with the line of the dump, CancelledError.
    """
    replace_shell(scratch, container)
    before = settings(scratch, container)
    judge, watch = PsqlJudge(), Watch(scratch, container)
    notes: list[str] = []
    # -f - makes psql name the line of an error
    command = ["psql", "-Xq", "-v", "VERBOSITY=verbose", "-v", "SHOW_CONTEXT=errors", "-U", scratch.user]
    command += ["-d", "postgres", "-o", "/dev/null", "-f", "-"]
    created = CreatedDatabases()
    pieces = watch.over(created.over(make_room(scratch, container, statements, notes)))
    ended = feed_command(
        scratch.engine,
        container,
        command,
        chain(pieces, [judge.epilogue]),
        watch,
        {"PGPASSWORD": scratch.recipe.environment.get("POSTGRES_PASSWORD", ""), "LC_ALL": "C", "PGOPTIONS": WRITING},
        user="postgres",
        heard=judge.hear,
    )
    judge.finish(ended.code, created.lines)
    require_same_settings(before, settings(scratch, container))
    return tuple(notes)


def replace_shell(scratch: Scratch, container: str) -> None:
    """The server is up and needs no shell any more: from here on, who asks for one is heard."""
    helper.put(scratch.engine, container, PurePosixPath("/bin/sh"), SHELL, mode=0o755)


def settings(scratch: Scratch, container: str) -> dict[str, str]:
    """The files beside the data and their digests."""
    said = scratch.engine.execute(container, ["find", scratch.recipe.data_folder, *SETTINGS], seconds=60)
    if said.code != 0:
        raise PermanentError(
            phrase("The settings of the temporary server could not be read: {said}", said=ending(said.output, 200))
        )
    pairs = (line.split(maxsplit=1) for line in said.output.splitlines())
    return {path.rpartition("/")[2]: digest for digest, path in pairs}


def require_same_settings(before: dict[str, str], after: dict[str, str]) -> None:
    """What came with the dump is data; settings would reach production by the swap. Raises PermanentError."""
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if changed:
        raise refused(
            phrase(
                "it changes the server's own files ({names}), as ALTER SYSTEM does; no dump of PostgreSQL does that",
                names=listed(changed[:3]),
            )
        )
