"""One run by one worker: everything that starting, finishing, undoing and ending a step need, in one place."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from drbot.core.base.errors import FencedError, TemporaryError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.policy import WAIT, Policy
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, StepRecord, StepState
from drbot.core.runs.safe_state import SafeState, safe_state
from drbot.core.site.inventory import NOTHING, Inventory, with_inventory
from drbot.core.site.people import Roster, waiting
from drbot.core.site.site import Approvals, Configuration, Site
from drbot.core.text.messages import phrase
from drbot.core.text.redaction import Redactor
from drbot.runners.contract.action import Registry, StepContext
from drbot.runners.contract.machine_book import MachineBook
from drbot.runners.contract.target import Target
from drbot.runners.execution.attempt import Attempt
from drbot.runners.execution.lease import Lease
from drbot.runners.execution.step_log import StepLog
from drbot.runners.foundation.invitations import Invitations
from drbot.runners.foundation.own_record import OwnRecord, OwnStep
from drbot.runners.foundation.permit import OwnWork, Permit
from drbot.runners.foundation.timing import Timing
from drbot.store.base.database import Database, Transaction
from drbot.store.records import steps
from drbot.store.records.rosters import Rosters
from drbot.store.runs import runs, sub_runs

log = structlog.get_logger()

Answer = TypeVar("Answer")

NO_ROSTER = phrase(
    "The ledger holds no roster that is in force, so no gate can open: start drbot again (drbot docs approvals)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillTerms:
    """What makes a worker one of a drill: its target is a copy, in an engine that reaches nothing."""

    incident: int  # whose runs it takes, and no others: all drills have one site
    of: str  # the site whose system is copied, and whose backups are read
    rehearsed: bool  # nobody is asked: two stand-ins vote, whom no other worker knows


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerContext:
    """What a worker was built with; the same for all its runs."""

    configuration: Configuration
    database: Database
    site_name: str
    home: Path
    own: OwnRecord
    registry: Registry
    target: Target
    roster: Roster
    redact: Redactor
    timing: Timing
    owner: str
    ring: Callable[[str], None]  # the doorbell of this site
    key: KeyPair = field(default_factory=KeyPair.new)  # what it signs checked codes with
    rosters: Rosters | None = None  # None: `roster` is in force whatever the ledger says
    drill: DrillTerms | None = None
    inventory: Inventory = NOTHING  # what the system consists of, as a plan seals it

    def knowing(self, inventory: Inventory) -> "WorkerContext":
        """For one plan: site and target have every service that is in there."""
        return replace(self, inventory=inventory, target=self.target.knowing(inventory))

    def for_survey(self) -> "WorkerContext":
        """For one survey: what its target has answered is not asked again."""
        return replace(self, target=self.target.for_survey())

    def roster_now(self, connection: Connection) -> Roster:
        """The roster in force, which believes no signature but this worker's own."""
        if self.rosters is None:
            return replace(self.roster, worker_key=self.key.public)
        roster, policy = self.rosters.look(connection, self.site_name if self.drill else ""), self.rosters.policy
        if policy is None:
            return replace(roster, fault=roster.fault or NO_ROSTER, worker_key=self.key.public)
        fault = roster.fault or self._unlike_seen(policy) or self._unlike_published()
        seen = self.own.policy()
        waits = {name: at + WAIT for name, at in seen.newly.items()} if seen is not None else {}
        people = {name: waiting(person, waits.get(name)) for name, person in roster.people.items()}
        return replace(roster, people=people, fault=fault, worker_key=self.key.public)

    def _unlike_seen(self, policy: Policy) -> str | None:
        """Why no gate opens under a roster that does not follow from the newest this host has seen: an old one cannot
        come back, and a ledger that was written anew cannot lead to another one.
        """
        seen = self.own.policy()
        if seen is not None and policy.history[seen.number - 1 : seen.number] != (seen.hash,):
            return phrase(
                "The ledger's roster is no. {number}, but this worker has seen a different one in force, no. "
                "{seen}: records were removed or changed, so no gate can open (drbot docs approvals)",
                number=policy.number,
                seen=seen.number,
            )
        if seen is None or policy.number > seen.number:
            self.own.saw_policy(policy.number, policy.hash, policy.document)
        return None

    def _unlike_published(self) -> str | None:
        """Why no gate opens since another key stood where people's codes are sealed for this worker's."""
        strange = self.own.strange_key(self.site_name)
        if not strange:
            return None
        return phrase(
            "The database named another key ({key}) than this worker's own for the codes of people, so no gate can "
            "open: somebody changed it. Find out who, then restart the worker (drbot docs security)",
            key=strange,
        )

    @property
    def approvals(self) -> Approvals:
        """The rules in force, as of the last look."""
        return self.rosters.approvals if self.rosters is not None else self.configuration.approvals

    @property
    def site(self) -> Site:
        """As dr.yml says, with every service of the inventory."""
        return with_inventory(self.configuration.site(self.site_name), self.inventory)


BEGUN = frozenset({StepState.RUNNING, StepState.SUCCEEDED, StepState.FAILED, StepState.UNSURE})


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """A claimed run with its plan."""

    run: Run
    plan: Plan
    worker_context: WorkerContext
    lease: Lease

    def records(self) -> dict[str, StepRecord]:
        """How far every step is. What this worker has begun may have acted, also where its row says that it waits."""
        with self.worker_context.database.read() as connection:
            records = {record.id: record for record in steps.of_run(connection, self.run.id)}
        known = self.worker_context.own.run(self.run.id)
        begun = {name for name, step in known.steps.items() if step.state in BEGUN} if known is not None else set()
        return {
            name: replace(record, attempt=max(1, record.attempt)) if name in begun else record
            for name, record in records.items()
        }

    def left(self) -> SafeState:
        """How the run leaves the system if it ends now, with all that its parts did."""
        records = self.records()
        with self.worker_context.database.read() as connection:
            parts = sub_runs.left_by_parts(connection, records.values())
            kind = runs.get(connection, self.run.id).stop_kind
        return safe_state(self.plan, records, parts, given_up=kind is not None and kind.gives_up)

    def facts(self) -> Mapping[str, Mapping[str, Any]]:
        """Step → what it found out, as this worker has noted it itself."""
        known = self.worker_context.own.run(self.run.id)
        return known.facts if known is not None else {}

    def hold(self, tx: Transaction) -> None:
        """The first statement of every write: the run is ours, or nothing of it is written. Raises FencedError."""
        runs.renew(tx, self.run.id, self.run.epoch, self.worker_context.timing.lease)

    def write(self, work: Callable[[Transaction], Answer]) -> Answer:
        """A transaction that must happen: waits for a busy or absent database. Raises FencedError."""
        while True:
            if self.lease.fenced:
                raise FencedError(f"The run {self.run.id} belongs to another worker now.")
            try:
                with self.worker_context.database.write() as tx:
                    self.hold(tx)
                    return work(tx)
            except TemporaryError as error:
                log.warning("Not recorded yet; trying again.", run=self.run.id, error=str(error))
                time.sleep(self.worker_context.timing.pause)

    def name_of(self, person: str) -> str:
        return self.worker_context.roster.name_of(person)

    def log_of(self, step_id: str, name: str) -> StepLog:
        """The log file of an attempt ("1") or an undo ("undo")."""
        path = self.worker_context.home / "logs" / self.run.id / f"{step_id}-{name}.log"
        return StepLog(path, self.worker_context.redact)

    def context(
        self,
        step: Step,
        number: int,
        step_log: StepLog,
        cancelled: Callable[[], bool],
        *,
        permit: Permit | None = None,
        own: OwnWork | None = None,
    ) -> StepContext:
        return StepContext(
            run=self.run,
            plan=self.plan,
            step=step,
            attempt=number,
            site=self.worker_context.site,
            configuration=self.worker_context.configuration,
            clients=self.worker_context.target.clients,
            facts=self.facts(),
            cancelled=cancelled,
            progress=self._progress(step.id, step_log),
            log=step_log.line,
            labels={
                "drbot.incident": str(self.run.incident),
                "drbot.run": self.run.id,
                "drbot.step": step.id,
            },
            invitations=Invitations(self.worker_context.database, self.run, self.worker_context.own),
            machines=MachineBook(self.worker_context.database, self.run),
            permit=permit,
            own=own,
        )

    def attempt(
        self, step: Step, number: int, *, permit: Permit | None = None, own: OwnWork | None = None
    ) -> tuple[Attempt, StepContext]:
        step_log = self.log_of(step.id, str(number))
        attempt = Attempt(step, step_log, self.worker_context.timing)
        return attempt, self.context(step, number, step_log, attempt.cancelled, permit=permit, own=own)

    def looking(self, step: Step) -> StepContext:
        return self.context(step, 0, self.log_of(step.id, "look"), lambda: self.lease.fenced)

    def note(self, step_id: str, known: OwnStep) -> None:
        """Written on this host before the database says so."""
        self.worker_context.own.change(self.run.id, lambda run: run.with_step(step_id, known))

    def _progress(self, step_id: str, step_log: StepLog) -> Callable[[float, float | None, str], None]:
        told = 0.0

        def progress(done: float, total: float | None, unit: str) -> None:
            nonlocal told
            step_log.heard()
            now = time.monotonic()
            if now - told < 0.5 and done != total:
                return
            told = now
            steps.progress(self.worker_context.database, self.run, step_id, done, total, unit)

        return progress


def idle_run_context(worker_context: WorkerContext, run: Run, plan: Plan) -> RunContext:
    """For who only needs a context: its lease is never begun."""
    lease = Lease(worker_context.database, run, worker_context.timing, worker_context.home)
    return RunContext(run=run, plan=plan, worker_context=worker_context.knowing(plan.inventory), lease=lease)
