"""Board, status, menu, Home and terminal say the same of an incident and offer the same, in both languages."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from drbot.bot import blocks as blocks_room
from drbot.bot.blocks.approval_card import card_sentence
from drbot.bot.blocks.board import board
from drbot.bot.blocks.decision import decision_buttons
from drbot.bot.blocks.home import home
from drbot.bot.blocks.reply import reply_blocks
from drbot.cli.dr import show
from drbot.commands.speech.messages import Reply
from drbot.commands.verb.help import menu_reply
from drbot.commands.verb.status import status_reply
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import LEFT_OUT, VERBS, Place
from drbot.core.approvals.approval import RequestState
from drbot.core.approvals.state_words import REQUEST
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import RunState, StepState
from drbot.core.runs.state_words import INCIDENT, RUN, STEP, incident_text, run_text
from drbot.core.text.messages import say
from tests.unit.bot.recorded import Recorded, recorded
from tests.unit.bot.situations import buttons, configuration, event, record, request, situation

LANGUAGES = ("en", "ja")
RECORDED = {one.name: one for one in recorded()}
MENU = frozenset({"declare", "help"})
"""What the menu offers besides: about no incident."""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that breaks no line."""
    monkeypatch.setenv("COLUMNS", "400")


def in_slack(blocks: list[dict[str, Any]]) -> dict[str, str]:
    """What each button does, as a person could type it, and what it is called."""
    found = {}
    for one in buttons(blocks):
        if one["action_id"].startswith(("do:", "vote:")):
            value = json.loads(one["value"])
            vote = f"{one['action_id'].removeprefix('vote:')} DR-{value.get('incident')}"
            found[value.get("command", vote)] = one["text"]["text"]
    return {command: label for command, label in found.items() if command not in MENU}


def words(blocks: list[dict[str, Any]]) -> str:
    shown = [block for block in blocks if block["type"] != "actions"]
    return json.dumps(shown, ensure_ascii=False).casefold()


def in_terminal(reply: Reply, language: str, capsys: pytest.CaptureFixture[str]) -> tuple[set[str], str]:
    show(reply, language)
    shown = capsys.readouterr().out
    commands = set(re.findall(r"^  drbot dr (.*)$", shown, re.MULTILINE)) - MENU
    return commands, shown.casefold()


def left(one: Recorded, place: Place) -> set[str]:
    return {command for verb, command in one.offers if verb not in LEFT_OUT[place]}


def spoken(one: Recorded, language: str) -> IncidentView:
    chosen = configuration(language)
    view = one.view
    return type(view)(**{name: getattr(view, name) for name in view.__slots__} | {"configuration": chosen})


def slack_surfaces(view: IncidentView, language: str) -> Mapping[str, tuple[Place, list[dict[str, Any]]]]:
    """Menu and Home show open incidents alone."""
    found = {
        "board": (Place.BOARD, board(view)),
        "status": (Place.REPLY, reply_blocks(status_reply(view), language)),
    }
    if view.incident.is_open:
        at_home = home("system", view.roster.person("chika"), [view], [], language)["blocks"]
        found |= {"menu": (Place.REPLY, reply_blocks(menu_reply([view]), language)), "home": (Place.HOME, at_home)}
    return found


def test_no_place_that_offers_something_is_forgotten_here() -> None:
    offering = {
        path.stem for path in Path(blocks_room.__file__).parent.glob("*.py") if "actions_at(" in path.read_text()
    }

    # `approval_card` and `decision` show one request and one question: other tests look at them.
    assert offering == {"board", "home", "approval_card", "decision"}, "a new one wants a row in slack_surfaces"


@pytest.mark.parametrize("name", RECORDED)
def test_exactly_what_is_recorded_can_be_done(name: str) -> None:
    one = RECORDED[name]

    assert {(action.verb, action.command) for action in available_actions(one.view)} == one.offers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RECORDED)
def test_every_surface_offers_the_same_in_the_same_words(
    name: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = RECORDED[name]
    view = spoken(one, language)
    labels = {action.command: say(action.label, language) for action in reversed(available_actions(view))}

    for surface, (place, blocks) in slack_surfaces(view, language).items():
        assert in_slack(blocks) == {command: labels[command] for command in left(one, place)}, surface
    for reply in (status_reply(view), *([menu_reply([view])] if view.incident.is_open else [])):
        assert in_terminal(reply, language, capsys)[0] == left(one, Place.REPLY)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RECORDED)
def test_every_surface_says_the_same_of_incident_and_run(
    name: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = RECORDED[name]
    view = spoken(one, language)
    texts = [incident_text(view.incident, view.run), *([run_text(view.run)] if view.run else [])]
    said = [say(text, language).casefold() for text in texts]

    assert set(one.says) <= set(texts)
    for surface, (_, blocks) in slack_surfaces(view, language).items():
        assert [text for text in said if text not in words(blocks)] == [], surface
    for reply in (status_reply(view), *([menu_reply([view])] if view.incident.is_open else [])):
        shown = in_terminal(reply, language, capsys)[1]
        assert [text for text in said if text not in shown] == []


@pytest.mark.parametrize("name", RECORDED)
def test_the_message_that_asks_offers_what_the_board_does_without_the_votes(name: str) -> None:
    one = RECORDED[name]
    asks = event(EventKind.RUN_BLOCKED, why="It expired.")

    assert in_slack(decision_buttons((asks,), one.view)).keys() == left(one, Place.QUESTION)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "state", [StepState.WAITING, StepState.SKIPPED, StepState.STOPPED, StepState.UNSURE, StepState.UNDONE]
)
def test_a_step_that_slack_has_no_sign_for_is_said_as_status_says_it(language: str, state: StepState) -> None:
    view = situation(language=language, steps=(record("swap", state),))

    for blocks in (board(view), reply_blocks(status_reply(view), language)):
        assert say(STEP[state], language).casefold() in words(blocks)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", [state for state in RequestState if state is not RequestState.OPEN])
def test_a_request_is_said_on_its_card_as_status_says_it(language: str, state: RequestState) -> None:
    view = situation(language=language, request=request(state))
    said = say(REQUEST[state], language)

    assert said in card_sentence(view).casefold()
    assert said in words(reply_blocks(status_reply(view), language))


def test_there_are_words_for_every_state_and_no_two_are_the_same() -> None:
    for table in (INCIDENT, RUN, STEP, REQUEST):
        for language in LANGUAGES:
            assert len({say(text, language) for text in table.values()}) == len(table)
    assert (set(INCIDENT), set(RUN), set(STEP), set(REQUEST)) == tuple(
        map(set, (IncidentState, RunState, StepState, RequestState))
    )


def test_what_a_place_leaves_out_has_a_reason_and_is_a_verb_that_is_offered_somewhere() -> None:
    assert LEFT_OUT.keys() == set(Place)
    assert all(why for left_out in LEFT_OUT.values() for why in left_out.values())
    assert {verb for left_out in LEFT_OUT.values() for verb in left_out} <= VERBS
    assert {action.verb for one in RECORDED.values() for action in available_actions(one.view)} == VERBS
    assert all(any(verb not in left_out for left_out in LEFT_OUT.values()) for verb in VERBS)


def test_enough_is_recorded() -> None:
    assert len(RECORDED) >= 56
