"""What is read from the rows of an incident: the votes of level 4's parts, what a STOP left, what is kept elsewhere."""

from datetime import UTC, datetime

import pytest

from drbot.commands.views.available_actions import available_actions
from drbot.core.approvals.approval import ApprovalRequest
from drbot.core.runs.run import Offer, Run, RunKind, RunState
from drbot.store.records import kept
from drbot.store.records.kept import Kept
from drbot.store.runs import runs, sub_runs
from tests.integration.commands.verb_fixture import VerbFixture


def at_work(verb_fixture: VerbFixture) -> Run:
    verb_fixture.say("aiko", "declare level2 PostgreSQL does not start")
    return verb_fixture.planned()


def part_that_asks(verb_fixture: VerbFixture, whole: Run) -> ApprovalRequest:
    with verb_fixture.database.write() as tx:
        runs.queue(
            tx,
            incident=whole.incident,
            site="production",
            kind=RunKind.RECOVER,
            runbook="level3-host",
            arguments={sub_runs.PART_OF: whole.id, sub_runs.STEP: "restore-beside"},
            person="aiko",
        )
    return verb_fixture.ask(verb_fixture.planned())


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED])
def test_the_vote_of_a_part_is_open_whatever_its_whole_waits_for(verb_fixture: VerbFixture, state: RunState) -> None:
    whole = at_work(verb_fixture)
    verb_fixture.park(whole, state)
    asked = part_that_asks(verb_fixture, whole)

    view = verb_fixture.view()
    assert view.request == asked
    assert {"approve DR-1", "deny DR-1"} <= {action.command for action in available_actions(view)}
    dialog = verb_fixture.say("ben", "approve").dialog
    assert dialog is not None and dialog.request == asked.id


def test_the_services_are_started_again_after_stop_from_a_terminal_too(verb_fixture: VerbFixture) -> None:
    run = at_work(verb_fixture)
    with verb_fixture.database.write() as tx:
        runs.finish(tx, run, RunState.STOPPED, "The services are stopped.", offers=(Offer.RESTART,))

    for words in ("status", ""):
        assert "restart DR-1" in {choice.command for choice in verb_fixture.say("ben", words).choices}
    assert verb_fixture.say("ben", "restart DR-1").ok


def test_what_is_kept_at_another_site_comes_back_too(verb_fixture: VerbFixture) -> None:
    """Level 3 puts a host aside where it goes to, not where production was lost."""
    run = at_work(verb_fixture)
    with verb_fixture.database.write() as tx:
        host = Kept(
            site="recovery", incident=1, run=run.id, volume=f"recovery_before_{run.id}", original="recovery",
            size_bytes=7, created_at=datetime.now(UTC), whole_host=True,
        )  # fmt: skip
        kept.add(tx, host)
        runs.finish(tx, run, RunState.FAILED, "No.")

    assert "undo DR-1" in {action.command for action in available_actions(verb_fixture.view())}


def test_what_a_run_asked_last_is_read_while_it_waits_for_the_answer(verb_fixture: VerbFixture) -> None:
    run = at_work(verb_fixture)
    assert verb_fixture.view().turn is None

    verb_fixture.park(run, RunState.BLOCKED, why="It expired.", offers=(Offer.DISCARD,))

    turn = verb_fixture.view().turn
    assert turn is not None and turn.payload["why"] == "It expired."
