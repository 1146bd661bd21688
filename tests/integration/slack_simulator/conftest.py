"""A simulator per test, its people, a Web API client and a real Bolt app over Socket Mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient

from drbot.slack_simulator.client import People
from drbot.slack_simulator.completions import Completion
from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN
from drbot.slack_simulator.server import SlackSimulator

MANIFEST = Path(__file__).parents[3] / "manifest.yml"
LEVELS = tuple(Completion(word=f"level{number}") for number in (1, 2, 3, 4))
WORDS = (Completion(word="declare", usage="level", choices=(LEVELS,)), Completion(word="deny"))
"""What the small app below says can be typed."""


@pytest.fixture
def simulator() -> Iterator[SlackSimulator]:
    """Patient with acks: what is tested is their effect, not the speed of the machine."""
    simulator = SlackSimulator(MANIFEST, faults=Faults(ack_seconds=30), completions=WORDS)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def people(simulator: SlackSimulator) -> Iterator[People]:
    with People(simulator.url) as people:
        yield people


@pytest.fixture
def slack(simulator: SlackSimulator) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=simulator.api_url)


class Bot:
    """A small app that answers in every way drbot does."""

    def __init__(self, simulator: SlackSimulator, people: People) -> None:
        self.people = people
        client = WebClient(token=BOT_TOKEN, base_url=simulator.api_url)
        self.app = App(client=client, token_verification_enabled=False)
        self.handler = SocketModeHandler(self.app, APP_TOKEN, ping_interval=1)
        self.client: SocketModeClient = self.handler.client
        self.seen: list[str] = []
        self.triggers: list[str] = []
        self.app.command("/dr")(self._command)
        self.app.action("approve")(self._ask)
        self.app.view("vote")(self._vote)
        self.app.view("change")(self._level)
        self.app.shortcut("declare")(self._ask)
        self.app.shortcut("timeline")(self._note)
        self.app.event("app_home_opened")(self._home)
        self.app.event("app_mention")(self._mention)

    def connect(self) -> None:
        self.client.connect()

    def close(self) -> None:
        """The SDK waits for its socket to fall silent; it is quicker once the simulator has cut it."""
        self.client.auto_reconnect_enabled = False
        self.people.drop_sockets()
        self.client.close()

    def _command(self, ack: Ack, body: dict[str, str], respond: Respond) -> None:
        self.seen.append(body["text"])
        self.triggers.append(body["trigger_id"])
        if body["text"] == "late":
            return
        ack(f"You said {body['text']}")
        if body["text"] == "twice":
            respond("And later this", response_type="in_channel")

    def _ask(self, ack: Ack, body: dict[str, str], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=VOTE)

    def _level(self, ack: Ack, view: dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]]) -> None:
        ack()
        self.seen.append(view["state"]["values"]["level"]["value"]["selected_option"]["value"])

    def _vote(self, ack: Ack, view: dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        self.seen.append(reason)
        if reason == "no":
            ack(response_action="errors", errors={"reason": "Please say more."})
        else:
            ack()

    def _note(self, ack: Ack, body: dict[str, dict[str, str]], respond: Respond) -> None:
        ack()
        respond(f"Kept: {body['message']['text']}")

    def _home(self, event: dict[str, str], client: WebClient) -> None:
        blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Nothing is open"}}]
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    def _mention(self, event: dict[str, str]) -> None:
        self.seen.append(event["text"])


VOTE = {
    "type": "modal",
    "callback_id": "vote",
    "title": {"type": "plain_text", "text": "Approve"},
    "submit": {"type": "plain_text", "text": "Vote"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}

CHANGE = {
    "type": "modal",
    "callback_id": "change",
    "title": {"type": "plain_text", "text": "Change level"},
    "submit": {"type": "plain_text", "text": "Change"},
    "blocks": [
        {
            "type": "input",
            "block_id": "level",
            "label": {"type": "plain_text", "text": "Level"},
            "element": {
                "type": "static_select",
                "action_id": "value",
                "options": [{"text": {"type": "plain_text", "text": "Level 2"}, "value": "level2"}],
            },
        }
    ],
}

BUTTONS = [
    {
        "type": "actions",
        "block_id": "vote",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "DR-7",
            },
        ],
    }
]


@pytest.fixture
def bot(simulator: SlackSimulator, people: People) -> Iterator[Bot]:
    bot = Bot(simulator, people)
    bot.connect()
    people.wait_for_connection()
    yield bot
    bot.close()
