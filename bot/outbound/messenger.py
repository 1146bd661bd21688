"""Posts each thing once: a message carries an id in its metadata, and after a doubt it is looked up first.

Order: post, then remember in `surfaces`. Whoever dies between the two finds the message by its id (slack.md, Surfaces).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from drbot.bot.blocks.elements import TEXT, Block
from drbot.bot.blocks.forms import bare_text, forms_of
from drbot.bot.slack_api.signed_values import signed_values_of
from drbot.bot.slack_api.slack import LOCAL, PLACE_REFUSED, Slack, SlackDownError, SlackRefusedError
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.store.base.database import Database
from drbot.store.records import surfaces
from drbot.store.records.surfaces import Surface

log = structlog.get_logger(__name__)

EVENT = "drbot_message"
LOOK_BACK = 200
PAGES = 5
UPLOAD_SECONDS = 30
FORM_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMessage:
    """Something to post: where, under which key of its incident, and what."""

    incident: int
    key: str
    channel: str
    text: str
    blocks: list[Block]
    thread: str = ""
    urgent: bool = False


class Messenger:
    def __init__(self, slack: Slack, database: Database) -> None:
        self.slack = slack
        self._database = database
        self._signed_values = signed_values_of(database)
        self._ids: dict[str, str] = {}  # of channels, by name
        self._forms: dict[str, tuple[int, float]] = {}  # by key: the form that Slack took, and until when it is kept

    def post(self, outgoing: OutgoingMessage, *, doubtful: bool = False) -> Surface:
        """The message of this key, posted now unless it is there already. `doubtful`: ask Slack first.

        Raises SlackBusyError, SlackDownError, SlackRefusedError.
        """
        known = self.known(outgoing.incident, outgoing.key)
        if known is not None:
            return known
        found = self._found(outgoing) if doubtful else None
        if found is None:
            answer = self._posted(outgoing)
            found = str(answer["channel"]), str(answer["ts"])
        surface = Surface(incident=outgoing.incident, key=outgoing.key, channel=found[0], ts=found[1])
        self.remember(surface)
        return surface

    def known(self, incident: int, key: str) -> Surface | None:
        with self._database.read() as connection:
            surface = surfaces.get(connection, incident, key)
        return surface if surface is not None and surface.channel else None

    def remember(self, surface: Surface) -> None:
        with self._database.write() as tx:
            surfaces.put(tx, surface)

    def forget(self, surface: Surface) -> None:
        """Somebody deleted it: it is posted again under the same key."""
        self.remember(Surface(incident=surface.incident, key=surface.key, channel="", ts=""))

    def edit(self, surface: Surface, text: str, blocks: list[Block], *, urgent: bool = False) -> None:
        """Draw a message again. Editing twice does no harm."""
        self._in_some_form(
            "chat.update",
            _metadata(surface.incident, surface.key),
            text,
            blocks,
            urgent=urgent,
            channel=surface.channel,
            ts=surface.ts,
        )

    def upload(self, outgoing: OutgoingMessage, name: str, content: bytes, *, doubtful: bool = False) -> None:
        """A file with the message's text as its comment; its title is the id to find it by."""
        if self.known(outgoing.incident, outgoing.key) is not None:
            return
        ts = self._found(outgoing, title=name) if doubtful else None
        if ts is None:
            self._uploaded(outgoing, name, content)
        self.remember(
            Surface(incident=outgoing.incident, key=outgoing.key, channel=outgoing.channel, ts=ts[1] if ts else "")
        )

    def _uploaded(self, outgoing: OutgoingMessage, name: str, content: bytes) -> None:
        place = self.slack.call("files.getUploadURLExternal", filename=name, length=len(content))
        try:
            url = str(place["upload_url"])
            outside = urlsplit(url).hostname not in LOCAL  # a proxy of the environment is for the world outside
            httpx.post(url, content=content, timeout=UPLOAD_SECONDS, trust_env=outside).raise_for_status()
        except httpx.HTTPError as error:
            raise SlackDownError(phrase("Slack did not accept the file {name}: {why}", name=name, why=error)) from error
        thread: dict[str, Any] = {"thread_ts": outgoing.thread} if outgoing.thread else {}
        self.slack.call(
            "files.completeUploadExternal",
            files=[{"id": place["file_id"], "title": name}],
            channel_id=outgoing.channel,
            initial_comment=outgoing.text,
            **thread,
        )

    def _posted(self, outgoing: OutgoingMessage) -> dict[str, Any]:
        thread = {"thread_ts": outgoing.thread} if outgoing.thread else {}
        return self._in_some_form(
            "chat.postMessage",
            _metadata(outgoing.incident, outgoing.key),
            outgoing.text,
            outgoing.blocks,
            urgent=outgoing.urgent,
            channel=outgoing.channel,
            unfurl_links=False,
            **thread,
        )

    def _in_some_form(
        self, method: str, metadata: dict[str, Any], text: str, blocks: list[Block], **arguments: Any
    ) -> dict[str, Any]:
        """In the best form that Slack takes; the place may still be refused. What worked is kept for some minutes."""
        key = str(metadata["event_payload"]["key"])
        forms = forms_of(text, blocks)
        first, until = self._forms.get(key, (0, 0.0))
        first = min(first, len(forms) - 1) if time.monotonic() < until else 0
        for number in range(first, len(forms)):
            try:
                answer = self.slack.call(
                    method,
                    text=cut(text if forms[number] or not blocks else bare_text(text, blocks), TEXT),
                    blocks=self._signed_values.blocks(forms[number]),
                    metadata=metadata,
                    **arguments,
                )
            except SlackRefusedError as refusal:
                if refusal.code in PLACE_REFUSED or number == len(forms) - 1:
                    raise
                log.error("Slack refused the blocks; a simpler form is tried.", key=key, error=str(refusal))
                self._forms[key] = (number + 1, time.monotonic() + FORM_SECONDS)
            else:
                return answer
        raise AssertionError("there is always a last form")

    def _found(self, outgoing: OutgoingMessage, title: str = "") -> tuple[str, str] | None:
        """Channel and ts of the message with this id among the latest ones of its place."""
        wanted = _metadata(outgoing.incident, outgoing.key)["event_payload"]
        try:
            for message in self._latest(outgoing):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                files = [file.get("title") for file in message.get("files") or []]
                if payload.get("key") == wanted["key"] or (title and title in files):
                    return self._id_of(outgoing.channel), str(message["ts"])
        except SlackRefusedError as refusal:  # a channel drbot may write to but not read: better twice than never
            log.info("Past messages cannot be read.", channel=outgoing.channel, why=refusal.code)
        return None

    def channels(self) -> Iterator[dict[str, Any]]:
        place: dict[str, Any] = {"limit": 1000, "exclude_archived": True}
        while True:
            answer = self.slack.call("conversations.list", **place)
            yield from answer["channels"]
            following = (answer.get("response_metadata") or {}).get("next_cursor")
            if not following:
                return
            place["cursor"] = following

    def _id_of(self, channel: str) -> str:
        """Reading wants the id of a conversation; dr.yml has names, and people have accounts."""
        if channel[:1] in "UW" and channel.isupper() and channel not in self._ids:
            self._ids[channel] = str(self.slack.call("conversations.open", users=[channel])["channel"]["id"])
        if channel[:1] in "CGD" and channel.isupper():
            return channel
        if channel not in self._ids:
            self._ids |= {one["name"]: one["id"] for one in self.channels()}
        return self._ids.get(channel, channel)

    def _latest(self, outgoing: OutgoingMessage) -> Iterator[dict[str, Any]]:
        channel = self._id_of(outgoing.channel)
        place: dict[str, Any] = {"channel": channel, "limit": LOOK_BACK, "include_all_metadata": True}
        method = "conversations.history"
        if outgoing.thread:
            method, place = "conversations.replies", place | {"ts": outgoing.thread}
        for _ in range(PAGES):
            answer = self.slack.call(method, **place)
            yield from answer.get("messages", [])
            following = (answer.get("response_metadata") or {}).get("next_cursor")
            if not following:
                return
            place["cursor"] = following


def _metadata(incident: int, key: str) -> dict[str, Any]:
    return {"event_type": EVENT, "event_payload": {"key": f"DR-{incident}/{key}"}}
