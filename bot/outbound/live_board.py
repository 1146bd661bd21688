"""The pinned board of one incident: edited in place, latest wins, no more often than Slack allows."""

import time

from drbot.bot.blocks.board import board, sentence
from drbot.bot.blocks.elements import one_line
from drbot.bot.outbound.messenger import OutgoingMessage
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.commands.views.incident_view import IncidentView
from drbot.core.ledger.events import canonical
from drbot.store.records.surfaces import Surface

EDITS_A_MINUTE = 45.0  # of Slack's 50, for the boards of all incidents together


def interval(open_incidents: int, least: float) -> float:
    """Seconds between two edits of one board, slower with more incidents."""
    return max(least, open_incidents * 60.0 / EDITS_A_MINUTE)


class LiveBoard:
    """Knows what the board shows, so that it is only edited when it would show something else."""

    def __init__(self, publisher_context: PublisherContext, incident: int) -> None:
        self._publisher_context = publisher_context
        self._incident = incident
        self._shown = b""
        self._surface: Surface | None = None
        self.drawn_at = 0.0

    def post(self, situation: IncidentView, channel: str, *, doubtful: bool) -> Surface:
        """The board's message in this channel, posted now if need be."""
        known = self.known(channel)
        if known is not None:
            self._surface = known
            return known
        blocks = board(situation)
        outgoing = OutgoingMessage(
            incident=self._incident,
            key=_key(channel),
            channel=channel,
            text=one_line(sentence(situation)),
            blocks=blocks,
            urgent=True,
        )
        surface = self._publisher_context.messenger.post(outgoing, doubtful=doubtful)
        self._surface = surface
        self._shown = canonical(blocks)
        self.drawn_at = time.monotonic()
        return surface

    def known(self, channel: str) -> Surface | None:
        return self._publisher_context.messenger.known(self._incident, _key(channel))

    def forget(self) -> None:
        """Somebody deleted the message: the next look posts a new one."""
        if self._surface is not None:
            self._publisher_context.messenger.forget(self._surface)
            self._surface, self._shown = None, b""

    def draw(self, situation: IncidentView, surface: Surface, *, urgent: bool) -> None:
        blocks = board(situation)
        wanted = canonical(blocks)
        if wanted == self._shown:
            return
        begun = time.monotonic()
        self._publisher_context.messenger.edit(surface, one_line(sentence(situation)), blocks, urgent=urgent)
        self._shown = wanted
        self.drawn_at = begun


def _key(channel: str) -> str:
    return f"board@{channel}"
