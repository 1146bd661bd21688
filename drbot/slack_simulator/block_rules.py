"""Blocks as Slack checks them: which surface takes them, required fields, limits, ids that must be unique."""

import copy
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drbot.slack_simulator.element_rules import Complaints, check_button, check_field
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError

Surface = Literal["message", "modal", "home"]
MOST_BLOCKS: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MOST_TASKS = 50
MOST_MARKDOWN = 12_000
MOST_TEXT_OF_A_MESSAGE = 13_200
TASK_STATES = ("pending", "in_progress", "complete", "error")
Check = Callable[[Json, str, Complaints], None]


def _section(block: Json, place: str, complaints: Complaints) -> None:
    complaints.text(block.get("text"), 3000, f"{place}/text")


def _header(block: Json, place: str, complaints: Complaints) -> None:
    complaints.text(block.get("text"), 150, f"{place}/text", plain=True)


def _divider(block: Json, place: str, complaints: Complaints) -> None:
    """Nothing more to check."""


def _context(block: Json, place: str, complaints: Complaints) -> None:
    elements = block.get("elements")
    if complaints.count(elements, 10, f"{place}/elements"):
        for number, element in enumerate(elements or []):
            complaints.text(element, 2000, f"{place}/elements/{number}")


def _actions(block: Json, place: str, complaints: Complaints) -> None:
    elements = block.get("elements")
    if complaints.count(elements, 25, f"{place}/elements"):
        for number, element in enumerate(elements or []):
            check_button(element, f"{place}/elements/{number}", complaints)
        _unique([element.get("action_id") for element in elements or []], "action_id", f"{place}/elements", complaints)


def _input(block: Json, place: str, complaints: Complaints) -> None:
    complaints.text(block.get("label"), 2000, f"{place}/label", plain=True)
    if "hint" in block:
        complaints.text(block["hint"], 2000, f"{place}/hint", plain=True)
    check_field(block.get("element"), f"{place}/element", complaints)


def _rich_text(block: Json, place: str, complaints: Complaints) -> None:
    """Lines of text, the only rich text drbot writes."""
    if not complaints.count(block.get("elements"), 1000, f"{place}/elements"):
        return
    for number, part in enumerate(block["elements"]):
        here = f"{place}/elements/{number}"
        if part.get("type") != "rich_text_section":
            complaints.add(f"unsupported type: {part.get('type')}", f"{here}/type")
        elif complaints.count(part.get("elements"), 1000, f"{here}/elements", least=0):
            for place_of_leaf, leaf in enumerate(part["elements"]):
                _rich_text_leaf(leaf, f"{here}/elements/{place_of_leaf}", complaints)


def _rich_text_leaf(leaf: Json, place: str, complaints: Complaints) -> None:
    if leaf.get("type") != "text":
        complaints.add(f"unsupported type: {leaf.get('type')}", f"{place}/type")
    else:
        complaints.length(leaf.get("text"), 12_000, f"{place}/text")


def _markdown(block: Json, place: str, complaints: Complaints) -> None:
    complaints.length(block.get("text"), MOST_MARKDOWN, f"{place}/text")


def _plan(block: Json, place: str, complaints: Complaints) -> None:
    complaints.length(block.get("title"), 3000, f"{place}/title")
    tasks = block.get("tasks", [])
    if not complaints.count(tasks, MOST_TASKS, f"{place}/tasks", least=0):
        return
    for number, task in enumerate(tasks):
        here = f"{place}/tasks/{number}"
        complaints.fields(task, "task_id title status", "type details output block_id", here)
        _task(task, here, complaints)
    _unique([task.get("task_id") for task in tasks], "task_id", f"{place}/tasks", complaints)


def _task(task: Json, place: str, complaints: Complaints) -> None:
    complaints.length(task.get("task_id"), 255, f"{place}/task_id")
    complaints.length(task.get("title"), 3000, f"{place}/title")
    if task.get("status") not in TASK_STATES:
        complaints.add(f"must be a valid enum value: {', '.join(TASK_STATES)}", f"{place}/status")
    for name in ("details", "output"):
        if name not in task:
            continue
        if not isinstance(task[name], dict) or task[name].get("type") != "rich_text":
            complaints.add("must be one rich_text", f"{place}/{name}")
        else:
            _rich_text(task[name], f"{place}/{name}", complaints)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A type of block: where it may stand, its fields, and its own check."""

    surfaces: tuple[Surface, ...]
    required: str
    optional: str
    check: Check


EVERYWHERE: tuple[Surface, ...] = ("message", "modal", "home")
KINDS: Mapping[str, Kind] = {
    "section": Kind(surfaces=EVERYWHERE, required="text", optional="", check=_section),
    "header": Kind(surfaces=EVERYWHERE, required="text", optional="", check=_header),
    "divider": Kind(surfaces=EVERYWHERE, required="", optional="", check=_divider),
    "context": Kind(surfaces=EVERYWHERE, required="elements", optional="", check=_context),
    "actions": Kind(surfaces=EVERYWHERE, required="elements", optional="", check=_actions),
    "input": Kind(surfaces=EVERYWHERE, required="label element", optional="hint optional", check=_input),
    "rich_text": Kind(surfaces=EVERYWHERE, required="elements", optional="", check=_rich_text),
    "markdown": Kind(surfaces=("message",), required="text", optional="", check=_markdown),
    "plan": Kind(surfaces=("message",), required="title", optional="tasks", check=_plan),
}


def check_blocks(blocks: Any, surface: Surface) -> list[Json]:
    """The blocks with ids filled in. Raises SlackError `invalid_blocks` or `msg_blocks_too_long`."""
    complaints = Complaints()
    complain_about_blocks(blocks, surface, "/blocks", complaints)
    if complaints.messages:
        raise SlackError("invalid_blocks", response_metadata={"messages": complaints.messages})
    if surface == "message" and sum(map(len, texts_of(blocks))) > MOST_TEXT_OF_A_MESSAGE:
        raise SlackError("msg_blocks_too_long")
    return with_ids(blocks)


def complain_about_blocks(blocks: Any, surface: Surface, place: str, complaints: Complaints) -> None:
    """Everything that is wrong with a list of blocks on a surface."""
    if not complaints.count(blocks, MOST_BLOCKS[surface], place, least=0):
        return
    for number, block in enumerate(blocks):
        here = f"{place}/{number}"
        kind = KINDS.get(block.get("type", "")) if isinstance(block, dict) else None
        if kind is None or surface not in kind.surfaces:
            found = block.get("type") if isinstance(block, dict) else block
            complaints.add(f"unsupported type: {found}", f"{here}/type")
            continue
        complaints.fields(block, f"type {kind.required}", f"{kind.optional} block_id", here)
        if "block_id" in block:
            complaints.length(block["block_id"], 255, f"{here}/block_id")
        kind.check(block, here, complaints)
    if complaints.messages:
        return
    _unique([block.get("block_id") for block in blocks], "block_id", place, complaints)
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MOST_MARKDOWN:
        complaints.add(f"markdown blocks must be less than {MOST_MARKDOWN + 1} characters together", place)


def _unique(values: list[Any], name: str, place: str, complaints: Complaints) -> None:
    seen = [value for value in values if value]
    for value in sorted({each for each in seen if seen.count(each) > 1}):
        complaints.add(f"{name} {value} already exists", place)


def texts_of(thing: Any) -> list[str]:
    if isinstance(thing, list):
        return [text for each in thing for text in texts_of(each)]
    if isinstance(thing, dict):
        strings = [value for name, value in thing.items() if name in ("text", "title") and isinstance(value, str)]
        return strings + [text for value in thing.values() for text in texts_of(value)]
    return []


def with_ids(blocks: list[Json]) -> list[Json]:
    """A copy in which every block and interactive element has its id, as Slack fills them in."""
    named = copy.deepcopy(blocks)
    for number, block in enumerate(named):
        block.setdefault("block_id", secrets.token_hex(4))
        for place, element in enumerate(elements_of(block)):
            element.setdefault("action_id", f"a{number}-{place}")
    return named


def elements_of(block: Json) -> list[Json]:
    if block["type"] == "actions":
        return list(block["elements"])
    return [block["element"]] if block["type"] == "input" else []
