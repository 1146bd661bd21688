"""Finds drills that were asked for, holds one at a time, and clears away what a worker that died has left."""

import threading
from dataclasses import dataclass, field, replace

import structlog

from drbot.core.base.errors import DrbotError
from drbot.core.base.repeating import repeat
from drbot.core.runs.drill import Drill, DrillEnd, DrillState
from drbot.core.text.messages import phrase
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.upkeep.drill_run import DrillRun, Hands
from drbot.store.records import drills, incidents

log = structlog.get_logger()

LEASE_SECONDS = 15.0
RENEW_SECONDS = 3.0
LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeper:
    """For the site of one worker. `stop`: this worker is to end."""

    worker_context: WorkerContext
    hands: Hands
    stop: threading.Event

    def run(self) -> None:
        repeat(self.look, LOOK_SECONDS, self.stop, "drills")

    def look(self) -> None:
        """Hold the drill that waits, if there is one."""
        worker_context = self.worker_context
        with worker_context.database.read() as connection:
            drill = drills.going_on(connection)
        if drill is None or drill.site != worker_context.site_name:
            return
        with worker_context.database.write() as tx:
            if not drills.take(tx, drill, worker_context.owner, LEASE_SECONDS):
                return
        holding = Holding(keeper=self, drill=drill)
        held = DrillRun(
            drill=drill, worker_context=worker_context, hands=self.hands, cancelled=holding.cancelled
        )  # fmt: skip
        if drill.state is not DrillState.ASKED:
            log.warning("The worker that held a drill is gone; clearing it away.", drill=drill.incident)
            held.finish(replace(drill, end=DrillEnd.BROKEN_OFF, why=phrase("Its worker stopped answering.")))
            return
        with holding:
            held.go()


@dataclass(kw_only=True, slots=True)
class Holding:
    """Keeps a drill ours, and says why it has to end."""

    keeper: Keeper
    drill: Drill
    lost: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> None:
        threading.Thread(target=self._renew, name="drill-lease", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.over.set()

    def _renew(self) -> None:
        keeper = self.keeper
        while not self.over.wait(RENEW_SECONDS):
            try:
                with keeper.worker_context.database.write() as tx:
                    self.lost = not drills.take(tx, self.drill, keeper.worker_context.owner, LEASE_SECONDS)
            except DrbotError as error:
                log.warning("A drill could not be held.", error=str(error))

    def cancelled(self) -> str | None:
        """Why it has to end now: this worker ends, a person said so, or a real incident is open. None = go on."""
        if self.keeper.stop.is_set():
            return phrase("The worker is ending.")
        if self.lost:
            return phrase("Another worker has it.")
        try:
            with self.keeper.worker_context.database.read() as connection:
                open_now = incidents.recent(connection, open_only=True, limit=100)
        except DrbotError:
            return None
        if real := next((one for one in open_now if not one.is_drill), None):
            return phrase("{name} was declared, and an incident comes first: it ended the drill.", name=real.name)
        if not any(one.id == self.drill.incident for one in open_now):
            return phrase("It was resolved.")
        return None
