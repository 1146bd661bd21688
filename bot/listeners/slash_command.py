"""`/dr …`: acknowledged at once, then the same door as every other (commands/dispatch.py)."""

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack

from drbot.bot.listeners.answering import answer
from drbot.bot.listeners.visits import visit_of_command
from drbot.bot.office import Office


def typed(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """Somebody typed a command."""
    ack()
    words = str(body.get("text") or "")
    office.later(visit_of_command(body), lambda office, visit: answer(office, visit, words))
