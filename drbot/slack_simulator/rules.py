"""What each Web API method asks for: scopes, arguments and its rate tier (docs.slack.dev/reference/methods)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN


class SlackError(Exception):
    """A refusal as Slack words it: `{"ok": false, "error": code}` plus details."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """One method of the Web API. `scopes`: any one of them is enough; empty = none needed."""

    required: frozenset[str]
    optional: frozenset[str]
    scopes: tuple[str, ...]
    per_minute: int
    token: str


MESSAGE = (
    "text blocks attachments as_user icon_emoji icon_url link_names markdown_text metadata mrkdwn parse "
    "reply_broadcast thread_ts unfurl_links unfurl_media username"
)
CHANNELS_MANAGE = "channels:manage groups:write im:write"
CHANNELS_READ = "channels:read groups:read im:read"
HISTORY = "channels:history groups:history im:history"


def _method(required: str, optional: str, scopes: str, per_minute: int, token: str = BOT_TOKEN) -> Method:
    return Method(
        required=frozenset(required.split()),
        optional=frozenset(optional.split()),
        scopes=tuple(scopes.split()),
        per_minute=per_minute,
        token=token,
    )


METHODS: Mapping[str, Method] = {
    # method: required, optional, scopes (any of), calls per minute
    "auth.test": _method("", "", "", 600),
    "apps.connections.open": _method("", "", "", 60, APP_TOKEN),
    "chat.postMessage": _method("channel", MESSAGE, "chat:write", 60),
    "chat.update": _method("channel ts", f"{MESSAGE} file_ids", "chat:write", 50),
    "chat.postEphemeral": _method("channel user", MESSAGE, "chat:write", 100),
    "chat.getPermalink": _method("channel message_ts", "", "", 1000),
    "conversations.create": _method("name", "is_private", "channels:manage", 20),
    "conversations.invite": _method("channel users", "", "channels:manage", 50),
    "conversations.list": _method("", "cursor exclude_archived limit team_id types", CHANNELS_READ, 20),
    "conversations.info": _method("channel", "include_locale include_num_members", CHANNELS_READ, 50),
    "conversations.members": _method("channel", "cursor limit", CHANNELS_READ, 100),
    "conversations.history": _method(
        "channel", "cursor inclusive include_all_metadata latest limit oldest", HISTORY, 50
    ),
    "conversations.replies": _method(
        "channel ts", "cursor inclusive include_all_metadata latest limit oldest", HISTORY, 50
    ),
    "conversations.setTopic": _method("channel topic", "", CHANNELS_MANAGE, 20),
    "conversations.open": _method("", "channel users return_im prevent_creation", "im:write", 50),
    "users.info": _method("user", "include_locale", "users:read", 100),
    "views.open": _method("trigger_id view", "interactivity_pointer", "", 100),
    "views.update": _method("view view_id", "", "", 100),
    "views.publish": _method("user_id view", "", "", 100),
    "pins.add": _method("channel timestamp", "", "pins:write", 20),
    "bookmarks.add": _method("channel_id title type", "emoji entity_id link parent_id", "bookmarks:write", 20),
    "files.getUploadURLExternal": _method("filename length", "alt_txt snippet_type", "files:write", 100),
    "files.completeUploadExternal": _method("channel_id files", "initial_comment thread_ts", "files:write", 100),
    "reactions.add": _method("channel name timestamp", "", "reactions:write", 50),
    "reactions.remove": _method("channel name timestamp", "", "reactions:write", 50),
}


EVERYWHERE = frozenset({"team_id"})
"""Bolt's client sends it with every call."""


def check_channel_name(name: str) -> None:
    """Lower-case letters (of any script), digits, hyphens and underscores; at most 80. Raises SlackError."""
    if not name.strip():
        raise SlackError("invalid_name_required")
    if len(name) > 80:
        raise SlackError("invalid_name_maxlength")
    if name != name.lower() or not re.fullmatch(r"[-\w]+", name):
        raise SlackError("invalid_name_specials")
    if not any(letter.isalnum() for letter in name):
        raise SlackError("invalid_name_punctuation")


def check_arguments(name: str, arguments: dict[str, Any]) -> None:
    """All required arguments are there and no unknown one is. Raises SlackError."""
    method = METHODS[name]
    unknown = sorted(set(arguments) - method.required - method.optional - EVERYWHERE)
    if unknown:
        raise SlackError(
            "invalid_arguments",
            response_metadata={"messages": [f"[ERROR] unknown argument: {argument}" for argument in unknown]},
        )
    empty = ("", None) if name != "conversations.setTopic" else (None,)
    missing = sorted(argument for argument in method.required if arguments.get(argument) in empty)
    if missing:
        raise SlackError(
            MISSING.get((name, missing[0]), "invalid_arguments"),
            response_metadata={"messages": [f"[ERROR] missing required field: {argument}" for argument in missing]},
        )


MISSING: Mapping[tuple[str, str], str] = {
    ("conversations.create", "name"): "invalid_name_required",
    ("chat.postMessage", "channel"): "channel_not_found",
    ("conversations.invite", "users"): "no_user",
    ("users.info", "user"): "user_not_found",
    ("reactions.add", "name"): "invalid_name",
}
"""Methods that answer a code of their own when the argument is missing."""


def check_scope(needed: tuple[str, ...], granted: frozenset[str]) -> None:
    """At least one of the needed scopes was granted. Raises SlackError `missing_scope`."""
    if needed and not granted.intersection(needed):
        raise SlackError("missing_scope", needed=",".join(needed), provided=",".join(sorted(granted)))
