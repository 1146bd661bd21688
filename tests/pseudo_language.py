"""A language of strange letters: what is not in it on the page was never translated.

Each letter of a sentence becomes its wide sister (a → ａ); names of values, commands and what stands in backticks stay.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from babel.messages.pofile import write_po

from drbot.commands.speech.verbs import VERBS
from drbot.core.text.catalogue import languages, translations
from tests import messages

CODE = "xx"
WIDE = 0xFEE0
"""From a letter to its wide sister."""

_VERBS = "|".join(sorted((verb for verb in VERBS if verb != "menu"), key=len, reverse=True))
_TYPED = (
    r"`[^`]*`",  # code
    rf"(?:/dr|drbot dr)\b(?: (?:{_VERBS})\b)?",
    r"drbot (?:all|audit verify|backup (?:full|list|postgres)|bootstrap|lab (?:reset|up)|runbook check)\b",
    r"\bdrbot\b",
    r"--[a-z]+(?:-[a-z]+)*",  # options
    r"\b[A-Z]+(?:_[A-Z]+)+\b",  # variables of the environment
    r"\bdr\.yml\b",
    r"\bexited\b",  # Docker's word for the state of a container
    r"\bdocs/[\w.-]+",
    r"&\w+;",  # how Slack wants <, > and &
    r":[a-z_]+:",  # pictures
)
"""The same in every language: what people type into a machine or a file, and Slack's own marks."""
_STAYS = re.compile("|".join((r"\{\w+\}", *_TYPED)))

_QUOTED = (
    r"```.*?```",  # the last lines of another program
    r"^ *drbot dr [ -~]*$",  # a terminal's line with what can be typed next
    r"\b[A-Z2-7]{4}(?:-[A-Z2-7]{4})+\b",  # seals
    r"<[@#!][^>]*>",  # mentions, channels, dates
    r"<?https?://[^\s>|]*(?:\|[^>]*)?>?",
    r"\\u[0-9a-f]{4}",  # a letter that could pass for another is shown as its number
    *_TYPED,
)
_MADE = re.compile(r"[!-~]*(?:[A-Za-z]\d|\d[A-Za-z]|[A-Za-z]_|_[A-Za-z]|/[a-z]|[A-Za-z]\.[A-Za-z])[!-~]*")
"""What drbot or somebody's file makes a name of, by its look: run ids, hashes, volumes, dumps, paths."""
_WORD = re.compile(r"[A-Za-z]{3,}")

SAME_EVERYWHERE: Mapping[str, str] = {
    "UTC": "the time that every clock of drbot shows",
}
"""Words that stand in every language as they are, and why."""


def wide(sentence: str) -> str:
    """The sentence in strange letters."""
    parts, end = [], 0
    for stays in _STAYS.finditer(sentence):
        parts += [_wide_letters(sentence[end : stays.start()]), stays[0]]
        end = stays.end()
    return "".join([*parts, _wide_letters(sentence[end:])])


def write_language(folder: Path) -> None:
    """`xx.po` with every sentence of the code."""
    catalogue = messages.sentences()
    catalogue.locale = None
    for one in catalogue:
        if one.id:
            one.string = wide(str(one.id))
    with (folder / f"{CODE}.po").open("wb") as opened:
        write_po(opened, catalogue)


def untranslated(text: str, names: Iterable[str], values: Iterable[str] = ()) -> list[str]:
    """Words of a text that somebody reads which are neither strange nor a name, nor typed, nor quoted. `values`: names
    that are English words too, so only where nothing else is English beside them.
    """
    stays = re.compile("|".join((*_named(names), *_alone(values), *_QUOTED)), re.DOTALL | re.MULTILINE)
    left = _MADE.sub(" ", stays.sub(" ", text))
    return [word for word in _WORD.findall(left) if word not in SAME_EVERYWHERE]


def _named(names: Iterable[str]) -> list[str]:
    """Longer ones first."""
    return [rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])" for name in _longest_first(names)]


def _alone(values: Iterable[str]) -> list[str]:
    """At the begin or end of a line, else beside a strange word or a mark."""
    before = r"(?:^|(?<=[^ -~])|(?<=[^ -~] )|(?<=[^\w ])|(?<=[^\w ] ))"
    return [rf"{before}{re.escape(value)}\b(?! ?[A-Za-z-])" for value in _longest_first(values)]


def _longest_first(names: Iterable[str]) -> list[str]:
    return sorted(filter(None, names), key=len, reverse=True)


def _wide_letters(text: str) -> str:
    return "".join(chr(ord(one) + WIDE) if one.isascii() and one.isalpha() else one for one in text)


def forget_languages() -> None:
    """Files of languages are read once."""
    for cached in (languages, translations):
        cached.cache_clear()
