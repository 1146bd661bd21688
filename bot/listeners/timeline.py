"""A message goes into the timeline: by 📌, or by the shortcut "Add to the timeline". Each message once."""

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack

from drbot.bot.listeners.visits import visit_of_event, visit_of_interaction
from drbot.bot.office import Office, Visit
from drbot.commands.messages import Reply, text
from drbot.core.errors import UserError
from drbot.core.words import cut
from drbot.store import incidents, surfaces
from drbot.store.surfaces import Surface

PINS = frozenset({"pushpin", "round_pushpin"})
SEEN = "memo"
LONGEST = 1500


def reacted(office: Office, body: Mapping[str, Any]) -> None:
    """Somebody put a reaction on a message."""
    event = body["event"]
    item = event.get("item") or {}
    if event.get("reaction") in PINS and item.get("type") == "message":
        channel, ts = str(item["channel"]), str(item["ts"])
        office.later(visit_of_event(body, channel), lambda office, visit: _pinned(office, visit, ts))


def chosen(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The shortcut on a message."""
    ack()

    def work(office: Office, visit: Visit) -> None:
        is_new = keep(office, visit, body["message"])
        said = (
            text("It is in the timeline.", "タイムラインに追加しました。")
            if is_new
            else text("It was in the timeline already.", "追加済みです。")
        )
        office.tell(visit, Reply(text=said))

    office.later(visit_of_interaction(body), work)


def _pinned(office: Office, visit: Visit, ts: str) -> None:
    with office.context.database.read() as connection:
        if incidents.of_channel(connection, visit.channel) is None:
            return  # a pushpin elsewhere is none of our business
    message = _message(office, visit.channel, ts)
    if message is not None and keep(office, visit, message):
        office.client.reactions_add(channel=visit.channel, timestamp=ts, name=SEEN)


def _message(office: Office, channel: str, ts: str) -> dict[str, Any] | None:
    """The message, also when it is a reply in a thread."""
    found = office.client.conversations_replies(channel=channel, ts=ts, latest=ts, oldest=ts, inclusive=True, limit=1)
    messages: list[dict[str, Any]] = found.get("messages") or []
    return next((message for message in messages if message.get("ts") == ts), None)


def keep(office: Office, visit: Visit, message: Mapping[str, Any]) -> bool:
    """Write the note; False when it was there already. Raises UserError outside of an incident's channel."""
    person, author = office.person(visit), office.context.roster.of_account(str(message.get("user", "")))
    words = cut(str(message.get("text", "")), LONGEST)
    with office.context.database.write() as tx:
        incident = incidents.of_channel(tx.connection, visit.channel)
        if incident is None:
            raise UserError(
                "You wanted to add a message to the timeline.",
                "This channel belongs to no incident.",
                "Do it in the incident's channel.",
            )
        key = f"timeline-{message['ts']}"
        if surfaces.get(tx.connection, incident.id, key) is not None:
            return False
        surfaces.put(tx, Surface(incident=incident.id, key=key, channel=visit.channel, ts=str(message["ts"])))
        said = f"{author.name}: {words}" if author and author is not person else words
        incidents.note(tx, incident.id, person.id if person else visit.user, said)
    return True
