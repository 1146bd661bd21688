"""The publisher: follows the ledger and shows it in Slack. One leads among any number of bots.

Each incident has a feed with a cursor of its own, so that a slow channel does not hold up the others; the common
cursor only says from where the ledger has to be read again after a restart.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from drbot.bot.outbound.incident_feed import IncidentFeed
from drbot.bot.outbound.live_board import interval
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.core.base.errors import TemporaryError
from drbot.core.base.heart import Heart
from drbot.store.base import ledger
from drbot.store.records import incidents, surfaces
from drbot.store.records.surfaces import PUBLISHER

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
LEAD_SECONDS = 6.0
LEAD_AGAIN_SECONDS = 2.0
THREADS = 6


class Publisher:
    """`run` until stopped. `owner` names this process among the bots."""

    def __init__(self, publisher_context: PublisherContext, owner: str, now: Callable[[], float]) -> None:
        self._publisher_context = publisher_context
        self._owner = owner
        self._now = now
        self._feeds: dict[int, IncidentFeed] = {}
        self._working: dict[int, Future[None]] = {}
        self._read = 0
        self._remembered = 0
        self._leads_until = 0.0
        self._asked_at = float("-inf")

    def run(self, stop: threading.Event, heart: Heart) -> None:
        """The loop; ends after `stop` is set, with the calls that are being made."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="publisher") as pool:
            while not stop.wait(LOOK_SECONDS):
                heart.beat("publisher")
                try:
                    self._look(pool)
                except TemporaryError as error:
                    log.warning("The publisher waits for the database.", error=str(error))
                except Exception:
                    log.exception("The publisher failed; it goes on.")
        self._resign()

    def _resign(self) -> None:
        """Let the next one begin at once; if that fails, the lease runs out."""
        try:
            with self._publisher_context.database.write() as tx:
                surfaces.lead(tx, PUBLISHER, self._owner, 0.0)
        except TemporaryError as error:
            log.info("The lead could not be given up.", error=str(error))

    def _look(self, pool: ThreadPoolExecutor) -> None:
        if not self._leads():
            self._feeds.clear()
            return
        self._follow()
        seconds = interval(len(self._feeds), self._publisher_context.pace.board)
        for feed in tuple(self._feeds.values()):
            before = self._working.get(feed.incident)
            if feed.is_due() and (before is None or before.done()):
                self._working[feed.incident] = pool.submit(feed.work, seconds)
        self._remember()

    def _leads(self) -> bool:
        """Asked often enough that nobody else takes over while this one works."""
        if self._now() - self._asked_at < LEAD_AGAIN_SECONDS:
            return self._now() < self._leads_until
        self._asked_at = self._now()
        with self._publisher_context.database.write() as tx:
            leads = surfaces.lead(tx, PUBLISHER, self._owner, LEAD_SECONDS)
        if leads and not self._feeds and self._now() >= self._leads_until:
            self._begin()
        self._leads_until = self._asked_at + LEAD_SECONDS if leads else 0.0
        return leads

    def _begin(self) -> None:
        """From where the last leader left off; boards of open incidents are drawn again in any case."""
        with self._publisher_context.database.read() as connection:
            self._read = self._remembered = surfaces.cursor(connection, PUBLISHER)
            open_ones = [incident.id for incident in incidents.recent(connection, open_only=True, limit=50)]
        for incident in open_ones:
            self._feed(incident)

    def _follow(self) -> None:
        while True:
            with self._publisher_context.database.read() as connection:
                events = ledger.after(connection, self._read)
            for event in events:
                if event.incident is not None:
                    self._feed(event.incident).offer(event)
                self._read = event.seq
            if not events:
                return

    def _feed(self, incident: int) -> IncidentFeed:
        if incident not in self._feeds:
            self._feeds[incident] = IncidentFeed(self._publisher_context, incident)
        return self._feeds[incident]

    def _remember(self) -> None:
        """Everything before the oldest event that is still to be shown never has to be read again."""
        pending = [first for feed in self._feeds.values() if (first := feed.first_pending()) is not None]
        shown = min(pending, default=self._read + 1) - 1
        if shown > self._remembered:
            with self._publisher_context.database.write() as tx:
                surfaces.advance(tx, PUBLISHER, shown)
            self._remembered = shown
        for incident, feed in tuple(self._feeds.items()):
            if feed.is_over and self._working[incident].done() and feed.first_pending() is None:
                del self._feeds[incident], self._working[incident]
