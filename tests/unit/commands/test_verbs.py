"""The two tables of verbs, what they say and what they do, belong together."""

import pytest

from drbot.commands.dispatch import TABLE
from drbot.commands.speech.event_texts import EVENT_TEXTS
from drbot.commands.speech.parser import parse
from drbot.commands.speech.verbs import VERBS
from drbot.core.ledger.events import EventKind
from drbot.core.text.messages import say


def test_every_verb_that_is_explained_is_done_and_the_other_way_round() -> None:
    assert set(VERBS) == set(TABLE), "explained in commands/speech/verbs.py, done by commands/dispatch.py"


@pytest.mark.parametrize("verb", sorted(name for name, verb in VERBS.items() if verb.example))
def test_every_example_is_understood_as_the_verb_it_explains(verb: str) -> None:
    assert parse(VERBS[verb].example).verb == verb


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_explained_in_both_languages(verb: str) -> None:
    assert say(VERBS[verb].help, "ja") != VERBS[verb].help, "run: make messages"


def test_every_event_has_a_line_for_people_in_both_languages() -> None:
    assert set(EVENT_TEXTS) == set(EventKind)
    same = {line.text for line in EVENT_TEXTS.values() if say(line.text, "ja") == line.text}
    assert same == {"{question}", "{text}", "{who}: {text}", "{step}: {summary} ({seconds})"}
