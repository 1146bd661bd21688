"""Commands, messages, reactions and channels: what people do, and what Slack sends to the app because of it."""

import re

import structlog

from drbot.slack_simulator import payloads
from drbot.slack_simulator.looking import Looking, RefusedError, result_of
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.methods.chat import LONGEST_TEXT, content_of
from drbot.slack_simulator.methods.conversations import announce_member, archive_channel
from drbot.slack_simulator.people import BOT_USER, Person
from drbot.slack_simulator.records import Channel, Json, Message
from drbot.slack_simulator.rules import SlackError
from drbot.slack_simulator.socket_mode import Connections, Delivery

log = structlog.get_logger("slack_simulator")


class Acting:
    """One method per thing a person can do; all of them run on the server's event loop."""

    def __init__(self, context: MethodContext, connections: Connections) -> None:
        self._context = context
        self._state = context.state
        self._connections = connections
        self._looking = Looking(context=context)

    # commands and messages

    async def command(self, user: str, channel_name: str, text: str, thread_ts: str = "") -> Json:
        """Type "/dr …"; the ack's text or blocks appear to this person only, unless it says in_channel."""
        person = self._looking.person(user)
        channel = self._looking.channel(channel_name, user)
        name, _, words = text.strip().partition(" ")
        known = self._context.app.command(name)
        if known is None:
            raise RefusedError("unknown_command", f"{name} is not a valid command.")
        if thread_ts:
            raise RefusedError("not_in_threads", f"{name} is not supported in threads. Sorry!")
        escaped = self.escape(words.strip()) if known.get("should_escape") else words.strip()
        payload = payloads.command(self._context, person, channel, name, escaped)
        delivery = await self._connections.deliver("slash_commands", payload)
        result = result_of(delivery, f'{name} failed with the error "{_code(delivery)}"')
        answer = delivery.payload or {}
        shown = self._show_answer(person, channel, answer)
        words_shown = {"text": str(answer.get("text") or ""), "blocks": answer.get("blocks") or []}
        return result | words_shown | {"message": shown.as_seen() if shown else None}

    def _show_answer(self, person: Person, channel: Channel, answer: Json) -> Message | None:
        if not answer.get("text") and not answer.get("blocks"):
            return None
        try:
            text, blocks = content_of(answer, LONGEST_TEXT)
        except SlackError as refusal:
            log.warning("Slack would not show this ack.", error=refusal.code, **refusal.details)
            text, blocks = f"(Slack would not show this: {refusal.code})", []
        public = answer.get("response_type") == "in_channel"
        return self._state.post(
            Message(
                channel=channel.id,
                user=BOT_USER,
                text=text,
                blocks=blocks,
                ephemeral_for="" if public else person.id,
            )
        )

    def escape(self, text: str) -> str:
        """`@ben` and `#general` as Slack writes them: `<@U00BEN|ben>`, `<#C0000001|general>`."""
        people = {person.name: person.id for person in self._state.people.values()}

        def user(match: re.Match[str]) -> str:
            return f"<@{people[match[1]]}|{match[1]}>" if match[1] in people else match[0]

        def channel(match: re.Match[str]) -> str:
            found = self._state.channel(match[1])
            return f"<#{found.id}|{found.name}>" if found else match[0]

        return re.sub(r"(?<![\w<|#])#([-\w]+)", channel, re.sub(r"(?<![\w<|])@([-.\w]+)", user, text))

    def say(self, user: str, channel_name: str, text: str, thread_ts: str = "") -> Message:
        """Write a message; a mention of the app becomes an event."""
        person = self._looking.person(user)
        channel = self._looking.channel(channel_name, user)
        if user not in channel.members or channel.is_archived:
            raise RefusedError("not_in_channel", f"{user} cannot write in {channel.name}.")
        plain = re.sub(r"\|[^>]*>", ">", self.escape(text))
        message = self._state.post(Message(channel=channel.id, user=person.id, text=plain, thread_ts=thread_ts))
        if f"<@{BOT_USER}>" in plain and BOT_USER in channel.members:
            fields = {"user": user, "text": plain, "ts": message.ts, "channel": channel.id}
            self._context.announce("app_mention", fields | ({"thread_ts": thread_ts} if thread_ts else {}))
        return message

    def react(self, user: str, channel_name: str, ts: str, name: str, *, remove: bool = False) -> Message:
        """Add or take back a reaction; adding becomes an event where the app is in the channel."""
        channel = self._looking.channel(channel_name, self._looking.person(user).id)
        message = self._looking.message(channel, ts, user)
        with self._state.rewriting(message):
            users = message.reactions.setdefault(name, [])
            if user in users:
                users.remove(user)
            if not remove:
                users.append(user)
        if not remove and BOT_USER in channel.members:
            item = {"type": "message", "channel": channel.id, "ts": ts}
            self._context.announce(
                "reaction_added", {"user": user, "reaction": name, "item": item, "item_user": message.user}
            )
        return message

    # channels

    def join(self, user: str, channel_name: str) -> Channel:
        channel = self._looking.channel(channel_name, self._looking.person(user).id)
        if user not in channel.members:
            self._state.join(channel, user)
            announce_member(self._context, channel, user)
        return channel

    def archive(self, user: str, channel_name: str) -> Channel:
        channel = self._looking.channel(channel_name, self._looking.person(user).id)
        archive_channel(self._context, channel, user)
        return channel


def _code(delivery: Delivery) -> str:
    return "operation_timeout" if delivery.outcome == "timeout" else delivery.outcome
