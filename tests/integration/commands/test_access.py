"""The access table: whoever may not is told privately which roles may, and the ledger has it."""

import pytest

from drbot.commands.dispatch import TABLE
from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.events import EventKind
from drbot.core.site.people import ACCESS
from drbot.core.text.messages import either
from tests.integration.commands.verb_fixture import VerbFixture

PEOPLE = {"aiko": "commander", "ben": "approver", "emi": "operator", "dan": "observer"}
GUARDED = sorted((verb, one.access) for verb, one in TABLE.items() if one.access)


@pytest.mark.parametrize(("verb", "access"), GUARDED)
def test_who_may_not_is_told_privately_who_may(verb_fixture: VerbFixture, verb: str, access: str) -> None:
    verb_fixture.say("aiko", "declare level2 PostgreSQL does not start")

    for person, role in PEOPLE.items():
        if role in ACCESS[access]:
            continue
        before = len(verb_fixture.events(EventKind.COMMAND_REFUSED))
        reply = verb_fixture.say(person, f"{verb} DR-1")
        assert not reply.ok and not reply.in_channel
        assert f"You asked for {verb}. It needs the role {either(sorted(ACCESS[access]))}" in reply.text
        assert len(verb_fixture.events(EventKind.COMMAND_REFUSED)) == before + 1


@pytest.mark.parametrize(("verb", "access"), GUARDED)
def test_nobody_drbot_does_not_know_may_change_anything(verb_fixture: VerbFixture, verb: str, access: str) -> None:
    verb_fixture.say("aiko", "declare level2 PostgreSQL does not start")

    reply = verb_fixture.say(None, f"{verb} DR-1")

    assert not reply.ok and "does not know who you are" in reply.text


@pytest.mark.parametrize(
    ("entry_point", "said"), [(EntryPoint.TERMINAL, "--as or DRBOT_PERSON"), (EntryPoint.COMMAND, "your Slack id")]
)
def test_who_is_not_known_is_told_how_to_be_known_where_they_are(
    verb_fixture: VerbFixture, entry_point: EntryPoint, said: str
) -> None:
    reply = verb_fixture.say(None, "whoami", entry_point=entry_point)

    assert not reply.ok and said in reply.text
