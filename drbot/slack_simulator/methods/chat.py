"""chat.*: posting, editing and deleting, with Slack's limits on text and blocks."""

from typing import Any

from drbot.slack_simulator.block_rules import check_blocks
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import BOT_USER
from drbot.slack_simulator.records import Channel, Json, Message
from drbot.slack_simulator.rules import SlackError

LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000


def post_message(context: MethodContext, arguments: Json) -> Json:
    """`channel` may be an id, a name, or a person (then it is a direct message)."""
    channel = _channel_to_post(context, str(arguments["channel"]))
    message = _posted(context, channel, arguments, metadata=_metadata(arguments))
    return {"channel": channel.id, "ts": message.ts, "message": message.as_slack()}


def _channel_to_post(context: MethodContext, name: str) -> Channel:
    person = context.state.people.get(name)
    if person is not None:
        if person.deleted:
            raise SlackError("user_is_deactivated")
        return context.state.direct(person.id)
    found = context.state.channel(name)
    channel = context.channel(found.id if found else name)
    if channel.is_archived:
        raise SlackError("is_archived")
    if BOT_USER not in channel.members and "chat:write.public" not in context.app.scopes:
        raise SlackError("not_in_channel")
    return channel


def content_of(arguments: Json, longest: int) -> tuple[str, list[Json]]:
    """Text and checked blocks of a message. Raises SlackError."""
    text = str(arguments.get("text") or arguments.get("markdown_text") or "")
    blocks = arguments.get("blocks") or []
    if not text and not blocks and not arguments.get("attachments"):
        raise SlackError("no_text")
    if len(text) > longest:
        raise SlackError("msg_too_long")
    return text, check_blocks(blocks, "message") if blocks else []


def _thread(context: MethodContext, channel: Channel, arguments: Json) -> str:
    thread_ts = str(arguments.get("thread_ts") or "")
    if not thread_ts:
        return ""
    parent = context.state.message(channel.id, thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    return parent.thread_ts or parent.ts


def _metadata(arguments: Json) -> Json | None:
    metadata: Any = arguments.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_schema")
    return metadata


def update(context: MethodContext, arguments: Json) -> Json:
    """Only the bot's own messages. A text without blocks removes the blocks; with blocks there is no "edited" mark."""
    channel = context.channel(str(arguments["channel"]))
    if channel.is_archived:
        raise SlackError("is_archived")
    message = context.message(channel, str(arguments["ts"]))
    if message.user != BOT_USER:
        raise SlackError("cant_update_message")
    text, blocks = content_of(arguments, LONGEST_UPDATE)
    metadata = _metadata(arguments)
    with context.state.rewriting(message):
        message.text = text or message.text
        message.blocks = blocks
        message.metadata = metadata or message.metadata
        message.edited = None if blocks else {"user": BOT_USER, "ts": context.state.new_ts()}
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_slack()}


def post_ephemeral(context: MethodContext, arguments: Json) -> Json:
    """A note for one person, who must be in the channel, as must the bot."""
    channel = context.own_channel(str(arguments["channel"]))
    person = context.person(str(arguments["user"]))
    if person.id not in channel.members:
        raise SlackError("user_not_in_channel")
    return {"message_ts": _posted(context, channel, arguments, ephemeral_for=person.id).ts}


def _posted(context: MethodContext, channel: Channel, arguments: Json, **more: Any) -> Message:
    text, blocks = content_of(arguments, LONGEST_TEXT)
    thread = _thread(context, channel, arguments)
    return context.state.post(
        Message(channel=channel.id, user=BOT_USER, text=text, blocks=blocks, thread_ts=thread, **more)
    )


def get_permalink(context: MethodContext, arguments: Json) -> Json:
    channel = context.channel(str(arguments["channel"]))
    message = context.message(channel, str(arguments["message_ts"]))
    link = f"{context.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def answer_by_url(context: MethodContext, token: str, body: Json) -> None:
    """What the app posts to a response URL: a note or a message."""
    place = context.tickets.use_response_token(token)
    text, blocks = content_of(body, LONGEST_TEXT)
    context.state.post(
        Message(
            channel=place.channel,
            user=BOT_USER,
            text=text,
            blocks=blocks,
            thread_ts=str(body.get("thread_ts") or ""),
            ephemeral_for="" if body.get("response_type") == "in_channel" else place.user,
        )
    )
