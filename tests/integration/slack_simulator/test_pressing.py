"""Who presses a button neither presses another one nor gives up when the message is drawn anew at that very moment."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import Ack
from slack_sdk import WebClient

from drbot.bot.blocks.elements import Block, button, context
from drbot.bot.slack_api.signed_values import signed_values_of
from drbot.cli.demo_player import DemoPlayer, StoryError
from drbot.cli.demo_stack import DemoStack
from drbot.core.runs.incident import Incident
from drbot.slack_simulator.client import People, PeopleError
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.server import SlackSimulator
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings
from drbot.store.records import incidents
from tests.integration.slack_simulator.conftest import VOTE, Bot
from tests.integration.store import store_fixture

STOP, RESTART, UPDATE = "stop DR-1", "restart DR-1", "update DR-1"


class SlowPeople(People):
    """After each look at a channel one thing of `meanwhile` happens, so before they can click."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.meanwhile: list[Callable[[], object]] = []

    def messages(self, channel: str, user: str = "") -> list[Json]:
        seen = super().messages(channel, user)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return seen


class Channel:
    """What drbot draws in an incident's channel, and what it is told of."""

    def __init__(self, slack: WebClient, database: Database, bot: Bot) -> None:
        self._slack, self._values = slack, signed_values_of(database)
        self.pressed: list[str] = []
        self.id, self.ts = "general", ""
        bot.app.action(re.compile("do:.*"))(self._do)
        bot.app.action(re.compile("vote:.*"))(self._vote)

    def draw(self, blocks: Sequence[Block]) -> None:
        """Again, if it was drawn before."""
        drawn: dict[str, Any] = {"channel": self.id, "text": "drawn", "blocks": self._values.blocks(blocks)}
        answer = self._slack.chat_update(ts=self.ts, **drawn) if self.ts else self._slack.chat_postMessage(**drawn)
        self.id, self.ts = str(answer["channel"]), str(answer["ts"])

    def _do(self, ack: Ack, action: dict[str, str]) -> None:
        ack()
        self.pressed.append(str(self._values.read(action["value"], "do")["command"]))

    def _vote(self, ack: Ack, body: dict[str, str], client: WebClient, action: dict[str, str]) -> None:
        ack()
        self.pressed.append(action["action_id"])
        client.views_open(trigger_id=body["trigger_id"], view=VOTE)


@pytest.fixture
def people(simulator: SlackSimulator) -> Iterator[SlowPeople]:
    with SlowPeople(simulator.url) as people:
        yield people


@pytest.fixture
def player(simulator: SlackSimulator, people: SlowPeople, tmp_path: Path) -> Iterator[DemoPlayer]:
    stack = DemoStack(simulator=simulator, home=tmp_path, configuration=tmp_path / "dr.yml")
    stack.people.close()
    stack.people = people
    database = Database(StoreSettings.from_environment(tmp_path).database_url)
    database.migrate()
    yield DemoPlayer(stack=stack, database=database)
    database.close()


@pytest.fixture
def incident(player: DemoPlayer) -> Incident:
    run = store_fixture.running(player.database)
    with player.database.write() as tx:
        incidents.open_channel(tx, run.incident, "general", "general")
    return player.incident(run.incident)


@pytest.fixture
def channel(slack: WebClient, player: DemoPlayer, bot: Bot) -> Channel:
    return Channel(slack, player.database, bot)


def row(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def board(*commands: str) -> list[Block]:
    return [row(*(button(one, f"do:{at}", {"command": one}) for at, one in enumerate(commands)))]


def card(request: str) -> list[Block]:
    votes = (button(one, f"vote:{one}", {"request": request}) for one in ("approve", "deny"))
    return [row(*votes), context(request)]


@pytest.mark.parametrize("redrawn", [(UPDATE,), (STOP, RESTART), (RESTART, UPDATE, STOP)])
def test_a_board_that_is_drawn_anew_in_between_is_looked_at_again(
    player: DemoPlayer, people: SlowPeople, channel: Channel, incident: Incident, redrawn: tuple[str, ...]
) -> None:
    channel.draw(board(STOP, RESTART, UPDATE))
    people.meanwhile = [lambda: channel.draw(board(*redrawn)), lambda: channel.draw(board(STOP, UPDATE))]

    player.press("aiko", incident, UPDATE)

    assert channel.pressed == [UPDATE]


def test_a_card_that_is_drawn_anew_in_between_still_opens_its_dialog(
    player: DemoPlayer, people: SlowPeople, channel: Channel, incident: Incident
) -> None:
    request = store_fixture.opened(player.database, player.run(incident))
    channel.draw(card(request.id))
    people.meanwhile = [lambda: channel.draw([context(request.id)]), lambda: channel.draw(card(request.id))]

    view = player.dialog("ben", lambda: player.press_card("ben", incident), "vote")

    assert view["callback_id"] == "vote"
    assert channel.pressed == ["vote:approve"]


def test_a_button_that_never_comes_back_ends_the_patience(
    player: DemoPlayer, people: SlowPeople, channel: Channel, incident: Incident
) -> None:
    channel.draw(board(STOP, UPDATE))
    people.meanwhile = [lambda: channel.draw(board(STOP))]

    with pytest.raises(StoryError, match=UPDATE):
        replace(player, patience=0.5).press("aiko", incident, UPDATE)

    assert channel.pressed == []


def test_any_other_refusal_is_told_at_once(
    player: DemoPlayer, people: SlowPeople, channel: Channel, incident: Incident, simulator: SlackSimulator
) -> None:
    channel.draw(board(UPDATE))
    posted = simulator.state.message(channel.id, channel.ts)
    assert posted is not None
    people.meanwhile = [lambda: simulator.state.delete(posted)]

    with pytest.raises(PeopleError, match="There is no message"):
        player.press("aiko", incident, UPDATE)
