"""drbot's own sentences in Japanese, wherever a worker has written them down.

What a worker writes into database and ledger is English, so that there is one record of it. Surfaces that speak
Japanese find drbot's own sentences in it again (core/japanese_sentences.py); names, numbers, the words of people and of
other programs stay as they are, and so does a sentence that has no Japanese yet.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from drbot.core.japanese_sentences import SENTENCES
from drbot.core.plan import Plan
from drbot.core.words import Text

Titles = Mapping[str, str]
"""Step id → its title in Japanese."""

LONGEST = 1500
"""Letters of a name, or of a list of names."""

_NAME = re.compile(r"\{(\w+)\}")
_BEGINNING = re.compile(r"^(?:[^:()]+ \()?([\w-]+)\)?: ")
"""The step that it is about: "swap: …" or "Put the data in place (swap): …"."""
_END = re.compile(r"。 |(?<=[\u3040-\u9fff)])\.(?: |$)")
_OWN_WORDS: Titles = {}


def said_in(language: str, english: str, titles: Titles = _OWN_WORDS) -> str:
    """What a worker wrote, in this language."""
    return japanese(english, titles) if language == "ja" else english


def spoken(english: str, titles: Titles = _OWN_WORDS) -> Text:
    """What a worker wrote, for people of both languages."""
    return {"en": english, "ja": japanese(english, titles)}


def japanese(english: str, titles: Titles = _OWN_WORDS) -> str:
    """The same with drbot's sentences in Japanese; steps are called by their titles where `titles` has them."""
    said = _BEGINNING.sub(lambda found: f"「{titles[found[1]]}」: " if found[1] in titles else found[0], english)
    for one in _patterns():
        if one.literal in said:
            said = one.pattern.sub(_filled(one.japanese, titles), said)
    return _END.sub("。", said) if said != english else english


def titles_of(plan: Plan | None) -> Titles:
    """Of the steps of a plan."""
    return {step.id: step.title.get("ja", step.id) for step in plan.steps} if plan is not None else {}


def _filled(sentence: str, titles: Titles) -> Callable[[re.Match[str]], str]:
    def fill(found: re.Match[str]) -> str:
        values = found.groupdict()
        if "steps" in values:
            values["steps"] = "、".join(_step(one, titles) for one in values["steps"].split(", "))
        return sentence.format(**values)

    return fill


def _step(said: str, titles: Titles) -> str:
    """A step; of a run at another site it is "step at site"."""
    step, _, site = said.partition(" at ")
    return f"「{titles.get(step, step)}」" + (f" ({site})" if site else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sentence:
    """One of the catalogue. `literal`: its longest words without a name, looked for before the pattern is tried."""

    literal: str
    pattern: re.Pattern[str]
    japanese: str


@cache
def _patterns() -> tuple[_Sentence, ...]:
    """The longest first: a shorter one may be a part of it."""
    longest_first = sorted(SENTENCES.items(), key=lambda pair: len(pair[0]), reverse=True)
    return tuple(
        _Sentence(
            literal=max(_NAME.split(english)[0::2], key=len), pattern=re.compile(_expression(english)), japanese=said
        )
        for english, said in longest_first
    )


def _expression(english: str) -> str:
    """A name never reaches over the end of a sentence; one at the edge of the pattern ends where the sentence does."""
    parts = _NAME.split(english)
    literals, names = parts[0::2], parts[1::2]
    found = re.escape(literals[0]) if literals[0] else r"(?:^|(?<=[.:;?。] )|(?<=[。]))(?! )"
    for name, literal in zip(names, literals[1:], strict=True):
        found += rf"(?P<{name}>(?:(?!\. |; |。).){{1,{LONGEST}}}?){re.escape(literal)}"
    if english.endswith("}"):
        found += r"(?=; |、|\. |\.?$)"
    start = "(?<![A-Za-z0-9_])" if literals[0] else ""
    return start + (f"{found[:-2]}\\.(?= |$)" if found.endswith(r"\.") else found)
