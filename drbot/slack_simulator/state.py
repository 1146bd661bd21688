"""The memory of the Slack simulator: one lock, one sequence of changes that live views follow."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from drbot.core.text.messages import filled, phrase, say
from drbot.slack_simulator.people import BOT_USER, PEOPLE, ROOMS, Person, Room
from drbot.slack_simulator.records import Change, Channel, File, Json, Message

REMEMBERED_CHANGES = 5000
JOINED: str = phrase("{who} has joined")


class State:
    """Channels, messages, views and files. Everything public may be called from any thread."""

    def __init__(self, people: Sequence[Person] = PEOPLE, rooms: Sequence[Room] = ROOMS, first_number: int = 1) -> None:
        """`first_number`: of identifiers; a drbot that remembers an earlier Slack must meet none of its again."""
        self.lock = threading.RLock()
        self.people = {person.id: person for person in people}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, dict[str, Message]] = {}
        self.views: dict[str, list[Json]] = {}
        self.homes: dict[str, Json] = {}
        self.files: dict[str, File] = {}
        self._changes: deque[Change] = deque(maxlen=REMEMBERED_CHANGES)
        self._numbers = itertools.count(first_number)
        self._last_ts = 0
        self.seq = 0
        self.first_words = "/dr declare level2 PostgreSQL does not start"
        """What the page proposes to a first visitor."""
        self.notice = ""
        """What stands above everything that the page shows; "" = nothing."""
        self.is_serious = False
        """Whether what people do here changes a system that others work with: in red."""
        self.language = "en"
        """Of the page, and of the lines that Slack itself writes into a channel."""
        for room in rooms:
            channel = self.create_channel(room.name, room.members[0], is_private=room.is_private)
            channel.members = list(room.members)

    # changes

    def changed(self, kind: str, *, channel: str = "", ts: str = "", user: str = "") -> None:
        with self.lock:
            self.seq += 1
            self._changes.append(Change(seq=self.seq, kind=kind, channel=channel, ts=ts, user=user))

    def changes_after(self, seq: int) -> list[Change] | None:
        """The changes since, or None when they are no longer remembered."""
        with self.lock:
            oldest = self._changes[0].seq if self._changes else self.seq + 1
            if seq == self.seq:
                return []
            if seq + 1 < oldest or seq > self.seq:
                return None
            return [change for change in self._changes if change.seq > seq]

    def identifier(self, prefix: str) -> str:
        with self.lock:
            return f"{prefix}{next(self._numbers):07d}"

    def new_ts(self) -> str:
        """A time stamp no other message has, always growing."""
        with self.lock:
            self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    # channels

    def channel(self, name: str) -> Channel | None:
        """By id, or by name with or without #."""
        with self.lock:
            plain = name.removeprefix("#")
            named = (each for each in self.channels.values() if each.name == plain and not each.is_im)
            return self.channels.get(name) or next(named, None)

    def create_channel(self, name: str, creator: str, *, is_private: bool = False) -> Channel:
        """A channel with its creator in it; who calls has checked the name."""
        with self.lock:
            channel = Channel(
                id=self.identifier("C"), name=name, creator=creator, created=int(time.time()), is_private=is_private
            )
            channel.members.append(creator)
            return self._keep(channel)

    def direct(self, user: str) -> Channel:
        with self.lock:
            for channel in self.channels.values():
                if channel.is_im and channel.user == user:
                    return channel
            identifier = self.identifier("D")
            return self._keep(
                Channel(
                    id=identifier,
                    name="",
                    creator=BOT_USER,
                    created=int(time.time()),
                    is_im=True,
                    user=user,
                    members=[user, BOT_USER],
                )
            )

    def _keep(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        self.changed("channel", channel=channel.id)
        return channel

    @contextmanager
    def editing(self, channel: Channel) -> Iterator[Channel]:
        """Change a channel; the feed tells it afterwards."""
        with self.lock:
            yield channel
            self.changed("channel", channel=channel.id)

    def join(self, channel: Channel, user: str) -> None:
        """Put a person into a channel, with the grey line that says so."""
        with self.editing(channel):
            channel.members.append(user)
        self.post(
            Message(channel=channel.id, user=user, text=self.worded(JOINED, who=f"<@{user}>"), subtype="channel_join")
        )

    def worded(self, message: str, **values: object) -> str:
        return say(filled(message, **values), self.language)

    # messages

    def post(self, message: Message) -> Message:
        """Add a message; it gets its ts here."""
        with self.lock:
            message.ts = message.ts or self.new_ts()
            self.messages[message.channel][message.ts] = message
            self.changed("message", channel=message.channel, ts=message.ts)
            if message.is_reply and not message.ephemeral_for:
                self._count_replies(message.channel, message.thread_ts)
            return message

    def _count_replies(self, channel: str, thread_ts: str) -> None:
        parent = self.messages[channel].get(thread_ts)
        if parent is not None:
            replies = self.messages[channel].values()
            parent.reply_count = sum(
                each.is_reply and each.thread_ts == thread_ts and not each.ephemeral_for for each in replies
            )
            self.changed("message", channel=channel, ts=thread_ts)

    def message(self, channel: str, ts: str) -> Message | None:
        """The message, also an ephemeral one."""
        with self.lock:
            return self.messages.get(channel, {}).get(ts)

    @contextmanager
    def rewriting(self, message: Message) -> Iterator[Message]:
        """Change a message; the feed tells it afterwards."""
        with self.lock:
            yield message
            self.changed("message", channel=message.channel, ts=message.ts)

    def delete(self, message: Message) -> None:
        with self.lock:
            del self.messages[message.channel][message.ts]
            channel = self.channels[message.channel]
            if message.ts in channel.pins:
                channel.pins.remove(message.ts)
            self.changed("message_deleted", channel=message.channel, ts=message.ts, user=message.ephemeral_for)
            if message.is_reply:
                self._count_replies(message.channel, message.thread_ts)

    def history(self, channel: str, user: str = "") -> list[Message]:
        """All messages of a channel, oldest first, with the ephemeral ones of `user`."""
        with self.lock:
            every = sorted(self.messages[channel].values(), key=lambda message: message.ts)
            return [message for message in every if message.ephemeral_for in ("", user)]

    # views

    def view(self, view_id: str) -> tuple[str, Json] | None:
        """Whose view it is and the view itself: an open modal or a Home."""
        with self.lock:
            for user, stack in self.views.items():
                for view in stack:
                    if view["id"] == view_id:
                        return user, view
            for user, home in self.homes.items():
                if home["id"] == view_id:
                    return user, home
            return None

    def show_view(self, user: str, view: Json) -> None:
        """A modal in the place of the one this person has open."""
        with self.lock:
            self.views[user] = [view]
            self.changed("views", user=user)

    def replace_view(self, user: str, view: Json) -> None:
        """Put new content into a modal that may be closed by now."""
        with self.lock:
            if self._is_open(user, view["id"]):
                self.show_view(user, view)

    def mark_errors(self, view: Json, errors: dict[str, str]) -> None:
        with self.lock:
            view["errors"] = errors
            self.changed("views", user=next((user for user, stack in self.views.items() if view in stack), ""))

    def close_view(self, user: str, view_id: str) -> None:
        """Close this modal, if it is still the one that is open."""
        with self.lock:
            if self._is_open(user, view_id):
                del self.views[user]
                self.changed("views", user=user)

    def _is_open(self, user: str, view_id: str) -> bool:
        return any(view["id"] == view_id for view in self.views.get(user, []))

    def publish_home(self, user: str, view: Json) -> None:
        with self.lock:
            self.homes[user] = view
            self.changed("home", user=user)
