"""The one lock of a site. Among the runs of this drbot a row decides who has it; between drbots the target's own
engine does (runners/clients/engine_lock.py). A run needs both, and those who wait are woken when it is given back.
"""

import structlog
from sqlalchemy import Connection

from drbot.core.base.errors import DrbotError, TemporaryError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run, RunState
from drbot.core.text.messages import phrase
from drbot.runners.execution.run_context import RunContext, WorkerContext
from drbot.runners.foundation.lock import Claim, Holder
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.base.ledger_check import instance
from drbot.store.records import locks
from drbot.store.runs import runs

log = structlog.get_logger()


def take(run_context: RunContext, *, sure: bool) -> str | Holder | None:
    """Before each change: a holding may have been taken over meanwhile. None: the site is ours. Else the run, or the
    other drbot, that has it. `sure`: raises TemporaryError while the engine does not answer; otherwise the step may
    go on without it, because it may be the one that brings the engine back. Raises FencedError.
    """
    worker_context, run = run_context.worker_context, run_context.run
    with worker_context.database.write() as tx:
        run_context.hold(tx)
        held_by = locks.take(tx, run.site, run.id)
        claim = Claim(
            instance=_ours(worker_context, tx.connection),
            owner=worker_context.owner,
            incident=f"DR-{run.incident}",
            run=run.id,
            since=tx.now,
        )
        gone = runs.get(tx.connection, run.id).given_up
    if held_by is not None:
        return held_by
    try:
        holder = worker_context.target.lock(claim, gone)
    except TemporaryError as error:
        if sure:
            raise
        log.warning("The target's engine keeps nobody away now.", run=run.id, error=str(error))
        return None
    if holder is not None:
        run_context.write(lambda tx: locks.release(tx, run.site, run.id))
    return holder


def wait_for_drbot(tx: Transaction, run: Run, holder: Holder, seen_wakes: int, step: str | None) -> bool:
    """Park the run and say who has the target. False: it was woken meanwhile."""
    claim = holder.claim
    if not runs.park(tx, run, RunState.WAITING, seen_wakes=seen_wakes, drbot=holder.id, step=step):
        return False
    said = {"owner": claim.owner, "there": claim.incident, "since": f"{claim.since:%Y-%m-%d %H:%M} UTC"}
    tx.record(EventKind.SITE_HELD, incident=run.incident, run=run.id, name=f"DR-{run.incident}", **said)
    return True


def look_at_drbots(worker_context: WorkerContext) -> None:
    """Wake the runs whose other drbot has given the target back. Raises TemporaryError."""
    with worker_context.database.read() as connection:
        parked = waking.parked(connection, worker_context.site_name)
    waiting = [run for run in parked if run.state is RunState.WAITING and run.waits_for_drbot]
    if not waiting:
        return
    holder = worker_context.target.holder()
    with worker_context.database.write() as tx:
        for run in waiting:
            if holder is None or holder.id != run.waits_for_drbot:
                with tx.part():
                    _wake(tx, worker_context, run.id, phrase("The other drbot has given the target back."))


def give_back_stale(worker_context: WorkerContext) -> None:
    """When a worker starts: what this drbot holds on the engine for a run that has the site no more."""
    with worker_context.database.read() as connection:
        ours = _ours(worker_context, connection)
    holder = worker_context.target.holder()
    if holder is None:
        return
    with worker_context.database.read() as connection:
        has_it = locks.holder(connection, worker_context.site_name)
    if holder.claim.instance == ours and has_it != holder.claim.run:
        unlock(worker_context, holder.claim.run)


def unlock(worker_context: WorkerContext, run_id: str) -> None:
    """Give the target back to other drbots; one that does not answer now keeps a holding that our next run replaces."""
    try:
        with worker_context.database.read() as connection:
            ours = _ours(worker_context, connection)
        worker_context.target.unlock(ours, run_id)
    except DrbotError as error:
        log.warning("The target could not be given back to other drbots yet.", run=run_id, error=str(error))


def _ours(worker_context: WorkerContext, connection: Connection) -> str:
    """Which drbot this is, as this host has known it since its first look at the state."""
    return worker_context.own.instance(instance(connection))


def release(tx: Transaction, worker_context: WorkerContext, run: Run) -> None:
    """Give the site back and wake the runs that wait for it."""
    locks.release(tx, run.site, run.id)
    wake_waiting(tx, worker_context, run.site)
    tx.after_commit(lambda: unlock(worker_context, run.id))


def wake_waiting(tx: Transaction, worker_context: WorkerContext, site: str) -> None:
    """Wake every run that was parked because somebody held the site. One of them gets it, the others park again."""
    for waiting in waking.parked(tx.connection, site):
        if waits_for_site(waiting):
            with tx.part():
                _wake(tx, worker_context, waiting.id, phrase("The site is free."))


def _wake(tx: Transaction, worker_context: WorkerContext, run_id: str, why: str) -> None:
    waking.wake(tx, run_id, why)
    tx.after_commit(lambda: worker_context.ring(run_id))


def is_free(connection: Connection, site: str) -> bool:
    """Nobody holds it, or only a run that is over."""
    return locks.holder(connection, site) is None


def waits_for_site(run: Run) -> bool:
    """It was parked because another run held the site."""
    return run.state is RunState.WAITING and run.waits_for is not None
