"""`@drbot status` works like `/dr status`; whoever joins an incident's channel is told where it stands."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from drbot.bot.blocks.board import sentence
from drbot.bot.listeners.answering import answer
from drbot.bot.listeners.visits import visit_of_event
from drbot.bot.office import Office, Visit
from drbot.commands.incident_view import view_of
from drbot.commands.messages import Reply, both
from drbot.store import incidents

log = structlog.get_logger(__name__)

MENTION = re.compile(r"<@[A-Z0-9]+>")


def mentioned(office: Office, body: Mapping[str, Any]) -> None:
    """Somebody wrote to @drbot."""
    event = body["event"]
    words = MENTION.sub(" ", str(event.get("text", ""))).strip()
    visit = replace(visit_of_event(body, str(event.get("channel", ""))), thread=str(event.get("thread_ts", "")))
    office.later(visit, lambda office, visit: answer(office, visit, words))


def joined(office: Office, body: Mapping[str, Any]) -> None:
    """Somebody came into a channel."""
    office.later(visit_of_event(body, str(body["event"].get("channel", ""))), _greet)


def _greet(office: Office, visit: Visit) -> None:
    with office.context.database.read() as connection:
        incident = incidents.of_channel(connection, visit.channel)
        if incident is None or not incident.is_open or office.person(visit) is None:
            return
        situation = view_of(connection, office.context, incident, datetime.now(UTC))
    if (situation.now - incident.declared_at).total_seconds() > GREETED_AFTER:
        office.tell(visit, Reply(text=both(sentence(situation))))


GREETED_AFTER = 30.0
"""Who is invited when the channel opens reads the board anyway."""


def archived(office: Office, body: Mapping[str, Any]) -> None:
    """A channel was archived; the publisher opens another one with its next message if it was an open incident's."""
    log.info("A channel was archived.", channel=body["event"].get("channel"))
