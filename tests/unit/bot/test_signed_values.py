"""What stands behind buttons and dialogs is unreadable outside of drbot, and only drbot can make it."""

import base64
from typing import Any

import pytest
from cryptography.fernet import Fernet

from drbot.bot.blocks.approval_card import approval_card
from drbot.bot.blocks.elements import button
from drbot.bot.blocks.reply import reply_blocks
from drbot.bot.listeners.request_parsing import text_of
from drbot.bot.slack_api.signed_values import SignedValues, purpose_of
from drbot.commands.speech.messages import Choice, Reply
from drbot.commands.speech.refusal import Refusal
from drbot.core.base.errors import UserError
from tests.unit.bot.situations import buttons, request, run, situation

VALUE = {"request": "r1-q1", "seal": "5" * 64, "incident": 7}


def signed_values(letter: bytes = b"a") -> SignedValues:
    return SignedValues(lambda: base64.urlsafe_b64encode(letter * 32).decode())


def test_every_button_of_a_card_carries_a_token_that_shows_nothing_and_is_read_back() -> None:
    ours = signed_values()
    shown = buttons(ours.blocks(approval_card(situation(run=run(), request=request()), is_current=True)))

    assert {one["action_id"] for one in shown} == {"vote:approve", "vote:deny"}
    for one in shown:
        assert request().id not in one["value"] and len(one["value"]) <= 2000
        assert ours.read(one["value"], purpose_of(one["action_id"]))["seal"] == request().seal


def test_a_dialog_is_bound_to_the_person_it_was_opened_for() -> None:
    ours = signed_values()
    view = ours.view({"type": "modal", "private_metadata": '{"request": "r1-q1"}', "blocks": []}, "U00BEN")

    assert "r1-q1" not in view["private_metadata"]
    assert ours.read(view["private_metadata"], "view", "U00BEN") == {"request": "r1-q1"}
    with pytest.raises(Refusal, match="another person"):
        ours.read(view["private_metadata"], "view", "U00CHIKA")


def altered(token: str) -> list[str]:
    """The token with each of its letters exchanged, and cut."""
    other = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(len(token))]
    return [*other[:-3], token[:-4], token[4:]]  # the last letters carry bits that base64 does not read


def test_an_altered_token_is_refused_whichever_letter_it_is() -> None:
    ours = signed_values()

    for forged in altered(ours.token(VALUE, "vote:approve")):
        with pytest.raises(Refusal, match="not one of drbot's"):
            ours.read(forged, "vote:approve")


FORGED = ["", "no token", "[]", "7", '{"request": "r1-q1", "seal": "x"}', "é" * 40, "gAAAAA=="]


@pytest.mark.parametrize("forged", FORGED)
def test_what_somebody_wrote_is_refused_calmly(forged: str) -> None:
    with pytest.raises(Refusal, match="not one of drbot's"):
        signed_values().read(forged, "vote:approve")


def test_a_token_of_another_drbot_or_of_another_button_is_refused() -> None:
    foreign = signed_values(b"b").token(VALUE, "vote:approve")
    deny = signed_values().token(VALUE, "vote:deny")

    with pytest.raises(Refusal, match="not one of drbot's"):
        signed_values().read(foreign, "vote:approve")
    with pytest.raises(Refusal, match="another button"):
        signed_values().read(deny, "vote:approve")
    with pytest.raises(Refusal, match="not one of drbot's"):
        signed_values().read(Fernet(Fernet.generate_key()).encrypt(b"{}").decode(), "do")


def test_a_command_too_long_for_a_token_gets_no_button() -> None:
    fits, too_long = "update DR-7 " + "語" * 390, "update DR-7 " + "語" * 400
    choices = (Choice(label="short", command=fits), Choice(label="long", command=too_long))

    shown = buttons(signed_values().blocks(reply_blocks(Reply(text="-", choices=choices), "en")))

    assert [one["text"]["text"] for one in shown] == ["short"]
    assert len(shown[0]["value"]) <= 2000


@pytest.mark.parametrize("letter", ['"', "\\", "\n", "a", "語", "\x01"])
def test_no_command_makes_a_token_that_slack_refuses(letter: str) -> None:
    choices = tuple(Choice(label="-", command="stop DR-7 " + letter * count) for count in range(100, 1300, 50))

    for some in (choices[:25], choices[25:]):
        shown = buttons(signed_values().blocks(reply_blocks(Reply(text="-", choices=some), "en")))
        assert all(len(one["value"]) <= 2000 for one in shown)


def test_a_value_without_the_expected_text_is_refused() -> None:
    assert text_of({"request": "r1"}, "request") == "r1"
    for value in ({"request": 7}, {"request": ""}, {}):
        with pytest.raises(UserError, match="not one of drbot's"):
            text_of(value, "request")


def test_a_plain_button_is_left_alone() -> None:
    link = {"type": "button", "text": {}, "action_id": "link", "url": "https://example.test"}
    blocks: list[dict[str, Any]] = [
        {"type": "actions", "elements": [link, button("x", "do:0", {"command": "status"})]},
        {"type": "divider"},
    ]

    shown = signed_values().blocks(blocks)

    assert shown[0]["elements"][0] == link
    assert shown[1] == {"type": "divider"}
