"""The same message in simpler forms, for when Slack refuses the blocks: it must be there, and have its buttons."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from drbot.bot.blocks.elements import SECTION, TEXT, Block, escape, plain, section
from drbot.core.text.words import cut

SECTIONS = 3
SHORT = 1000
TASK_MARKS: Mapping[str, str] = {"pending": "▫", "in_progress": "▶", "complete": "✔", "error": "✖"}


def forms_of(text: str, blocks: list[Block]) -> tuple[list[Block], ...]:
    """As drawn, as plain paragraphs, as its sentence: all with the buttons; and the sentence alone."""
    if not blocks:
        return ([],)
    buttons = [block for block in blocks if block["type"] == "actions"]
    sentence: Block = {"type": "section", "text": plain(text, SHORT)}
    return blocks, [*_paragraphs(blocks), *buttons], [sentence, *buttons], []


def bare_text(text: str, blocks: list[Block]) -> str:
    """All of it where Slack takes no block: the sentence, the words of the blocks, and for each button what to type."""
    typed = [
        f"`/dr {command}`" for block in blocks for button in block.get("elements", []) if (command := _command(button))
    ]
    words = [line for block in blocks if block["type"] != "actions" for line in _lines(block)]
    commands = "\n".join(dict.fromkeys(typed))
    return "\n".join([cut("\n".join([text, *words]), TEXT - len(commands) - 1), *([commands] if commands else [])])


def _command(button: Mapping[str, Any]) -> str:
    """What somebody could type instead; "" where there is no such thing."""
    if button.get("type") != "button" or "value" not in button:
        return ""
    value = json.loads(button["value"])
    verb = str(button["action_id"]).removeprefix("vote:")
    return str(value.get("command") or (f"{verb} DR-{value['incident']}" if "incident" in value else ""))


def _paragraphs(blocks: list[Block]) -> list[Block]:
    """All words of the blocks in their order, in a few sections."""
    paragraphs: list[str] = []
    for line in (line for block in blocks if block["type"] != "actions" for line in _lines(block)):
        if paragraphs and len(paragraphs[-1]) + len(line) < SECTION - 1:
            paragraphs[-1] += f"\n{line}"
        else:
            paragraphs.append(cut(line, SECTION))
    shown = paragraphs[:SECTIONS]
    return [section(one) for one in (shown if len(paragraphs) <= SECTIONS else [*shown, "…"])]


def _lines(thing: Any) -> Iterator[str]:
    """The texts in a block; those that are no mrkdwn yet become some."""
    if isinstance(thing, list):
        for one in thing:
            yield from _lines(one)
    elif isinstance(thing, dict):
        if "task_id" in thing:
            yield escape(f"{TASK_MARKS.get(thing['status'], '')} {thing['title']}")
        elif isinstance(thing.get("title"), str):
            yield f"*{escape(thing['title'])}*"
        if isinstance(thing.get("text"), str):
            yield thing["text"] if thing.get("type") == "mrkdwn" else escape(thing["text"])
        for value in thing.values():
            yield from _lines(value)
