"""The publisher: follows the journal and shows it in Slack. One leads among any number of bots.

Each incident has a lane with a cursor of its own, so that a slow channel does not hold up the others; the common
cursor only says from where the journal has to be read again after a restart.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from drbot.bot.desk import Desk
from drbot.bot.lane import Lane
from drbot.bot.live_board import interval
from drbot.core.errors import TemporaryError
from drbot.store import incidents, journal, surfaces

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
LEAD_SECONDS = 6.0
LEAD_AGAIN_SECONDS = 2.0
THREADS = 6
CURSOR = "publisher"


class Publisher:
    """`run` until stopped. `owner` names this process among the bots."""

    def __init__(self, desk: Desk, owner: str, now: Callable[[], float]) -> None:
        self._desk = desk
        self._owner = owner
        self._now = now
        self._lanes: dict[int, Lane] = {}
        self._working: dict[int, Future[None]] = {}
        self._read = 0
        self._remembered = 0
        self._leads_until = 0.0
        self._asked_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """The loop; ends after `stop` is set, with the calls that are being made."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="publisher") as pool:
            while not stop.wait(LOOK_SECONDS):
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
            with self._desk.database.write() as tx:
                surfaces.lead(tx, CURSOR, self._owner, 0.0)
        except TemporaryError as error:
            log.info("The lead could not be given up.", error=str(error))

    def _look(self, pool: ThreadPoolExecutor) -> None:
        if not self._leads():
            self._lanes.clear()
            return
        self._follow()
        seconds = interval(len(self._lanes))
        for lane in tuple(self._lanes.values()):
            before = self._working.get(lane.incident)
            if lane.is_due() and (before is None or before.done()):
                self._working[lane.incident] = pool.submit(lane.work, seconds)
        self._remember()

    def _leads(self) -> bool:
        """Asked often enough that nobody else takes over while this one works."""
        if self._now() - self._asked_at < LEAD_AGAIN_SECONDS:
            return self._now() < self._leads_until
        self._asked_at = self._now()
        with self._desk.database.write() as tx:
            leads = surfaces.lead(tx, CURSOR, self._owner, LEAD_SECONDS)
        if leads and not self._lanes and self._now() >= self._leads_until:
            self._begin()
        self._leads_until = self._asked_at + LEAD_SECONDS if leads else 0.0
        return leads

    def _begin(self) -> None:
        """From where the last leader left off; boards of open incidents are drawn again in any case."""
        with self._desk.database.read() as connection:
            self._read = self._remembered = surfaces.cursor(connection, CURSOR)
            open_ones = [incident.id for incident in incidents.recent(connection, open_only=True, limit=50)]
        for incident in open_ones:
            self._lane(incident)

    def _follow(self) -> None:
        while True:
            with self._desk.database.read() as connection:
                events = journal.after(connection, self._read)
            for event in events:
                if event.incident is not None:
                    self._lane(event.incident).offer(event)
                self._read = event.seq
            if not events:
                return

    def _lane(self, incident: int) -> Lane:
        if incident not in self._lanes:
            self._lanes[incident] = Lane(self._desk, incident)
        return self._lanes[incident]

    def _remember(self) -> None:
        """Everything before the oldest event that is still to be shown never has to be read again."""
        pending = [first for lane in self._lanes.values() if (first := lane.first_pending()) is not None]
        shown = min(pending, default=self._read + 1) - 1
        if shown > self._remembered:
            with self._desk.database.write() as tx:
                surfaces.advance(tx, CURSOR, shown)
            self._remembered = shown
        for incident, lane in tuple(self._lanes.items()):
            if lane.is_over and self._working[incident].done() and lane.first_pending() is None:
                del self._lanes[incident], self._working[incident]
