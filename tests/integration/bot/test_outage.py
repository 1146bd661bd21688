"""Slack away, answers lost, the bot restarted: nothing is lost and nothing comes twice."""

import re

import pytest

from drbot.bot.outbound.incident_feed import IncidentFeed
from drbot.bot.outbound.messenger import Messenger
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.bot.slack_api.slack import Slack, client_of
from drbot.commands.facts.context import context_of
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.core.site.level import Level
from drbot.store.base import ledger
from drbot.store.records import incidents, surfaces
from tests.integration.bot.conftest import PATIENCE, QUICK, Message, Scene
from tests.integration.bot.worker import do_steps, planned
from tests.integration.store.store_fixture import opened
from tests.waiting import wait_for


def file_text(scene: Scene, file: Message) -> str:
    return scene.people.file(file).decode()


def shown(scene: Scene) -> bool:
    """The publisher has shown everything."""
    with scene.database.read() as connection:
        return surfaces.cursor(connection, "publisher") >= ledger.head(connection)[0]


def assert_nothing_twice(scene: Scene, channel: str | None) -> None:
    for place in (channel, "dr-status", "dr-ops"):
        keys = scene.keys(place)
        assert len(keys) == len(set(keys)), keys


def test_the_bot_starts_while_slack_is_down_and_shows_everything_later(scene: Scene) -> None:
    scene.people.set_faults(down=True)
    scene.start_bot()
    with scene.database.write() as tx:
        incident = incidents.declare(
            tx, site="production", level=Level.DATABASE, title="From a terminal", person="aiko"
        )

    scene.people.set_faults(down=False)

    opened_one = scene.opened()
    assert opened_one.id == incident.id
    scene.message("dr-status", lambda one: "DR-1" in one["text"], "the stakeholder post")
    wait_for(lambda: shown(scene), PATIENCE, "everything to be shown")
    assert_nothing_twice(scene, opened_one.channel)


def test_an_outage_in_mid_run_ends_in_one_summary(served: Scene) -> None:
    incident = served.declare()
    run = planned(served.database, incident)
    wait_for(lambda: shown(served), PATIENCE, "the beginning to be shown")
    before = len(served.messages(incident.channel))

    served.people.set_faults(down=True)
    do_steps(served.database, run, 300)
    served.people.set_faults(down=False)

    wait_for(lambda: shown(served), PATIENCE, "everything to be shown")
    new = served.messages(incident.channel)[before:]
    assert len(new) <= 8
    words = "".join(f"{one['blocks']}" + "".join(file_text(served, file) for file in one["files"]) for one in new)
    missing = [number for number in range(300) if not re.search(rf"attempt {number}\b", words)]
    assert missing == []
    assert_nothing_twice(served, incident.channel)


def test_lost_answers_do_not_double_anything(served: Scene) -> None:
    served.people.set_faults(lost_answers={"chat.postMessage": 2, "conversations.create": 1})

    incident = served.declare()
    opened(served.database, planned(served.database, incident))

    served.message(incident.channel, lambda one: "Approval needed" in one["text"], "the card")
    wait_for(lambda: shown(served), PATIENCE, "everything to be shown")
    assert_nothing_twice(served, incident.channel)
    names = [one["name"] for one in served.people.channels() if one["name"].startswith("dr-2")]
    assert len(names) == 1


def test_a_bot_that_died_between_posting_and_remembering_does_not_post_again(scene: Scene) -> None:
    scene.start_bot()
    scene.people.wait_for_connection()
    scene.people.set_faults(lost_answers={"chat.postMessage": 1})
    incident = scene.declare()
    wait_for(lambda: any(call["method"] == "chat.postMessage" for call in scene.people.calls()), PATIENCE, "a post")
    scene.stop_bot()

    scene.start_bot()

    wait_for(lambda: shown(scene), PATIENCE, "everything to be shown")
    assert_nothing_twice(scene, incident.channel)


def test_an_archived_channel_is_told_and_replaced(served: Scene) -> None:
    incident = served.declare()
    wait_for(lambda: shown(served), PATIENCE, "the beginning to be shown")
    served.people.archive("U00AIKO", incident.channel or "")

    opened(served.database, planned(served.database, incident))

    wait_for(lambda: served.opened().channel != incident.channel, PATIENCE, "another channel")
    served.message(served.opened().channel, lambda one: "Approval needed" in one["text"], "the card in the new channel")
    assert [event for event in served.events() if event.kind is EventKind.CONTROL_FAILED]


def test_a_deleted_board_comes_back(served: Scene) -> None:
    incident = served.declare()
    board = served.message(incident.channel, lambda one: "DR-1 · Level 2" in str(one["blocks"]), "the board")
    there = served.simulator.state.message(board["channel"], board["ts"])
    assert there is not None
    served.simulator.state.delete(there)

    planned(served.database, incident)

    def is_back() -> bool:
        return any(
            one["ts"] != board["ts"] and "plan-" in str(one["blocks"]) for one in served.messages(incident.channel)
        )

    wait_for(is_back, PATIENCE, "a new board, pinned")


def feed_of(scene: Scene, incident: Incident, rate_limiter: RateLimiter) -> IncidentFeed:
    process = scene.process
    context = context_of(process.database, process.doorbell, process.loaded)
    messenger = Messenger(Slack(client_of(scene.settings), rate_limiter), process.database)
    publisher_context = PublisherContext(context=context, messenger=messenger, home=process.home, pace=QUICK)
    return IncidentFeed(publisher_context, incident.id)


@pytest.mark.parametrize("trouble", ["busy", "down"])
def test_a_new_channel_that_cannot_be_opened_yet_is_opened_later(scene: Scene, trouble: str) -> None:
    rate_limiter = RateLimiter(post_seconds=QUICK.post)
    with scene.database.write() as tx:
        incident = incidents.declare(tx, site="production", level=Level.DATABASE, title="Down", person="aiko")
    feed = feed_of(scene, incident, rate_limiter)
    feed.work(3.0)
    with scene.database.write() as tx:
        first = incidents.get(tx.connection, incident.id).channel or ""
        incidents.note(tx, incident.id, "aiko", "the disk is full")
    for event in scene.events():
        feed.offer(event)
    scene.people.archive("U00AIKO", first)
    if trouble == "busy":
        rate_limiter.hold("conversations.create", "", 1.5)
    else:
        scene.people.set_faults(errors=[{"method": "conversations.create", "status": 503}])

    feed.work(3.0)
    assert not feed.is_due() and feed.first_pending() is not None

    def shows_it() -> bool:
        if feed.is_due():
            feed.work(3.0)
        return feed.first_pending() is None

    wait_for(shows_it, PATIENCE, "the feed to show it")
    with scene.database.read() as connection:
        second = incidents.get(connection, incident.id).channel
    assert second != first
    scene.message(second, lambda one: "the disk is full" in one["text"], "the note in the new channel")
