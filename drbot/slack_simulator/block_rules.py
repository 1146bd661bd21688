"""Blocks as Slack checks them: which surface takes them, required fields, limits, ids that must be unique."""

import copy
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drbot.slack_simulator.element_rules import Complaints, check_element
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError

Surface = Literal["message", "modal", "home"]
MOST_BLOCKS: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MOST_TASKS = 50
MOST_MARKDOWN = 12_000
MOST_TEXT_OF_A_MESSAGE = 13_200
TASK_STATES = ("pending", "in_progress", "complete", "error")
RICH_TEXT_PARTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
RICH_TEXT_LEAVES = ("text", "link", "emoji", "user", "usergroup", "channel", "date", "broadcast", "color", "team")

Check = Callable[[Json, str, Complaints], None]


def _section(block: Json, place: str, complaints: Complaints) -> None:
    if "text" not in block and "fields" not in block:
        complaints.add("missing required field: text", place)
    if "text" in block:
        complaints.text(block["text"], 3000, f"{place}/text")
    if "fields" in block and complaints.count(block["fields"], 10, f"{place}/fields"):
        for number, text in enumerate(block["fields"]):
            complaints.text(text, 2000, f"{place}/fields/{number}")
    if "accessory" in block:
        accessory = block["accessory"]
        if isinstance(accessory, dict) and accessory.get("type") == "image":
            _image(accessory, f"{place}/accessory", complaints)
        else:
            check_element(accessory, "section", f"{place}/accessory", complaints)


def _header(block: Json, place: str, complaints: Complaints) -> None:
    complaints.text(block.get("text"), 150, f"{place}/text", plain=True)


def _divider(block: Json, place: str, complaints: Complaints) -> None:
    """Nothing more to check."""


def _image(block: Json, place: str, complaints: Complaints) -> None:
    if "image_url" not in block and "slack_file" not in block:
        complaints.add("missing required field: image_url", place)
    complaints.length(block.get("alt_text"), 2000, f"{place}/alt_text")
    if "title" in block:
        complaints.text(block["title"], 2000, f"{place}/title", plain=True)


def _context(block: Json, place: str, complaints: Complaints) -> None:
    elements = block.get("elements")
    if not complaints.count(elements, 10, f"{place}/elements"):
        return
    for number, element in enumerate(elements or []):
        here = f"{place}/elements/{number}"
        if isinstance(element, dict) and element.get("type") == "image":
            _image(element, here, complaints)
        else:
            complaints.text(element, 2000, here)


def _actions(block: Json, place: str, complaints: Complaints) -> None:
    elements = block.get("elements")
    if complaints.count(elements, 25, f"{place}/elements"):
        for number, element in enumerate(elements or []):
            check_element(element, "actions", f"{place}/elements/{number}", complaints)
        _unique([element.get("action_id") for element in elements or []], "action_id", f"{place}/elements", complaints)


def _input(block: Json, place: str, complaints: Complaints) -> None:
    complaints.text(block.get("label"), 2000, f"{place}/label", plain=True)
    if "hint" in block:
        complaints.text(block["hint"], 2000, f"{place}/hint", plain=True)
    check_element(block.get("element"), "input", f"{place}/element", complaints)


def _rich_text(block: Json, place: str, complaints: Complaints) -> None:
    if not complaints.count(block.get("elements"), 1000, f"{place}/elements"):
        return
    for number, part in enumerate(block["elements"]):
        here = f"{place}/elements/{number}"
        if part.get("type") not in RICH_TEXT_PARTS:
            complaints.add(f"unsupported type: {part.get('type')}", f"{here}/type")
        elif complaints.count(part.get("elements"), 1000, f"{here}/elements", least=0):
            _rich_text_leaves(part, here, complaints)


def _rich_text_leaves(part: Json, place: str, complaints: Complaints) -> None:
    if part["type"] == "rich_text_list":
        if part.get("style") not in ("bullet", "ordered"):
            complaints.add("must be a valid enum value: bullet, ordered", f"{place}/style")
        allowed: tuple[str, ...] = ("rich_text_section",)
    else:
        allowed = RICH_TEXT_LEAVES
    for number, leaf in enumerate(part["elements"]):
        here = f"{place}/elements/{number}"
        if leaf.get("type") not in allowed:
            complaints.add(f"unsupported type: {leaf.get('type')}", f"{here}/type")
        elif leaf["type"] == "rich_text_section":
            _rich_text_leaves(leaf, here, complaints)
        elif leaf["type"] == "text":
            complaints.length(leaf.get("text"), 12_000, f"{here}/text")


def _markdown(block: Json, place: str, complaints: Complaints) -> None:
    complaints.length(block.get("text"), MOST_MARKDOWN, f"{place}/text")


def _alert(block: Json, place: str, complaints: Complaints) -> None:
    complaints.text(block.get("text"), 200, f"{place}/text")
    if block.get("level", "default") not in ("default", "info", "warning", "error", "success"):
        complaints.add("must be a valid enum value", f"{place}/level")


def _plan(block: Json, place: str, complaints: Complaints) -> None:
    complaints.length(block.get("title"), 3000, f"{place}/title")
    tasks = block.get("tasks", [])
    if not complaints.count(tasks, MOST_TASKS, f"{place}/tasks", least=0):
        return
    for number, task in enumerate(tasks):
        here = f"{place}/tasks/{number}"
        complaints.fields(task, "task_id title status", "type details output sources block_id", here)
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
    "section": Kind(surfaces=EVERYWHERE, required="", optional="text fields accessory expand", check=_section),
    "header": Kind(surfaces=EVERYWHERE, required="text", optional="level", check=_header),
    "divider": Kind(surfaces=EVERYWHERE, required="", optional="", check=_divider),
    "image": Kind(surfaces=EVERYWHERE, required="alt_text", optional="image_url slack_file title", check=_image),
    "context": Kind(surfaces=EVERYWHERE, required="elements", optional="", check=_context),
    "actions": Kind(surfaces=EVERYWHERE, required="elements", optional="", check=_actions),
    "input": Kind(
        surfaces=EVERYWHERE, required="label element", optional="hint optional dispatch_action", check=_input
    ),
    "rich_text": Kind(surfaces=EVERYWHERE, required="elements", optional="", check=_rich_text),
    "markdown": Kind(surfaces=("message",), required="text", optional="", check=_markdown),
    "plan": Kind(surfaces=("message",), required="title", optional="tasks", check=_plan),
    "alert": Kind(surfaces=("modal",), required="text", optional="level", check=_alert),
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
    """All strings a reader sees in some blocks."""
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
        elements = block["elements"] if block["type"] == "actions" else [block.get("accessory"), block.get("element")]
        for place, element in enumerate(elements):
            if isinstance(element, dict) and element.get("type") != "image":
                element.setdefault("action_id", f"a{number}-{place}")
    return named
