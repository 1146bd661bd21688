"""The approval card and the vote dialog, clicked by people."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from drbot.core.approvals.approval import ApprovalRequest, RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.store.base.schema import votes
from drbot.store.records import requests
from tests.integration.bot.conftest import PATIENCE, Message, Scene
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened
from tests.waiting import wait_for


def buttons(message: Message) -> list[dict[str, Any]]:
    return [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


def card(scene: Scene, incident: Incident, words: str) -> Message:
    return scene.message(incident.channel, lambda one: words in one["text"] and "production" in one["text"], words)


def open_dialog(scene: Scene, user: str, message: Message, action: str = "vote:approve") -> dict[str, Any]:
    assert scene.people.click(user, message, action).acknowledged
    return scene.people.wait_for_view(user, lambda view: view["callback_id"] == "vote", PATIENCE)


def typed(**fields: str) -> dict[str, dict[str, str]]:
    return {name: {"value": text} for name, text in fields.items()}


def submit(scene: Scene, user: str, view: dict[str, Any], **fields: str) -> None:
    assert scene.people.submit(user, view["id"], typed(**fields)).acknowledged


def shown(scene: Scene, user: str, words: str) -> None:
    """The person's dialog says it."""
    wait_for(lambda: any(words in str(view["blocks"]) for view in scene.people.views(user)), PATIENCE, words)


def test_two_people_approve_in_dialogs_and_the_card_loses_its_approve_button(served: Scene) -> None:
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    asking = card(served, incident, "Approval needed")

    assert "<@U00BEN>" in asking["text"]
    assert "<@U00AIKO>" not in asking["text"]
    view = open_dialog(served, "U00BEN", asking)
    assert "volume postgres_data of ai-micro-postgres" in str(view["blocks"])
    submit(served, "U00BEN", view, target="production", reason="I read it")
    shown(served, "U00BEN", "1 of 2")
    submit(served, "U00CHIKA", open_dialog(served, "U00CHIKA", asking), target="production", reason="読みました")
    shown(served, "U00CHIKA", "2/2")

    granted = card(served, incident, "Approved")
    assert granted["ts"] == asking["ts"]
    assert [one["action_id"] for one in buttons(granted)] == ["vote:deny"]
    with served.database.read() as connection:
        assert requests.get(connection, request.id).state is RequestState.GRANTED


def test_the_declarers_own_vote_is_refused_privately_and_recorded(served: Scene) -> None:
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    asking = card(served, incident, "Approval needed")

    assert served.people.click("U00AIKO", asking, "vote:approve").acknowledged

    shown(served, "U00AIKO", "others must approve")
    outside_threads = [one for one in served.messages(incident.channel) if one.get("thread_ts") in (None, one["ts"])]
    assert not any("others must approve" in str(one["blocks"]) for one in outside_threads)  # it is on record in one
    refused = wait_for(
        lambda: [event for event in served.events() if event.kind is EventKind.VOTE_REFUSED], PATIENCE, "the record"
    )
    assert [(event.person, event.payload["code"]) for event in refused] == [("aiko", "requester")]
    with served.database.read() as connection:
        assert requests.votes(connection, request.id) == []


def test_a_wrong_target_is_said_at_the_field_and_can_be_corrected(served: Scene) -> None:
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    view = open_dialog(served, "U00BEN", card(served, incident, "Approval needed"))

    answer = served.people.submit("U00BEN", view["id"], typed(target="staging", reason="wrong window"))

    assert "staging" in answer.errors["target"]
    submit(served, "U00BEN", view, target="production", reason="now right")
    shown(served, "U00BEN", "1 of 2")
    with served.database.read() as connection:
        assert [vote.person for vote in requests.votes(connection, request.id)] == ["ben"]


def test_a_denied_card_has_no_live_buttons(served: Scene) -> None:
    incident = served.declare()
    opened(served.database, planned(served.database, incident))
    asking = card(served, incident, "Approval needed")

    submit(served, "U00CHIKA", open_dialog(served, "U00CHIKA", asking, "vote:deny"), reason="古すぎます")

    denied = card(served, incident, "Denied")
    assert denied["ts"] == asking["ts"]
    assert not any(one["action_id"].startswith("vote:") for one in buttons(denied))
    assert "古すぎます" in str(denied["blocks"])


def test_a_dialog_that_is_delivered_twice_is_answered_with_what_came_of_it(served: Scene) -> None:
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    view = open_dialog(served, "U00BEN", card(served, incident, "Approval needed"))
    served.people.set_faults(duplicate_envelopes=True)
    fields = typed(target="production", reason="I read it")

    with ThreadPoolExecutor(1) as pool:
        with served.database.write():  # nobody else can write meanwhile, so the first delivery takes a moment
            sending = pool.submit(served.people.submit, "U00BEN", view["id"], fields)
            with pytest.raises(TimeoutError):  # no ack that knows nothing yet
                sending.result(timeout=0.8)
        answer = sending.result(timeout=PATIENCE)

    assert answer.response_action == "update"
    shown(served, "U00BEN", "1 of 2")
    with served.database.read() as connection:
        assert len(requests.votes(connection, request.id)) == 1


def deactivated_after_a_vote(served: Scene) -> tuple[Incident, ApprovalRequest, Message]:
    """Ben has approved, and is no member any more. The last: the card that asks."""
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    asking = card(served, incident, "Approval needed")
    submit(served, "U00BEN", open_dialog(served, "U00BEN", asking), target="production", reason="I read it")
    shown(served, "U00BEN", "1 of 2")
    people = served.simulator.state.people
    people["U00BEN"] = replace(people["U00BEN"], deleted=True)
    return incident, request, asking


def wait_until_void(served: Scene, incident: Incident, request: ApprovalRequest) -> None:
    def state() -> RequestState:
        with served.database.read() as connection:
            return requests.get(connection, request.id).state

    wait_for(lambda: state() is RequestState.VOID, PATIENCE, "the approval to be void")
    said = "Ben, who approved, is no longer an active member of this workspace."
    served.message(incident.channel, lambda one: said in str(one), said)


def test_a_vote_is_void_once_its_account_is_deactivated_though_nobody_votes_in_slack_again(served: Scene) -> None:
    """The other vote may come from a terminal, or has come and the run waits for its worker."""
    incident, request, _ = deactivated_after_a_vote(served)

    wait_until_void(served, incident, request)


def test_an_account_that_slack_does_not_know_hides_no_other_that_is_gone(served: Scene) -> None:
    """Whoever writes rows could let somebody vote before whom nothing is known."""
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    asking = card(served, incident, "Approval needed")
    row = {"person": "chika", "decision": "approve", "reason": "x", "seal": request.seal, "entry_point": "dialog"}
    with served.database.write() as tx:
        tx.connection.execute(insert(votes).values(request=request.id, at=tx.now, **row))

    def voters() -> set[str]:
        with served.database.read() as connection:
            return {vote.person for vote in requests.votes(connection, request.id)}

    submit(served, "U00BEN", open_dialog(served, "U00BEN", asking), target="production", reason="I read it")
    wait_for(lambda: "ben" in voters(), PATIENCE, "the vote")
    people = served.simulator.state.people

    del people["U00CHIKA"]
    people["U00BEN"] = replace(people["U00BEN"], deleted=True)

    wait_until_void(served, incident, request)


def test_a_voter_whose_account_was_deactivated_since_counts_no_more(served: Scene) -> None:
    incident, request, asking = deactivated_after_a_vote(served)

    submit(served, "U00CHIKA", open_dialog(served, "U00CHIKA", asking), target="production", reason="読みました")

    wait_until_void(served, incident, request)
