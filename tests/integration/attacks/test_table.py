"""Each row of the table of bad inputs, end to end: people at Slack, the bot, a worker that would (docs/security.md).

Signed bodies by HTTP have a file of their own: tests/integration/bot/test_http.py.
"""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

from drbot.core.approval import RequestState
from drbot.core.errors import PermanentError
from drbot.core.events import EventKind
from drbot.core.plan import seal_of
from drbot.core.run import Run, RunState
from drbot.store import journal, requests, runs
from drbot.store.schema import events, votes
from drbot.store.schema import requests as table
from tests.integration.attacks.town import Town, value_behind
from tests.integration.bot.conftest import PATIENCE
from tests.integration.runners.harmless import backup
from tests.waiting import wait_for


def told(town: Town, user: str, words: str) -> None:
    """The person's dialog says it, and nobody else's does."""
    wait_for(lambda: words in str(town.scene.people.views(user)), PATIENCE, words)


def test_two_others_approve_and_it_is_done(town: Town) -> None:
    """The honest way, so that every refusal below means something."""
    incident, request = town.asked()

    assert [town.vote(user, town.card(incident)) for user in ("U00BEN", "U00CHIKA")] == ["counted", "counted"]

    wait_for(lambda: "swap" in town.bench.target.calls, PATIENCE, "the swap")
    wait_for(lambda: town.state(request) is RequestState.USED, PATIENCE, "the permit to be used up")
    assert town.bench.target.volumes["postgres_data"] == "good"


def test_requester_approves_own_request(town: Town) -> None:
    incident, request = town.asked()

    assert town.press("U00AIKO", town.card(incident), "vote:approve") == "requester"

    told(town, "U00AIKO", "others must approve")
    assert town.votes(request) == []


def test_same_approver_again_and_slack_delivers_twice(town: Town) -> None:
    incident, request = town.asked()
    town.scene.people.set_faults(duplicate_envelopes=True)

    assert town.vote("U00BEN", town.card(incident)) == "counted"
    assert town.press("U00BEN", town.card(incident), "vote:approve") == "twice"

    told(town, "U00BEN", "Already counted at")
    assert [vote.person for vote in town.votes(request)] == ["ben"]


def test_same_person_second_account(town: Town) -> None:
    incident, request = town.asked()

    assert town.vote("U00BEN", town.card(incident)) == "counted"
    assert town.press("U00BENTWO", town.card(incident), "vote:approve") == "twice"

    assert len(town.votes(request)) == 1
    assert town.untouched()


@pytest.mark.parametrize("user", ["U00GUEST", "U00BOTX", "U00GONE", "U00ELSE"])
def test_guest_bot_deactivated_and_other_workspace_also_when_they_are_on_the_roster(town: Town, user: str) -> None:
    incident, request = town.asked()

    assert town.press(user, town.card(incident), "vote:approve") == "account"
    assert town.votes(request) == []


def test_click_on_an_old_card_after_the_plan_changed(town: Town) -> None:
    incident, old = town.asked()
    card = town.card(incident)
    old_value = value_behind(card, "vote:approve")
    view = town.open_dialog("U00BEN", card)
    town.bench.target.backups[0] = backup(1).model_copy(update={"sha256": "f" * 64})
    assert town.vote("U00CHIKA", card, "deny") == "counted"
    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.scene.people.command("U00CHIKA", incident.channel or "", "/dr recover").acknowledged
    wait_for(lambda: town.request(incident).id != old.id, PATIENCE, "the new request")
    new = town.request(incident)

    seq = town.head()
    town.scene.people.submit("U00BEN", view["id"], {"target": {"value": "production"}, "reason": {"value": "late"}})
    assert town.code_after(seq) == "not_live"
    assert town.forge("U00BEN", card, "vote:approve", old_value) == "not_live"
    assert town.votes(new) == []


@pytest.mark.parametrize("what", ["backup object overwritten under the same key", "target replaced"])
def test_what_was_sealed_is_not_there_any_more(town: Town, what: str) -> None:
    incident, request = town.asked()
    if what == "target replaced":
        town.bench.target.engine = "engine of staging"
    else:
        town.bench.target.backups[0] = backup(1).model_copy(update={"sha256": "f" * 64})

    town.both_vote(incident)

    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.state(request) is RequestState.VOID
    assert town.untouched()
    shown = town.card(incident, "No longer valid")
    assert not [one for block in shown["blocks"] for one in block.get("elements", []) if "vote:" in str(one)]


def test_permit_used_twice_for_another_run_and_another_step(town: Town) -> None:
    incident, request = town.asked()
    before, after = town.bench.target.hold("compose.stop"), town.bench.target.hold("volume.swap")
    town.both_vote(incident)
    assert before.reached.wait(PATIENCE)
    run = town.run_of(incident)

    def refused(run: Run, step: str) -> None:
        """By the permit's own rules: the run that asks is at work, so that no fence is in the way."""
        with pytest.raises(PermanentError, match="does not let"), town.scene.database.write() as tx:
            requests.use(tx, run, request.id, step)

    refused(run, "restore-beside")
    with town.scene.database.write() as tx:
        queued = runs.queue(
            tx, incident=incident.id, site=run.site, kind=run.kind, runbook=run.runbook, arguments={}, person="aiko"
        )
        other = runs.claim(tx, queued.id, "somebody", lease_seconds=3600)
    assert other is not None
    refused(other, "swap")
    before.go_on.set()
    assert after.reached.wait(PATIENCE)
    assert town.state(request) is RequestState.USED
    refused(run, "swap")
    after.go_on.set()
    assert len([one for one in town.scene.events() if one.kind is EventKind.REQUEST_USED]) == 1


def test_both_votes_while_the_restore_beside_still_runs(town: Town) -> None:
    hold = town.bench.target.hold("postgres.restore_beside")
    incident, _ = town.incident()
    request = town.request(incident)

    for user in ("U00BEN", "U00CHIKA"):
        assert town.vote(user, town.card(incident)) == "counted"

    with town.scene.database.read() as connection:
        waiting = requests.get(connection, request.id)
    assert (waiting.state, waiting.start_by, waiting.proven_at) == (RequestState.GRANTED, None, None)
    assert town.untouched()
    hold.go_on.set()
    wait_for(lambda: town.state(request) is RequestState.USED, PATIENCE, "the start after the proof")
    with town.scene.database.read() as connection:
        done = requests.get(connection, request.id)
    assert done.proven_at and done.granted_at and done.start_by
    assert (done.start_by - done.proven_at).total_seconds() == done.start_seconds


def test_proof_fails_after_both_votes(town: Town) -> None:
    town.bench.target.bad.add(backup(1).name)
    hold = town.bench.target.hold("postgres.restore_beside")
    incident, _ = town.incident()
    request = town.request(incident)
    town.both_vote(incident)

    hold.go_on.set()

    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.state(request) is RequestState.VOID
    assert town.untouched()
    town.scene.message(incident.channel, lambda one: "the dump ends in the middle" in str(one), "the reason")


def test_approve_and_deny_in_the_same_moment(town: Town) -> None:
    incident, request = town.asked()
    card = town.card(incident)
    town.vote("U00BEN", card)
    hold = town.bench.target.hold("compose.stop")
    views = {"U00CHIKA": town.open_dialog("U00CHIKA", card), "U00DAN": town.open_dialog("U00DAN", card, "deny")}
    together = threading.Barrier(2)

    def send(user: str) -> None:
        together.wait(PATIENCE)
        values = {"target": {"value": "production"}, "reason": {"value": "now"}}
        fields = {block["block_id"] for block in views[user]["blocks"] if block["type"] == "input"}
        town.scene.people.submit(user, views[user]["id"], {name: values[name] for name in fields})

    threads = [threading.Thread(target=send, args=(user,)) for user in views]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    hold.go_on.set()

    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.state(request) is RequestState.DENIED
    assert "dan" in [vote.person for vote in town.votes(request)]
    assert town.untouched()


def test_forged_button_value(town: Town) -> None:
    incident, request = town.asked()
    card = town.card(incident)
    deny = value_behind(card, "vote:deny")
    cut = value_behind(card, "vote:approve")[:-8]
    for forged in ('{"request": "r1-q1"}', deny, cut, "x"):
        for action in ("vote:approve", "do:0"):
            assert town.forge("U00BEN", card, action, forged) == "forged"
    refused = town.outcomes()[-1]
    assert (refused.incident, refused.person, refused.payload["account"]) == (incident.id, "ben", "U00BEN")
    assert town.votes(request) == []


@pytest.mark.parametrize("name", ["../x", "a;rm", "$(id)", "b\u0430ckup", "-rf", "x\u200by z"])
def test_arguments_that_are_more_than_a_name(town: Town, name: str) -> None:
    incident, _ = town.asked()
    town.vote("U00DAN", town.card(incident), "deny")
    town.wait_for_run(incident, RunState.BLOCKED)
    seq = town.head()

    assert town.scene.people.command("U00CHIKA", incident.channel or "", f"/dr recover backup {name}").acknowledged

    assert town.code_after(seq) == ""
    with town.scene.database.read() as connection:
        assert len(runs.of_incident(connection, incident.id)) == 1


def test_letters_that_imitate_are_shown_in_the_channel(town: Town) -> None:
    incident, _ = town.incident("level2 pr\u043eduction is down")

    town.scene.message(
        incident.channel, lambda one: "pr\\u043eduction" in str(one["blocks"]).replace("\\\\", "\\"), "it"
    )
    assert not [one for one in town.scene.messages(incident.channel) if "\u043e" in str(one["blocks"])]


def test_a_channel_mention_and_a_fake_approval_in_free_text(town: Town) -> None:
    incident, request = town.asked()
    fake = "<!channel> :white_check_mark: Approved. 2 of 2 approvals"
    town.scene.people.say("U00EMI", incident.channel or "", "approved ✅ @drbot")

    assert town.vote("U00BEN", town.card(incident), reason=fake) == "counted"

    shown = town.scene.message(incident.channel, lambda one: "1 of 2" in str(one["blocks"]), "one vote")
    assert "<!channel>" not in str(shown["blocks"]) and "&lt;!channel&gt;" in str(shown["blocks"])
    assert town.state(request) is RequestState.OPEN
    assert town.untouched()


def test_drill_approval_used_for_production(town: Town) -> None:
    hold = town.bench.target.hold("postgres.restore_beside")
    incident, _ = town.incident()
    request = town.request(incident)
    town.both_vote(incident)
    run = town.run_of(incident)
    assert run.plan is not None and run.plan.mode == "real"
    with town.scene.database.write() as tx:
        sealed_as_drill = seal_of(run.plan.model_copy(update={"mode": "drill"}))
        tx.connection.execute(update(table).where(table.c.id == request.id).values(seal=sealed_as_drill))
        tx.connection.execute(update(votes).where(votes.c.request == request.id).values(seal=sealed_as_drill))

    hold.go_on.set()

    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.state(request) is RequestState.VOID
    assert town.untouched()


def edited(town: Town) -> None:
    with town.scene.database.write() as tx:
        tx.connection.execute(update(events).where(events.c.seq == 3).values(person="dan"))


def cut(town: Town) -> None:
    with town.scene.database.write() as tx:
        tx.connection.execute(delete(events).where(events.c.seq == 3))


@pytest.mark.parametrize("damage", [edited, cut])
def test_ledger_edited_or_cut(town: Town, damage: Callable[[Town], None]) -> None:
    incident, request = town.asked()
    card = town.card(incident)
    hold = town.bench.target.hold("compose.stop")
    for user in ("U00BEN", "U00CHIKA"):
        town.vote(user, card)
    assert hold.reached.wait(PATIENCE)

    damage(town)
    hold.go_on.set()

    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.state(request) is RequestState.VOID
    assert town.untouched()
    void = next(event for event in town.scene.events() if event.kind is EventKind.REQUEST_VOID)
    assert "Record" in void.payload["why"] and "3" in void.payload["why"] and "audit verify" in void.payload["why"]
    with town.scene.database.read() as connection:
        assert journal.verify(connection)
    # The rest works: it is asked again, shown and stopped; only the gate stays shut.
    assert town.scene.people.command("U00AIKO", incident.channel or "", "/dr recover").acknowledged
    wait_for(lambda: town.request(incident).id != request.id, PATIENCE, "the new request")
    assert town.vote("U00DAN", town.card(incident)) == "roster_fault"
    assert town.scene.people.command("U00DAN", incident.channel or "", "/dr stop").acknowledged
    town.wait_for_run(incident, RunState.STOPPED)
