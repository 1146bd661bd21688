"""`/dr …`: acknowledged at once, then the same way as everything else (commands/dispatch.py)."""

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack

from drbot.bot.listeners.answering import answer
from drbot.bot.listeners.request_parsing import request_of_command
from drbot.bot.listeners.responder import Responder


def typed(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    ack()
    words = str(body.get("text") or "")
    responder.later(request_of_command(body), lambda responder, slack_request: answer(responder, slack_request, words))
