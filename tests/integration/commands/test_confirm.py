"""`/dr confirm`: what only a person can say is written down with who and when, and nothing else is taken."""

import pytest

from drbot.core.site.confirmations import Subject
from drbot.core.text.messages import say
from drbot.store.records import confirmations
from tests.integration.commands.verb_fixture import VerbFixture


@pytest.mark.parametrize("subject", list(Subject))
def test_it_is_noted_with_who_said_it_and_when(verb_fixture: VerbFixture, subject: Subject) -> None:
    for person in ("aiko", "ben", "aiko"):
        reply = verb_fixture.say(person, f"confirm {subject}")
        assert reply.ok, reply.text
        assert "90 days" in say(reply.text, "en")

    with verb_fixture.database.read() as connection:
        known = confirmations.list_of(connection)
    assert [(one.subject, one.person) for one in known] == [(subject, "ben"), (subject, "aiko")]


@pytest.mark.parametrize("words", ["confirm", "confirm everything"])
def test_anything_else_is_refused_with_what_there_is(verb_fixture: VerbFixture, words: str) -> None:
    reply = verb_fixture.say("aiko", words)

    assert not reply.ok
    assert "reachable" in say(reply.text, "en")


def test_an_observer_confirms_nothing(verb_fixture: VerbFixture) -> None:
    assert not verb_fixture.say("dan", "confirm reachable").ok
