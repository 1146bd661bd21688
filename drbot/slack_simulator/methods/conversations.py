"""conversations.*: channels are created, filled, read and archived as Slack allows it."""

from drbot.core.text.messages import phrase
from drbot.slack_simulator.method_context import MethodContext, is_true, names_of, page_of
from drbot.slack_simulator.people import BOT_USER, TEAM
from drbot.slack_simulator.records import Channel, Json, Message
from drbot.slack_simulator.rules import SlackError, check_channel_name, check_scope

KINDS = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
}
LONGEST_TOPIC = 250
MOST_INVITED = 100
TOPIC_SET: str = phrase("{who} set the channel topic: {topic}")
ARCHIVED: str = phrase("{who} archived the channel")


def create(context: MethodContext, arguments: Json) -> Json:
    """Names are unique, and archived channels keep theirs."""
    name = str(arguments["name"])
    check_channel_name(name)
    if context.state.channel(name) is not None:
        raise SlackError("name_taken")
    channel = context.state.create_channel(name, BOT_USER)
    announce_member(context, channel, BOT_USER)
    return {"channel": channel.as_slack()}


def announce_member(context: MethodContext, channel: Channel, user: str, inviter: str = "") -> None:
    """Tell the app who joined, where it is a member itself."""
    if BOT_USER in channel.members:
        event = {"user": user, "channel": channel.id, "channel_type": "C", "team": TEAM}
        context.announce("member_joined_channel", event | ({"inviter": inviter} if inviter else {}))


def invite(context: MethodContext, arguments: Json) -> Json:
    """All or nobody."""
    channel = context.own_channel(str(arguments["channel"]), "manage")
    users = names_of(arguments["users"])
    if len(users) > MOST_INVITED:
        raise SlackError("too_many_users")
    refused = [{"user": user, "ok": False, "error": why} for user in users if (why := _why_not(context, channel, user))]
    if refused:
        raise SlackError(str(refused[0]["error"]), errors=refused)
    for user in users:
        context.state.join(channel, user)
        announce_member(context, channel, user, BOT_USER)
    return {"channel": channel.as_slack()}


def _why_not(context: MethodContext, channel: Channel, user: str) -> str:
    person = context.state.people.get(user)
    if person is None:
        return "user_not_found"
    if user == BOT_USER:
        return "cant_invite_self"
    if user in channel.members:
        return "already_in_channel"
    if person.deleted or person.team_id != TEAM:
        return "cant_invite"
    return ""


def list_channels(context: MethodContext, arguments: Json) -> Json:
    """Every type asked for needs its scope."""
    types = names_of(arguments.get("types") or "public_channel")
    for kind in types:
        if kind not in KINDS:
            raise SlackError("invalid_types")
        check_scope((KINDS[kind],), context.app.scopes)
    channels = [
        channel
        for channel in context.state.channels.values()
        if channel.visible_to(BOT_USER)
        and _kind(channel) in types
        and not (channel.is_archived and is_true(arguments.get("exclude_archived")))
    ]
    page, following = page_of(channels, arguments, 100)
    return {"channels": [channel.as_slack() for channel in page]} | following


def _kind(channel: Channel) -> str:
    return "im" if channel.is_im else "private_channel" if channel.is_private else "public_channel"


def info(context: MethodContext, arguments: Json) -> Json:
    return {"channel": context.channel(str(arguments["channel"]), "read").as_slack()}


def members(context: MethodContext, arguments: Json) -> Json:
    channel = context.channel(str(arguments["channel"]), "read")
    page, following = page_of(sorted(channel.members), arguments, 100)
    return {"members": page} | following


def history(context: MethodContext, arguments: Json) -> Json:
    """Newest first, without replies and without what only one person sees."""
    channel = _channel_to_read(context, arguments)
    shown = [each for each in reversed(context.state.history(channel.id)) if not each.is_reply]
    return _messages(shown, arguments, 100)


def replies(context: MethodContext, arguments: Json) -> Json:
    """The parent and its replies, oldest first."""
    channel = _channel_to_read(context, arguments)
    parent = context.state.message(channel.id, str(arguments["ts"]))
    if parent is None or parent.ephemeral_for:
        raise SlackError("thread_not_found")
    thread_ts = parent.thread_ts or parent.ts
    shown = [each for each in context.state.history(channel.id) if thread_ts in (each.ts, each.thread_ts)]
    return _messages(shown, arguments, 1000)


def _channel_to_read(context: MethodContext, arguments: Json) -> Channel:
    channel = context.channel(str(arguments["channel"]), "history")
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    if is_true(arguments.get("include_all_metadata")):
        check_scope(("metadata.message:read",), context.app.scopes)
    return channel


def _messages(messages: list[Message], arguments: Json, usual: int) -> Json:
    oldest, latest = str(arguments.get("oldest") or "0"), str(arguments.get("latest") or "9999999999")
    inclusive = is_true(arguments.get("inclusive"))
    within = [
        each
        for each in messages
        if float(oldest) < float(each.ts) < float(latest) or (inclusive and each.ts in (oldest, latest))
    ]
    page, following = page_of(within, arguments, usual)
    with_metadata = is_true(arguments.get("include_all_metadata"))
    shown = [each.as_slack(with_metadata=with_metadata) for each in page]
    return {"messages": shown, "has_more": bool(following["response_metadata"]["next_cursor"])} | following


def set_topic(context: MethodContext, arguments: Json) -> Json:
    """At most 250 characters."""
    channel = context.own_channel(str(arguments["channel"]), "manage")
    topic = str(arguments["topic"])
    if len(topic) > LONGEST_TOPIC:
        raise SlackError("too_long")
    with context.state.editing(channel):
        channel.topic = topic
    line = context.state.worded(TOPIC_SET, who=f"<@{BOT_USER}>", topic=topic)
    context.state.post(Message(channel=channel.id, user=BOT_USER, text=line, subtype="channel_topic"))
    return {"channel": channel.as_slack()}


def archive_channel(context: MethodContext, channel: Channel, user: str) -> None:
    """The channel becomes read-only; its name stays taken."""
    line = context.state.worded(ARCHIVED, who=f"<@{user}>")
    context.state.post(Message(channel=channel.id, user=user, text=line, subtype="channel_archive"))
    with context.state.editing(channel):
        channel.is_archived = True
    context.announce("channel_archive", {"channel": channel.id, "user": user})


def open_direct(context: MethodContext, arguments: Json) -> Json:
    users = names_of(arguments.get("users"))
    if len(users) != 1:
        raise SlackError("users_list_not_supplied" if not users else "not_enough_users")
    person = context.person(users[0])
    if person.deleted:
        raise SlackError("user_disabled")
    return {"channel": {"id": context.state.direct(person.id).id}}
