"""What the publisher's parts share, and the one way to tell that drbot itself could not do something."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from drbot.bot.outbound.messenger import Messenger
from drbot.bot.settings import Pace
from drbot.bot.slack_api.slack import SlackRefusedError
from drbot.commands.facts.context import CommandContext
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.core.base.errors import TemporaryError
from drbot.core.ledger.events import EventKind
from drbot.core.text.messages import phrase
from drbot.store.base.database import Database
from drbot.store.records import incidents

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class PublisherContext:
    """Built once per publisher; safe to use from its threads."""

    context: CommandContext
    messenger: Messenger
    home: Path  # drbot's own directory: only what lies in its `logs` is ever uploaded
    pace: Pace
    _told: set[tuple[int, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def database(self) -> Database:
        return self.context.database

    def situation(self, incident: int) -> IncidentView:
        with self.database.read() as connection:
            return view_of(connection, self.context, incidents.get(connection, incident), datetime.now(UTC))

    @contextmanager
    def telling_refusals(self, incident: int, what: str) -> Iterator[None]:
        """What Slack refuses inside is told as what could not be done; the rest goes on."""
        try:
            yield
        except SlackRefusedError as refusal:
            self.control_failed(incident, what, refusal)

    def control_failed(self, incident: int, what: str, refusal: SlackRefusedError) -> None:
        """Into the ledger, once per incident and matter: it is shown wherever drbot can still write."""
        with self._lock:
            if (incident, what) in self._told:
                return
            self._told.add((incident, what))
        log.error("Slack refused.", incident=incident, what=what, why=str(refusal))
        try:
            with self.database.write() as tx:
                tx.record(
                    EventKind.CONTROL_FAILED,
                    incident=incident,
                    what=what,
                    why=phrase("Slack says {code} ({method}).", code=refusal.code, method=refusal.method),
                    todo=refusal.todo,
                )
        except TemporaryError as error:
            log.warning("That could not be recorded.", incident=incident, error=str(error))
