"""The approval cards of one incident: tried until they are in the channel; meanwhile the approvers get them directly.

Cards are owed until they are shown, apart from the batches of events: what Slack refuses elsewhere holds none up.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlalchemy import Connection

from drbot.bot.blocks.approval_card import approval_card, card_sentence
from drbot.bot.blocks.elements import Block
from drbot.bot.blocks.lines import CARDS
from drbot.bot.outbound.messenger import OutgoingMessage
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.bot.slack_api.slack import GONE, LOST, SlackRefusedError
from drbot.commands.views.incident_view import IncidentView, asking
from drbot.core.approvals.approval import LIVE, ApprovalRequest
from drbot.core.approvals.too_few import eligible
from drbot.core.ledger.events import Event, EventKind, canonical
from drbot.core.text.messages import phrase
from drbot.store.records import requests, steps, surfaces
from drbot.store.records.known_workers import KnownWorkers
from drbot.store.records.surfaces import Surface
from drbot.store.runs import runs

TURNS_OF_CARDS = frozenset({EventKind.RUN_BLOCKED, EventKind.RUN_QUEUED, EventKind.RUN_STOPPED})
"""What gives a card its "ask again" button or takes it away."""

AGAIN_SECONDS = 5.0


class Cards:
    """`touch` with what happened, then `draw`; `again_in` says when to come back."""

    def __init__(self, publisher_context: PublisherContext, incident: int) -> None:
        self._publisher_context = publisher_context
        self._incident = incident
        self._owed: dict[str, None] = {}  # ids of requests, oldest first
        self._sent: dict[str, bytes] = {}  # by request: what people were shown directly
        self._channel = ""
        self._tried_at = 0.0
        self._is_new = True  # an earlier process may have posted without remembering it

    def touch(self, events: Iterable[Event]) -> None:
        happened = tuple(events)
        self._owed |= {str(event.payload["request"]): None for event in happened if event.kind in CARDS}
        if any(event.kind in TURNS_OF_CARDS for event in happened):
            with self._publisher_context.database.read() as connection:
                for run in runs.of_incident(connection, self._incident):
                    self._owed |= {request.id: None for request in requests.of_run(connection, run.id)[-1:]}

    def draw(
        self, now: IncidentView, channel: str, between: Callable[[], None], *, doubtful: bool, is_last_place: bool
    ) -> None:
        """Show every owed card; in a new channel those that can still be voted on are owed again.

        Raises SlackRefusedError when the channel is gone, unless there `is_last_place`.
        """
        if channel != self._channel:
            self._channel = channel
            if now.request is not None and now.request.state in LIVE:
                self._owed[now.request.id] = None
        self._tried_at = time.monotonic()
        for request_id in tuple(self._owed):
            with self._publisher_context.database.read() as connection:
                situation = _about(connection, now, request_id, self._publisher_context.context.rosters.workers)
            try:
                self._show(situation, now, channel, doubtful=doubtful or self._is_new)
                if situation.is_as_sealed:  # else drawn again, until it shows what votes are for
                    del self._owed[request_id]
            except SlackRefusedError as refusal:
                if refusal.code in GONE and not is_last_place:
                    raise
                if self._sent_directly(situation, refusal, now, doubtful=doubtful or self._is_new):
                    del self._owed[request_id]
            between()
        self._is_new = False

    def again_in(self, seconds: float) -> float:
        """Seconds until the next look, at most so many."""
        return min(seconds, max(0.0, self._tried_at + AGAIN_SECONDS - time.monotonic())) if self._owed else seconds

    def _show(self, situation: IncidentView, now: IncidentView, channel: str, *, doubtful: bool) -> None:
        """In the channel, and where it was sent before."""
        request, text, blocks = _drawn(situation, now)
        self._directly_drawn(request, text, blocks)
        self._show_at(request, channel, text, blocks, doubtful=doubtful)

    def _sent_directly(
        self, situation: IncidentView, refusal: SlackRefusedError, now: IncidentView, *, doubtful: bool
    ) -> bool:
        """The channel was refused. Whether nothing has to be tried again: only what is decided is let go."""
        request, text, blocks = _drawn(situation, now)
        self._publisher_context.control_failed(
            self._incident, phrase("I could not show the approval card here; the approvers get it directly."), refusal
        )
        if request.state not in LIVE:
            return True
        self._send(situation, request, text, blocks, doubtful=doubtful)
        return False

    def _show_at(self, request: ApprovalRequest, place: str, text: str, blocks: list[Block], *, doubtful: bool) -> None:
        """Post the card, or edit the one that is there; one that was deleted or cannot be edited is posted anew."""
        outgoing = OutgoingMessage(
            incident=self._incident,
            key=_key(request, place),
            channel=place,
            text=text,
            blocks=blocks,
            urgent=True,
        )
        known = self._publisher_context.messenger.known(self._incident, outgoing.key)
        if known is not None:
            try:
                self._publisher_context.messenger.edit(known, text, blocks, urgent=True)
            except SlackRefusedError as refusal:
                if refusal.code not in LOST:
                    raise
                self._publisher_context.messenger.forget(known)
            else:
                return
        self._publisher_context.messenger.post(outgoing, doubtful=doubtful and known is None)

    def _send(
        self, situation: IncidentView, request: ApprovalRequest, text: str, blocks: list[Block], *, doubtful: bool
    ) -> None:
        """To everybody whose vote would count, and who has none yet."""
        for person in eligible(request, situation.roster):
            for account in person.slack[:1]:
                if self._publisher_context.messenger.known(self._incident, _key(request, account)) is not None:
                    continue
                failed = phrase("I could not reach {person} directly.", person=person.name)
                with self._publisher_context.telling_refusals(self._incident, failed):
                    self._show_at(request, account, text, blocks, doubtful=doubtful)

    def _directly_drawn(self, request: ApprovalRequest, text: str, blocks: list[Block]) -> None:
        """Cards that went to people show what those in the channel do."""
        shown = canonical(blocks)
        if self._sent.get(request.id) == shown:
            return
        failed = phrase("I could not update a card that I had sent directly.")
        for known in self._direct(request):
            with self._publisher_context.telling_refusals(self._incident, failed):
                self._publisher_context.messenger.edit(known, text, blocks, urgent=True)
        self._sent[request.id] = shown

    def _direct(self, request: ApprovalRequest) -> list[Surface]:
        accounts = {
            account for person in self._publisher_context.context.roster.people.values() for account in person.slack
        }
        keys = {_key(request, account) for account in accounts}
        with self._publisher_context.database.read() as connection:
            known = surfaces.of_incident(connection, self._incident)
        return [surface for surface in known if surface.key in keys and surface.channel]


def _drawn(situation: IncidentView, now: IncidentView) -> tuple[ApprovalRequest, str, list[Block]]:
    request = situation.request
    assert request is not None
    is_current = now.request is not None and now.request.id == request.id
    return request, card_sentence(situation), approval_card(situation, is_current=is_current)


def _key(request: ApprovalRequest, place: str) -> str:
    return f"card-{request.id}@{place}"


def _about(connection: Connection, now: IncidentView, request_id: str, workers: KnownWorkers) -> IncidentView:
    """The situation of the run this request belongs to, which may be an earlier one; `now` may be older than it."""
    request = requests.get(connection, request_id)
    run, records = runs.get(connection, request.run), tuple(steps.of_run(connection, request.run))
    return asking(connection, replace(now, run=run, steps=records), request, workers)
