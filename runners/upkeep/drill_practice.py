"""The runs of one drill: the copy is made and broken, then the level's own runbook recovers it, as in an incident."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from drbot.core.approvals.approval import Ballot, EntryPoint, RequestState
from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.clocks import remaining_seconds
from drbot.core.runs.drill import COPY_RUNBOOKS, PRACTISED, STAND_INS, Drill, backup_for
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord, StopKind
from drbot.core.site.level import Level
from drbot.core.site.people import Person, Roster
from drbot.core.site.site import DRILL_CONTROL, DRILL_SITE
from drbot.core.text.messages import closed, duration, phrase, sentences
from drbot.runners.execution.run_context import WorkerContext
from drbot.store.records import drills, incidents, requests, steps
from drbot.store.runs import runs

log = structlog.get_logger()

STUCK = frozenset({RunState.NEEDS_DECISION, RunState.BLOCKED})
LOOK_SECONDS = 0.3


class StoppedError(PermanentError):
    """A person, or a real incident, ended the drill."""


def stand_ins() -> Roster:
    """As a roster: two approvers."""
    people = [Person(id=name, name=name, roles=frozenset({"approver"})) for name in STAND_INS]
    return Roster(people={one.id: one for one in people})


@dataclass(frozen=True, kw_only=True, slots=True)
class Practice:
    """One drill whose sandbox stands. `worker_context`: the drill's own; `cancelled`: why it has to end, or None."""

    drill: Drill
    worker_context: WorkerContext
    cancelled: Callable[[], str | None]
    began: float = field(default_factory=time.monotonic)

    def go(self) -> None:
        """Until the system is recovered. Raises PermanentError saying why it is not, StoppedError."""
        drill, site = self.drill, self.worker_context.configuration.site()
        if drill.level < Level.HOST:
            self._tell(phrase("Making the copy and breaking it."))
            copy = COPY_RUNBOOKS[backup_for(drill.runbook, site)]
            self._finish(self._queue(RunKind.DRILL_COPY, copy, {**drill.arguments, PRACTISED: drill.runbook}))
        self._begin()
        forecasts = Forecasts(began=time.monotonic())
        run = self._queue(RunKind.RECOVER, drill.runbook, drill.arguments)
        self._finish(run, forecasts)
        self._measure(run, forecasts)

    def _begin(self) -> None:
        """The clocks begin now: what came before was no outage."""
        with self.worker_context.database.write() as tx:
            incidents.begin_outage(tx, self.drill.incident)
            drills.change(tx, self.drill.incident, state="recovering", broke_at=tx.now)
        self._tell(phrase("The copy is broken: the clocks run."))

    def _tell(self, text: str) -> None:
        with self.worker_context.database.write() as tx:
            tx.record(EventKind.DRILL_STEP, incident=self.drill.incident, text=text)

    def _queue(self, kind: RunKind, runbook: str, arguments: Mapping[str, str]) -> str:
        drill = self.drill
        with self.worker_context.database.write() as tx:
            run = runs.queue(
                tx, incident=drill.incident, site=self._site(), kind=kind, runbook=runbook,
                arguments=arguments, person=drill.asked_by,
            )  # fmt: skip
            tx.after_commit(lambda: self.worker_context.ring(run.id))
        return run.id

    def _site(self) -> str:
        """Level 4 is walked through from outside, as in an incident."""
        return DRILL_CONTROL if self.drill.level is Level.DATACENTRE else DRILL_SITE

    def _finish(self, run_id: str, forecasts: "Forecasts | None" = None) -> None:
        """Until the run is over. A question that nobody is there to answer ends it."""
        pause, ended_for = threading.Event(), ""
        while True:
            try:
                run = self._look(run_id, forecasts)
                if run.is_over:
                    break
                if not ended_for and (ended_for := self._in_the_way(run)):
                    self._stop(run_id, ended_for)
            except TemporaryError as error:
                log.warning("The state does not answer; looking again.", error=str(error))
            pause.wait(LOOK_SECONDS)
        if run.state is RunState.STOPPED and not self._failed(run):
            raise StoppedError(run.outcome or "")
        if run.state is not RunState.SUCCEEDED:
            raise PermanentError(sentences(self._failed(run), closed(run.outcome or "")))

    def _look(self, run_id: str, forecasts: "Forecasts | None") -> Run:
        """The run as it is now; where nobody is asked the stand-ins vote."""
        with self.worker_context.database.read() as connection:
            run = runs.get(connection, run_id)
            waiting = [one for one in requests.of_run(connection, run_id) if one.state is RequestState.OPEN]
        for request in waiting if self.drill.rehearsed else ():
            self._vote(request.id)
        if forecasts is not None and run.plan is not None:
            forecasts.note(run.plan, self._steps(run_id), datetime.now(UTC))
        return run

    def _in_the_way(self, run: Run) -> str:
        """Why it cannot go on; "": it can."""
        if self.drill.rehearsed and run.state in STUCK:
            return phrase("nobody is there to decide")
        longest = self.worker_context.configuration.targets.rto
        if time.monotonic() - self.began > longest:
            return phrase("it takes longer than the RTO of {rto}", rto=duration(longest))
        return self.cancelled() or ""

    def _failed(self, run: Run) -> str:
        """The step that did not do what it should, and why; "": none."""
        found = next((one for one in self._steps(run.id) if one.is_wrong), None)
        if found is None or run.plan is None:
            return ""
        return phrase("{step}: {why}", step=run.plan.title_of(found.id), why=closed(found.result))

    def _steps(self, run_id: str) -> tuple[StepRecord, ...]:
        with self.worker_context.database.read() as connection:
            return tuple(steps.of_run(connection, run_id))

    def _vote(self, request_id: str) -> None:
        worker_context = self.worker_context
        with worker_context.database.write() as tx:
            request = requests.get(tx.connection, request_id)
            for person in STAND_INS:
                ballot = Ballot(
                    person=person, account=None, decision="approve", reason=str(phrase("rehearsed")),
                    seal=request.seal, target=request.target, entry_point=EntryPoint.TERMINAL, at=tx.now,
                    terminal=f"{person}@drill",
                )  # fmt: skip
                requests.cast(tx, request_id, ballot, worker_context.roster_now(tx.connection))

    def _stop(self, run_id: str, why: str) -> None:
        with self.worker_context.database.write() as tx:
            runs.request_stop(tx, run_id, self.drill.asked_by, closed(why), kind=StopKind.PERSON)
            tx.after_commit(lambda: self.worker_context.ring(run_id))

    def _measure(self, run_id: str, forecasts: "Forecasts") -> None:
        took = {one.id: one.seconds for one in self._steps(run_id) if one.seconds is not None}
        half, total = forecasts.at_half(), time.monotonic() - forecasts.began
        with self.worker_context.database.write() as tx:
            plan = runs.get(tx.connection, run_id).plan
            incidents.recovered_at_last(tx, self.drill.incident, run=run_id, backup=plan.backup if plan else None)
            drills.change(tx, self.drill.incident, steps=took, half_seconds=half, recovery_seconds=total)


@dataclass(kw_only=True, slots=True)
class Forecasts:
    """What was forecast for the whole recovery, look by look. Seconds."""

    began: float  # monotonic
    seen: list[tuple[float, float]] = field(default_factory=list)  # (over by then, forecast of the whole)

    def note(self, plan: Plan, records: tuple[StepRecord, ...], now: datetime) -> None:
        over = time.monotonic() - self.began
        self.seen.append((over, over + remaining_seconds(plan, records, now)))

    def at_half(self) -> float | None:
        """The forecast when half of the time was over; None when nobody looked."""
        total = time.monotonic() - self.began
        return min(self.seen, key=lambda one: abs(one[0] - total / 2))[1] if self.seen else None
