"""A drbot that holds drills alone: what would begin something on production is refused, whoever asks and however."""

from dataclasses import replace

import pytest

from drbot.commands.dispatch import OF_PRODUCTION, TABLE
from drbot.core.text.messages import say
from drbot.store.records import drills
from tests.integration.commands.verb_fixture import VerbFixture

BEGINS_ONE = {"declare level2", "alert 1", "plan level2", "give-up DR-1", "give-back i-1", "lead-back DR-1"}


def rehearsing(verb_fixture: VerbFixture) -> VerbFixture:
    return replace(verb_fixture, context=replace(verb_fixture.context, is_rehearsal=True))


def test_every_verb_that_begins_something_on_production_is_tried() -> None:
    assert {words.split()[0] for words in BEGINS_ONE} == OF_PRODUCTION < TABLE.keys()


@pytest.mark.parametrize("words", sorted(BEGINS_ONE))
def test_it_is_refused_and_a_drill_is_offered(verb_fixture: VerbFixture, words: str) -> None:
    reply = rehearsing(verb_fixture).say("aiko", words)

    assert not reply.ok and "This is a rehearsal" in say(reply.text, "en")
    assert [choice.command for choice in reply.choices] == [f"drill level{number}" for number in (1, 2, 3, 4)]
    assert verb_fixture.incidents() == []


def test_a_drill_begins(verb_fixture: VerbFixture) -> None:
    reply = rehearsing(verb_fixture).say("aiko", "drill level2")

    assert reply.ok
    with verb_fixture.database.read() as connection:
        assert drills.going_on(connection) is not None
