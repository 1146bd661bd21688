"""Whether users can work is news at any time: an answer that comes late counts, and what is offered then works."""

import pytest

from drbot.core.runs.incident import UsersSay
from drbot.core.runs.run import Offer, Run, RunKind, RunState
from drbot.store.records import incidents
from tests.integration.commands.test_running import finished
from tests.integration.commands.verb_fixture import VerbFixture


def silent(verb_fixture: VerbFixture) -> Run:
    """Recovered, and nobody answered in time whether users can work."""
    run = finished(verb_fixture)
    with verb_fixture.database.write() as tx:
        incidents.users_say(tx, 1, UsersSay.NOTHING, None, run.id)
    return run


def test_a_no_that_comes_late_takes_the_recovery_back_and_status_offers_the_ways_on(verb_fixture: VerbFixture) -> None:
    silent(verb_fixture)
    before = verb_fixture.say("dan", "status")
    assert "nobody has confirmed" in before.text
    assert {"answer DR-1 yes", "answer DR-1 no"} <= {choice.command for choice in before.choices}

    assert "not recovered" in verb_fixture.say("aiko", "answer no").text

    after = verb_fixture.say("dan", "status")
    assert "not recovered: a person says that users cannot work yet" in after.text
    assert {"undo DR-1", "recover DR-1", "level DR-1 3"} <= {choice.command for choice in after.choices}
    assert verb_fixture.incident().rto_seconds is None


def test_a_yes_that_comes_late_confirms(verb_fixture: VerbFixture) -> None:
    silent(verb_fixture)

    assert verb_fixture.say("aiko", "answer yes").ok
    assert verb_fixture.incident().confirmed_at is not None
    assert "a person confirmed" in verb_fixture.say("dan", "status").text


@pytest.mark.parametrize("command", ["undo DR-1", "recover DR-1", "level DR-1 3"])
def test_what_is_offered_after_a_no_works(verb_fixture: VerbFixture, command: str) -> None:
    silent(verb_fixture)
    verb_fixture.say("aiko", "answer no")

    assert verb_fixture.say("aiko", command).ok
    assert verb_fixture.runs()[-1].state is RunState.QUEUED


def test_an_answer_about_users_before_anything_is_recovered_is_refused(verb_fixture: VerbFixture) -> None:
    verb_fixture.asked()

    assert not verb_fixture.say("aiko", "answer no").ok
    assert verb_fixture.incident().users_say is None


def test_a_blocked_undo_is_asked_for_again(verb_fixture: VerbFixture) -> None:
    finished(verb_fixture)
    verb_fixture.say("aiko", "undo")
    undo = verb_fixture.planned()
    verb_fixture.park(undo, RunState.BLOCKED, offers=(Offer.ASK_AGAIN, Offer.DISCARD), why="It expired.")
    assert "undo DR-1" in [choice.command for choice in verb_fixture.say("dan", "status").choices]

    assert verb_fixture.say("aiko", "undo DR-1").ok

    assert [one.state for one in verb_fixture.runs()[-2:]] == [RunState.STOPPED, RunState.QUEUED]
    assert verb_fixture.runs()[-1].kind is RunKind.UNDO


def test_the_report_does_not_call_confirmed_what_nobody_confirmed(verb_fixture: VerbFixture) -> None:
    silent(verb_fixture)

    assert "nobody confirmed that they can work" in (verb_fixture.say("dan", "report").markdown or "")
