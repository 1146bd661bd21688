"""Sentences for people: English stands in the code, every other language in a file of drbot/languages.

A `Message` is a `str`, its English, that knows how it was made; so whoever hands it on need not know. It is put into
words where somebody reads it: `say(message, language)`. An f-string, `+` and `join` make plain English of it: put a
message into another one as a value of `phrase`, or with `sentences`, `listed`, `clauses`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import LiteralString

from drbot.core.text.catalogue import translated

Value = str | int | float
"""What a template names: a name, a number, another message."""
Text = Mapping[str, str]
"""Somebody's own words in several languages, by code: `{"en": …, "ja": …}`; a runbook's titles."""

COUNTED = frozenset({"count", "files", "found", "held", "keys", "rows", "tables", "then", "total", "wanted"})
"""Values whose numbers are amounts: 13,000, and not the names of anything."""

_NAMED = re.compile(r"\{(\w+)\}")


class Message(str):
    """English, and the way to every other language. Two with the same English are equal."""

    __slots__ = ()

    def __str__(self) -> str:
        """Itself: `str(error)` is still a message."""
        return self

    def said_in(self, language: str) -> str:
        """Plain words of this language; English where it has none."""
        raise NotImplementedError


class Phrase(Message):
    """A template of the catalogue and its values."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value]) -> "Phrase":
        """English at once: most readers need nothing else."""
        made = super().__new__(cls, _filled_in("en", template, values))
        made.template, made.values = template, dict(values)
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, Value]]:  # type: ignore[override]
        """For copies."""
        return self.template, self.values

    def said_in(self, language: str) -> str:
        """The template's translation with the values in this language."""
        return _filled_in(language, translated(self.template, language), self.values)


class Series(Message):
    """Messages after one another; `joint` is a template of the catalogue with `{one}` and `{other}`."""

    __slots__ = ("joint", "parts")
    joint: str
    parts: tuple[str, ...]

    def __new__(cls, joint: str, parts: Iterable[str]) -> "Series":
        """Empty parts are left out."""
        kept = tuple(part for part in parts if part)
        made = super().__new__(cls, _joined("en", joint, kept))
        made.joint, made.parts = joint, kept
        return made

    def __getnewargs__(self) -> tuple[str, tuple[str, ...]]:  # type: ignore[override]
        """For copies."""
        return self.joint, self.parts

    def said_in(self, language: str) -> str:
        """Every part in this language, joined as this language does."""
        return _joined(language, translated(self.joint, language), self.parts)


class OwnWords(Message):
    """What somebody wrote in several languages; not of the catalogue."""

    __slots__ = ("languages",)
    languages: Text

    def __new__(cls, languages: Text) -> "OwnWords":
        """English, or the first language there is."""
        made = super().__new__(cls, languages.get("en") or next(iter(languages.values()), ""))
        made.languages = dict(languages)
        return made

    def __getnewargs__(self) -> tuple[Text]:  # type: ignore[override]
        """For copies."""
        return (self.languages,)

    def said_in(self, language: str) -> str:
        """In this language, else as `str` has it."""
        return self.languages.get(language) or str.__str__(self)


def phrase(template: LiteralString, **values: object) -> Phrase:
    """A sentence of the catalogue, with its `{names}` filled in; a name without a value stays as it is (`filled`)."""
    return Phrase(template, {name: _value(value) for name, value in values.items()})


def filled(message: str, **values: object) -> str:
    """A phrase out of a table, with the values that were not known there."""
    if not isinstance(message, Phrase):
        return message
    return Phrase(message.template, {**message.values, **{name: _value(one) for name, one in values.items()}})


def changed(text: str, change: Callable[[str], str]) -> str:
    """The same message with every name and quoted word in it changed: secrets masked."""
    if isinstance(text, Phrase):
        values = text.values.items()
        return Phrase(
            text.template, {key: changed(one, change) if isinstance(one, str) else one for key, one in values}
        )
    if isinstance(text, Series):
        return Series(text.joint, (changed(part, change) for part in text.parts))
    if isinstance(text, OwnWords):
        return OwnWords({language: change(words) for language, words in text.languages.items()})
    return change(text)


def say(text: str, language: str) -> str:
    """Plain words of this language, for a surface."""
    return text.said_in(language) if isinstance(text, Message) else text


def sentences(*parts: str) -> Series:
    """One sentence after another; each ends with its own full stop."""
    return Series(_SENTENCES, parts)


def clauses(parts: Iterable[str]) -> Series:
    """Several findings in one sentence: "one is gone; the other is full"."""
    return Series(_CLAUSES, parts)


def listed(parts: Iterable[str]) -> Series:
    """Names: "api, cache, db"."""
    return Series(_LIST, parts)


def lines(parts: Iterable[str]) -> Series:
    """One under the other."""
    return Series(_LINES, parts)


def either(parts: Sequence[str]) -> str:
    """Names of which one is meant: "api, cache or db"."""
    if len(parts) < 2:
        return listed(parts)
    return phrase("{names} or {last}", names=listed(parts[:-1]), last=parts[-1])


def all_of(parts: Sequence[str]) -> str:
    """Names that are all meant: "api, cache and db"."""
    if len(parts) < 2:
        return listed(parts)
    return phrase("{names} and {last}", names=listed(parts[:-1]), last=parts[-1])


def and_more(parts: Sequence[str], most: int) -> str:
    """The first `most` names and how many there are besides: "api, cache and 3 more"."""
    if len(parts) <= most:
        return listed(parts)
    return phrase("{names} and {count} more", names=listed(parts[:most]), count=len(parts) - most)


def closed(sentence: str) -> str:
    """With a full stop, if it ends with none."""
    if not sentence or sentence.endswith((".", "?", "!", "…")):
        return sentence
    return phrase("{sentence}.", sentence=sentence)


def duration(seconds: float) -> str:
    """As people say it: "43 s", "12 min", "1 h 05 min", "3 d 4 h"."""
    total = max(0, round(seconds))
    if total < 60:
        return phrase("{seconds} s", seconds=total)
    if total < 600 and total % 60:
        return phrase("{minutes} min {seconds} s", minutes=total // 60, seconds=f"{total % 60:02d}")
    if total < 3600:
        return phrase("{minutes} min", minutes=total // 60)
    if total < 86_400:
        return phrase("{hours} h {minutes} min", hours=total // 3600, minutes=f"{total % 3600 // 60:02d}")
    return phrase("{days} d {hours} h", days=total // 86_400, hours=total % 86_400 // 3600)


def _value(value: object) -> Value:
    if isinstance(value, Message) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return str(value)


def _filled_in(language: str, template: str, values: Mapping[str, Value]) -> str:
    """Names only: no attributes, no widths, whoever wrote the template."""

    def value(found: re.Match[str]) -> str:
        one = values.get(found[1], found[0])
        if isinstance(one, str):
            return say(one, language)
        return f"{one:,}" if found[1] in COUNTED else f"{one}"

    return _NAMED.sub(value, template)


def _joined(language: str, joint: str, parts: Sequence[str]) -> str:
    before, _, rest = joint.partition("{one}")
    between, _, after = rest.partition("{other}")
    said = between.join(say(part, language) for part in parts)
    return f"{before}{said}{after}" if len(parts) > 1 else said


_LIST, _SENTENCES = phrase("{one}, {other}").template, phrase("{one} {other}").template
_CLAUSES, _LINES = phrase("{one}; {other}").template, phrase("{one}\n{other}").template
