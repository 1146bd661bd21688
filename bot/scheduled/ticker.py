"""Every second: what is due. Runs in every bot; whatever has an effect is done by one of them (compare-and-set)."""

import threading
import time
from datetime import UTC, datetime, timedelta

import structlog

from drbot.bot.scheduled.due_posts import FIRE, plan_events
from drbot.bot.scheduled.forgotten_drills import end_forgotten
from drbot.commands.facts.context import CommandContext
from drbot.core.base.errors import DrbotError, TemporaryError
from drbot.core.base.heart import Heart
from drbot.core.runs.run import RunState
from drbot.store.records import schedules
from drbot.store.runs import chores

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
UNCLAIMED_SECONDS = 30.0


class Ticker:
    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._rung: dict[str, float] = {}

    def run(self, stop: threading.Event, heart: Heart) -> None:
        """The loop. A part that fails does not keep the others from their turn."""
        while not stop.wait(TICK_SECONDS):
            heart.beat("ticker")
            self.tick()

    def tick(self) -> None:
        for part in (self._roster, self._leases, self._unclaimed, self._overdue, self._drills, self._plan, self._due):
            try:
                part()
            except TemporaryError as error:
                log.info("The ticker waits for the database.", part=part.__name__, error=str(error))
            except Exception:
                log.exception("A part of the ticker failed; it goes on.", part=part.__name__)

    def _roster(self) -> None:
        """What two approvers accepted a moment ago is in force here too."""
        with self._context.database.read() as connection:
            self._context.rosters.look(connection)

    def _leases(self) -> None:
        """Runs whose worker is gone: back into the queue, to a person, or to their end."""
        with self._context.database.write() as tx:
            lost = chores.take_from_dead(tx)
        for run in lost:
            log.warning("A worker is gone.", run=run.id, state=run.state.value)
            if run.state is RunState.QUEUED:
                self._context.doorbell.ring(run.site, run.id)

    def _unclaimed(self) -> None:
        """Nobody heard the doorbell: ring again, every thirty seconds. Two bots that ring do no harm."""
        with self._context.database.read() as connection:
            late = chores.unclaimed(connection, datetime.now(UTC) - timedelta(seconds=UNCLAIMED_SECONDS))
        self._rung = {run.id: self._rung.get(run.id, 0.0) for run in late}
        for run in late:
            if time.monotonic() - self._rung[run.id] >= UNCLAIMED_SECONDS or not self._rung[run.id]:
                self._rung[run.id] = time.monotonic()
                self._context.doorbell.ring(run.site, run.id)

    def _overdue(self) -> None:
        for run in chores.end_overdue(self._context.database):
            self._context.doorbell.ring(run.site, run.id)

    def _drills(self) -> None:
        end_forgotten(self._context)

    def _plan(self) -> None:
        plan_events(self._context)

    def _due(self) -> None:
        """Each due row in a transaction of its own: one that fails does not hold up the others."""
        with self._context.database.read() as connection:
            due = schedules.due(connection, datetime.now(UTC))
        for schedule in due:
            try:
                with self._context.database.write() as tx:
                    if schedule.kind in FIRE and schedules.take(tx, schedule):
                        FIRE[schedule.kind](self._context, tx, schedule)
            except TemporaryError:
                raise
            except DrbotError as error:
                log.info("That was due no more.", key=schedule.key, why=str(error))
                self._drop(schedule)
            except Exception:
                log.exception("Something due failed; what else is due goes on.", key=schedule.key)

    def _drop(self, schedule: schedules.Schedule) -> None:
        """It failed for good, and its transaction with it: take it without doing anything."""
        with self._context.database.write() as tx:
            schedules.take(tx, schedule)
