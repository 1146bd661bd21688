"""The worker of one site: claims runs, walks through them, and looks after what other workers left behind."""

import threading
import time

import structlog

from drbot.core.base.errors import DrbotError, FencedError, UnreadableError, UntrustedError
from drbot.core.base.heart import Heart
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.runners.execution.endings import distrust
from drbot.runners.execution.executor import Executor
from drbot.runners.execution.lease import Lease
from drbot.runners.execution.leftovers import clear_stopped
from drbot.runners.execution.lookout import Lookout
from drbot.runners.execution.run_context import RunContext, WorkerContext
from drbot.runners.execution.sealed_plans import require_own
from drbot.runners.foundation.own_record import name_of
from drbot.runners.planning.plan_run import plan_run
from drbot.runners.planning.surveyor import Surveyor
from drbot.runners.upkeep.chores import Upkeep
from drbot.runners.upkeep.code_checker import CodeChecker
from drbot.store.base.doorbell import Doorbell
from drbot.store.runs import runs

log = structlog.get_logger()

THREADS = 4  # runs at the same time; all but the one that holds the site only wait or plan


class Worker:
    """Serves one site until `stop` is set; then finishes the running step of each run and hands it over."""

    def __init__(self, worker_context: WorkerContext, doorbell: Doorbell, stop: threading.Event) -> None:
        self._worker_context = worker_context
        self._doorbell = doorbell
        self._stop = stop
        self._busy = 0
        self._changed = threading.Condition()
        self._lookout = Lookout(worker_context)

    def serve(self, heart: Heart) -> None:
        """Blocks until `stop`."""
        upkeep = Upkeep(self._worker_context)
        self._doorbell.listen(self._worker_context.site_name, self.handle, THREADS)
        checker = CodeChecker(self._worker_context)
        threading.Thread(target=checker.run, args=(self._stop,), name="codes", daemon=True).start()
        surveyor = Surveyor(self._worker_context)
        threading.Thread(target=surveyor.run, args=(self._stop,), name="surveys", daemon=True).start()
        threading.Thread(target=self._lookout.run, args=(self._stop,), name="lookout", daemon=True).start()
        log.info("The worker is ready.", site=self._worker_context.site_name, owner=self._worker_context.owner)
        while not self._stop.wait(self._worker_context.timing.tick):
            heart.beat(f"worker of {self._worker_context.site_name}")
            upkeep.tick()
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0)

    def handle(self, run_id: str) -> None:
        """What the doorbell calls: one run, from claim to park, end or hand-over. Never raises."""
        with self._changed:
            if self._stop.is_set():
                return
            self._busy += 1
        try:
            self._take(run_id)
        except FencedError:
            log.warning("Another worker has the run now.", run=run_id)
        except DrbotError as error:
            log.warning("The run was left; its lease runs out and it is found again.", run=run_id, error=str(error))
            if isinstance(error, UnreadableError):  # that does not pass by itself
                self._tell(run_id, str(error))
        except Exception as error:
            log.exception("The run was left; its lease runs out and it is found again.", run=run_id)
            self._tell(run_id, phrase("{error}: {why}", error=type(error).__name__, why=cut(f"{error}", 500)))
        finally:
            self._lookout.wake()
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _tell(self, run_id: str, why: str) -> None:
        """A fault of drbot itself is told to people once, not at every new try."""
        worker_context = self._worker_context
        try:
            with worker_context.database.write() as tx:
                run = runs.get(tx.connection, run_id)
                if not runs.fault_told(tx, run_id):
                    about = {"what": phrase("{run} cannot go on", run=run_id), "why": worker_context.redact(why)}
                    tx.record(EventKind.CONTROL_FAILED, incident=run.incident, run=run_id, **about)
        except Exception:
            log.exception("The fault could not be told either.", run=run_id)

    def _take(self, run_id: str) -> None:
        worker_context = self._worker_context
        name_of(run_id)  # before anything is written below a folder of that name
        with worker_context.database.write() as tx:
            drill = worker_context.drill
            if drill is not None and runs.get(tx.connection, run_id).incident != drill.incident:
                return
            run = runs.claim(tx, run_id, worker_context.owner, worker_context.timing.lease)
        if run is None:  # somebody else was faster, or it is not queued any more
            clear_stopped(worker_context, run_id)
            return
        with structlog.contextvars.bound_contextvars(incident=run.incident, run=run.id):
            self._run_context(run)

    def _run_context(self, run: Run) -> None:
        worker_context = self._worker_context
        with Lease(worker_context.database, run, worker_context.timing, worker_context.home) as lease:
            planned = run if run.plan is not None else plan_run(worker_context, run, lease)
            if planned is None or planned.plan is None:
                return
            knowing = worker_context.knowing(planned.plan.inventory)
            run_context = RunContext(run=planned, plan=planned.plan, worker_context=knowing, lease=lease)
            try:
                require_own(worker_context, planned)
            except UntrustedError as error:
                log.error("Nothing of this run is started.", error=str(error))
                distrust(run_context, error)
            else:
                Executor(run_context, self._stop).run()


def owner_name(host: str, process: int) -> str:
    """Who holds a lease, for people: host, process and when it started."""
    return f"{host}/{process}/{int(time.time())}"
