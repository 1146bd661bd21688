"""What a service says when it is not well, for people: its own words, never the JSON or HTML around them."""

import json
import re

from drbot.core.text.words import cut

WORDS = ("error", "detail", "message", "reason", "title", "status")
"""Where services usually put the sentence, best first."""
LONGEST = 160
_TAG = re.compile(r"<[^>]*>")


def said_in(body: str) -> str:
    """One line of plain words; "" when there are none."""
    try:
        found = _words(json.loads(body))
    except ValueError:
        found = _TAG.sub(" ", body)
    return cut(" ".join(found.split()), LONGEST)


def _words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _words(value[0]) if value else ""
    if not isinstance(value, dict):
        return ""
    return next((words for name in WORDS if (words := _words(value.get(name)))), "")
