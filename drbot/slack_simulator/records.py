"""What the simulator remembers: channels, messages, files and changes, and how each is shown."""

from dataclasses import asdict, dataclass, field
from typing import Any

from drbot.slack_simulator.people import BOT, BOT_USER

Json = dict[str, Any]
"""A JSON object of Slack's: what a field holds depends on its neighbours, so its values are not typed."""


@dataclass(kw_only=True, slots=True)
class Channel:
    id: str
    name: str
    creator: str
    created: int
    is_private: bool = False
    is_im: bool = False
    user: str = ""
    topic: str = ""
    is_archived: bool = False
    members: list[str] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[Json] = field(default_factory=list)

    def visible_to(self, user: str) -> bool:
        """Public channels are seen by everybody, the others by their members."""
        return user in self.members or not (self.is_private or self.is_im)

    def as_seen(self, user: str) -> Json:
        """The channel as the control API shows it, without its messages."""
        other = next((member for member in self.members if member != user), self.user)
        return asdict(self) | {"user": other if self.is_im else "", "is_member": user in self.members}

    def as_slack(self) -> Json:
        """Slack's conversation object, as far as the bot looks at it."""
        same = {name: getattr(self, name) for name in ("id", "name", "is_im", "is_archived", "created", "creator")}
        return same | {"is_private": self.is_private or self.is_im, "is_member": BOT_USER in self.members}


@dataclass(kw_only=True, slots=True)
class Message:
    """A message, a reply in a thread, or a note that only one person sees (`ephemeral_for`)."""

    channel: str
    user: str
    text: str
    ts: str = ""  # a new one when it is posted
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    subtype: str = ""
    edited: Json | None = None
    metadata: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)
    reply_count: int = 0
    ephemeral_for: str = ""

    @property
    def is_reply(self) -> bool:
        return bool(self.thread_ts) and self.thread_ts != self.ts

    def as_slack(self, *, with_metadata: bool = False) -> Json:
        shown: Json = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text}
        optional = {
            "subtype": self.subtype,
            "bot_id": BOT if self.user == BOT_USER else "",
            "blocks": self.blocks,
            "thread_ts": self.thread_ts or (self.ts if self.reply_count else ""),
            "edited": self.edited,
            "reply_count": self.reply_count,
            "reactions": self.reactions_seen(),
            "files": self.files,
            "metadata": self.metadata if with_metadata else None,
        }
        return shown | {name: value for name, value in optional.items() if value}

    def as_seen(self) -> Json:
        always = {
            "channel": self.channel,
            "blocks": self.blocks,
            "reactions": self.reactions_seen(),
            "files": self.files,
            "reply_count": self.reply_count,
            "ephemeral": bool(self.ephemeral_for),
        }
        return self.as_slack(with_metadata=True) | always

    def reactions_seen(self) -> list[Json]:
        return [
            {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items() if users
        ]


@dataclass(kw_only=True, slots=True)
class File:
    """An uploaded file; `content` is None until the upload URL was used."""

    id: str
    name: str
    size: int
    user: str
    title: str = ""
    mimetype: str = "text/plain"
    content: bytes | None = None

    def as_seen(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "size": self.size,
            "user": self.user,
            "url": f"/control/files/{self.id}",
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One entry of the feed; what it points to is read when the feed is read."""

    seq: int
    kind: str
    channel: str = ""
    ts: str = ""
    user: str = ""
