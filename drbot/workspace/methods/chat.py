"""chat.*: posting, editing and deleting, with Slack's limits on text and blocks."""

from typing import Any

from drbot.workspace.block_rules import check_blocks
from drbot.workspace.desk import Desk, is_true
from drbot.workspace.people import BOT, BOT_USER
from drbot.workspace.records import Channel, Json, Message
from drbot.workspace.rules import SlackError

LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000


def post_message(desk: Desk, arguments: Json) -> Json:
    """`channel` may be an id, a name, or a person (then it is a direct message)."""
    channel = _channel_to_post(desk, str(arguments["channel"]))
    text, blocks = content_of(arguments, LONGEST_TEXT)
    message = desk.state.post(
        Message(
            channel=channel.id,
            ts="",
            user=BOT_USER,
            text=text,
            blocks=blocks,
            thread_ts=_thread(desk, channel, arguments),
            metadata=_metadata(arguments),
        )
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.as_slack()}


def _channel_to_post(desk: Desk, name: str) -> Channel:
    person = desk.state.people.get(name)
    if person is not None:
        if person.deleted:
            raise SlackError("user_is_deactivated")
        return desk.state.direct(person.id)
    found = desk.state.channel(name)
    channel = desk.channel(found.id if found else name)
    if channel.is_archived:
        raise SlackError("is_archived")
    if BOT_USER not in channel.members and "chat:write.public" not in desk.app.scopes:
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


def _thread(desk: Desk, channel: Channel, arguments: Json) -> str:
    thread_ts = str(arguments.get("thread_ts") or "")
    if not thread_ts:
        return ""
    parent = desk.state.message(channel.id, thread_ts)
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


def update(desk: Desk, arguments: Json) -> Json:
    """Only the bot's own messages. A text without blocks removes the blocks; with blocks there is no "edited" mark."""
    channel = desk.channel(str(arguments["channel"]))
    if channel.is_archived:
        raise SlackError("is_archived")
    message = desk.message(channel, str(arguments["ts"]))
    if message.user != BOT_USER:
        raise SlackError("cant_update_message")
    text, blocks = content_of(arguments, LONGEST_UPDATE)
    metadata = _metadata(arguments)
    with desk.state.rewriting(message):
        message.text = text or message.text
        message.blocks = blocks
        message.metadata = metadata or message.metadata
        message.edited = None if blocks else {"user": BOT_USER, "ts": desk.state.new_ts()}
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_slack()}


def delete(desk: Desk, arguments: Json) -> Json:
    """Only the bot's own messages."""
    channel = desk.channel(str(arguments["channel"]))
    message = desk.message(channel, str(arguments["ts"]))
    if message.user != BOT_USER:
        raise SlackError("cant_delete_message")
    desk.state.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(desk: Desk, arguments: Json) -> Json:
    """A note for one person, who must be in the channel, as must the bot."""
    channel = desk.own_channel(str(arguments["channel"]))
    person = desk.person(str(arguments["user"]))
    if person.id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = content_of(arguments, LONGEST_TEXT)
    message = desk.state.post(
        Message(
            channel=channel.id,
            ts="",
            user=BOT_USER,
            text=text,
            blocks=blocks,
            thread_ts=_thread(desk, channel, arguments),
            ephemeral_for=person.id,
        )
    )
    return {"message_ts": message.ts}


def get_permalink(desk: Desk, arguments: Json) -> Json:
    """A link that opens the message on the workspace's page."""
    channel = desk.channel(str(arguments["channel"]))
    message = desk.message(channel, str(arguments["message_ts"]))
    link = f"{desk.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def answer_by_url(desk: Desk, token: str, body: Json) -> None:
    """What the app posts to a response URL: a note, a message, or a change of the message acted in."""
    place = desk.tickets.use_response_token(token)
    original = desk.state.message(place.channel, place.ts) if place.ts else None
    if is_true(body.get("delete_original")) and original is not None:
        desk.state.delete(original)
        return
    text, blocks = content_of(body, LONGEST_TEXT)
    if is_true(body.get("replace_original")) and original is not None:
        with desk.state.rewriting(original):
            original.text, original.blocks = text, blocks
            original.edited = {"user": BOT, "ts": desk.state.new_ts()}
        return
    desk.state.post(
        Message(
            channel=place.channel,
            ts="",
            user=BOT_USER,
            text=text,
            blocks=blocks,
            thread_ts=str(body.get("thread_ts") or ""),
            ephemeral_for="" if body.get("response_type") == "in_channel" else place.user,
        )
    )
