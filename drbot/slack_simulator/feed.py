"""What one person sees: the whole state, and the changes since (`control.md` holds the shapes)."""

import asyncio
import time
from collections.abc import Sequence

from drbot.slack_simulator.app import App
from drbot.slack_simulator.completions import Completion
from drbot.slack_simulator.people import APP, BOT_USER, TEAM, TEAM_NAME
from drbot.slack_simulator.records import Change, Channel, Json
from drbot.slack_simulator.socket_mode import Connections
from drbot.slack_simulator.state import State

LONGEST_POLL_SECONDS = 20.0
LOOK_SECONDS = 0.03


class Feed:
    """Reads only. `user` may be "" for everybody's."""

    def __init__(self, state: State, app: App, connections: Connections, completions: Sequence[Completion]) -> None:
        self._state = state
        self._app = app
        self._completions = completions
        self._connections = connections
        self.closing = False

    def whole(self, user: str, *, with_messages: bool = True) -> Json:
        """`GET /control/state`."""
        with self._state.lock:
            return {
                "seq": self._state.seq,
                "team": {"id": TEAM, "name": TEAM_NAME, "first_words": self._state.first_words},
                "user": user,
                "app": {
                    "id": APP,
                    "name": self._app.name,
                    "bot_user": BOT_USER,
                    "connections": self._connections.count,
                    "commands": list(self._app.commands),
                    "completions": [completion.as_seen() for completion in self._completions],
                    "shortcuts": list(self._app.shortcuts),
                },
                "users": [person.as_seen() for person in self._state.people.values()],
                "channels": [
                    self.channel(channel, user) if with_messages else channel.as_seen(user)
                    for channel in self._state.channels.values()
                    if not user or channel.visible_to(user)
                ],
                "views": list(self._state.views.get(user, [])),
                "home": self._state.homes.get(user),
            }

    def channel(self, channel: Channel, user: str) -> Json:
        messages = [message.as_seen() for message in self._state.history(channel.id, user)]
        return channel.as_seen(user) | {"messages": messages}

    async def after(self, seq: int, user: str, seconds: float) -> Json:
        """`GET /control/feed`: waits until there is something to tell, at most `seconds`."""
        ends = time.monotonic() + min(seconds, LONGEST_POLL_SECONDS)
        while True:
            with self._state.lock:
                now, changes = self._state.seq, self._state.changes_after(seq)
                if changes is None:
                    return {"seq": now, "reset": True, "changes": []}
                shown = [entry for change in changes if (entry := self._shown(change, user))]
            if shown or self.closing or time.monotonic() >= ends:
                return {"seq": now, "changes": shown}
            await asyncio.sleep(LOOK_SECONDS)

    def _shown(self, change: Change, user: str) -> Json | None:
        entry: Json = {"seq": change.seq, "kind": change.kind}
        if change.kind == "connections":
            return entry | {"connections": self._connections.count}
        if change.kind in ("views", "home"):
            if user not in ("", change.user):
                return None
            entry["user"] = change.user
            if change.kind == "home":
                return entry | {"home": self._state.homes.get(change.user)}
            return entry | {"views": list(self._state.views.get(change.user, []))}
        if user and not self._state.channels[change.channel].visible_to(user):
            return None
        entry["channel"] = change.channel
        return entry if change.kind == "channel" else self._about_message(entry, change, user)

    def _about_message(self, entry: Json, change: Change, user: str) -> Json | None:
        entry["ts"] = change.ts
        if change.kind == "message_deleted":
            return entry if user in ("", change.user) or not change.user else None
        message = self._state.message(change.channel, change.ts)
        if message is None or (message.ephemeral_for and message.ephemeral_for != user):
            return None
        return entry | {"message": message.as_seen()}
