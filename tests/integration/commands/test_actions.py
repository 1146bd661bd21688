"""`action` and `actions`: what follows from a drill or an incident has an owner and a day, and is done or not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from drbot.core.ledger.events import EventKind
from drbot.core.runs.action_item import ActionItem
from drbot.core.runs.drill import DrillEnd
from drbot.store.records import action_items, drills, incidents
from tests.integration.commands.verb_fixture import VerbFixture

LATER = (date.today() + timedelta(days=40)).isoformat()  # noqa: DTZ011 - any day far ahead
PAST = "2026-01-02"


@pytest.fixture
def practised(verb_fixture: VerbFixture) -> VerbFixture:
    """DRILL-1 was held."""
    assert verb_fixture.say("emi", "drill level2 rehearsed").ok
    with verb_fixture.database.write() as tx:
        drill = drills.get(tx.connection, 1)
        assert drill is not None
        drills.end(tx, replace(drill, end=DrillEnd.PASSED))
        incidents.resolve(tx, 1, "emi", "done")
    return verb_fixture


def kept(verb_fixture: VerbFixture, incident: int = 1) -> list[ActionItem]:
    with verb_fixture.database.read() as connection:
        return action_items.of_incident(connection, incident)


@pytest.mark.parametrize(
    "words",
    [
        f"shrink the backup @ben {LATER}",
        f'"shrink the backup" ben {LATER}',
        f"“shrink the backup” <@U2|ben> {LATER}",
        f"「shrink the backup」 {LATER} <@U2>",
        f"shrink the backup ＠ｂｅｎ {LATER}",
    ],
)
def test_one_line_says_what_who_and_by_when(practised: VerbFixture, words: str) -> None:
    reply = practised.say("emi", f"action DRILL-1 add {words}")

    assert reply.ok, reply.text
    assert f"action item 1: shrink the backup (Ben, by {LATER})" in reply.text
    assert [(one.text, one.owner, one.due.isoformat()) for one in kept(practised)] == [
        ("shrink the backup", "ben", LATER)
    ]
    assert [event.person for event in practised.events(EventKind.ACTION_ADDED)] == ["emi"]


def test_an_incident_may_have_them_too(practised: VerbFixture) -> None:
    practised.say("aiko", "declare level2 broken")

    assert practised.say("aiko", f"action DR-2 add look at DRILL-1 again @chika {LATER}").ok

    assert [one.text for one in kept(practised, 2)] == ["look at DRILL-1 again"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (f"action DRILL-1 add shrink it @chikka {LATER}", 'Did you mean "chika"'),
        (f"action DRILL-1 add shrink it <@U999> {LATER}", "not a person of dr.yml"),
        (f"action DRILL-1 add shrink it @ben {PAST}", f"{PAST} is over"),
        ("action DRILL-1 add shrink it @ben 2099-02-30", '"2099-02-30" is not a day'),
        ("action DRILL-1 add shrink it @ben", '"@ben" is not a day'),
        (f"action DRILL-1 add @ben {LATER}", "does not say what is to be done"),
        (f'action DRILL-1 add "" @ben {LATER}', "does not say what is to be done"),
        (f"action DRILL-1 add {LATER}", "does not say who does it"),
        ("action DRILL-1 add", "does not say by when"),
        (f"action DRILL-9 add shrink it @ben {LATER}", "There is no such incident"),
        ("action DRILL-1", "add or done"),
        ("action DRILL-1 done", "Say which one by its number. None is open."),
        ("action DRILL-1 done 4", 'no action item "4". None is open.'),
    ],
)
def test_what_cannot_be_kept_is_answered_with_what_to_do(practised: VerbFixture, words: str, why: str) -> None:
    reply = practised.say("emi", words)

    assert not reply.ok
    assert why in reply.text
    assert kept(practised) == []


def test_who_only_reads_adds_none_and_may_see_them(practised: VerbFixture) -> None:
    assert not practised.say("dan", f"action DRILL-1 add shrink it @ben {LATER}").ok
    assert "no action items" in practised.say("dan", "actions DRILL-1").text


def test_what_is_done_is_done_once(practised: VerbFixture) -> None:
    practised.say("emi", f"action DRILL-1 add shrink it @ben {LATER}")

    assert "action item 1 is done: shrink it" in practised.say("ben", "action DRILL-1 done #1").text

    again = practised.say("chika", "action DRILL-1 done 1")
    assert not again.ok and "Ben said so" in again.text
    assert len(practised.events(EventKind.ACTION_DONE)) == 1


def test_what_is_open_of_all_is_listed_and_what_is_late_is_said(practised: VerbFixture) -> None:
    practised.say("emi", f"action DRILL-1 add shrink it @ben {LATER}")
    practised.say("emi", f"action DRILL-1 add ask the vendor @chika {LATER}")
    practised.say("ben", "action DRILL-1 done 2")
    with practised.database.write() as tx:
        action_items.add(tx, 1, text="renew it", owner="gone", due=date.fromisoformat(PAST), person="emi")

    everything, of_one = practised.say("dan", "actions"), practised.say("dan", "actions DRILL-1")

    assert "action items: 2, overdue: 1" in everything.text
    assert [row[2:] for row in everything.tables[0].rows] == [
        ("renew it", "gone", PAST, "overdue"),
        ("shrink it", "Ben", LATER, "open"),
    ]
    assert [row[-1] for row in of_one.tables[0].rows] == ["open", "done", "overdue"]


def test_the_report_of_a_drill_has_goals_issues_and_what_follows(practised: VerbFixture) -> None:
    assert "None yet" in (practised.say("dan", "report DRILL-1").markdown or "")
    practised.say("emi", f"action DRILL-1 add shrink it @ben {LATER}")

    text = practised.say("dan", "report DRILL-1").markdown or ""

    assert text.startswith("# Disaster recovery test report DRILL-1")
    assert "- **RTO goal**: 4 h 00 min" in text and "- **Actual RTO**: not measured" in text
    assert f"## Action items\n\n1. shrink it (**Ben**, by {LATER})" in text
