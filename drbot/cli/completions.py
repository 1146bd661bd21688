"""The verbs of `/dr` as the local Slack's page and the shell complete them: made of the words the help is made of."""

import re
from collections.abc import Sequence

from drbot.commands.speech.verbs import VERBS, VerbWords
from drbot.core.site.level import LEVEL_TEXTS
from drbot.core.text.messages import say
from drbot.slack_simulator.completions import Completion

ABOUT = {f"level{level.value}": text for level, text in LEVEL_TEXTS.items()}


def completions(language: str) -> tuple[Completion, ...]:
    """Every verb that can be typed, its help in this language."""
    return tuple(_completion(verb, words, language) for verb, words in VERBS.items() if words.usage)


def _completion(verb: str, words: VerbWords, language: str) -> Completion:
    usage = words.usage.removeprefix(verb).strip()
    choices = tuple(
        tuple(Completion(word=word, about=say(ABOUT.get(word, ""), language)) for word in place)
        for place in choices_of(usage)
    )
    return Completion(word=verb, usage=usage, about=say(words.help, language), choices=choices)


def choices_of(usage: str) -> Sequence[Sequence[str]]:
    """By place, the words it asks to choose from: `[step] retry|undo` may be chosen from first or second."""
    tokens = usage.split()
    places: list[list[str]] = [[] for _ in tokens]
    for last, token in enumerate(tokens):
        first = sum(not _may_be_left_out(before) for before in tokens[:last])
        for place in places[first : last + 1]:
            place.extend(_alternatives(token))
    while places and not places[-1]:
        places.pop()
    return places


def _may_be_left_out(token: str) -> bool:
    return token.startswith("[") and token.endswith("]")


def _alternatives(token: str) -> Sequence[str]:
    """Of `a|b` and of `level1..level4`; of a name that stands for something (`service:`) there are none."""
    bare = token.strip("[]")
    if numbered := re.fullmatch(r"([a-z]+)(\d)\.\.\1(\d)", bare):
        name, first, last = numbered.groups()
        return [f"{name}{number}" for number in range(int(first), int(last) + 1)]
    words = bare.split("|")
    return [word for word in words if re.fullmatch(r"[a-z-]+", word)] if len(words) > 1 else ()
