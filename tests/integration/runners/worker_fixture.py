"""A worker under test: the real store and executor, a harmless target, and the people of the roster."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drbot.core.approvals.approval import ApprovalRequest, Ballot, Decision, EntryPoint
from drbot.core.ledger.events import Event
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord, StepState, StopKind
from drbot.core.site.level import Level
from drbot.core.site.people import roster_of
from drbot.core.site.site import Approvals, Configuration
from drbot.core.text.redaction import Redactor
from drbot.runners.contract.action import Action, ProbeFunction, Registry, Subjects
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.timing import Timing
from drbot.runners.upkeep.chores import Upkeep
from drbot.runners.worker import Worker
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import incidents, requests, steps
from drbot.store.runs import runs
from tests.integration.runners.harmless import NOON, HarmlessTarget
from tests.waiting import PATIENCE, wait_for

SECONDS = PATIENCE
QUICK = Timing(lease=5.0, renew=0.5, look=0.05, tick=0.2, patience=0.0, pause=0.01, grace=10.0)


def configuration_in(folder: Path, **approvals: Any) -> Configuration:
    """The system of the source document, with four people."""
    services: dict[str, Any] = {
        name: {"project": name, "service": name, "role": "app", "needs": ["postgres"]}
        for name in ("auth", "user", "admin")
    }
    services |= {name: {"project": name, "service": name, "role": "front"} for name in ("front-user", "front-admin")}
    services |= {
        "postgres": {"project": "postgres", "service": "postgres", "role": "database"},
        "redis": {"project": "redis", "service": "redis", "role": "cache"},
    }
    return Configuration.model_validate(
        {
            "system": "ai-micro-service",
            "sites": {
                "production": {
                    "projects": folder,
                    "services": services,
                    "postgres": {"volume": "postgres_data", "databases": ["authdb"]},
                    "redis": {"volume": "redis_data"},
                }
            },
            "backups": {"directory": folder},
            "approvals": approvals,
            "people": {
                name: {"name": name.title(), "roles": ["approver", "commander"]}
                for name in ("aiko", "ben", "chika", "daiki")
            },
        }
    )


def asked(proof: str, gate: str = "approval") -> str:
    """The end of a runbook of one's own: a gate whose proof this step is, for a step that only tells."""
    return f"""  - id: {gate}
    title: {{en: Asked}}
    gate: {{people: 2, for: [tell], proof: [{proof}]}}
    after: [{proof}]
  - id: tell
    title: {{en: Tell}}
    do: notify.stakeholders
    after: [{gate}]
    limits: {{time: 1m}}
    drill: skip
"""


@dataclass(kw_only=True)
class WorkerFixture:
    """One site with as many workers as a test wants."""

    database: Database
    target: HarmlessTarget
    worker_context: WorkerContext
    threads: list[threading.Thread] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)

    def declare(self, level: int = 2, service: str | None = None) -> Run:
        """An incident that began at noon, and its queued run."""
        runbook = {1: "level1-service", 2: "level2-postgres"}[level]
        with self.database.write() as tx:
            incident = incidents.declare(
                tx,
                site="production",
                level=Level(level),
                title="It broke",
                person="aiko",
                started_at=NOON,
                service=service,
            )
        arguments = {"service": service} if service else {}
        return self.queue(incident.id, runbook, RunKind.RECOVER, **arguments)

    def queue(self, incident: int, runbook: str, kind: RunKind = RunKind.RECOVER, **arguments: str) -> Run:
        """A further run of an incident, at this site."""
        with self.database.write() as tx:
            return runs.queue(
                tx,
                incident=incident,
                site=self.worker_context.site_name,
                kind=kind,
                runbook=runbook,
                arguments=arguments,
                person="aiko",
            )

    def worker(self, timing: Timing | None = None, stop: threading.Event | None = None) -> Worker:
        """A worker of this site."""
        worker_context = replace(self.worker_context, timing=timing or self.worker_context.timing)
        return Worker(worker_context, doorbell_of(None), stop or threading.Event())

    def go(self, run: Run) -> Run:
        """Lets a worker have the run until it parks or ends; what is woken meanwhile is taken up again."""
        worker = self.worker()
        worker.handle(run.id)
        while self.run(run).state is RunState.QUEUED:
            worker.handle(run.id)
        return self.run(run)

    def begin(self, run: Run, worker: Worker | None = None) -> threading.Thread:
        """The same in a thread of its own."""
        taken = worker or self.worker()
        thread = threading.Thread(target=taken.handle, args=(run.id,), daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def upkeep(self) -> None:
        """One tick."""
        Upkeep(self.worker_context).tick()

    def notice(self, run: Run) -> None:
        """Ticks until the dead worker of the run is noticed."""

        def look() -> bool:
            self.upkeep()
            return self.run(run).state is not RunState.RUNNING

        wait_for(look, SECONDS, "the dead worker to be noticed")

    def approve(self, run: Run, *people: str) -> None:
        """Votes for the newest request of the run."""
        for person in people or ("ben", "chika"):
            assert self.vote(run, person, "approve").counted

    def vote(self, run: Run, person: str, decision: str) -> Decision:
        """One vote from a terminal."""
        request = self.request(run)
        ballot = Ballot(
            person=person,
            account=None,
            decision=decision,
            reason="I looked at it.",
            seal=request.seal,
            target=request.target,
            entry_point=EntryPoint.TERMINAL,
            at=datetime.now(UTC),
        )
        with self.database.write() as tx:
            return requests.cast(tx, request.id, ballot, self.worker_context.roster)

    def stop(self, run: Run, why: str = "wrong system", kind: StopKind = StopKind.PERSON) -> None:
        """Daiki presses STOP, or what a verb of his makes of it."""
        with self.database.write() as tx:
            runs.request_stop(tx, run.id, "daiki", why, kind=kind)

    def answer(self, run: Run, answer: str = "yes") -> None:
        """Aiko answers the question at the end."""
        with self.database.write() as tx:
            steps.answer(tx, run.id, "confirm", answer, "aiko")

    def settle(self, run: Run, step: str, decision: str, person: str = "aiko") -> bool:
        """Aiko decides about a step; False = a second person is needed."""
        with self.database.write() as tx:
            return steps.settle(tx, run.id, step, decision, person)

    def run(self, run: Run | str) -> Run:
        """As it is now."""
        with self.database.read() as connection:
            return runs.get(connection, run if isinstance(run, str) else run.id)

    def incident(self, run: Run) -> Incident:
        """As it is now."""
        with self.database.read() as connection:
            return incidents.get(connection, run.incident)

    def request(self, run: Run) -> ApprovalRequest:
        """The newest request of the run."""
        with self.database.read() as connection:
            return requests.of_run(connection, run.id)[-1]

    def step(self, run: Run, step: str) -> StepRecord:
        """As it is now."""
        with self.database.read() as connection:
            return steps.get(connection, run.id, step)

    def states(self, run: Run) -> dict[str, str]:
        """Step → state."""
        with self.database.read() as connection:
            return {record.id: record.state.value for record in steps.of_run(connection, run.id)}

    def events(self, run: Run, kind: str = "") -> list[Event]:
        """What happened in the run's incident, of one kind."""
        with self.database.read() as connection:
            found = ledger.of_incident(connection, run.incident)
        return [event for event in found if not kind or event.kind.value == kind]

    def wait_for_state(self, run: Run, state: RunState) -> None:
        """Until the run is in this state."""
        wait_for(lambda: self.run(run).state is state, SECONDS, f"the run to be {state.value}")

    def wait_for_step(self, run: Run, step: str, state: StepState) -> None:
        """Until the step is in this state."""
        wait_for(lambda: self.states(run).get(step) == state.value, SECONDS, f"{step} to be {state.value}")

    def ended(self) -> None:
        """Every thread of this test has ended."""
        for thread in self.threads:
            thread.join(SECONDS)
            assert not thread.is_alive()


def worker_fixture_in(folder: Path, **approvals: Any) -> WorkerFixture:
    """A fixture with an empty database."""
    database = Database(f"sqlite:///{folder / 'state.db'}")
    database.migrate()
    target = HarmlessTarget()
    configuration = configuration_in(folder, **approvals)
    rung: list[str] = []
    worker_context = WorkerContext(
        configuration=configuration,
        database=database,
        site_name="production",
        home=folder,
        own=OwnRecord(folder),
        registry=target.registry,
        target=target,
        roster=roster_of(configuration.people, Approvals()),
        redact=Redactor(),
        timing=QUICK,
        owner="worker_fixture",
        ring=rung.append,
    )
    return WorkerFixture(database=database, target=target, worker_context=worker_context, rung=rung)


def with_registry(
    worker_fixture: WorkerFixture,
    *,
    actions: Mapping[str, Action] | None = None,
    probes: Mapping[str, ProbeFunction] | None = None,
    subjects: Mapping[str, Subjects] | None = None,
) -> WorkerFixture:
    """The same with these in place of the target's own."""
    known = worker_fixture.worker_context.registry
    registry = Registry(
        actions={**known.actions, **(actions or {})},
        probes={**known.probes, **(probes or {})},
        subjects={**known.subjects, **(subjects or {})},
    )
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, registry=registry))


def title(run: Run, step: str) -> str:
    """What sentences call a step of the run's plan."""
    assert run.plan is not None
    return run.plan.step(step).title
