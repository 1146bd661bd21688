"""Home, mentions, the pushpin, a failed step's log, the report: what is around the board."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from drbot.bot.listeners.accounts import Accounts
from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.bot.slack_api.signed_values import signed_values_of
from drbot.bot.slack_api.slack import client_of
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Choice, Reply
from drbot.core.ledger.events import EventKind
from drbot.core.site.level import Level
from drbot.slack_simulator import payloads
from drbot.store.records import incidents, steps
from tests.integration.bot.conftest import PATIENCE, Scene
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened
from tests.waiting import wait_for


def notes(scene: Scene) -> list[Any]:
    return [event.payload["text"] for event in scene.events() if event.kind is EventKind.INCIDENT_NOTE]


def private(scene: Scene, channel: str, user: str, words: str) -> None:
    """Only this person is told."""

    def told() -> bool:
        return any(one["ephemeral"] and words in str(one) for one in scene.people.messages(channel, user))

    wait_for(told, PATIENCE, f"a private note: {words}")


def test_a_pushpin_puts_a_message_into_the_timeline_once(served: Scene) -> None:
    incident = served.declare()
    message = served.people.say("U00BEN", incident.channel or "", "The disk of the host is full <!channel>")

    served.people.react("U00AIKO", message, "pushpin")
    served.people.react("U00CHIKA", message, "pushpin")

    wait_for(lambda: notes(served), PATIENCE, "the note")
    seen = served.message(
        incident.channel, lambda one: one["ts"] == message["ts"] and len(one["reactions"]) > 1, "memo"
    )
    assert {reaction["name"] for reaction in seen["reactions"]} == {"pushpin", "memo"}
    served.people.shortcut("U00AIKO", "timeline", message)
    private(served, incident.channel or "", "U00AIKO", "already")
    assert len(notes(served)) == 1
    assert "Ben: The disk of the host is full" in notes(served)[0]


def test_a_mention_works_like_the_command(served: Scene) -> None:
    incident = served.declare()

    served.people.say("U00BEN", incident.channel or "", "<@U00DRBOT> status")

    private(served, incident.channel or "", "U00BEN", "DR-1, level 2")


def test_home_shows_what_waits_for_this_person(served: Scene) -> None:
    incident = served.declare()
    opened(served.database, planned(served.database, incident))

    for user, waits in (("U00BEN", True), ("U00AIKO", False)):
        assert served.people.open_home(user).acknowledged
        blocks = home_of(served, user)
        assert "DR-1" in blocks
        assert ("vote:approve" in blocks) is waits
        assert "Not ready" in blocks  # no worker has looked at anything yet


def home_of(scene: Scene, user: str) -> str:
    home = wait_for(lambda: scene.people.home(user), PATIENCE, "Home")
    assert home is not None
    return str(home["blocks"])


def test_a_failed_step_leaves_its_tail_and_its_whole_log_in_the_thread(served: Scene) -> None:
    incident = served.declare()
    run = planned(served.database, incident)
    log = served.process.home / "logs" / "r1" / "copy.log"
    log.parent.mkdir(parents=True)
    log.write_text("first line\nno space left on device\n", encoding="utf-8")

    with served.database.write() as tx:
        steps.start(tx, run, "copy", title="copy")
    with served.database.write() as tx:
        steps.fail(tx, run, "copy", why="psql failed", tail="no space left on device", seconds=1.0, log=str(log))

    line = served.message(incident.channel, lambda one: "no space left" in str(one["blocks"]), "the tail")
    assert line["thread_ts"]
    upload = served.message(incident.channel, lambda one: one["files"], "the log")
    assert upload["thread_ts"] == line["thread_ts"]
    assert served.people.file(upload["files"][0]) == log.read_bytes()


@pytest.mark.parametrize(
    "shown", ["worker/key", "logs/r1/../../worker/key", "logs/r1/link.log", "logs/r1/\0", f"logs/r1/{300 * 'x'}"]
)
def test_no_other_file_of_drbots_home_is_shown_as_a_log_whatever_a_row_says(served: Scene, shown: str) -> None:
    """Where bot and worker share a home the worker's keys lie in it."""
    incident, home = served.declare(), served.process.home
    run, logs, key = planned(served.database, incident), home / "logs" / "r1", home / "worker" / "key"
    for file, text in ((key, "the worker's own"), (logs / "copy.log", "a log")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (logs / "link.log").symlink_to(key)

    for step, log in (("look", home / shown), ("copy", logs / "copy.log")):
        with served.database.write() as tx:
            steps.start(tx, run, step, title=step)
        with served.database.write() as tx:
            steps.fail(tx, run, step, why="failed", tail="", seconds=1.0, log=str(log))

    served.message(incident.channel, lambda one: bool(one["files"]) and "copy" in str(one), "the log")
    uploads = [one for one in served.people.messages(incident.channel or "", "U00BEN") if one["files"]]
    assert [served.people.file(one["files"][0]) for one in uploads] == [b"a log"]


def test_the_plan_on_the_board_keeps_its_id_while_the_board_is_edited(served: Scene) -> None:
    incident = served.declare()
    run = planned(served.database, incident)

    def plan_with(status: str) -> dict[str, Any]:
        def fits(message: dict[str, Any]) -> bool:
            return any(block["type"] == "plan" and status in str(block) for block in message["blocks"])

        board = served.message(incident.channel, fits, f"a board whose plan says {status}")
        return next(block for block in board["blocks"] if block["type"] == "plan")

    before = plan_with("pending")
    with served.database.write() as tx:
        steps.start(tx, run, "copy", title="copy")

    assert plan_with("in_progress")["block_id"] == before["block_id"]


def test_resolving_uploads_the_report_and_tells_the_stakeholders(served: Scene) -> None:
    incident = served.declare("level3 The host is gone")
    assert served.people.command("U00AIKO", incident.channel or "", "/dr stop by hand instead").acknowledged
    served.message(incident.channel, lambda one: "topped" in one["text"], "the stop")

    assert served.people.command("U00AIKO", incident.channel or "", "/dr resolve rebuilt by hand").acknowledged
    view = served.people.wait_for_view("U00AIKO", lambda one: one["callback_id"] == "resolve", PATIENCE)
    assert "rebuilt by hand" in str(view["blocks"])  # what was typed is not typed again
    typed = {"text": {"value": "rebuilt by hand"}, "users": {"value": "users-can-work"}}
    served.people.submit("U00AIKO", view["id"], typed)

    report = served.message(incident.channel, lambda one: one["files"], "the report")
    assert report["files"][0]["name"] == "dr-1-report.md"
    assert b"rebuilt by hand" in served.people.file(report["files"][0])
    served.message("dr-status", lambda one: "resolved" in one["text"], "the last post")


def test_stakeholders_read_a_persons_words_and_an_incident_without_words_asks_for_them(served: Scene) -> None:
    incident = served.declare()
    assert served.people.command("U00AIKO", incident.channel or "", "/dr update").acknowledged
    view = served.people.wait_for_view("U00AIKO", lambda one: one["callback_id"] == "update", PATIENCE)

    served.people.submit("U00AIKO", view["id"], {"text": {"value": "We are back at 15:00"}})

    served.message("dr-status", lambda one: "back at 15:00" in str(one["blocks"]), "the post")


def test_a_stop_with_pasted_json_is_answered(served: Scene) -> None:
    for level in (Level.DATABASE, Level.HOST):
        with served.database.write() as tx:
            incidents.declare(tx, site="production", level=level, title="From a terminal", person="aiko")
    pasted = "{" + ",".join(f'"k{number}":"v"' for number in range(100)) + "}"

    assert served.people.command("U00AIKO", "dr-ops", f"/dr stop {pasted}").acknowledged

    private(served, "dr-ops", "U00AIKO", "Say which one")


REFUSED = Reply(
    text="Here it is.",
    choices=(Choice(label="Show", command="list", style="sideways"),),  # type: ignore[arg-type]
)
"""Slack has no such button."""


def responder_of(scene: Scene, pool: ThreadPoolExecutor) -> Responder:
    process, client = scene.process, client_of(scene.settings)
    context = context_of(process.database, process.doorbell, process.loaded)
    signed_values = signed_values_of(scene.database)
    return Responder(
        context=context, client=client, accounts=Accounts(client, "dr-ops"), signed_values=signed_values, pool=pool
    )


@pytest.mark.parametrize("way", ["answer URL", "channel", "directly"])
def test_an_answer_whose_blocks_slack_refuses_arrives_as_its_sentence(scene: Scene, way: str) -> None:
    here = scene.simulator.state.channel("dr-ops")
    assert here is not None
    aiko = scene.simulator.state.people["U00AIKO"]
    slack_request = SlackRequest(user=aiko.id, key="", channel="" if way == "directly" else here.id)
    if way == "answer URL":
        slack_request = replace(
            slack_request, channel="", answer_url=payloads.response_url(scene.simulator.context, aiko, here)
        )

    with ThreadPoolExecutor(1) as pool:
        responder_of(scene, pool).tell(slack_request, REFUSED)

    places = (
        [one.id for one in scene.simulator.state.channels.values() if one.is_im] if way == "directly" else [here.id]
    )
    said = [one["text"] for place in places for one in scene.people.messages(place, aiko.id)]
    assert said == ["Here it is."]
