"""What every Web API method may touch, and the look-ups all of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from drbot.slack_simulator.app import App
from drbot.slack_simulator.people import BOT_USER, Person
from drbot.slack_simulator.records import Channel, Json, Message
from drbot.slack_simulator.rules import SlackError, check_scope
from drbot.slack_simulator.state import State
from drbot.slack_simulator.tickets import Tickets

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodContext:
    """`announce(type, event)` sends an event to the app, if its manifest asks for it."""

    state: State
    app: App
    tickets: Tickets
    announce: Callable[[str, Json], None]
    new_socket_url: Callable[[], str]
    url: str

    def channel(self, identifier: str, scope: str = "") -> Channel:
        """The channel by id, if the bot may see it and its kind is in the scopes (`scope` = "history", "read", …).

        Raises SlackError `channel_not_found`, `missing_scope`.
        """
        channel = self.state.channels.get(identifier)
        if channel is None or not channel.visible_to(BOT_USER):
            raise SlackError("channel_not_found")
        if scope:
            family = "im" if channel.is_im else "groups" if channel.is_private else "channels"
            check_scope((f"{family}:{scope}",), self.app.scopes)
        return channel

    def own_channel(self, identifier: str, scope: str = "") -> Channel:
        """The same, if the bot is in it and it is not archived. Raises SlackError."""
        channel = self.channel(identifier, scope)
        if BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel

    def person(self, identifier: str) -> Person:
        """A member of this workspace. Raises SlackError `user_not_found`."""
        person = self.state.people.get(identifier)
        if person is None:
            raise SlackError("user_not_found")
        return person

    def message(self, channel: Channel, ts: str) -> Message:
        """A message everybody in the channel sees. Raises SlackError `message_not_found`."""
        message = self.state.message(channel.id, ts)
        if message is None or message.ephemeral_for:
            raise SlackError("message_not_found")
        return message


def page_of(items: list[Item], arguments: Json, usual: int) -> tuple[list[Item], Json]:
    """One page by Slack's cursor, and the metadata that leads to the next one."""
    limit = int(arguments.get("limit") or usual)
    start = int(arguments.get("cursor") or 0)
    following = str(start + limit) if start + limit < len(items) else ""
    return items[start : start + limit], {"response_metadata": {"next_cursor": following}}


def names_of(value: object) -> list[str]:
    """A list of ids as Slack takes it: a list, or a string with commas."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [str(part).strip() for part in parts if str(part).strip()]


def is_true(value: object) -> bool:
    """A flag as JSON or as a form sends it."""
    return value in (True, 1, "1", "true", "True")
