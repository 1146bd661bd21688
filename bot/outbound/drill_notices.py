"""A drill by the calendar is told beforehand in the home channel, and when it is put off. One bot of many posts."""

import threading
from datetime import UTC, datetime, timedelta

import structlog

from drbot.bot.blocks.elements import Block, choice_buttons, escape, section
from drbot.bot.outbound.messenger import Messenger, OutgoingMessage
from drbot.bot.slack_api.slack import SlackRefusedError
from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Choice
from drbot.commands.verb.drill_skip import skip_command
from drbot.core.base.repeating import repeat
from drbot.core.runs.drill import Drill, DrillEnd, needs_password, routine_of
from drbot.core.site.level import Level
from drbot.core.text.messages import closed, filled, phrase, say
from drbot.core.text.words import day_and_time
from drbot.store.records import drills, routines, surfaces
from drbot.store.records.routines import Routine
from drbot.store.records.surfaces import OF_NO_INCIDENT, Surface

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
LEAD, LEAD_SECONDS = "drill notices", 180.0

TITLE: str = phrase("A drill of level {level} begins by itself at {due}: {what}")
WHAT_HAPPENS: str = phrase(
    "A copy of the system is made in an engine without a network, broken, recovered, measured and removed. Production "
    "is only read: its users notice nothing. Nobody is asked: stand-ins vote."
)
PUT_OFF: str = phrase(
    "A bad moment? The button, or /dr drill skip level{level}, leaves this one out; the next is due at {next}."
)
DID_NOT_BEGIN: str = phrase("The last one did not begin: {why}")
DID_NOT_PASS: str = phrase("The last one, {name}, did not pass: {how}. Why: /dr report {name}")
NEEDS_PASSWORD: str = phrase("Its worker needs RESTIC_PASSWORD: without it no drill of level {level} begins by itself.")
SKIPPED: str = phrase("{who} has put it off: no drill of level {level} at {due}. The next one is due at {next}.")


class DrillNotices:
    """`run` until stopped. `owner` names this process among the bots."""

    def __init__(self, context: CommandContext, messenger: Messenger, owner: str) -> None:
        self._context = context
        self._messenger = messenger
        self._owner = owner

    def run(self, stop: threading.Event) -> None:
        repeat(lambda: self.look(datetime.now(UTC)), LOOK_SECONDS, stop, "drill notices", begin=LOOK_SECONDS)

    def look(self, now: datetime) -> None:
        """What is to be told now. Raises TemporaryError, and what Slack answers."""
        with self._context.database.write() as tx:
            if not surfaces.lead(tx, LEAD, self._owner, LEAD_SECONDS):
                return
            planned = {level: routines.get(tx.connection, routine_of(level)) for level in Level}
            last = {level: drills.newest_of(tx.connection, level) for level in Level}
        for level, routine in planned.items():
            if routine is not None and now < routine.due_at <= now + self._ahead(routine):
                self._tell(level, routine, last[level])

    def _ahead(self, routine: Routine) -> timedelta:
        """Of what comes often, half the time to the one after it."""
        often = routine.calendar.after(routine.due_at) - routine.due_at
        return min(timedelta(seconds=self._context.configuration.drills.notice), often / 2)

    def _tell(self, level: Level, routine: Routine, last: Drill | None) -> None:
        language, local = self._context.configuration.language, self._context.configuration.local
        key = f"drill/{int(level)}/{routine.due_at:%Y-%m-%dT%H:%M}"
        values = {
            "level": int(level),
            "what": level.text,
            "due": day_and_time(local(routine.due_at)),
            "next": day_and_time(local(routine.calendar.after(routine.due_at))),
            "who": self._context.roster.name_of(routine.skipped_by),
        }
        if routine.is_skipped:
            self._say_skipped(key, say(filled(SKIPPED, **values), language))
            return
        title = say(filled(TITLE, **values), language)
        skip = Choice(label=phrase("Skip this one"), command=skip_command(level, routine.due_at))
        said = (WHAT_HAPPENS, *self._doubts(level, routine, last), PUT_OFF)
        more = [section(escape(say(filled(one, **values), language))) for one in said]
        self._post(key, title, [section(f"*{escape(title)}*"), *more, *choice_buttons([skip], language)], None)

    def _say_skipped(self, key: str, text: str) -> None:
        """In the notice, which would go on to say that the drill begins, and below it."""
        skipped = f"{key}/skipped"
        if self._messenger.known(OF_NO_INCIDENT, skipped) is not None:
            return
        notice = self._messenger.known(OF_NO_INCIDENT, key)
        if notice is not None:
            try:
                self._messenger.edit(notice, escape(text), [section(escape(text))])
            except SlackRefusedError as error:
                log.warning("The notice of a drill that was put off stays as it is.", key=key, why=error.code)
        self._post(skipped, text, [], notice)

    def _doubts(self, level: Level, routine: Routine, last: Drill | None) -> list[str]:
        """Why it may not begin, or not go well: nobody should rely on it then."""
        said: list[str] = []
        if routine.fault:
            said.append(filled(DID_NOT_BEGIN, why=closed(routine.fault)))
        elif last is not None and last.end in (DrillEnd.FAILED, DrillEnd.MISSED):
            said.append(filled(DID_NOT_PASS, name=last.name, how=last.how))
        if routine.succeeded_at is None and needs_password(level, self._context.configuration):
            said.append(NEEDS_PASSWORD)
        return said

    def _post(self, key: str, text: str, blocks: list[Block], notice: Surface | None) -> None:
        """Looked up first: a bot that died may have posted it."""
        outgoing = OutgoingMessage(
            incident=OF_NO_INCIDENT,
            key=key,
            channel=self._context.configuration.channels.home,
            text=escape(text),
            blocks=blocks or [section(escape(text))],
            thread=notice.ts if notice is not None else "",
        )
        try:
            self._messenger.post(outgoing, doubtful=True)
        except SlackRefusedError as error:
            log.error("A drill could not be announced in Slack.", key=key, error=str(error))
