"""Names that a file gives: they become paths, arguments of programs and words of cards, so each says what it may be."""

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator

from drbot.core.text.messages import phrase
from drbot.core.text.visible import is_hidden

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_PART = re.compile(r"(?!\.{1,2}$)[\w.@+=~-]{1,255}")
_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
OF_THE_HOST = frozenset(("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr"))
"""Folders that nobody restores from the backup of a system."""
_ENGINE = PurePosixPath("/var/lib/docker")
LONGEST_TITLE = 80  # a line of a card


def _word(given: str) -> str:
    """Words that reach programs: none may look like an option."""
    if not given or given.startswith("-") or given != given.strip() or not given.isprintable():
        raise ValueError(phrase("this must not be empty, begin with - or hold control characters"))
    return given


def is_name(given: str) -> bool:
    """Whether it can be one part of a path, and one word of a card."""
    return _NAME.fullmatch(given) is not None


def _name(given: str) -> str:
    if not is_name(given):
        raise ValueError(
            phrase("a name begins with a letter a-z or a digit and holds only these, _ . and -; at most 100 characters")
        )
    return given


def _below(given: str) -> str:
    parts = _word(given).removesuffix("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ValueError(phrase("this must stay below its folder: no / in front, no empty part, no . and no .."))
    return given


def _place(given: str) -> str:
    if "/" not in given:
        return _name(given)
    root, parts = ("/" if given.startswith("/") else "./"), given.removeprefix(".").strip("/").split("/")
    if ".." in parts or not all(_PART.fullmatch(part) for part in parts):
        raise ValueError(
            phrase("the path of a folder holds letters, digits, _ . - @ + = and ~ between its /, and neither . nor ..")
        )
    if root == "/" and len(parts) < 2:
        raise ValueError(phrase("drbot works beside a folder of data, never in /: give one that lies deeper"))
    return root + "/".join(parts)


def _kept(given: str) -> str:
    if not given.startswith("/"):
        return _below(given)
    top, place = given.split("/")[1], PurePosixPath(given)
    if top in OF_THE_HOST:
        raise ValueError(phrase("this must be a folder of data, and /{top} belongs to the host", top=top))
    if place.is_relative_to(_ENGINE) or _ENGINE.is_relative_to(place):
        raise ValueError(phrase("this must be a folder of data, and {place} is Docker's: name volumes", place=_ENGINE))
    return _place(given)


def _url(given: str) -> str:
    if not _URL.fullmatch(given):
        raise ValueError(
            phrase("this must begin with http:// or https://, then host, port and path: http://localhost:9000")
        )
    return given


def _title(given: str) -> str:
    if len(given) > LONGEST_TITLE or any(is_hidden(letter) or letter in "\n\t" for letter in given):
        raise ValueError(
            phrase("this must be one line of at most {count} letters that can all be seen", count=LONGEST_TITLE)
        )
    return given


Word = Annotated[str, AfterValidator(_word)]
Name = Annotated[str, AfterValidator(_name)]
"""Of a site, service, project, volume or person: as it is one part of a path, and one word of a card."""
Below = Annotated[str, AfterValidator(_below)]
"""A name, or a path that leads out of no folder."""
Kept = Annotated[str, AfterValidator(_kept)]
"""What full backups keep: a volume, a folder by its whole path, or (with a slash) one below the projects."""
Place = Annotated[str, AfterValidator(_place)]
"""Where a store's data lies: the real name of a volume, or (with a slash) a folder."""
Url = Annotated[Word, AfterValidator(_url)]
"""Scheme, host, port and path: what is appended to it stays the path that is asked for, and never becomes a query."""
Title = Annotated[str, AfterValidator(_title)]
"""What people call something, in any language."""


def is_folder(place: str) -> bool:
    """Whether data lies in a folder of the engine's host, and not in a volume."""
    return "/" in place


def is_below(kept: str) -> bool:
    """Whether an entry of `files` lies below the projects, and comes and goes with them."""
    return is_folder(kept) and not kept.startswith("/")


def is_unnamed(volume: str) -> bool:
    """Whether that is what the engine calls a volume without a name: the next container gets another one."""
    return bool(re.fullmatch(r"[0-9a-f]{64}", volume))
