"""Walks through a plan: look at the database, ask `schedule_of`, do what can be done, again.

Acts run in threads; only this thread writes. Whatever happens to this process, the database says how far it came.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import structlog

from drbot.core.base.errors import DrbotError, FencedError, PermanentError, TemporaryError, UntrustedError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import RunState, StepRecord, StepState
from drbot.core.text.messages import phrase
from drbot.runners.execution import endings, incident_clocks, people, sub_runs
from drbot.runners.execution.attempt import Attempt, Looked, Message, Result, Retrying, look, perform
from drbot.runners.execution.finishing import catch_up, record_result
from drbot.runners.execution.half_moves import settle_moves
from drbot.runners.execution.issuing import NoPermitError, own_work
from drbot.runners.execution.leftovers import sweep_open_steps
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.schedule import Schedule, schedule_of
from drbot.runners.execution.sealed_plans import require_untouched
from drbot.runners.execution.site_lock import release, wait_for_drbot
from drbot.runners.execution.starting import start
from drbot.runners.execution.upholding import uphold
from drbot.runners.execution.users import only_asks_users
from drbot.runners.foundation.lock import Holder
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.records import locks, requests, steps
from drbot.store.runs import runs

log = structlog.get_logger()

Records = Mapping[str, StepRecord]


class Executor:
    """One claimed run. `leaving` is set when this worker is to end: the running step is finished, then handed over."""

    def __init__(self, run_context: RunContext, leaving: threading.Event) -> None:
        self._run_context = run_context
        self._leaving = leaving
        self._running: dict[str, Attempt] = {}
        self._needed: set[str] = set()  # steps whose `unless` said no
        self._inbox: queue.Queue[tuple[Attempt, Message]] = queue.Queue()
        self._idle = False  # the last look found nothing to do
        self._holder: str | Holder | None = None  # the other run, or the other drbot, that holds the site

    def run(self) -> None:
        """Until the run ends, is parked, handed over, or belongs to somebody else."""
        try:
            sweep_open_steps(self._run_context)
            while not self._turn():
                pass
        except FencedError:
            log.warning("Another worker has the run now; ending its steps here.", run=self._run_context.run.id)
            self._abandon()
        except (UntrustedError, NoPermitError) as error:
            log.error("Nothing more of this run is started.", run=self._run_context.run.id, error=str(error))
            self._abandon()
            self._see_out()
            endings.distrust(self._run_context, error)
        except Exception:
            self._abandon()  # without this loop nobody would renew the lease of what still runs
            raise

    def _turn(self) -> bool:
        """One look and what follows from it. True = this worker is done with the run."""
        if self._run_context.lease.fenced:
            raise FencedError(f"The run {self._run_context.run.id} belongs to another worker now.")
        self._read_inbox()
        self._sweep()
        try:
            if self._run_context.lease.stop_reason is not None:
                return self._stop(self._run_context.lease.stop_reason)
            return self._leave() if self._leaving.is_set() else self._go_on()
        except TemporaryError as error:  # the database is busy or away: nothing is started until it is back
            log.warning("Waiting for the database or the target.", run=self._run_context.run.id, error=str(error))
            self._idle = True
            return False

    def _go_on(self) -> bool:
        with self._run_context.worker_context.database.read() as connection:
            seen = waking.wakes(connection, self._run_context.run.id)
            records = {record.id: record for record in steps.of_run(connection, self._run_context.run.id)}
            newest = {request.gate: request for request in requests.of_run(connection, self._run_context.run.id)}
        self._run_context.worker_context.own.note_grants(self._run_context.run.id, newest.values())
        require_untouched(self._run_context.worker_context, self._run_context.run, records)
        if catch_up(self._run_context, records):
            return False
        culprit = incident_clocks.culprit_of(self._run_context.facts())
        if culprit is not None and not self._running:
            endings.culprit(self._run_context, culprit)
            return True
        schedule = schedule_of(self._run_context.plan, records, newest, self._running.keys())
        if schedule.end is not None:
            self._idle = True
            return endings.conclude(self._run_context, schedule.end, seen)
        acted = people.act(self._run_context, schedule, records) | sub_runs.act(self._run_context, schedule, records)
        started = [self._begin(self._run_context.plan.step(step), records) for step in schedule.start]
        self._idle = not (acted or any(started))
        if not self._idle or self._running or (schedule.start and self._holder is None):
            return False
        return self._park(schedule, seen)

    def _begin(self, step: Step, records: Records) -> bool:
        """Starts a step, or first asks whether it is needed. False = it cannot be started now."""
        registry = self._run_context.worker_context.registry
        if step.unless and step.id not in self._needed:
            attempt, context = self._run_context.attempt(step, records[step.id].attempt + 1)
            self._spawn(attempt, lambda: look(registry, context, attempt, self._tell(attempt)))
            return True
        with ExitStack() as place:
            started = start(self._run_context, step, place)
            self._holder = started.holder
            if started.record is None:
                return False
            self._needed.discard(step.id)
            attempt, context = self._run_context.attempt(
                step, started.record.attempt, permit=started.permit, own=own_work(self._run_context)
            )
            tell, sweep = self._tell(attempt, place.pop_all().close), self._sweeper(step.id)
        self._spawn(
            attempt,
            lambda: perform(
                registry, context, attempt, tell, sweep, lambda: uphold(self._run_context, context, attempt)
            ),
        )
        return True

    def _spawn(self, attempt: Attempt, work: Callable[[], None]) -> None:
        self._running[attempt.step.id] = attempt
        threading.Thread(target=work, name=f"step-{attempt.step.id}", daemon=True).start()

    def _tell(self, attempt: Attempt, leave: Callable[[], None] = lambda: None) -> Callable[[Message], None]:
        """`leave`: the act is over, so others may begin theirs."""

        def tell(message: Message) -> None:
            if isinstance(message, Result):
                leave()
            self._inbox.put((attempt, message))

        return tell

    def _read_inbox(self) -> None:
        """Records what the threads told; waits a moment when there is nothing else to do."""
        wait = self._run_context.worker_context.timing.look if self._idle else 0.001
        try:
            attempt, message = self._inbox.get(timeout=wait)
        except queue.Empty:
            return
        if self._running.get(message.step) is not attempt:
            return  # of an attempt that was given up
        self._idle = False
        if isinstance(message, Retrying):
            self._run_context.write(lambda tx: steps.retried(tx, self._run_context.run, message.step, message.why))
            return
        del self._running[message.step]
        if isinstance(message, Looked):
            self._looked(message)
        else:
            record_result(self._run_context, message)

    def _looked(self, message: Looked) -> None:
        if not message.healthy:
            self._needed.add(message.step)
            return
        why = phrase("Not needed: {why}", why=message.sentence)
        skipped = OwnStep(state=StepState.SKIPPED, ended_at=self._run_context.worker_context.own.now())
        self._run_context.note(message.step, skipped)
        self._run_context.write(lambda tx: steps.skip(tx, self._run_context.run, message.step, why))

    def _sweep(self) -> None:
        """Cancelled or too slow: remove what the act started, and give up on an act that will not end."""
        for attempt in list(self._running.values()):
            if attempt.cancelled() and not attempt.swept:
                attempt.swept = True
                threading.Thread(target=self._sweeper(attempt.step.id), daemon=True).start()
            if attempt.will_not_end:
                why = phrase("It did not stop when told to ({why}). It may still be running.", why=attempt.reason)
                result = Result(step=attempt.step.id, state=StepState.UNSURE, sentence=why, tail=attempt.log.tail)
                del self._running[attempt.step.id]
                record_result(self._run_context, result)

    def _sweeper(self, step: str) -> Callable[[], None]:
        def sweep() -> None:
            try:
                self._run_context.worker_context.target.remove_survivors(self._run_context.run.id, step)
            except DrbotError as error:
                log.warning("What the step left running could not be removed.", step=step, error=str(error))

        return sweep

    def _stop(self, why: str) -> bool:
        for attempt in self._running.values():
            if attempt.step.interrupt == "now":
                attempt.cancel(why)
        self._sweep()
        self._idle = True
        if self._running:
            return False
        if not sub_runs.are_over(self._run_context):
            return self._leaving.is_set() and self._leave()
        endings.stop(self._run_context, why)
        return True

    def _leave(self) -> bool:
        """SIGTERM: the running step is finished, nothing new starts, another worker goes on."""
        self._idle = True
        if self._running:
            return False

        def hand_over(tx: Transaction) -> None:
            runs.hand_over(tx, self._run_context.run, self._run_context.worker_context.owner)
            tx.after_commit(lambda: self._run_context.worker_context.ring(self._run_context.run.id))

        self._run_context.write(hand_over)
        return True

    def _park(self, schedule: Schedule, seen: int) -> bool:
        """Nothing can go on without people, or without the site that another run holds."""
        run, holder = self._run_context.run, self._holder
        if holder is None and schedule.waits_for is None:
            endings.finish(
                self._run_context, RunState.FAILED, phrase("Nothing can go on; the plan has no way forward.")
            )
            return True

        leaves_site = holder is None and only_asks_users(self._run_context, str(schedule.waits_for))

        def park(tx: Transaction) -> bool:
            if isinstance(holder, Holder):
                return wait_for_drbot(tx, run, holder, seen, schedule.waits_for)
            if holder is not None and locks.holder(tx.connection, run.site) != holder:
                return False
            if not runs.park(tx, run, RunState.WAITING, seen_wakes=seen, holder=holder, step=schedule.waits_for):
                return False
            if leaves_site:
                release(tx, self._run_context.worker_context, run)
            return True

        self._holder = None
        return self._run_context.write(park)

    def _abandon(self) -> None:
        """End our acts and write nothing. A newer attempt of the same step is not ours to touch."""
        for attempt in self._running.values():
            if attempt.step.interrupt != "never":
                attempt.cancel("this worker has lost the run")
        try:
            records = self._run_context.records()
        except Exception:
            log.exception("Whether a newer attempt runs cannot be seen, so nothing is removed.")
            return
        for step in self._running:
            begun = records.get(step)
            mine = begun is not None and begun.epoch == self._run_context.run.epoch
            if mine and self._run_context.plan.step(step).interrupt != "never":
                self._sweeper(step)()

    def _see_out(self) -> None:
        """What is never interrupted ends before the run does: only then it is known how things are."""
        self._idle = True
        while any(attempt.step.interrupt == "never" for attempt in self._running.values()):
            if self._run_context.lease.fenced:
                raise FencedError(f"The run {self._run_context.run.id} belongs to another worker now.")
            try:
                self._sweep()
                self._read_inbox()
            except PermanentError as error:  # a row that was edited; this host has noted how it ended
                log.warning("The end of a step could not be recorded.", run=self._run_context.run.id, error=str(error))
        try:
            settle_moves(self._run_context)
        except PermanentError as error:
            log.warning("How far data was moved could not be recorded.", run=self._run_context.run.id, error=str(error))
