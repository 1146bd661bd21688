"""An incident is closed with what is known: over a system that does not work nobody writes "resolved" by mistake."""

import pytest

from drbot.bot.blocks.status_post import status_post, status_sentence
from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import IncidentState, UsersSay
from drbot.core.runs.run import Offer, RunState
from drbot.core.runs.state_words import incident_text
from drbot.core.site.readiness import bad, good, services_of
from drbot.store.records import incidents, readiness
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import VerbFixture

OUTCOME = "Check the data that is back: PostgreSQL does not answer: exited (1). The old data is back."
DEAD = bad(services_of("production"), "postgres: exited", "Fix it.")


def failed(verb_fixture: VerbFixture) -> None:
    """The last run of DR-1 ended on data that PostgreSQL cannot use."""
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        incidents.recovering(tx, run.incident, run.id)
        runs.finish(tx, run, RunState.FAILED, OUTCOME)


def recovered(verb_fixture: VerbFixture) -> None:
    """Every check passed, and nobody was asked yet."""
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, run.incident, run=run.id, rto_seconds=60, rpo_seconds=None, outage_seconds=9)
        runs.finish(tx, run, RunState.SUCCEEDED, "Every check passed.")


def test_resolve_waits_for_the_recovery_and_for_a_summary(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)

    asked = verb_fixture.say("aiko", "resolve")
    verb_fixture.say("aiko", "resolve it was a full disk")

    assert asked.dialog is not None and asked.dialog.kind == "resolve"
    assert verb_fixture.incident().state is IncidentState.RESOLVED
    assert verb_fixture.incident().summary == "it was a full disk"
    assert incident_text(verb_fixture.incident(), None) == "resolved"
    assert not verb_fixture.say("aiko", "update too late").ok


def test_a_run_in_progress_is_let_end_first(verb_fixture: VerbFixture) -> None:
    verb_fixture.asked()

    assert "in progress" in verb_fixture.say("aiko", "resolve done").text


def test_a_blocked_run_is_not_waited_for_but_ended(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    verb_fixture.park(run, RunState.BLOCKED, why="Ben denied it.", offers=(Offer.DISCARD,))

    reply = verb_fixture.say("aiko", "resolve done")

    assert "Let it end" not in reply.text and "/dr discard DR-1" in reply.text
    assert "discard DR-1" in [choice.command for choice in reply.choices]


def test_what_only_waits_for_an_answer_is_answered_first_and_not_stopped(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, run.incident, run=run.id, rto_seconds=60, rpo_seconds=None, outage_seconds=9)
    verb_fixture.park(run, RunState.WAITING)

    reply = verb_fixture.say("aiko", "resolve it was a full disk")

    assert "Nobody has said yet whether users can work. Say it first: /dr answer DR-1 yes, or no." in reply.text
    assert [choice.command for choice in reply.choices] == ["answer DR-1 yes", "answer DR-1 no"]


def test_who_closes_what_does_not_work_is_told_so_and_asked(verb_fixture: VerbFixture) -> None:
    failed(verb_fixture)

    asked = verb_fixture.say("aiko", "resolve we keep the old data")

    assert not asked.ok and verb_fixture.incident().is_open
    assert "PostgreSQL does not answer: exited (1)" in asked.text
    assert "/dr resolve DR-1 not-repaired <summary>" in asked.text
    assert asked.dialog is not None and asked.dialog.values["text"] == "we keep the old data"
    assert asked.dialog.values["doubt"] and verb_fixture.say("aiko", "resolve").dialog is not None
    sent = {"summary": "we keep the old data", "users": "not-repaired"}
    assert verb_fixture.say("aiko", "resolve DR-1", entry_point=EntryPoint.DIALOG, values=sent).ok
    assert verb_fixture.incident().is_given_up


def test_closed_as_it_is_stakeholders_and_report_read_that_it_is_not_repaired(verb_fixture: VerbFixture) -> None:
    failed(verb_fixture)

    closed = verb_fixture.say("aiko", "resolve not-repaired we keep the old data")

    incident = verb_fixture.incident()
    assert "closed, not repaired" in closed.text
    assert (incident.state, incident.summary) == (IncidentState.RESOLVED, "we keep the old data")
    assert incident_text(incident, None) == "closed, not repaired"
    view = verb_fixture.view()
    assert "closed, not repaired" in status_sentence(view)
    assert "The system was not repaired." in str(status_post(view)) and "resolved" not in str(status_post(view))
    assert "終了、復旧していない" in (verb_fixture.say("aiko", "report DR-1").markdown or "")  # Aiko reads Japanese
    assert verb_fixture.events(EventKind.INCIDENT_RESOLVED)[0].payload["repaired"] is False


def test_a_person_who_says_that_users_can_work_resolves_it(verb_fixture: VerbFixture) -> None:
    failed(verb_fixture)

    assert verb_fixture.say("aiko", "resolve users-can-work rebuilt by hand").ok

    incident = verb_fixture.incident()
    assert (incident.users_say, incident.summary) == (UsersSay.YES, "rebuilt by hand")
    assert incident_text(incident, None) == "resolved"


@pytest.mark.parametrize("word", ["users-can-work", "not-repaired"])
def test_what_its_worker_saw_broken_since_the_recovery_is_told_too(verb_fixture: VerbFixture, word: str) -> None:
    recovered(verb_fixture)
    with verb_fixture.database.write() as tx:
        readiness.saw(tx, "worker production", [DEAD])

    asked = verb_fixture.say("aiko", "resolve done")
    verb_fixture.say("aiko", f"resolve {word} done")

    assert "postgres: exited" in asked.text
    assert verb_fixture.incident().is_repaired is (word == "users-can-work")
    assert not verb_fixture.incident().is_open


def test_what_was_seen_to_work_is_no_question(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)
    with verb_fixture.database.write() as tx:
        readiness.saw(tx, "worker production", [good(services_of("production"), "all 7 work")])

    assert verb_fixture.say("aiko", "resolve done").ok
