"""What a worker looks after between runs: dead workers, overdue requests and questions, unheard bells, a free site.

Bots do parts of the same; everything here is guarded in SQL, so any number of them may do it at the same time.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from drbot.core.approvals.approval import ApprovalRequest, Vote, has_broken_glass
from drbot.core.base.errors import DrbotError
from drbot.core.runs.run import Run, RunState, StepState
from drbot.runners.execution.kept_data import forget_gone
from drbot.runners.execution.leftovers import clear_resolved_runs, clear_stopped_runs
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.site_lock import give_back_stale, is_free, look_at_drbots, waits_for_site, wake_waiting
from drbot.runners.execution.unsure import look_after_unsure
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.base.reading import left_out_where_unreadable
from drbot.store.records import requests, steps
from drbot.store.runs import chores, runs

log = structlog.get_logger()

RING_AGAIN_SECONDS = 10.0
KEPT_SECONDS = 60.0


class Upkeep:
    def __init__(self, worker_context: WorkerContext, kept_seconds: float = KEPT_SECONDS) -> None:
        """`kept_seconds`: so often the engine is asked about what is kept."""
        self._worker_context = worker_context
        self._kept_seconds = kept_seconds
        self._rung: dict[tuple[str, datetime], float] = {}
        self._cleared: frozenset[str] = frozenset()  # stopped runs that were tidied up
        self._resolved: frozenset[str] = frozenset()  # the same of resolved incidents
        self._looked = False
        self._kept_at = -kept_seconds

    def tick(self) -> None:
        """Each chore by itself: one that fails must not keep the others from being done."""
        for chore in (
            self._dead_workers,
            self._grants,
            self._overdue,
            self._holds,
            self._unanswered,
            self._free_site,
            self._other_drbot,
            self._unsure,
            self._ring,
            self._clear,
            self._kept,
        ):
            try:
                chore()
            except DrbotError as error:
                log.warning("Not looked after yet.", chore=chore.__name__, error=str(error))
            except Exception:
                log.exception("A chore failed in a way nobody foresaw.", chore=chore.__name__)

    def _dead_workers(self) -> None:
        with self._worker_context.database.write() as tx:
            chores.take_from_dead(tx)

    def _grants(self) -> None:
        """When this host saw them, and what time it is: nobody gets more time by writing a row or setting a clock."""
        own, site = self._worker_context.own, self._worker_context.site_name
        own.keep_time()
        with self._worker_context.database.read() as connection:
            waiting = {run.id for run in waking.parked(connection, site)} | {*runs.claimable(connection, site)}
            roster = self._worker_context.roster_now(connection)
            for run_id, asked in _asked_of(connection, waiting):
                own.note_grants(run_id, asked)
                for request, votes in _votes_for(connection, asked):
                    if has_broken_glass(request, votes, roster):
                        own.note_glass(run_id, request.id)

    def _overdue(self) -> None:
        chores.end_overdue(self._worker_context.database)

    def _holds(self) -> None:
        """Break-glass that nobody vetoed in ten minutes."""
        with self._worker_context.database.write() as tx:
            requests.end_holds(tx, self._worker_context.roster_now(tx.connection), self._has_waited)

    def _has_waited(self, request: ApprovalRequest) -> bool:
        """By what this host has seen itself; a worker that was away has not."""
        known = self._worker_context.own.run(request.run)
        mine = known.requests.get(request.id) if known is not None else None
        return mine is not None and mine.has_held(self._worker_context.own.now())

    def _unanswered(self) -> None:
        with self._worker_context.database.write() as tx:
            for run in waking.parked(tx.connection, self._worker_context.site_name):
                with tx.part():
                    _answer_for_silence(tx, run)

    def _free_site(self) -> None:
        site = self._worker_context.site_name
        with self._worker_context.database.read() as connection:
            free = any(map(waits_for_site, waking.parked(connection, site))) and is_free(connection, site)
        if free:
            with self._worker_context.database.write() as tx:
                wake_waiting(tx, self._worker_context, site)

    def _other_drbot(self) -> None:
        """Runs that wait for another drbot are woken once it has given the target back."""
        look_at_drbots(self._worker_context)

    def _unsure(self) -> None:
        look_after_unsure(self._worker_context)

    def _clear(self) -> None:
        """After the more urgent chores, and the engine once: most runs are stopped while a worker has them."""
        self._cleared |= clear_stopped_runs(self._worker_context, but=self._cleared)
        self._resolved |= clear_resolved_runs(self._worker_context, but=self._resolved)
        if not self._looked:
            self._looked = True
            give_back_stale(self._worker_context)

    def _kept(self) -> None:
        """Now and then: the engine is asked about each volume, and what could not be removed is tried again."""
        if time.monotonic() - self._kept_at >= self._kept_seconds:
            self._kept_at = time.monotonic()
            with self._worker_context.database.read() as connection:
                remaining = {run.id for run, _ in chores.remaining(connection)}
            self._cleared, self._resolved = self._cleared - remaining, self._resolved - remaining
            forget_gone(self._worker_context)

    def _ring(self) -> None:
        """Queued runs of this site: at once each time they were queued, then every few seconds."""
        with self._worker_context.database.read() as connection:
            queued = runs.claimable(connection, self._worker_context.site_name).items()
        now = time.monotonic()
        self._rung = {run: at for run, at in self._rung.items() if run in queued}
        for run in queued:
            if now - self._rung.get(run, -RING_AGAIN_SECONDS) >= RING_AGAIN_SECONDS:
                self._rung[run] = now
                self._worker_context.ring(run[0])


def _asked_of(connection: Connection, run_ids: Iterable[str]) -> Iterator[tuple[str, list[ApprovalRequest]]]:
    """Of one whose requests cannot be read, nothing."""
    yield from left_out_where_unreadable(run_ids, lambda one: (one, requests.of_run(connection, one)))


def _votes_for(
    connection: Connection, asked: Iterable[ApprovalRequest]
) -> Iterator[tuple[ApprovalRequest, list[Vote]]]:
    yield from left_out_where_unreadable(asked, lambda one: (one, requests.votes(connection, one.id)))


def _answer_for_silence(tx: Transaction, run: Run) -> None:
    """Nobody answered in time: the question's own `silence` is the answer."""
    if run.plan is None or run.state is not RunState.WAITING:
        return
    for record in steps.of_run(tx.connection, run.id):
        ask = run.plan.step(record.id).ask
        if ask is None or record.state is not StepState.WAITING or record.answer is not None:
            continue
        if record.started_at is not None and tx.now >= record.started_at + timedelta(seconds=ask.within):
            steps.answer(tx, run.id, record.id, ask.silence, None)
