"""A Slack that forgets nothing: every text that it ever showed, also of messages that were drawn again."""

from collections.abc import Iterator, Mapping
from typing import Any

from drbot.slack_simulator.people import BOT_USER
from drbot.slack_simulator.state import State

READ = frozenset({"text", "title", "alt_text", "label", "hint", "placeholder", "description", "submit", "close"})
"""Fields that somebody reads where they are words; the others are ids and values."""
INSIDE = frozenset({"errors"})
"""Whose keys are ids, and whose values are all read."""


class EverythingSaid(State):
    """The memory of a Slack simulator, with what the app has said in it so far."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        super().__init__()

    def changed(self, kind: str, *, channel: str = "", ts: str = "", user: str = "") -> None:
        """What is there now is remembered."""
        super().changed(kind, channel=channel, ts=ts, user=user)
        message = self.messages[channel][ts] if kind == "message" else None
        if message is not None and message.user == BOT_USER and not message.subtype:  # Slack's own lines have one
            where = f"#{self.channels[channel].name or 'direct message'}"
            self._remember(where, {"text": message.text, "blocks": message.blocks})
        if kind == "views":
            self._remember(f"a dialog of {user}", self.views.get(user, []))
        if kind == "home":
            self._remember(f"Home of {user}", self.homes.get(user))
        if kind == "channel":
            there = self.channels[channel]
            self._remember(f"top of #{there.name}", {"text": there.topic, "blocks": there.bookmarks})

    def _remember(self, where: str, shown: object) -> None:
        for text in texts_of(shown):
            self.said.setdefault(text, where)


def texts_of(shown: object) -> Iterator[str]:
    """Every text in a message, a view or a part of one."""
    if isinstance(shown, list | tuple):
        for part in shown:
            yield from texts_of(part)
    elif isinstance(shown, Mapping):
        yield from _texts_of_fields(shown)


def _texts_of_fields(shown: Mapping[str, Any]) -> Iterator[str]:
    for name, value in shown.items():
        if name in INSIDE and isinstance(value, Mapping):
            yield from map(str, value.values())
        elif isinstance(value, str):
            if name in READ and value.strip():
                yield value
        else:
            yield from texts_of(value)
