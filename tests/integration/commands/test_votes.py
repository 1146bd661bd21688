"""`approve` and `deny`: who may, what they are shown, and that one function decides."""

from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import insert, update

from drbot.bot.listeners.accounts import Accounts
from drbot.bot.listeners.voters import look_at_voters
from drbot.commands.verb.approve import approved_in_slack, dialog_of
from drbot.commands.views.vote_dialog import table_of
from drbot.core.approvals.approval import EntryPoint, RequestState
from drbot.core.base.errors import UnreadableError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.clocks import Clocks
from drbot.core.runs.plan import short_seal
from drbot.core.runs.run import RunState, StopKind
from drbot.core.site.people import Account
from drbot.core.text.messages import say
from drbot.store.base import waking
from drbot.store.base.schema import requests as requests_table
from drbot.store.base.schema import votes
from drbot.store.records import requests, steps
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import CONTINUOUS, OLDER, VerbFixture, build


def state_of(verb_fixture: VerbFixture, request_id: str) -> RequestState:
    with verb_fixture.database.read() as conn:
        return requests.get(conn, request_id).state


def test_the_dialog_shows_what_is_replaced_and_lost(verb_fixture: VerbFixture) -> None:
    _, asked = verb_fixture.asked()

    dialog = dialog_of(verb_fixture.context, asked.id, verb_fixture.context.roster.person("ben"))

    assert dialog.replaces == ("volume pgdata of ai-micro-postgres",)
    assert dialog.target == "production"
    assert "12 rows" in dialog.loss and "pgdata_before" in dialog.keeps
    assert "NOT PROVEN YET" in dialog.proof
    assert dialog.seal == asked.seal and dialog.short_seal == short_seal(asked.seal)
    assert isinstance(dialog.clocks, Clocks)


def test_approve_in_slack_opens_the_dialog_and_decides_nothing(verb_fixture: VerbFixture) -> None:
    _, asked = verb_fixture.asked()

    reply = verb_fixture.say("ben", "approve")

    assert reply.dialog is not None and reply.dialog.request == asked.id
    assert verb_fixture.events(EventKind.VOTE_COUNTED) == []


@pytest.mark.parametrize(
    ("who", "account", "said"),
    [
        ("aiko", None, "You asked for approve. It needs the role approver"),
        ("dan", None, "It needs the role approver"),
        (None, None, "does not know who you are"),
        ("ben", Account(id="U2", is_bot=True), "Only active members"),
        ("ben", Account(id="U2", is_foreign=True), "Only active members"),
    ],
)
def test_whose_vote_cannot_count_is_told_before_a_dialog_opens(
    verb_fixture: VerbFixture, who: str | None, account: Account | None, said: str
) -> None:
    verb_fixture.asked()

    reply = verb_fixture.say(who, "approve", account=account)

    assert not reply.ok and reply.dialog is None
    assert said in reply.text
    assert [event.payload["verb"] for event in verb_fixture.events(EventKind.COMMAND_REFUSED)] == ["approve"]


def test_the_requester_who_is_an_approver_is_told_who_can(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 PostgreSQL does not start")
    verb_fixture.ask(verb_fixture.planned(requesters=("ben",)))

    reply = verb_fixture.say("ben", "approve")

    assert "you asked for this, so" in reply.text
    assert "Chika" in reply.text
    assert "依頼者本人" in say(reply.text, "ja")


def test_where_too_few_can_approve_it_is_said_and_not_waited_for(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 PostgreSQL does not start")
    asked = verb_fixture.ask(verb_fixture.planned(requesters=("ben",)))

    refused = verb_fixture.say("ben", "approve")
    values = {"target": "production", "reason": "read it", "seal": short_seal(asked.seal)}
    counted = verb_fixture.say("chika", "approve", entry_point=EntryPoint.TERMINAL, values=values)

    assert "2 needed, 0 approved, 1 can still vote (Chika)" in refused.text
    assert "Counted: 1 of 2." in counted.text
    assert "2 needed, 1 approved, 0 can still vote." in counted.text
    assert "Too few people" in str(verb_fixture.say("chika", "status").tables)


def test_the_dialog_of_a_requester_refuses_approval_but_not_a_deny(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level2 PostgreSQL does not start")
    asked = verb_fixture.ask(verb_fixture.planned(requesters=("ben",)))
    ben = verb_fixture.context.roster.person("ben")

    with pytest.raises(UserError, match="you asked for this, so"):
        dialog_of(verb_fixture.context, asked.id, ben)
    assert dialog_of(verb_fixture.context, asked.id, ben, decision="deny").request == asked.id


def test_two_people_at_a_terminal_grant_and_wake_the_run(verb_fixture: VerbFixture) -> None:
    run, asked = verb_fixture.asked()
    verb_fixture.park(run, RunState.WAITING)
    values = {"target": "production", "reason": "read it", "seal": short_seal(asked.seal)}

    first = verb_fixture.say("ben", "approve", entry_point=EntryPoint.TERMINAL, values=values)
    second = verb_fixture.say("chika", "approve DR-1", entry_point=EntryPoint.TERMINAL, values=values)

    assert "1 of 2" in first.text and "Approved" in second.text
    assert state_of(verb_fixture, asked.id) is RequestState.GRANTED
    assert verb_fixture.runs()[-1].state is RunState.QUEUED
    assert verb_fixture.bell.rung[-1] == ("production", run.id)


def test_a_terminal_without_target_and_reason_shows_the_plan_and_how_to_approve_exactly_it(
    verb_fixture: VerbFixture,
) -> None:
    _, asked = verb_fixture.asked()

    reply = verb_fixture.say("ben", "approve", entry_point=EntryPoint.TERMINAL)

    assert f"--target production --seal {short_seal(asked.seal)}" in reply.text
    assert "volume pgdata" in str(reply.tables)
    assert verb_fixture.events(EventKind.VOTE_COUNTED) == []


def test_a_terminal_that_does_not_say_which_plan_was_read_is_shown_it_first(verb_fixture: VerbFixture) -> None:
    _, asked = verb_fixture.asked()

    reply = verb_fixture.say(
        "ben", "approve", entry_point=EntryPoint.TERMINAL, values={"target": "production", "reason": "ok"}
    )

    assert f"--seal {short_seal(asked.seal)}" in reply.text
    assert verb_fixture.events(EventKind.VOTE_COUNTED) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"target": "staging", "reason": "ok"}, 'you typed "staging"'),
        ({"target": "production", "reason": "ok", "seal": "AAAA-BBBB"}, "that is not the seal of the current plan"),
    ],
)
def test_a_wrong_target_or_another_seal_does_not_count(
    verb_fixture: VerbFixture, values: dict[str, str], said: str
) -> None:
    _, asked = verb_fixture.asked()

    reply = verb_fixture.say("ben", "approve", entry_point=EntryPoint.TERMINAL, values={"seal": asked.seal, **values})

    assert not reply.ok
    assert said in reply.text
    assert verb_fixture.events(EventKind.VOTE_REFUSED)


def test_a_second_vote_of_the_same_person_is_told_when_the_first_counted(verb_fixture: VerbFixture) -> None:
    _, asked = verb_fixture.asked()

    def cast(account: str) -> str:
        values = {"request": asked.id, "seal": asked.seal, "reason": "ok", "target": "production"}
        slack = Account(id=account)
        return verb_fixture.say("chika", "approve", entry_point=EntryPoint.DIALOG, values=values, account=slack).text

    assert "1 of 2" in cast("U3")
    assert "Already counted" in cast("U4")
    assert "Already counted" in verb_fixture.say("chika", "approve").text


def test_the_account_that_was_voted_with_is_looked_at_and_no_other_of_the_person(verb_fixture: VerbFixture) -> None:
    """A session that was stolen is ended by ending its account; its owner may have another one."""
    _, asked = verb_fixture.asked()
    values = {"request": asked.id, "seal": asked.seal, "reason": "ok", "target": "production"}
    slack = Account(id="U3")
    verb_fixture.say("chika", "approve", entry_point=EntryPoint.DIALOG, values=values, account=slack)

    ((person, used),) = approved_in_slack(verb_fixture.context, asked.id)

    assert (person.slack, used) == (("U3", "U4"), ("U3",))


def test_a_row_that_says_a_vote_came_from_a_terminal_spares_its_account_no_look(verb_fixture: VerbFixture) -> None:
    """The ledger says where it came from."""
    _, asked = verb_fixture.asked()
    values = {"request": asked.id, "seal": asked.seal, "reason": "ok", "target": "production"}
    verb_fixture.say("chika", "approve", entry_point=EntryPoint.DIALOG, values=values, account=Account(id="U3"))

    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(votes).values(terminal="ops@host"))

    assert [used for _, used in approved_in_slack(verb_fixture.context, asked.id)] == [("U3",)]


def test_a_vote_that_cannot_be_read_spares_no_account_of_another_request(verb_fixture: VerbFixture) -> None:
    """Whoever writes rows could plant one, so that nobody is looked at any more."""
    _, first = verb_fixture.asked()
    verb_fixture.say("aiko", "resolve not an incident")
    garbage = {"request": first.id, "person": "ben", "decision": "approve", "reason": "", "seal": ""}
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(requests_table).values(state=RequestState.OPEN.value))
        tx.connection.execute(insert(votes).values(**garbage, at=tx.now, entry_point="garbage"))

    with pytest.raises(UnreadableError):
        approved_in_slack(verb_fixture.context, first.id)
    look_at_voters(verb_fixture.context, cast(Accounts, None))


def test_one_no_ends_the_request_and_wants_a_reason(verb_fixture: VerbFixture) -> None:
    _, asked = verb_fixture.asked()

    silent = verb_fixture.say("chika", "deny")
    denied = verb_fixture.say("chika", "deny that backup is too old")

    assert "give a reason" in silent.text
    assert denied.ok
    assert state_of(verb_fixture, asked.id) is RequestState.DENIED
    assert "denied" in verb_fixture.say("ben", "approve").text


def denied(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    verb_fixture.say("chika", "deny that backup is too old")
    with verb_fixture.database.write() as tx:
        runs.next_backup(tx, run, OLDER)
    verb_fixture.park(run, RunState.BLOCKED, why="denied", choices=["another_backup", "discard"])


def test_what_was_denied_is_not_asked_again_by_others(verb_fixture: VerbFixture) -> None:
    denied(verb_fixture)

    reply = verb_fixture.say("aiko", "recover")

    assert "Chika denied exactly this" in reply.text
    assert len(verb_fixture.runs()) == 1


def test_a_no_to_one_moment_rests_that_moment_and_no_other(tmp_path: Path) -> None:
    asked = build(tmp_path, CONTINUOUS)
    asked.say("aiko", "declare level2 to=2026-11-26T02:13:07Z rows are gone")
    run = asked.planned()
    asked.ask(run)
    asked.say("chika", "deny it was earlier")
    asked.park(run, RunState.BLOCKED, why="denied")

    same = asked.say("aiko", "recover to 2026-11-26T02:13:07Z")
    other = asked.say("aiko", "recover to 2026-11-26T02:12:00Z")

    assert "Chika denied exactly this" in same.text and "/dr moments" in same.text
    assert other.ok
    assert asked.ask(asked.planned()).question != asked.requests(run)[0].question


def test_the_denier_may_ask_again(verb_fixture: VerbFixture) -> None:
    denied(verb_fixture)

    assert verb_fixture.say("chika", "recover").ok
    assert len(verb_fixture.runs()) == 2


def test_who_asks_again_has_taken_their_no_back(verb_fixture: VerbFixture) -> None:
    """Else nobody could ask where that leaves too few who may vote."""
    denied(verb_fixture)
    verb_fixture.say("chika", "recover")
    verb_fixture.ask(verb_fixture.planned(requesters=("aiko", "chika")))
    verb_fixture.say("aiko", "stop let me ask")

    assert verb_fixture.say("aiko", "recover").ok


def test_another_backup_is_the_one_that_was_offered_or_the_one_that_is_named(verb_fixture: VerbFixture) -> None:
    denied(verb_fixture)

    verb_fixture.say("aiko", "recover backup")

    before, after = verb_fixture.runs()
    assert before.state is RunState.STOPPED
    assert after.arguments == {"backup": OLDER}


@pytest.mark.parametrize("name", ["../etc/passwd", "a;b", "x y", "-rf", "a\u202eb$(id)"])
def test_a_backup_is_a_plain_file_name(verb_fixture: VerbFixture, name: str) -> None:
    denied(verb_fixture)

    assert "not the name of a backup" in verb_fixture.say("aiko", f"recover backup {name}").text
    assert len(verb_fixture.runs()) == 1


@pytest.mark.parametrize("state", [None, RunState.QUEUED, RunState.WAITING, RunState.BLOCKED])
def test_discard_ends_a_run_that_has_touched_nothing(verb_fixture: VerbFixture, state: RunState | None) -> None:
    verb_fixture.say("aiko", "declare level2")
    if state is not None:
        verb_fixture.park(
            verb_fixture.planned(), RunState.WAITING if state is RunState.QUEUED else state, step="approval"
        )
    if state is RunState.QUEUED:
        with verb_fixture.database.write() as tx:
            waking.wake(tx, verb_fixture.runs()[-1].id, "a vote")

    assert verb_fixture.say("aiko", "discard").ok
    assert (verb_fixture.runs()[-1].state, verb_fixture.runs()[-1].stop_kind) == (RunState.STOPPED, StopKind.DISCARDED)


def test_discard_does_not_end_a_run_that_has_touched_production_unless_it_is_blocked(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("aiko", "declare level2")
    run = verb_fixture.planned()
    with verb_fixture.database.write() as tx:
        steps.start(tx, run, "stop-apps", title="Stop")

    assert "in progress" in verb_fixture.say("aiko", "discard").text
    verb_fixture.park(run, RunState.BLOCKED, why="expired")
    assert verb_fixture.say("aiko", "discard").ok


def test_one_login_that_votes_for_two_people_is_told_so_at_the_vote_and_in_the_ledger(
    verb_fixture: VerbFixture,
) -> None:
    _, asked = verb_fixture.asked()
    values = {"target": "production", "reason": "read it", "seal": short_seal(asked.seal)}

    first = verb_fixture.say("ben", "approve", entry_point=EntryPoint.TERMINAL, values=values, terminal="root@recovery")
    second = verb_fixture.say(
        "chika", "approve", entry_point=EntryPoint.TERMINAL, values=values, terminal="root@recovery"
    )

    assert "one login" not in first.text
    assert "one login at a terminal (root@recovery), without keys" in second.text
    assert "one login at a terminal" in str(verb_fixture.say("ben", "report").markdown)
    assert "同じログイン (root@recovery)" in say(second.text, "ja")
    assert [event.payload["terminal"] for event in verb_fixture.events(EventKind.VOTE_COUNTED)] == ["root@recovery"] * 2
    shown = table_of(
        dialog_of(verb_fixture.context, asked.id, verb_fixture.context.roster.person("ben"), decision="deny")
    )
    assert any("root@recovery" in str(row) for row in shown.rows)
