"""`@drbot status` works like `/dr status`; whoever joins an incident's channel is told where it stands."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from drbot.bot.blocks.board import told
from drbot.bot.listeners.answering import answer
from drbot.bot.listeners.request_parsing import request_of_event
from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.commands.speech.messages import Reply
from drbot.commands.views.incident_view import view_of
from drbot.store.records import incidents

log = structlog.get_logger(__name__)

MENTION = re.compile(r"<@[A-Z0-9]+>")


def mentioned(responder: Responder, body: Mapping[str, Any]) -> None:
    event = body["event"]
    words = MENTION.sub(" ", str(event.get("text", ""))).strip()
    slack_request = replace(
        request_of_event(body, str(event.get("channel", ""))), thread=str(event.get("thread_ts", ""))
    )
    responder.later(slack_request, lambda responder, slack_request: answer(responder, slack_request, words))


def joined(responder: Responder, body: Mapping[str, Any]) -> None:
    responder.later(request_of_event(body, str(body["event"].get("channel", ""))), _greet)


def _greet(responder: Responder, slack_request: SlackRequest) -> None:
    with responder.context.database.read() as connection:
        incident = incidents.of_channel(connection, slack_request.channel)
        if incident is None or not incident.is_open or responder.person(slack_request) is None:
            return
        situation = view_of(connection, responder.context, incident, datetime.now(UTC))
    if (situation.now - incident.declared_at).total_seconds() > GREETED_AFTER:
        responder.tell(slack_request, Reply(text=told(situation)))


GREETED_AFTER = 30.0
"""Who is invited when the channel opens reads the board anyway."""


def archived(responder: Responder, body: Mapping[str, Any]) -> None:
    """A channel was archived; the publisher opens another one with its next message if it was an open incident's."""
    log.info("A channel was archived.", channel=body["event"].get("channel"))
