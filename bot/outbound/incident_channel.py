"""Opens an incident's channel and furnishes it: roster, topic, pin, bookmark. What is optional fails silently."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import structlog

from drbot.bot.blocks.elements import one_line, promise
from drbot.bot.outbound.messenger import OutgoingMessage
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.bot.slack_api.slack import SlackBusyError, SlackRefusedError
from drbot.commands.views.incident_view import IncidentView
from drbot.core.runs.incident import channel_name
from drbot.core.runs.state_words import incident_text
from drbot.core.site.level import LEVEL_TEXTS
from drbot.core.text.messages import filled, phrase, say
from drbot.core.text.words import cut
from drbot.store.records import incidents
from drbot.store.records.surfaces import Surface

log = structlog.get_logger(__name__)

NAMES = 9
TOPIC = 250
INVITED = 100
OLD_SECONDS = 3600

TOPIC_TEXT: str = phrase("{name} · level {level}: {meaning} · {state} · RTO {rto}, RPO {rpo}")
ANNOUNCED: str = phrase("{name} is declared: {title}. Everything about it is in <#{channel}>.")
BOARD: str = phrase("Live board")


class IncidentChannel:
    def __init__(self, publisher_context: PublisherContext, incident: int) -> None:
        self._publisher_context = publisher_context
        self._incident = incident
        self._fallback = ""
        self._topic = ""
        self._taken: set[str] = set()  # asked for once: while few calls are left, the next name gets its turn

    def place(self, situation: IncidentView) -> str:
        """Where the incident is shown: its channel, opened now if need be; else the home channel, saying why."""
        if self._fallback:
            return self._fallback
        return situation.incident.channel or self.open(situation)

    @property
    def is_fallback(self) -> bool:
        """Whether it is shown in the home channel, because no other could be opened."""
        return bool(self._fallback)

    def open(self, situation: IncidentView) -> str:
        """A new channel, also in place of one that was archived. Raises SlackBusyError, SlackDownError."""
        try:
            channel, name = self._created(situation)
        except SlackRefusedError as refusal:
            self._fallback = self._publisher_context.context.configuration.channels.home
            self._publisher_context.control_failed(
                self._incident, phrase("I could not open a channel for this incident."), refusal
            )
            return self._fallback
        with self._publisher_context.database.write() as tx:
            incidents.open_channel(tx, self._incident, channel, name)
        self._fallback = ""
        return channel

    def _created(self, situation: IncidentView) -> tuple[str, str]:
        """Id and name. A taken name gets a suffix, unless it is ours from a call whose answer was lost."""
        first = channel_name(situation.incident)
        for name in _names(first):
            if name in self._taken:
                continue
            try:
                answer = self._publisher_context.messenger.slack.call(
                    "conversations.create", name=name, is_private=False
                )
            except SlackRefusedError as refusal:
                if refusal.code != "name_taken":
                    raise
                mine = self._found(name)
                if mine is not None:
                    return mine, name
                self._taken.add(name)
                continue
            return str(answer["channel"]["id"]), str(answer["channel"]["name"])
        raise SlackRefusedError("conversations.create", "name_taken")

    def _found(self, name: str) -> str | None:
        """A fresh channel of this name that drbot made and no incident has."""
        me = self._publisher_context.messenger.slack.call("auth.test")["user_id"]
        for channel in self._publisher_context.messenger.channels():
            is_fresh = float(channel.get("created", 0)) > time.time() - OLD_SECONDS
            if channel["name"] == name and channel.get("creator") == me and is_fresh:
                with self._publisher_context.database.read() as connection:
                    if incidents.of_channel(connection, channel["id"]) is None:
                        return str(channel["id"])
        return None

    def welcome(self, situation: IncidentView, channel: str) -> None:
        """Roster, topic and word of it at home, once per channel; needs no board, and may be repeated without harm."""
        if channel != situation.incident.channel:
            return
        self._set_topic(situation, channel)
        key = f"welcomed@{channel}"
        if self._publisher_context.messenger.known(self._incident, key) is None:
            self._invite(situation, channel)
            self._announce(situation)
            self._publisher_context.messenger.remember(
                Surface(incident=self._incident, key=key, channel=channel, ts="")
            )

    def furnish(self, situation: IncidentView, board: Surface) -> None:
        """The board pinned and bookmarked, once per board; may be repeated without harm."""
        key = f"furnished@{board.channel}/{board.ts}"
        if (
            board.channel != situation.incident.channel
            or self._publisher_context.messenger.known(self._incident, key) is not None
        ):
            return
        self._optional("pins.add", channel=board.channel, timestamp=board.ts)
        self._bookmark(situation, board)
        self._publisher_context.messenger.remember(
            Surface(incident=self._incident, key=key, channel=board.channel, ts=board.ts)
        )

    def _invite(self, situation: IncidentView, channel: str) -> None:
        ids = [account for person in situation.roster.people.values() for account in person.slack[:1]]
        if not ids:
            return
        try:
            self._publisher_context.messenger.slack.call(
                "conversations.invite", channel=channel, users=",".join(ids[:INVITED])
            )
        except SlackRefusedError:  # one bad name spoils all: each by itself then
            for account in ids:
                self._invite_one(channel, account)

    def _invite_one(self, channel: str, account: str) -> None:
        try:
            self._publisher_context.messenger.slack.call("conversations.invite", channel=channel, users=account)
        except SlackRefusedError as refusal:
            if refusal.code not in ("already_in_channel", "cant_invite_self"):
                self._publisher_context.control_failed(
                    self._incident, phrase("I could not invite the account {account} here.", account=account), refusal
                )

    def _set_topic(self, situation: IncidentView, channel: str) -> None:
        """Topic with level and targets, when it says something new."""
        incident, targets = situation.incident, situation.configuration.targets
        topic = say(
            filled(
                TOPIC_TEXT,
                name=incident.name,
                level=incident.level.value,
                meaning=LEVEL_TEXTS[incident.level],
                state=incident_text(incident, situation.run),
                rto=promise(targets.rto),
                rpo=promise(targets.rpo),
            ),
            situation.language,
        )
        if topic != self._topic and channel == incident.channel:
            with suppress(SlackBusyError):  # the next look sets it
                self._optional("conversations.setTopic", channel=channel, topic=cut(topic, TOPIC))
                self._topic = topic

    def _bookmark(self, situation: IncidentView, board: Surface) -> None:
        link = self._optional("chat.getPermalink", channel=board.channel, message_ts=board.ts)
        if link:
            title = say(BOARD, situation.language)
            self._optional("bookmarks.add", channel_id=board.channel, title=title, type="link", link=link["permalink"])

    def _announce(self, situation: IncidentView) -> None:
        """Whoever was in the home channel learns where it goes on."""
        incident, language = situation.incident, situation.language
        title = one_line(say(incident.title, language))
        text = say(filled(ANNOUNCED, name=incident.name, title=title, channel=incident.channel), language)
        home = situation.configuration.channels.home
        outgoing = OutgoingMessage(
            incident=incident.id, key=f"announced@{incident.channel}", channel=home, text=text, blocks=[]
        )
        try:
            self._publisher_context.messenger.post(outgoing, doubtful=True)
        except SlackRefusedError as refusal:
            log.info("The home channel was not told.", channel=home, why=refusal.code)

    def _optional(self, method: str, **arguments: Any) -> dict[str, Any] | None:
        """A call nobody misses when Slack refuses it."""
        try:
            return self._publisher_context.messenger.slack.call(method, **arguments)
        except SlackRefusedError as refusal:
            log.info("An optional surface is not there.", method=method, why=refusal.code)
            return None


def _names(first: str) -> Iterator[str]:
    yield first
    for number in range(2, NAMES + 1):
        yield f"{first[:76]}-{number}"
