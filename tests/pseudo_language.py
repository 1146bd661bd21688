"""A language of strange letters: what is not in it on the page was never translated.

Each letter of a sentence becomes its wide sister (a → ａ); names of values, commands and what stands in backticks stay.
"""

import re
from pathlib import Path

from babel.messages.pofile import write_po

from tests import messages

CODE = "xx"
_STAYS = re.compile(
    r"\{\w+\}|`[^`]*`|dr\.yml|/?\bdr(?:bot)?(?: [a-z]+(?:-[a-z]+)*(?= |$|[).,;:])(?: --[\w-]+)?)*|&\w+;"
)
"""Values, code and what is typed; "/dr answer" and the like, up to the words after them."""
WIDE = 0xFEE0
"""From a letter to its wide sister."""


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


def _wide_letters(text: str) -> str:
    return "".join(chr(ord(one) + WIDE) if one.isascii() and one.isalpha() else one for one in text)
