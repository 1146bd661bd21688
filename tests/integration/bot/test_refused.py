"""Slack refuses something for good: it is said where people are, comes by another way, and the rest goes on."""

from pathlib import Path
from typing import Any

import pytest

from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import RunState
from drbot.store.records import incidents, requests, surfaces
from drbot.store.runs import runs
from tests.integration.bot.conftest import PATIENCE, ROOT, Message, Scene
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened
from tests.waiting import wait_for

BEN, CHIKA, AIKO, DAN = "U00BEN", "U00CHIKA", "U00AIKO", "U00DAN"


@pytest.fixture
def manifest(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The app as it is installed, or without the scopes that a test's parameter names."""
    lacking = getattr(request, "param", ())
    lines = (ROOT / "manifest.yml").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "manifest.yml"
    kept = [line for line in lines if not any(f"- {scope} " in line for scope in lacking)]
    path.write_text("\n".join(kept), encoding="utf-8")
    return path


@pytest.mark.parametrize("manifest", [("channels:manage",)], indirect=True)
def test_without_the_right_to_make_channels_everything_is_shown_in_the_home_channel(served: Scene) -> None:
    assert served.people.command(AIKO, "dr-ops", "/dr declare level2 PostgreSQL is down").acknowledged
    served.message("dr-ops", lambda one: "missing_scope" in str(one["blocks"]), "the reason")
    with served.database.read() as connection:
        incident = incidents.recent(connection)[0]

    opened(served.database, planned(served.database, incident))

    served.message("dr-ops", lambda one: "DR-1 · Level 2" in str(one["blocks"]), "the board")
    served.message("dr-ops", lambda one: "Approval needed" in one["text"], "the card")
    failed = [event for event in served.events() if event.kind is EventKind.CONTROL_FAILED]
    assert len(failed) == 1
    assert "manifest.yml" in failed[0].payload["todo"]


def is_card(message: Message) -> bool:
    return "Approval needed" in message["text"] and "vote:approve" in str(message["blocks"])


def directly(scene: Scene, user: str) -> list[Message]:
    """What drbot wrote to this person alone."""
    return [one for room in scene.people.channels(user) if room["is_im"] for one in room["messages"]]


def vote_by(scene: Scene, user: str, card: Message) -> None:
    """Press the card's button, read the dialog, send it."""
    assert scene.people.click(user, card, "vote:approve").acknowledged
    view = scene.people.wait_for_view(user, lambda one: one["callback_id"] == "vote", PATIENCE)
    fields = {"target": {"value": "production"}, "reason": {"value": "read the proof"}}
    assert scene.people.submit(user, view["id"], fields).response_action == "update"


def refused(what: str, error: str = "invalid_blocks", **where: str) -> dict[str, Any]:
    return {"error": error, "holds": what, **where}


@pytest.mark.parametrize(
    ("what", "shown"),
    [('"header"', '"section"'), ('"mrkdwn"', '"plain_text"')],
    ids=["plain paragraphs", "its sentence"],
)
def test_a_card_whose_blocks_slack_refuses_comes_in_a_simpler_form_with_its_buttons(
    served: Scene, what: str, shown: str
) -> None:
    incident = served.declare()
    served.people.set_faults(refusals=[refused(what)])

    request = opened(served.database, planned(served.database, incident))

    card = served.message(incident.channel, is_card, "the card")
    wire = str(card["blocks"]).replace("'", '"')
    assert shown in wire and what not in wire
    vote_by(served, BEN, card)
    served.message(incident.channel, lambda one: one["ts"] == card["ts"] and "1 of 2" in one["text"], "the vote on it")
    with served.database.read() as connection:
        assert len(requests.votes(connection, request.id)) == 1


def test_a_card_of_which_slack_takes_no_block_says_plan_loss_and_what_to_type(served: Scene) -> None:
    incident = served.declare()
    served.people.set_faults(refusals=[refused('"section"')])

    opened(served.database, planned(served.database, incident))

    card = served.message(incident.channel, lambda one: "`/dr approve DR-1`" in one["text"], "the card")
    assert not card["blocks"] and "`/dr deny DR-1`" in card["text"]
    assert "*Will be replaced:* volume postgres_data" in card["text"] and "that will be LOST:*" in card["text"]


def test_a_board_that_slack_refuses_in_every_form_holds_back_no_card_and_no_milestone(served: Scene) -> None:
    served.people.set_faults(refusals=[refused("/board@", "restricted_action")])

    incident = served.declare()
    opened(served.database, planned(served.database, incident))

    served.message(incident.channel, is_card, "the card")
    served.message(incident.channel, lambda one: "The plan is ready" in one["text"], "the milestone")
    assert not [key for key in served.keys(incident.channel) if "/board@" in key]
    served.people.set_faults(refusals=[])
    served.message(incident.channel, lambda one: "DR-1 · Level 2" in str(one["blocks"]), "the board, once it may")


@pytest.mark.more
def test_a_plan_block_that_slack_refuses_leaves_a_board_in_plain_words_with_its_buttons(served: Scene) -> None:
    incident = served.declare()
    served.people.set_faults(refusals=[refused('"type": "plan"')])

    planned(served.database, incident)

    def has_steps(message: Message) -> bool:
        is_board = message["ts"] in served.people.channel(incident.channel or "")["pins"]
        return is_board and "▫ swap" in str(message["blocks"]) and "do:0" in str(message["blocks"])

    served.message(incident.channel, has_steps, "the board with the steps as lines")


def test_a_card_that_no_channel_takes_goes_to_the_approvers_and_into_the_channel_once_it_may(served: Scene) -> None:
    incident = served.declare()
    channel = incident.channel or ""
    served.people.set_faults(refusals=[{"error": "restricted_action", "channel": channel}])

    request = opened(served.database, planned(served.database, incident))

    def cards(user: str) -> list[Message]:
        return [one for one in directly(served, user) if is_card(one)]

    wait_for(lambda: cards(BEN) and cards(CHIKA), PATIENCE, "the card in both approvers' messages")
    assert cards(AIKO) == cards(DAN) == []  # who asked, and who has no vote
    vote_by(served, BEN, cards(BEN)[0])
    wait_for(lambda: "1 of 2" in cards(CHIKA)[0]["text"], PATIENCE, "the vote on the other card")
    served.people.set_faults(refusals=[])
    served.message(channel, is_card, "the card in the channel")
    vote_by(served, CHIKA, cards(CHIKA)[0])
    wait_for(lambda: not cards(BEN) and not cards(CHIKA), PATIENCE, "no live button anywhere")
    with served.database.read() as connection:
        assert requests.get(connection, request.id).state is RequestState.GRANTED
    assert [len([one for one in directly(served, user) if "Approved" in one["text"]]) for user in (BEN, CHIKA)] == [
        1,
        1,
    ]


def test_a_card_that_was_deleted_or_cannot_be_edited_is_posted_anew(served: Scene) -> None:
    incident = served.declare()
    request = opened(served.database, planned(served.database, incident))
    card = served.message(incident.channel, is_card, "the card")
    there = served.simulator.state.message(card["channel"], card["ts"])
    assert there is not None
    served.simulator.state.delete(there)

    with served.database.write() as tx:
        requests.close(tx, request.id, RequestState.EXPIRED, why="Nobody decided in time.")

    served.message(incident.channel, lambda one: "Expired on production" in one["text"], "the final card")


@pytest.mark.more
def test_a_milestone_that_is_refused_for_good_does_not_stop_what_follows(served: Scene) -> None:
    incident = served.declare()
    served.people.set_faults(refusals=[refused("The plan is ready", "restricted_action")])

    run = planned(served.database, incident)
    with served.database.write() as tx:
        runs.park(tx, run, RunState.BLOCKED, seen_wakes=0, why="no reason")

    served.message(incident.channel, lambda one: "restricted_action" in str(one["blocks"]), "the reason")

    def is_shown() -> bool:
        with served.database.read() as connection:
            return surfaces.cursor(connection, "publisher") >= served.events()[-1].seq

    wait_for(is_shown, PATIENCE, "everything to be shown or given up")
