"""`approve` and `deny`: who may, what they are shown, and that one door decides."""

import pytest

from drbot.commands.approve import dialog_of, vote
from drbot.commands.vote_dialog import table_of
from drbot.core.approval import Door, RequestState
from drbot.core.clocks import Clocks
from drbot.core.errors import UserError
from drbot.core.events import EventKind
from drbot.core.people import Account
from drbot.core.plan import short_seal
from drbot.core.run import RunState, StopKind
from drbot.store import requests, runs, steps, waking
from tests.integration.commands.stage import OLDER, Stage


def state_of(stage: Stage, request_id: str) -> RequestState:
    with stage.database.read() as conn:
        return requests.get(conn, request_id).state


def test_the_dialog_shows_what_is_replaced_and_lost(stage: Stage) -> None:
    _, asked = stage.asked()

    dialog = dialog_of(stage.context, asked.id, stage.context.roster.person("ben"))

    assert dialog.replaces == ({"en": "volume pgdata of ai-micro-postgres"},)
    assert dialog.target == "production"
    assert "12 rows" in dialog.loss["en"] and "pgdata_before" in dialog.keeps["en"]
    assert "NOT PROVEN YET" in dialog.proof["en"]
    assert dialog.seal == asked.seal and dialog.short_seal == short_seal(asked.seal)
    assert isinstance(dialog.clocks, Clocks)


def test_approve_in_slack_opens_the_dialog_and_decides_nothing(stage: Stage) -> None:
    _, asked = stage.asked()

    reply = stage.say("ben", "approve")

    assert reply.dialog is not None and reply.dialog.request == asked.id
    assert stage.events(EventKind.VOTE_COUNTED) == []


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
    stage: Stage, who: str | None, account: Account | None, said: str
) -> None:
    stage.asked()

    reply = stage.say(who, "approve", account=account)

    assert not reply.ok and reply.dialog is None
    assert said in reply.text["en"]
    assert [event.payload["verb"] for event in stage.events(EventKind.COMMAND_REFUSED)] == ["approve"]


def test_the_requester_who_is_an_approver_is_told_who_can(stage: Stage) -> None:
    stage.say("ben", "declare level2 PostgreSQL does not start")
    stage.ask(stage.planned(requesters=("ben",)))

    reply = stage.say("ben", "approve")

    assert "you asked for this, so" in reply.text["en"]
    assert "Chika" in reply.text["en"]
    assert "依頼者本人" in reply.text["ja"]


def test_where_too_few_can_approve_it_is_said_and_not_waited_for(stage: Stage) -> None:
    stage.say("ben", "declare level2 PostgreSQL does not start")
    asked = stage.ask(stage.planned(requesters=("ben",)))

    refused = stage.say("ben", "approve")
    values = {"target": "production", "reason": "read it", "seal": short_seal(asked.seal)}
    counted = stage.say("chika", "approve", door=Door.TERMINAL, values=values)

    assert "2 must, 0 did, 1 may still answer (Chika)" in refused.text["en"]
    assert "Counted: 1 of 2." in counted.text["en"]
    assert "2 must, 1 did, 0 may still answer." in counted.text["en"]
    assert "Too few people" in str(stage.say("chika", "status").tables)


def test_the_dialog_of_a_requester_refuses_approval_but_not_a_deny(stage: Stage) -> None:
    stage.say("ben", "declare level2 PostgreSQL does not start")
    asked = stage.ask(stage.planned(requesters=("ben",)))
    ben = stage.context.roster.person("ben")

    with pytest.raises(UserError, match="you asked for this, so"):
        dialog_of(stage.context, asked.id, ben)
    assert dialog_of(stage.context, asked.id, ben, decision="deny").request == asked.id


def test_two_people_at_a_terminal_grant_and_wake_the_run(stage: Stage) -> None:
    run, asked = stage.asked()
    stage.park(run, RunState.WAITING)
    values = {"target": "production", "reason": "read it", "seal": short_seal(asked.seal)}

    first = stage.say("ben", "approve", door=Door.TERMINAL, values=values)
    second = stage.say("chika", "approve DR-1", door=Door.TERMINAL, values=values)

    assert "1 of 2" in first.text["en"] and "Approved" in second.text["en"]
    assert state_of(stage, asked.id) is RequestState.GRANTED
    assert stage.runs()[-1].state is RunState.QUEUED
    assert stage.bell.rung[-1] == ("production", run.id)


def test_a_terminal_without_target_and_reason_shows_the_plan_and_how_to_approve_exactly_it(stage: Stage) -> None:
    _, asked = stage.asked()

    reply = stage.say("ben", "approve", door=Door.TERMINAL)

    assert f"--target production --seal {short_seal(asked.seal)}" in reply.text["en"]
    assert "volume pgdata" in str(reply.tables)
    assert stage.events(EventKind.VOTE_COUNTED) == []


def test_a_terminal_that_does_not_say_which_plan_was_read_is_shown_it_first(stage: Stage) -> None:
    _, asked = stage.asked()

    reply = stage.say("ben", "approve", door=Door.TERMINAL, values={"target": "production", "reason": "ok"})

    assert f"--seal {short_seal(asked.seal)}" in reply.text["en"]
    assert stage.events(EventKind.VOTE_COUNTED) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"target": "staging", "reason": "ok"}, 'you typed "staging"'),
        ({"target": "production", "reason": "ok", "seal": "AAAA-BBBB"}, "that is not the seal of the current plan"),
    ],
)
def test_a_wrong_target_or_another_seal_does_not_count(stage: Stage, values: dict[str, str], said: str) -> None:
    _, asked = stage.asked()

    reply = stage.say("ben", "approve", door=Door.TERMINAL, values={"seal": asked.seal, **values})

    assert not reply.ok
    assert said in reply.text["en"]
    assert stage.events(EventKind.VOTE_REFUSED)


def test_a_second_vote_of_the_same_person_is_told_when_the_first_counted(stage: Stage) -> None:
    _, asked = stage.asked()

    def cast(account: str) -> str:
        return vote(
            stage.context, request_id=asked.id, person="chika", account=Account(id=account), decision="approve",
            reason="ok", seal=asked.seal, target="production", door=Door.DIALOG, at=asked.opened_at,
        ).text["en"]  # fmt: skip

    assert "1 of 2" in cast("U3")
    assert "Already counted" in cast("U4")
    assert "Already counted" in stage.say("chika", "approve").text["en"]


def test_one_no_ends_the_request_and_wants_a_reason(stage: Stage) -> None:
    _, asked = stage.asked()

    silent = stage.say("chika", "deny")
    denied = stage.say("chika", "deny that backup is too old")

    assert "give a reason" in silent.text["en"]
    assert denied.ok
    assert state_of(stage, asked.id) is RequestState.DENIED
    assert "denied" in stage.say("ben", "approve").text["en"]


def denied(stage: Stage) -> None:
    run, _ = stage.asked()
    stage.say("chika", "deny that backup is too old")
    with stage.database.write() as tx:
        runs.next_backup(tx, run, OLDER)
    stage.park(run, RunState.BLOCKED, why="denied", choices=["another_backup", "discard"])


def test_what_was_denied_is_not_asked_again_by_others(stage: Stage) -> None:
    denied(stage)

    reply = stage.say("aiko", "recover")

    assert "Chika denied exactly this" in reply.text["en"]
    assert len(stage.runs()) == 1


def test_the_denier_may_ask_again(stage: Stage) -> None:
    denied(stage)

    assert stage.say("chika", "recover").ok
    assert len(stage.runs()) == 2


def test_another_backup_is_the_one_that_was_offered_or_the_one_that_is_named(stage: Stage) -> None:
    denied(stage)

    stage.say("aiko", "recover backup")

    before, after = stage.runs()
    assert before.state is RunState.STOPPED
    assert after.arguments == {"backup": OLDER}


@pytest.mark.parametrize("name", ["../etc/passwd", "a;b", "x y", "-rf", "a\u202eb$(id)"])
def test_a_backup_is_a_plain_file_name(stage: Stage, name: str) -> None:
    denied(stage)

    assert "no name of a backup" in stage.say("aiko", f"recover backup {name}").text["en"]
    assert len(stage.runs()) == 1


@pytest.mark.parametrize("state", [None, RunState.QUEUED, RunState.WAITING, RunState.BLOCKED])
def test_discard_ends_a_run_that_has_touched_nothing(stage: Stage, state: RunState | None) -> None:
    stage.say("aiko", "declare level2")
    if state is not None:
        stage.park(stage.planned(), RunState.WAITING if state is RunState.QUEUED else state, step="approval")
    if state is RunState.QUEUED:
        with stage.database.write() as tx:
            waking.wake(tx, stage.runs()[-1].id, "a vote")

    assert stage.say("aiko", "discard").ok
    assert (stage.runs()[-1].state, stage.runs()[-1].stop_kind) == (RunState.STOPPED, StopKind.DISCARDED)


def test_discard_does_not_end_a_run_that_has_touched_production_unless_it_is_blocked(stage: Stage) -> None:
    stage.say("aiko", "declare level2")
    run = stage.planned()
    with stage.database.write() as tx:
        steps.start(tx, run, "stop-apps", title="Stop")

    assert "in progress" in stage.say("aiko", "discard").text["en"]
    stage.park(run, RunState.BLOCKED, why="expired")
    assert stage.say("aiko", "discard").ok


def test_one_login_that_votes_for_two_people_is_told_so_at_the_vote_and_in_the_ledger(stage: Stage) -> None:
    _, asked = stage.asked()
    values = {"target": "production", "reason": "read it", "seal": short_seal(asked.seal)}

    first = stage.say("ben", "approve", door=Door.TERMINAL, values=values, terminal="root@recovery")
    second = stage.say("chika", "approve", door=Door.TERMINAL, values=values, terminal="root@recovery")

    assert "one login" not in first.text["en"]
    assert "one login at a terminal (root@recovery), without keys" in second.text["en"]
    assert "同じログイン (root@recovery)" in second.text["ja"]
    assert [event.payload["terminal"] for event in stage.events(EventKind.VOTE_COUNTED)] == ["root@recovery"] * 2
    shown = table_of(dialog_of(stage.context, asked.id, stage.context.roster.person("ben"), decision="deny"))
    assert any("root@recovery" in str(row) for row in shown.rows)
