"""What a person can see and act on; everything else is refused with a sentence."""

from dataclasses import dataclass

from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import Person
from drbot.slack_simulator.records import Channel, Json, Message
from drbot.slack_simulator.socket_mode import Delivery


class RefusedError(Exception):
    """A person cannot do this: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def result_of(delivery: Delivery, error: str) -> Json:
    """How a delivery to the app went; `error` is what Slack shows if it failed."""
    failed = delivery.outcome != "acknowledged"
    return {"outcome": delivery.outcome, "ack_seconds": delivery.ack_seconds, "error": error if failed else ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class Looking:
    context: MethodContext

    def person(self, identifier: str) -> Person:
        """Somebody who can act. Raises RefusedError."""
        person = self.context.state.people.get(identifier)
        if person is None:
            raise RefusedError("user_not_found", f"There is no user {identifier}.")
        return person

    def channel(self, name: str, user: str) -> Channel:
        """A channel this person can see; who is nobody sees all. Raises RefusedError."""
        channel = self.context.state.channel(name)
        if channel is None or not (user == "" or channel.visible_to(user)):
            raise RefusedError("channel_not_found", f"{user} sees no channel {name}.")
        return channel

    def message(self, channel: Channel, ts: str, user: str) -> Message:
        """A message this person can see. Raises RefusedError."""
        message = self.context.state.message(channel.id, ts)
        if message is None or message.ephemeral_for not in ("", user):
            raise RefusedError("message_not_found", f"There is no message {ts} in {channel.name}.")
        return message

    def view(self, view_id: str, user: str) -> Json:
        """A modal or Home of this person. Raises RefusedError."""
        found = self.context.state.view(view_id)
        if found is None or found[0] != user:
            raise RefusedError("view_not_found", f"{user} has no view {view_id}.")
        return found[1]
