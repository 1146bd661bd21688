"""Whether we could recover tonight, told without anybody asking: once a week in the home channel, and to the owner of
what has been red for a day. One bot of many posts.
"""

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import structlog

from drbot.bot.blocks.elements import Block, escape, section
from drbot.bot.outbound.messenger import Messenger, OutgoingMessage
from drbot.bot.slack_api.slack import SlackRefusedError
from drbot.commands.facts.context import CommandContext
from drbot.commands.verb.readiness import ICONS, everything, verdict, worst_first
from drbot.core.base.repeating import repeat
from drbot.core.site.people import Person
from drbot.core.site.readiness import Colour
from drbot.core.text.messages import duration, filled, phrase, say
from drbot.core.text.words import ago, cut
from drbot.store.records import readiness, schedules, surfaces
from drbot.store.records.readiness import Seen
from drbot.store.records.schedules import Schedule
from drbot.store.records.surfaces import OF_NO_INCIDENT

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
LEAD, LEAD_SECONDS = "readiness", 180.0
KIND = "readiness"
WEEK = timedelta(days=7)
HOUR = 8  # UTC, on Mondays
RED_FOR = timedelta(days=1)
MOST = 15  # lines of one post

LINE: str = phrase("{icon} {what}: {sentence}")
MORE: str = phrase("{count} more: /dr readiness")
YOURS: str = phrase("{icon} {what} has been red for {time}: {sentence} You are told because it is yours to mend.")


class ReadinessPosts:
    """`run` until stopped. `owner` names this process among the bots."""

    def __init__(self, context: CommandContext, messenger: Messenger, owner: str) -> None:
        self._context = context
        self._messenger = messenger
        self._owner = owner

    def run(self, stop: threading.Event) -> None:
        repeat(lambda: self.look(datetime.now(UTC)), LOOK_SECONDS, stop, "readiness posts", begin=LOOK_SECONDS)

    def look(self, now: datetime) -> None:
        """What is due now. Raises TemporaryError, and what Slack answers."""
        with self._context.database.write() as tx:
            if not surfaces.lead(tx, LEAD, self._owner, LEAD_SECONDS):
                return
            mine = schedules.of_kind(tx.connection, KIND)
            if not mine:
                schedules.put(
                    tx, Schedule(key=KIND, kind=KIND, next_at=monday(now), every_seconds=WEEK.total_seconds())
                )
        for due in (one for one in mine if one.next_at <= now):
            self._tell_everybody(due, now)
        self._tell_owners(now)

    def _tell_everybody(self, due: Schedule, now: datetime) -> None:
        """Posted before the row moves on: whoever dies between the two finds the message by its key."""
        language = self._context.configuration.language
        seen = everything(self._context, now)
        colours = [one.line.colour for one in seen]
        lines = [_line(one, language) for one in worst_first(seen) if one.line.colour is not Colour.GREEN]
        more = [say(filled(MORE, count=len(lines) - MOST), language)] if len(lines) > MOST else []
        text = say(verdict(colours), language)
        blocks: list[Block] = [
            section(f"*{escape(text)}*"),
            *(section(escape(line)) for line in (*lines[:MOST], *more)),
        ]
        self._post(f"readiness/{due.next_at:%Y-%m-%d}", self._context.configuration.channels.home, text, blocks)
        with self._context.database.write() as tx:
            schedules.take(tx, due)

    def _tell_owners(self, now: datetime) -> None:
        with self._context.database.read() as connection:
            seen = readiness.list_of(connection)
        for one in seen:
            if one.line.colour is not Colour.RED or now - one.since < RED_FOR:
                continue
            digest = hashlib.sha256(f"{one.source}/{one.line.what}/{one.since.isoformat()}".encode()).hexdigest()[:16]
            for person in self._owners(one):
                said = filled(YOURS, icon=ICONS[Colour.RED], what=one.line.what, sentence=one.line.sentence,
                              time=duration(ago(one.since, now).total_seconds()))  # fmt: skip
                text = say(said, person.language)
                self._post(f"red/{digest}@{person.id}", person.slack[0], text, [section(escape(text))])

    def _owners(self, one: Seen) -> list[Person]:
        """Of the site, as dr.yml says, else whoever commands; who has an account."""
        site, people = self._context.configuration.sites.get(one.source), self._context.roster.people
        named = people.get(site.owner) if site is not None and site.owner else None
        owners = [named] if named is not None else [one for one in people.values() if "commander" in one.roles]
        return [person for person in owners if person.slack]

    def _post(self, key: str, channel: str, text: str, blocks: list[Block]) -> None:
        outgoing = OutgoingMessage(incident=OF_NO_INCIDENT, key=key, channel=channel, text=text, blocks=blocks)
        try:
            self._messenger.post(outgoing)
        except SlackRefusedError as error:
            log.error("Readiness could not be told in Slack.", key=key, error=str(error))


def _line(one: Seen, language: str) -> str:
    said = filled(LINE, icon=ICONS[one.line.colour], what=one.line.what, sentence=one.line.sentence)
    return cut(say(said, language), 500)


def monday(now: datetime) -> datetime:
    """The next one, in the morning."""
    day = now.replace(hour=HOUR, minute=0, second=0, microsecond=0) + timedelta(days=-now.weekday())
    return day if day > now else day + WEEK
