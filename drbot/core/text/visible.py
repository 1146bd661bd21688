"""Free text made safe to read: what cannot be seen, or looks like something else, is shown escaped.

An approver must read what is there. Used for Slack and for the terminal, where a
control character could also move the cursor over what stands there.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

KEPT = frozenset("\n\t\u3000")
"""Line ends, tabs and the wide space of Japanese are layout."""

_HIDDEN_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that draw nothing."""

_OTHER_ALPHABETS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "DESERET", "FULLWIDTH"})
_LOOK_LATIN = frozenset("авгеіјкмнорсѕтухһԁԛԝӏьАВЕІЈКМНОРСЅТУХԌԚԜӀ" + "αικνορτυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ" + "օսհոցԼՕՍ")
"""Letters of other alphabets that most fonts draw like a Latin one."""

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}")
_ORDINARY = re.compile(r"[\n\t\x20-\x7e]*")


def storable(text: str) -> str:
    """No half letters and no zero bytes: no database takes them, and no vote or alert must fail because of one."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


@lru_cache(maxsize=512)  # a board shows the same texts at every edit
def visible(text: str) -> str:
    """The text as an eye may trust it: `\\u202e` for what turns, hides or moves, `\\u0430` for what imitates."""
    if _ORDINARY.fullmatch(text):
        return text
    seen = "".join(_escaped(letter) if is_hidden(letter) or _is_styled(letter) else letter for letter in text)
    imitating = set(_imitations(seen))
    return "".join(_escaped(letter) if place in imitating else letter for place, letter in enumerate(seen))


def is_hidden(letter: str) -> bool:
    """Whether it draws nothing, turns the direction, or is a space that is none."""
    if letter in KEPT:
        return False
    kind = unicodedata.category(letter)
    return kind in _HIDDEN_KINDS or letter in _HIDDEN or (kind == "Zs" and letter != " ")


def _is_styled(letter: str) -> bool:
    """𝗽 and its sisters."""
    return unicodedata.decomposition(letter).startswith("<font>")


def _imitations(text: str) -> Iterator[int]:
    """Places of letters that pass for Latin ones: beside Latin letters in a word, or where nothing else is in it. What
    is escaped already belongs to no word, or its Latin letters would make imitations of its neighbours.
    """
    text = _ESCAPE.sub(lambda escape: " " * len(escape.group()), text)
    for word in _WORD.finditer(text):
        letters = [letter for letter in word.group() if letter.isalpha()]
        mixed = any(letter.isascii() for letter in letters)
        for place, letter in enumerate(word.group(), word.start()):
            if letter.isascii() or _alphabet(letter) not in _OTHER_ALPHABETS:
                continue
            if mixed or all(one in _LOOK_LATIN for one in letters):
                yield place


def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
