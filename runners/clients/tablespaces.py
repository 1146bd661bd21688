"""Tablespaces of a dump: their folders must be there before it is executed, inside the volume that is swapped in."""

import re
from collections.abc import Iterable, Iterator

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients.scratch_postgres import Scratch, ask

FOLDER = "drbot_tablespaces"
_HEAD_BYTES = 64 << 20  # pg_dumpall names tablespaces before the first database
_FIRST_DATABASE = b"\n\\connect "
_NAME = rb'("(?:[^"]|"")+"|[^\s"]+)'
_CREATE = re.compile(rb"^CREATE TABLESPACE " + _NAME + rb" OWNER .+ LOCATION '((?:[^']|'')*)';$", re.MULTILINE)


def make_room(scratch: Scratch, container: str, statements: Iterable[bytes], notes: list[str]) -> Iterator[bytes]:
    """The same statements, with every tablespace's folder there before they are executed. One that lay outside of the
    volume is made inside of it, and told in `notes`. Raises PermanentError.
    """
    pieces = iter(statements)
    head, end = bytearray(), -1
    for piece in pieces:
        looked = max(0, len(head) - len(_FIRST_DATABASE))
        head += piece
        end = head.find(_FIRST_DATABASE, looked)
        if end >= 0 or len(head) > _HEAD_BYTES:
            break
    for found in _CREATE.finditer(head, 0, end if end >= 0 else len(head)):
        _prepare(scratch, container, found[1].decode(), found[2].decode().replace("''", "'"), notes)
    yield bytes(head)
    yield from pieces


def _prepare(scratch: Scratch, container: str, name: str, location: str, notes: list[str]) -> None:
    volume = scratch.recipe.mounted_at.rstrip("/")
    if location.startswith(f"{volume}/") and ".." not in location.split("/"):
        _make_folder(scratch, container, location)
        return
    folder = f"{volume}/{FOLDER}/{len(notes) + 1}"
    _make_folder(scratch, container, folder)
    ask(scratch, container, f"CREATE TABLESPACE {name} LOCATION '{folder}'")
    notes.append(
        phrase(
            "The tablespace {name} was at {location}, outside of the volume; in the copy it is inside.",
            name=name,
            location=location,
        )
    )


def _make_folder(scratch: Scratch, container: str, path: str) -> None:
    made = scratch.engine.execute(container, ["install", "-d", "-o", "postgres", "-m", "0700", path], seconds=20)
    if made.code != 0:
        raise PermanentError(
            phrase(
                "The folder {path} of a tablespace could not be made: {said}", path=path, said=ending(made.output, 200)
            )
        )
