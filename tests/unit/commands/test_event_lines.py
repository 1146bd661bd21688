"""A line about an event: what drbot has written is said in the reader's language, a person's own words stay."""

from datetime import UTC, datetime

import pytest

from drbot.commands.views.event_lines import Values, Voice, line_of, worded
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.state_words import sentence_of
from drbot.core.site.people import Roster
from drbot.core.text.messages import duration, phrase, say


def line(kind: EventKind, language: str, **payload: object) -> str:
    event = Event(seq=1, at=datetime(2026, 11, 26, 3, tzinfo=UTC), kind=kind, incident=7, payload=payload)
    return line_of(event, Voice(language=language, roster=Roster(people={}), incident="DR-7", plans={}))


@pytest.mark.parametrize(("language", "said"), [("en", "It goes on. {why} 5 s"), ("ja", "再開します。{why} 5 秒")])
def test_a_message_within_a_line_is_in_the_language_of_the_line(language: str, said: str) -> None:
    assert line(EventKind.RUN_RESUMED, language, why=phrase("{why} {left}", left=duration(5))) == said


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_marks_of_a_line_go_and_those_of_a_person_stay(language: str) -> None:
    said = line(EventKind.RUN_RESUMED, language, why="see `{owner}`")

    assert said.endswith("see `{owner}`")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_an_event_does_not_say_stays_empty(language: str) -> None:
    assert "{" not in line(EventKind.INCIDENT_LEVEL_CHANGED, language)


def test_a_step_is_named_once_where_the_reason_begins_with_it() -> None:
    why = phrase("{step}: {why}", step="verify", why="PostgreSQL does not answer.")

    assert line(EventKind.RUN_FAILED, "en", step="verify", why=why) == (
        "The run failed at verify: PostgreSQL does not answer."
    )
    assert line(EventKind.RUN_BLOCKED, "en", step="verify", why=why) == f"Blocked. {why}"


def test_a_translation_names_values_and_reaches_nothing_else() -> None:
    assert worded("{who} {who.__class__}", Values(who="Ben")) == "Ben {who.__class__}"


def test_a_state_begins_a_sentence_of_its_own_in_every_language() -> None:
    said = sentence_of(phrase("recovering"))

    assert said == "Recovering."
    assert say(said, "ja") == f"{say(phrase('recovering'), 'ja')}。"
