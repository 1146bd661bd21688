"""A real Bolt app over Socket Mode: what people do reaches it, and what it answers is shown."""

import pytest
from slack_sdk import WebClient

from drbot.slack_simulator.client import People
from drbot.slack_simulator.server import SlackSimulator
from tests.integration.slack_simulator.conftest import BUTTONS, CHANGE, Bot
from tests.waiting import wait_for


def test_a_command_is_acknowledged_and_its_answer_is_seen_by_its_author_only(bot: Bot, people: People) -> None:
    answer = people.command("U00AIKO", "dr-ops", "/dr declare level2")

    assert answer.acknowledged
    assert answer.text == "You said declare level2"
    assert people.messages("dr-ops", "U00AIKO")[-1]["ephemeral"]
    assert people.messages("dr-ops", "U00BEN") == []


def test_people_and_channels_in_a_command_are_escaped(bot: Bot, people: People) -> None:
    people.command("U00AIKO", "dr-ops", "/dr tell @ben in #general")

    general = people.channel("general")["id"]
    assert bot.seen == [f"tell <@U00BEN|ben> in <#{general}|general>"]


def test_an_answer_by_response_url_follows_the_ack(bot: Bot, people: People) -> None:
    people.command("U00AIKO", "dr-ops", "/dr twice")

    later = people.wait_for_message("dr-ops", lambda message: message["text"] == "And later this", user="U00BEN")
    assert not later["ephemeral"]


def test_a_command_without_ack_times_out(bot: Bot, people: People) -> None:
    people.set_faults(ack_seconds=0.5)

    answer = people.command("U00AIKO", "dr-ops", "/dr late")

    assert answer.outcome == "timeout"
    assert answer.error == '/dr failed with the error "operation_timeout"'


def test_a_command_without_a_connected_app_says_so(people: People) -> None:
    answer = people.command("U00AIKO", "dr-ops", "/dr status")

    assert answer.outcome == "dispatch_failed"


def test_a_button_opens_a_modal_and_its_submission_is_checked(bot: Bot, people: People, slack: WebClient) -> None:
    slack.chat_postMessage(channel="dr-ops", text="Votes needed", blocks=BUTTONS)
    card = people.messages("dr-ops")[-1]

    assert people.click("U00BEN", card, "approve").acknowledged
    view = people.wait_for_view("U00BEN")
    empty = people.submit("U00BEN", view["id"])
    refused = people.submit("U00BEN", view["id"], {"reason": {"text": "no"}})
    shown = people.views("U00BEN")[-1]["errors"]
    taken = people.submit("U00BEN", view["id"], {"reason": {"text": "the proof is there"}})

    assert (empty.outcome, list(empty.errors)) == ("invalid", ["reason"])
    assert (refused.response_action, refused.errors) == ("errors", {"reason": "Please say more."})
    assert shown == refused.errors
    assert taken.views == ()
    assert bot.seen == ["no", "the proof is there"]
    assert people.views("U00CHIKA") == []


def test_a_choice_in_a_menu_is_sent_as_the_selected_option(
    bot: Bot, people: People, slack: WebClient, simulator: SlackSimulator
) -> None:
    slack.views_open(trigger_id=simulator.context.tickets.new_trigger("U00BEN"), view=CHANGE)

    people.submit("U00BEN", people.wait_for_view("U00BEN")["id"], {"level": {"value": "level2"}})

    wait_for(lambda: bot.seen == ["level2"], 10, "the choice")


def test_home_mentions_and_shortcuts_reach_the_app(bot: Bot, people: People) -> None:
    people.open_home("U00AIKO")
    wait_for(lambda: people.home("U00AIKO"), 10, "the Home")
    message = people.say("U00AIKO", "dr-ops", "@drbot status")
    wait_for(lambda: bot.seen == ["<@U00DRBOT> status"], 10, "the mention")
    people.shortcut("U00DAN", "declare")
    people.wait_for_view("U00DAN")
    people.shortcut("U00CHIKA", "timeline", message)

    kept = people.wait_for_message("dr-ops", lambda each: each["ephemeral"], user="U00CHIKA")
    assert kept["text"] == "Kept: <@U00DRBOT> status"


@pytest.mark.parametrize("politely", [True, False])
def test_the_app_reconnects_after_a_refresh_and_after_a_cut(politely: bool, bot: Bot, people: People) -> None:
    before = bot.client.session_id()

    assert people.drop_sockets(politely=politely) == 1

    wait_for(lambda: bot.client.session_id() != before, 70, "a new session")
    wait_for(lambda: people.connections == 1, 70, "one connection")
    assert people.command("U00AIKO", "dr-ops", "/dr again").acknowledged


def test_a_duplicated_envelope_arrives_twice_with_one_id(bot: Bot, people: People) -> None:
    people.set_faults(duplicate_envelopes=True)

    people.command("U00AIKO", "dr-ops", "/dr declare level1")

    wait_for(lambda: bot.seen == ["declare level1"] * 2, 10, "both copies")
    assert len(people.envelopes()) == 1


def test_a_late_envelope_arrives_after_its_author_saw_the_timeout(bot: Bot, people: People) -> None:
    people.set_faults(late_envelope_seconds=1, ack_seconds=0.5)

    answer = people.command("U00AIKO", "dr-ops", "/dr declare level1")

    assert answer.outcome == "timeout"
    wait_for(lambda: bot.seen == ["declare level1"], 10, "the late envelope")


def test_an_unacknowledged_event_is_sent_again(people: People, simulator: SlackSimulator) -> None:
    people.say("U00AIKO", "dr-ops", "@drbot status")
    bot = Bot(simulator, people)
    bot.connect()

    try:
        wait_for(lambda: bot.seen == ["<@U00DRBOT> status"], 90, "the event, on a later try")
    finally:
        bot.close()


def test_slack_that_is_down_refuses_and_comes_back_with_its_memory(people: People, simulator: SlackSimulator) -> None:
    people.say("U00AIKO", "dr-ops", "before")

    simulator.stop()
    simulator.start()

    assert people.messages("dr-ops")[-1]["text"] == "before"
