"""Names that a file gives: they become paths, arguments of programs and words of cards, so each says what it may be."""

import re
from typing import Annotated

from pydantic import AfterValidator

from drbot.core.text.messages import phrase
from drbot.core.text.visible import is_hidden

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
LONGEST_TITLE = 80  # a line of a card


def _word(given: str) -> str:
    """Words that reach programs: none may look like an option."""
    if not given or given.startswith("-") or given != given.strip() or not given.isprintable():
        raise ValueError(phrase("this must not be empty, begin with - or hold control characters"))
    return given


def _name(given: str) -> str:
    if not _NAME.fullmatch(given):
        raise ValueError(
            phrase("a name begins with a letter a-z or a digit and holds only these, _ . and -; at most 100 characters")
        )
    return given


def _below(given: str) -> str:
    parts = _word(given).removesuffix("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ValueError(phrase("this must stay below its folder: no / in front, no empty part, no . and no .."))
    return given


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
Url = Annotated[Word, AfterValidator(_url)]
"""Scheme, host, port and path: what is appended to it stays the path that is asked for, and never becomes a query."""
Title = Annotated[str, AfterValidator(_title)]
"""What people call something, in any language."""
