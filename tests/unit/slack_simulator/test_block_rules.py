"""Blocks are refused where Slack refuses them, with the place of the mistake."""

from typing import Any

import pytest
from slackblocks._surfaces import _BLOCK_TYPES_BY_SURFACE

from drbot.slack_simulator.block_rules import KINDS, Surface, check_blocks
from drbot.slack_simulator.methods.views import checked_view
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(action_id: str, **fields: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain("Approve"), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def section(text: str, **fields: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **fields}


def rich(text: str) -> Json:
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}],
    }


def task(task_id: str, **fields: Any) -> Json:
    return {"task_id": task_id, "title": "Restore beside", "status": "pending", **fields}


def plan(*tasks: Json) -> Json:
    return {"type": "plan", "title": "Plan", "tasks": list(tasks)}


def field() -> Json:
    return {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input", "action_id": "why"}}


@pytest.mark.parametrize(
    "block",
    [
        section("Level 2"),
        {"type": "header", "text": plain("DR-7")},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "by <@U00AIKO>"}]},
        actions(button("approve", style="primary", value="7"), button("deny", style="danger")),
        plan(task("a", details=rich("why"), output=rich("done")), task("b", status="error")),
        {"type": "markdown", "text": "# Report"},
        rich("tail of the log"),
        field(),
    ],
)
def test_a_block_of_a_board_is_taken_and_gets_its_ids(block: Json) -> None:
    (taken,) = check_blocks([block], "message")

    assert taken["block_id"]
    assert "block_id" not in block


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([{"type": "sections"}], "unsupported type: sections [json-pointer:/blocks/0/type]"),
        ([{"type": "image", "image_url": "https://x.test/a.png", "alt_text": "x"}], "unsupported type: image"),
        ([{"type": "divider"}] * 51, "no more than 50 items allowed"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section("x" * 3001)], "must be less than 3001 characters"),
        ([{"type": "section"}], "missing required field: text"),
        ([section("x", color="red")], "invalid additional property: color"),
        ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "*x*"}}], "unsupported type of text: mrkdwn"),
        ([actions()], "must provide at least 1 items"),
        ([actions(button("a"), button("a"))], "action_id a already exists"),
        ([actions(button("a", text=plain("x" * 76)))], "must be less than 76 characters"),
        ([actions(button("a", value="x" * 2001))], "must be less than 2001 characters"),
        ([actions(button("a", style="green"))], "must be a valid enum value"),
        ([section("x", block_id="b"), section("y", block_id="b")], "block_id b already exists"),
        ([plan(task("a"), task("a"))], "task_id a already exists"),
        ([plan(task("a", status="skipped"))], "must be a valid enum value"),
        ([plan(task("a", details="why"))], "must be one rich_text"),
        ([plan(*(task(str(number)) for number in range(51)))], "no more than 50 items allowed"),
        ([{"type": "markdown", "text": "x" * 7000}] * 2, "12001 characters together"),
    ],
)
def test_a_mistake_is_refused_with_its_place(blocks: list[Json], complaint: str) -> None:
    with pytest.raises(SlackError) as refusal:
        check_blocks(blocks, "message")

    assert refusal.value.code == "invalid_blocks"
    assert any(complaint in message for message in refusal.value.details["response_metadata"]["messages"])


def test_all_texts_of_a_message_have_a_limit_together() -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_blocks([section("x" * 2900) for _ in range(5)], "message")


def test_a_plan_belongs_into_messages() -> None:
    modal = {"type": "modal", "title": plain("Approve"), "blocks": [section("Data is lost")]}

    assert checked_view(modal, "modal")["blocks"]
    with pytest.raises(SlackError, match="invalid_arguments"):
        checked_view(modal | {"blocks": [plan(task("a"))]}, "modal")


def test_a_modal_with_inputs_needs_a_submit_button_and_a_short_title() -> None:
    modal = {"type": "modal", "title": plain("Approve"), "submit": plain("Vote"), "blocks": [field()]}

    assert checked_view(modal, "modal")
    with pytest.raises(SlackError, match="invalid_arguments"):
        checked_view({name: value for name, value in modal.items() if name != "submit"}, "modal")
    with pytest.raises(SlackError, match="invalid_arguments"):
        checked_view(modal | {"title": plain("x" * 25)}, "modal")


@pytest.mark.parametrize("surface", ["message", "modal", "home"])
def test_the_surfaces_agree_with_a_second_opinion(surface: Surface) -> None:
    ours = {name for name, kind in KINDS.items() if surface in kind.surfaces}

    assert ours == set(KINDS) & _BLOCK_TYPES_BY_SURFACE[surface]
