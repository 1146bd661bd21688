"""Each row of the table of bad inputs, end to end: people at Slack, the bot, a worker that would (docs/security.md).

Signed bodies by HTTP have a file of their own: tests/integration/bot/test_http.py.
"""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

from drbot.core.approvals.approval import RequestState
from drbot.core.base.errors import PermanentError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import seal_of
from drbot.core.runs.run import Run, RunState
from drbot.store.base import ledger
from drbot.store.base.schema import events, votes
from drbot.store.base.schema import requests as table
from drbot.store.records import requests
from drbot.store.runs import runs
from tests.integration.attacks.incident_app import IncidentApp, value_behind
from tests.integration.bot.conftest import PATIENCE
from tests.integration.runners.harmless import backup
from tests.waiting import wait_for


def told(incident_app: IncidentApp, user: str, words: str) -> None:
    """The person's dialog says it, and nobody else's does."""
    wait_for(lambda: words in str(incident_app.scene.people.views(user)), PATIENCE, words)


def test_two_others_approve_and_it_is_done(incident_app: IncidentApp) -> None:
    """The honest way, so that every refusal below means something."""
    incident, request = incident_app.asked()

    assert [incident_app.vote(user, incident_app.card(incident)) for user in ("U00BEN", "U00CHIKA")] == [
        "counted",
        "counted",
    ]

    wait_for(lambda: "swap" in incident_app.worker_fixture.target.calls, PATIENCE, "the swap")
    wait_for(lambda: incident_app.state(request) is RequestState.USED, PATIENCE, "the permit to be used up")
    assert incident_app.worker_fixture.target.volumes["postgres_data"] == "good"


def test_requester_approves_own_request(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()

    assert incident_app.press("U00AIKO", incident_app.card(incident), "vote:approve") == "requester"

    told(incident_app, "U00AIKO", "others must approve")
    assert incident_app.votes(request) == []


def test_same_approver_again_and_slack_delivers_twice(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    incident_app.scene.people.set_faults(duplicate_envelopes=True)

    assert incident_app.vote("U00BEN", incident_app.card(incident)) == "counted"
    assert incident_app.press("U00BEN", incident_app.card(incident), "vote:approve") == "twice"

    told(incident_app, "U00BEN", "Already counted at")
    assert [vote.person for vote in incident_app.votes(request)] == ["ben"]


def test_same_person_second_account(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()

    assert incident_app.vote("U00BEN", incident_app.card(incident)) == "counted"
    assert incident_app.press("U00BENTWO", incident_app.card(incident), "vote:approve") == "twice"

    assert len(incident_app.votes(request)) == 1
    assert incident_app.untouched()


@pytest.mark.parametrize("user", ["U00GUEST", "U00BOTX", "U00GONE", "U00ELSE"])
def test_guest_bot_deactivated_and_other_workspace_also_when_they_are_on_the_roster(
    incident_app: IncidentApp, user: str
) -> None:
    incident, request = incident_app.asked()

    assert incident_app.press(user, incident_app.card(incident), "vote:approve") == "account"
    assert incident_app.votes(request) == []


def test_click_on_an_old_card_after_the_plan_changed(incident_app: IncidentApp) -> None:
    incident, old = incident_app.asked()
    card = incident_app.card(incident)
    old_value = value_behind(card, "vote:approve")
    view = incident_app.open_dialog("U00BEN", card)
    incident_app.worker_fixture.target.backups[0] = backup(1).model_copy(update={"sha256": "f" * 64})
    assert incident_app.vote("U00CHIKA", card, "deny") == "counted"
    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.scene.people.command("U00CHIKA", incident.channel or "", "/dr recover").acknowledged
    wait_for(lambda: incident_app.request(incident).id != old.id, PATIENCE, "the new request")
    new = incident_app.request(incident)

    seq = incident_app.head()
    incident_app.scene.people.submit(
        "U00BEN", view["id"], {"target": {"value": "production"}, "reason": {"value": "late"}}
    )
    assert incident_app.code_after(seq) == "not_live"
    assert incident_app.forge("U00BEN", card, "vote:approve", old_value) == "not_live"
    assert incident_app.votes(new) == []


@pytest.mark.parametrize("what", ["backup object overwritten under the same key", "target replaced"])
def test_what_was_sealed_is_not_there_any_more(incident_app: IncidentApp, what: str) -> None:
    incident, request = incident_app.asked()
    if what == "target replaced":
        incident_app.worker_fixture.target.engine = "engine of staging"
    else:
        incident_app.worker_fixture.target.backups[0] = backup(1).model_copy(update={"sha256": "f" * 64})

    incident_app.both_vote(incident)

    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.state(request) is RequestState.VOID
    assert incident_app.untouched()
    shown = incident_app.card(incident, "No longer valid")
    assert not [one for block in shown["blocks"] for one in block.get("elements", []) if "vote:" in str(one)]


def test_permit_used_twice_for_another_run_and_another_step(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    before, after = (
        incident_app.worker_fixture.target.hold("compose.stop"),
        incident_app.worker_fixture.target.hold("volume.swap"),
    )
    incident_app.both_vote(incident)
    assert before.reached.wait(PATIENCE)
    run = incident_app.run_of(incident)

    def refused(run: Run, step: str) -> None:
        """By the permit's own rules: the run that asks is at work, so that no fence is in the way."""
        with pytest.raises(PermanentError, match="does not let"), incident_app.scene.database.write() as tx:
            requests.use(tx, run, request.id, step)

    refused(run, "restore-beside")
    with incident_app.scene.database.write() as tx:
        queued = runs.queue(
            tx, incident=incident.id, site=run.site, kind=run.kind, runbook=run.runbook, arguments={}, person="aiko"
        )
        other = runs.claim(tx, queued.id, "somebody", lease_seconds=3600)
    assert other is not None
    refused(other, "swap")
    before.go_on.set()
    assert after.reached.wait(PATIENCE)
    assert incident_app.state(request) is RequestState.USED
    refused(run, "swap")
    after.go_on.set()
    assert len([one for one in incident_app.scene.events() if one.kind is EventKind.REQUEST_USED]) == 1


def test_both_votes_while_the_restore_beside_still_runs(incident_app: IncidentApp) -> None:
    hold = incident_app.worker_fixture.target.hold("postgres.restore_beside")
    incident, _ = incident_app.incident()
    request = incident_app.request(incident)

    for user in ("U00BEN", "U00CHIKA"):
        assert incident_app.vote(user, incident_app.card(incident)) == "counted"

    with incident_app.scene.database.read() as connection:
        waiting = requests.get(connection, request.id)
    assert (waiting.state, waiting.start_by, waiting.proven_at) == (RequestState.GRANTED, None, None)
    assert incident_app.untouched()
    hold.go_on.set()
    wait_for(lambda: incident_app.state(request) is RequestState.USED, PATIENCE, "the start after the proof")
    with incident_app.scene.database.read() as connection:
        done = requests.get(connection, request.id)
    assert done.proven_at and done.granted_at and done.start_by
    assert (done.start_by - done.proven_at).total_seconds() == done.start_seconds


def test_proof_fails_after_both_votes(incident_app: IncidentApp) -> None:
    incident_app.worker_fixture.target.bad.add(backup(1).name)
    hold = incident_app.worker_fixture.target.hold("postgres.restore_beside")
    incident, _ = incident_app.incident()
    request = incident_app.request(incident)
    incident_app.both_vote(incident)

    hold.go_on.set()

    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.state(request) is RequestState.VOID
    assert incident_app.untouched()
    incident_app.scene.message(incident.channel, lambda one: "the dump ends in the middle" in str(one), "the reason")


def test_approve_and_deny_in_the_same_moment(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    card = incident_app.card(incident)
    incident_app.vote("U00BEN", card)
    hold = incident_app.worker_fixture.target.hold("compose.stop")
    views = {
        "U00CHIKA": incident_app.open_dialog("U00CHIKA", card),
        "U00DAN": incident_app.open_dialog("U00DAN", card, "deny"),
    }
    together = threading.Barrier(2)

    def send(user: str) -> None:
        together.wait(PATIENCE)
        values = {"target": {"value": "production"}, "reason": {"value": "now"}}
        fields = {block["block_id"] for block in views[user]["blocks"] if block["type"] == "input"}
        incident_app.scene.people.submit(user, views[user]["id"], {name: values[name] for name in fields})

    threads = [threading.Thread(target=send, args=(user,)) for user in views]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    hold.go_on.set()

    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.state(request) is RequestState.DENIED
    assert "dan" in [vote.person for vote in incident_app.votes(request)]
    assert incident_app.untouched()


def test_forged_button_value(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    card = incident_app.card(incident)
    deny = value_behind(card, "vote:deny")
    cut = value_behind(card, "vote:approve")[:-8]
    for forged in ('{"request": "r1-q1"}', deny, cut, "x"):
        for action in ("vote:approve", "do:0"):
            assert incident_app.forge("U00BEN", card, action, forged) == "forged"
    refused = incident_app.outcomes()[-1]
    assert (refused.incident, refused.person, refused.payload["account"]) == (incident.id, "ben", "U00BEN")
    assert incident_app.votes(request) == []


@pytest.mark.parametrize("name", ["../x", "a;rm", "$(id)", "b\u0430ckup", "-rf", "x\u200by z"])
def test_arguments_that_are_more_than_a_name(incident_app: IncidentApp, name: str) -> None:
    incident, _ = incident_app.asked()
    incident_app.vote("U00DAN", incident_app.card(incident), "deny")
    incident_app.wait_for_run(incident, RunState.BLOCKED)
    seq = incident_app.head()

    assert incident_app.scene.people.command(
        "U00CHIKA", incident.channel or "", f"/dr recover backup {name}"
    ).acknowledged

    assert incident_app.code_after(seq) == ""
    with incident_app.scene.database.read() as connection:
        assert len(runs.of_incident(connection, incident.id)) == 1


def test_letters_that_imitate_are_shown_in_the_channel(incident_app: IncidentApp) -> None:
    incident, _ = incident_app.incident("level2 pr\u043eduction is down")

    incident_app.scene.message(
        incident.channel, lambda one: "pr\\u043eduction" in str(one["blocks"]).replace("\\\\", "\\"), "it"
    )
    assert not [one for one in incident_app.scene.messages(incident.channel) if "\u043e" in str(one["blocks"])]


def test_a_channel_mention_and_a_fake_approval_in_free_text(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    fake = "<!channel> :white_check_mark: Approved. 2 of 2 approvals"
    incident_app.scene.people.say("U00EMI", incident.channel or "", "approved ✅ @drbot")

    assert incident_app.vote("U00BEN", incident_app.card(incident), reason=fake) == "counted"

    shown = incident_app.scene.message(incident.channel, lambda one: "1 of 2" in str(one["blocks"]), "one vote")
    assert "<!channel>" not in str(shown["blocks"]) and "&lt;!channel&gt;" in str(shown["blocks"])
    assert incident_app.state(request) is RequestState.OPEN
    assert incident_app.untouched()


def test_drill_approval_used_for_production(incident_app: IncidentApp) -> None:
    hold = incident_app.worker_fixture.target.hold("postgres.restore_beside")
    incident, _ = incident_app.incident()
    request = incident_app.request(incident)
    incident_app.both_vote(incident)
    run = incident_app.run_of(incident)
    assert run.plan is not None and run.plan.mode == "real"
    with incident_app.scene.database.write() as tx:
        sealed_as_drill = seal_of(run.plan.model_copy(update={"mode": "drill"}))
        tx.connection.execute(update(table).where(table.c.id == request.id).values(seal=sealed_as_drill))
        tx.connection.execute(update(votes).where(votes.c.request == request.id).values(seal=sealed_as_drill))

    hold.go_on.set()

    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.state(request) is RequestState.VOID
    assert incident_app.untouched()


def edited(incident_app: IncidentApp) -> None:
    with incident_app.scene.database.write() as tx:
        tx.connection.execute(update(events).where(events.c.seq == 3).values(person="dan"))


def cut(incident_app: IncidentApp) -> None:
    with incident_app.scene.database.write() as tx:
        tx.connection.execute(delete(events).where(events.c.seq == 3))


@pytest.mark.parametrize("damage", [edited, cut])
def test_ledger_edited_or_cut(incident_app: IncidentApp, damage: Callable[[IncidentApp], None]) -> None:
    incident, request = incident_app.asked()
    card = incident_app.card(incident)
    hold = incident_app.worker_fixture.target.hold("compose.stop")
    for user in ("U00BEN", "U00CHIKA"):
        incident_app.vote(user, card)
    assert hold.reached.wait(PATIENCE)

    damage(incident_app)
    hold.go_on.set()

    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.state(request) is RequestState.VOID
    assert incident_app.untouched()
    void = next(event for event in incident_app.scene.events() if event.kind is EventKind.REQUEST_VOID)
    assert "Record" in void.payload["why"] and "3" in void.payload["why"] and "audit verify" in void.payload["why"]
    with incident_app.scene.database.read() as connection:
        assert ledger.verify(connection)
    # The rest works: it is asked again, shown and stopped; only the gate stays shut.
    assert incident_app.scene.people.command("U00AIKO", incident.channel or "", "/dr recover").acknowledged
    wait_for(lambda: incident_app.request(incident).id != request.id, PATIENCE, "the new request")
    assert incident_app.vote("U00DAN", incident_app.card(incident)) == "roster_fault"
    assert incident_app.scene.people.command("U00DAN", incident.channel or "", "/dr stop").acknowledged
    incident_app.wait_for_run(incident, RunState.STOPPED)
