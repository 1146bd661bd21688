"""A message goes into the timeline: by 📌, or by the shortcut "Add to the timeline". Each message once."""

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack

from drbot.bot.listeners.request_parsing import request_of_event, request_of_interaction
from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.commands.speech.messages import Reply
from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.store.records import incidents, surfaces
from drbot.store.records.surfaces import Surface

PINS = frozenset({"pushpin", "round_pushpin"})
SEEN = "memo"
LONGEST = 1500


def reacted(responder: Responder, body: Mapping[str, Any]) -> None:
    event = body["event"]
    item = event.get("item") or {}
    if event.get("reaction") in PINS and item.get("type") == "message":
        channel, ts = str(item["channel"]), str(item["ts"])
        responder.later(
            request_of_event(body, channel), lambda responder, slack_request: _pinned(responder, slack_request, ts)
        )


def chosen(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    ack()

    def work(responder: Responder, slack_request: SlackRequest) -> None:
        is_new = keep(responder, slack_request, body["message"])
        said = phrase("It is in the timeline.") if is_new else phrase("It was in the timeline already.")
        responder.tell(slack_request, Reply(text=said))

    responder.later(request_of_interaction(body), work)


def _pinned(responder: Responder, slack_request: SlackRequest, ts: str) -> None:
    with responder.context.database.read() as connection:
        if incidents.of_channel(connection, slack_request.channel) is None:
            return  # a pushpin elsewhere is none of our business
    message = _message(responder, slack_request.channel, ts)
    if message is not None and keep(responder, slack_request, message):
        responder.client.reactions_add(channel=slack_request.channel, timestamp=ts, name=SEEN)


def _message(responder: Responder, channel: str, ts: str) -> dict[str, Any] | None:
    """The message, also when it is a reply in a thread."""
    found = responder.client.conversations_replies(
        channel=channel, ts=ts, latest=ts, oldest=ts, inclusive=True, limit=1
    )
    messages: list[dict[str, Any]] = found.get("messages") or []
    return next((message for message in messages if message.get("ts") == ts), None)


def keep(responder: Responder, slack_request: SlackRequest, message: Mapping[str, Any]) -> bool:
    """Write the note; False when it was there already. Raises UserError outside of an incident's channel."""
    person, author = responder.person(slack_request), responder.context.roster.of_account(str(message.get("user", "")))
    words = cut(str(message.get("text", "")), LONGEST)
    with responder.context.database.write() as tx:
        incident = incidents.of_channel(tx.connection, slack_request.channel)
        if incident is None:
            raise UserError(
                phrase("You wanted to add a message to the timeline."),
                phrase("This channel does not belong to an incident."),
                phrase("Do it in the incident's channel."),
            )
        key = f"timeline-{message['ts']}"
        if surfaces.get(tx.connection, incident.id, key) is not None:
            return False
        surfaces.put(tx, Surface(incident=incident.id, key=key, channel=slack_request.channel, ts=str(message["ts"])))
        said = f"{author.name}: {words}" if author and author is not person else words
        incidents.note(tx, incident.id, person.id if person else slack_request.user, said)
    return True
