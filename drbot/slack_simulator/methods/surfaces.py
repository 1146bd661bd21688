"""pins.*, bookmarks.* and reactions.*: what hangs on a channel or a message."""

import re

from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import BOT_USER
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError


def add_pin(context: MethodContext, arguments: Json) -> Json:
    channel = context.own_channel(str(arguments["channel"]))
    message = context.message(channel, str(arguments["timestamp"]))
    if message.ts in channel.pins:
        raise SlackError("already_pinned")
    with context.state.editing(channel):
        channel.pins.append(message.ts)
    return {}


def add_bookmark(context: MethodContext, arguments: Json) -> Json:
    channel = context.own_channel(str(arguments["channel_id"]))
    if not re.match(r"https?://\S+$", str(arguments.get("link") or "")):
        raise SlackError("invalid_link")
    bookmark = {
        "id": context.state.identifier("Bk"),
        "channel_id": channel.id,
        "title": str(arguments["title"]),
        "type": "link",
        "link": str(arguments["link"]),
        "emoji": str(arguments.get("emoji") or ""),
    }
    with context.state.editing(channel):
        channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


def add_reaction(context: MethodContext, arguments: Json) -> Json:
    channel = context.own_channel(str(arguments["channel"]))
    message = context.message(channel, str(arguments["timestamp"]))
    name = str(arguments["name"]).strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    if BOT_USER in message.reactions.get(name, []):
        raise SlackError("already_reacted")
    with context.state.rewriting(message):
        message.reactions.setdefault(name, []).append(BOT_USER)
    item = {"type": "message", "channel": channel.id, "ts": message.ts}
    fields = {"user": BOT_USER, "reaction": name, "item": item, "item_user": message.user}
    context.announce("reaction_added", fields)  # the app hears of its own reactions too
    return {}


def remove_reaction(context: MethodContext, arguments: Json) -> Json:
    channel = context.own_channel(str(arguments["channel"]))
    message = context.message(channel, str(arguments["timestamp"]))
    name = str(arguments["name"]).strip(":")
    if BOT_USER not in message.reactions.get(name, []):
        raise SlackError("no_reaction")
    with context.state.rewriting(message):
        message.reactions[name].remove(BOT_USER)
    return {}
