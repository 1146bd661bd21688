"""The routing table: what Slack delivers → who takes it. One line each, nothing registers itself."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from drbot.bot.listeners import buttons, dialogs, home, mentions, slash_command, timeline
from drbot.bot.listeners.responder import Responder

Interactive = Callable[[Responder, Ack, dict[str, Any]], None]
Told = Callable[[Responder, dict[str, Any]], None]

COMMANDS: tuple[tuple[str, Interactive], ...] = (("/dr", slash_command.typed),)
ACTIONS: tuple[tuple[str, Interactive], ...] = (
    (r"^do:\d+$", buttons.pressed),
    (r"^vote:approve$", partial(buttons.decide, "approve")),
    (r"^vote:deny$", partial(buttons.decide, "deny")),
    (r"^open:declare$", buttons.declare),
)
VIEWS: tuple[tuple[str, Interactive], ...] = (
    ("vote", dialogs.voted),
    ("declare", dialogs.declared),
    ("update", dialogs.updated),
    ("resolve", dialogs.resolved),
)
SHORTCUTS: tuple[tuple[str, Interactive], ...] = (("declare", buttons.declare), ("timeline", timeline.chosen))
EVENTS: tuple[tuple[str, Told], ...] = (
    ("app_home_opened", home.opened),
    ("app_mention", mentions.mentioned),
    ("member_joined_channel", mentions.joined),
    ("channel_archive", mentions.archived),
    ("reaction_added", timeline.reacted),
)


def register(app: App, responder: Responder) -> None:
    for command, take in COMMANDS:
        app.command(command)(_interactive(responder, take))
    for pattern, take in ACTIONS:
        app.action(re.compile(pattern))(_interactive(responder, take))
    for callback, take in VIEWS:
        app.view(callback)(_interactive(responder, take))
    for callback, take in SHORTCUTS:
        app.shortcut(callback)(_interactive(responder, take))
    for kind, told in EVENTS:
        app.event(kind)(_told(responder, told))


def _interactive(responder: Responder, take: Interactive) -> Callable[..., None]:
    def listener(ack: Ack, body: dict[str, Any]) -> None:
        take(responder, ack, body)

    return listener


def _told(responder: Responder, told: Told) -> Callable[..., None]:
    def listener(body: dict[str, Any]) -> None:
        told(responder, body)

    return listener
