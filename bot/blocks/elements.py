"""The few Block Kit pieces drbot uses, as plain dicts that keep Slack's limits (slack.md, "Limits worth a test").

Free text is escaped here and nowhere else: `<!channel>` and look-alike directions must not work from a person's words.
Where drbot writes lines, `one_line` keeps them from writing a second one that looks like drbot's own.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from drbot.commands.speech.messages import Choice
from drbot.commands.views.available_actions import AvailableAction
from drbot.core.site.people import Person
from drbot.core.text.messages import duration, phrase, say
from drbot.core.text.visible import visible
from drbot.core.text.words import cut

Block = dict[str, Any]

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds
BAR_WIDTH = 10  # letters
SECTION = 2900  # Slack: 3,000
HEADER = 150
BUTTON = 75
VALUE_BYTES = 1200  # of JSON. Slack: 2,000 letters, for the token that signed_values.py makes of it
TEXT = 3900  # Slack: 4,000 for chat.update
BUTTONS_OF_A_ROW = 25
MARKDOWN = 11_500  # Slack: 12,000 together
_HALF_MENTION = re.compile(r"<[^<>]*…$")
_EMOJI = re.compile(r":(?=(?!\d+:)[\w'+-]+:)")  # not 03:12:09


def escape(text: str) -> str:
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str, limit: int = 1500) -> str:
    """Free text for a line of mrkdwn that drbot begins: no line ends, and `: name:` draws no picture."""
    return escape(plain_line(text, limit))


def plain_line(text: str, limit: int) -> str:
    """The same for plain text."""
    return _EMOJI.sub(": ", cut(" ".join(text.split()), limit))


def plain(text: str, limit: int) -> dict[str, Any]:
    """A plain_text object; Slack refuses an empty one."""
    return {"type": "plain_text", "text": cut(visible(text), limit) or " ", "emoji": True}


def mrkdwn(text: str, limit: int = SECTION) -> dict[str, Any]:
    """A mrkdwn object of text that is escaped already."""
    return {"type": "mrkdwn", "text": _HALF_MENTION.sub("…", cut(text, limit)) or " "}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text, 1900) for text in texts[:10]]}


def divider() -> Block:
    return {"type": "divider"}


def rich(text: str, limit: int = 400) -> Block:
    """Text as one rich_text, as a task's details and output want it. Rich text is not parsed, so not escaped."""
    words = cut(visible(text), limit) or " "
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": words}]}],
    }


def button(label: str, action: str, value: Mapping[str, Any], style: str = "default") -> Block:
    """A button. `style` primary or danger; signed_values.py makes an opaque token of the value before it leaves."""
    element: Block = {
        "type": "button",
        "text": plain(label, BUTTON),
        "action_id": action,
        "value": json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    }
    return element if style == "default" else element | {"style": style}


def choice_buttons(choices: Iterable[Choice], language: str) -> list[Block]:
    """One row of buttons for what can be done now: none, or one block. A button says what a person could type; that of
    a vote opens the dialog of its request.
    """
    named = [_choice_button(number, choice, language) for number, choice in enumerate(choices)]
    short = [one for one in named if len(one["value"].encode()) <= VALUE_BYTES]  # longer can only be typed
    elements = short[:BUTTONS_OF_A_ROW]
    return [{"type": "actions", "elements": elements}] if elements else []


def _choice_button(number: int, choice: Choice, language: str) -> Block:
    label = say(choice.label, language)
    if isinstance(choice, AvailableAction) and choice.request is not None:
        asked = choice.request
        value = {"request": asked.id, "seal": asked.seal, "incident": asked.incident}
        return button(label, f"vote:{choice.verb}", value, choice.style)
    return button(label, f"do:{number}", {"command": choice.command}, choice.style)


def text_input(block: str, label: str, *, hint: str = "", lines: bool = False, first: str = "") -> Block:
    """A field of a dialog; its value is found under values[block]["value"]."""
    element: Block = {"type": "plain_text_input", "action_id": "value", "multiline": lines, "max_length": 2000}
    if first:
        element["initial_value"] = cut(first, 2000)
    shown: Block = {"type": "input", "block_id": block, "label": plain(label, 200), "element": element}
    return shown | ({"hint": plain(hint, 300)} if hint else {})


def mention(person: Person) -> str:
    """Wakes the person; a person without a Slack account is named."""
    return f"<@{person.slack[0]}>" if person.slack else f"*{one_line(person.name)}*"


def promise(seconds: float) -> str:
    """A target as people say it: "4 h", not "4 h 00 min"."""
    total = max(0, round(seconds))
    is_whole = HOUR <= total < DAY and total % HOUR < MINUTE
    return phrase("{hours} h", hours=total // HOUR) if is_whole else duration(seconds)


def bar(share: float) -> str:
    """▓▓░░ for a share of 0…1 (more is shown as full)."""
    full = min(BAR_WIDTH, max(0, round(share * BAR_WIDTH)))
    return "▓" * full + "░" * (BAR_WIDTH - full)
