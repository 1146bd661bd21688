"""Shows alerts in the operations channel: one message for a group, drawn again when it changes. One bot of many posts.

An alert that dr.yml names opens its incident by itself; every other waits for somebody's tap.
"""

import threading
from datetime import UTC, datetime

import structlog

from drbot.bot.blocks.elements import Block, choice_buttons, escape, section
from drbot.bot.outbound.messenger import Messenger, OutgoingMessage
from drbot.bot.slack_api.slack import SlackRefusedError
from drbot.commands.facts.context import CommandContext
from drbot.commands.verb.alert import declare_by_itself
from drbot.commands.views.alert_view import alert_text, choices_of, details
from drbot.core.base.heart import Heart
from drbot.core.base.repeating import repeat
from drbot.core.text.messages import say
from drbot.store.records import alerts, surfaces
from drbot.store.records.alerts import AlertGroup

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
LEAD, LEAD_SECONDS = "alerts", 6.0
OF_NO_INCIDENT = 0


class AlertPosts:
    """`run` until stopped. `owner` names this process among the bots."""

    def __init__(self, context: CommandContext, messenger: Messenger, owner: str) -> None:
        self._context = context
        self._messenger = messenger
        self._owner = owner

    def run(self, stop: threading.Event, heart: Heart) -> None:
        def turn() -> None:
            heart.beat("alerts")
            self.look()

        repeat(turn, LOOK_SECONDS, stop, "alerts")

    def look(self) -> None:
        """Everything that people see otherwise than it is."""
        with self._context.database.read() as connection:
            waiting = alerts.unshown(connection)
        if not waiting:
            return
        with self._context.database.write() as tx:
            if not surfaces.lead(tx, LEAD, self._owner, LEAD_SECONDS):
                return
        for group in waiting:
            self._show(declare_by_itself(self._context, group))

    def _show(self, group: AlertGroup) -> None:
        if group.is_silent(datetime.now(UTC)) and self._messenger.known(OF_NO_INCIDENT, _key(group)) is None:
            self._remember(group)
            return
        try:
            self._draw(group)
        except SlackRefusedError as error:
            log.error("An alert could not be shown in Slack.", alert=group.id, error=str(error))
        self._remember(group)

    def _draw(self, group: AlertGroup) -> None:
        key, language = _key(group), self._context.configuration.language
        text, blocks = self._message(group, language)
        known = self._messenger.known(OF_NO_INCIDENT, key)
        if known is not None:
            self._messenger.edit(known, text, blocks, urgent=True)
            return
        channel = self._context.configuration.channels.home
        outgoing = OutgoingMessage(
            incident=OF_NO_INCIDENT, key=key, channel=channel, text=text, blocks=blocks, urgent=True
        )
        self._messenger.post(outgoing, doubtful=True)  # whoever tried before may have died before it said so

    def _message(self, group: AlertGroup, language: str) -> tuple[str, list[Block]]:
        configuration = self._context.configuration
        who = self._context.roster.name_of(group.answered_by) if group.answered_by else ""
        text = escape(say(alert_text(group, configuration, datetime.now(UTC), who), language))
        icon = ":rotating_light:" if group.firing else ":white_check_mark:"
        blocks = [section(f"{icon} {text}")]
        if said := say(details(group), language):
            blocks.append(section(escape(said)))
        return text, [*blocks, *choice_buttons(choices_of(group, configuration), language)]

    def _remember(self, group: AlertGroup) -> None:
        with self._context.database.write() as tx:
            alerts.shown(tx, group)


def _key(group: AlertGroup) -> str:
    return f"alert/{group.id}"
