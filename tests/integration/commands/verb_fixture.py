"""What the tests of the verbs act on: people, a doorbell that remembers, a worker that is played."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply, Request, Signers
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.core.approvals.approval import ApprovalRequest, EntryPoint
from drbot.core.files.runbook_file import find_runbooks, load_runbook, runbook_folders
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runbooks.runbook import Runbook, Step
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import BackupIdentity, Plan, question_of, seal_of
from drbot.core.runs.run import Run, RunState
from drbot.core.runs.stakes import Act, KeepKind, Keeps, Loss, LossKind, ProofKind, Stakes
from drbot.core.site.configuration import load_configuration
from drbot.core.site.people import Account
from drbot.store.base import ledger, waking
from drbot.store.base.database import Database
from drbot.store.records import incidents, requests
from drbot.store.records.rosters import Rosters
from drbot.store.runs import runs

DR_YML = """\
system: ai-micro-service
sites:
  production:
    projects: projects
    services:
      postgres: {project: ai-micro-postgres, service: postgres, role: database, title: PostgreSQL}
      redis: {project: ai-micro-redis, service: redis, role: cache}
      auth: {project: ai-micro-api-auth, service: auth-service, role: app, needs: [postgres, redis]}
      user: {project: ai-micro-api-user, service: user-service, role: app, needs: [postgres, redis]}
    postgres: {volume: pgdata, databases: [authdb]}
backups: {directory: backups}
people:
  aiko: {name: Aiko, slack: [U1], roles: [commander], language: ja}
  ben: {name: Ben, slack: [U2], roles: [approver]}
  chika: {name: Chika, slack: [U3, U4], roles: [approver]}
  dan: {name: Dan, slack: [U5]}
  emi: {name: Emi, slack: [U6], roles: [operator]}
"""

CONTINUOUS = DR_YML.replace("databases: [authdb]", "databases: [authdb], continuous: {}")
"""What is committed is received all the time."""
BACKUP = "all_databases_20261126_020000.sql.gz"
OLDER = "all_databases_20261125_200000.sql.gz"


@dataclass
class Bell:
    """A doorbell that only remembers who rang."""

    rung: list[tuple[str, str]] = field(default_factory=list)

    def ring(self, site: str, run_id: str) -> None:
        self.rung.append((site, run_id))

    def listen(self, site: str, handler: Callable[[str], None], threads: int = 2) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.rung.clear()


def step(name: str, **fields: object) -> Step:
    """A step with what every step needs."""
    return Step.model_validate({"id": name, "title": {"en": name, "ja": name}, "limits": {"time": "1h"}} | fields)


STEPS = (
    step("restore-beside", do="postgres.restore_beside", effect="change", undo={"do": "volume.remove"}, after=[]),
    step("approval", gate={"for": ["swap"], "proof": ["restore-beside"]}, after=[]),
    step(
        "stop-apps",
        do="compose.stop",
        effect="change",
        undo={"do": "compose.start"},
        after=["restore-beside", "approval"],
    ),
    step("swap", do="volume.swap", effect="destroy", after=["stop-apps"]),
    step("confirm", ask={"text": {"en": "Can users sign in?"}}, after=["swap"]),
)


@dataclass
class VerbFixture:
    """drbot without a worker: the tests do what a worker would."""

    context: CommandContext
    bell: Bell

    def without_runbook(self, name: str) -> "VerbFixture":
        """The same with a runbook that the linter refused."""
        left = {key: runbook for key, runbook in self.context.runbooks.items() if key != name}
        return replace(self, context=replace(self.context, runbooks=left))

    @property
    def database(self) -> Database:
        return self.context.database

    def say(
        self,
        who: str | None,
        words: str,
        *,
        entry_point: EntryPoint = EntryPoint.COMMAND,
        channel: str | None = None,
        values: Mapping[str, str] | None = None,
        account: Account | None = None,
        sign: Signers | None = None,
        terminal: str = "ops@host",
    ) -> Reply:
        """Somebody types; `who` None is nobody drbot knows."""
        person = self.context.roster.person(who) if who else None
        known = Account(id=person.slack[0] if person else "U999", team="T1")
        return dispatch(
            self.context,
            Request(
                verb_text=words,
                person=person,
                account=None if entry_point is EntryPoint.TERMINAL else account or known,
                channel=channel,
                entry_point=entry_point,
                at=datetime.now(UTC),
                values=values or {},
                sign=sign or {},
                terminal=terminal if entry_point is EntryPoint.TERMINAL else "",
            ),
        )

    def incident(self, number: int = 1) -> Incident:
        with self.database.read() as conn:
            return incidents.get(conn, number)

    def incidents(self) -> list[Incident]:
        with self.database.read() as conn:
            return incidents.recent(conn)

    def runs(self, number: int = 1) -> list[Run]:
        with self.database.read() as conn:
            return runs.of_incident(conn, number)

    def events(self, kind: EventKind, number: int = 1) -> list[Event]:
        with self.database.read() as conn:
            return [event for event in ledger.of_incident(conn, number) if event.kind is kind]

    def recorded(self, *kinds: EventKind) -> list[Event]:
        """Whatever incident they are about."""
        with self.database.read() as conn:
            return ledger.of_kinds(conn, kinds)

    def view(self) -> IncidentView:
        """DR-1 as every surface draws it now."""
        with self.database.read() as conn:
            return view_of(conn, self.context, incidents.get(conn, 1), datetime.now(UTC))

    def requests(self, run: Run) -> list[ApprovalRequest]:
        with self.database.read() as conn:
            return requests.of_run(conn, run.id)

    def planned(self, *, requesters: tuple[str, ...] = ("aiko",)) -> Run:
        """A worker claims the newest run and seals its plan."""
        newest = self.runs()[-1]
        with self.database.write() as tx:
            run = runs.claim(tx, newest.id, "worker", 600)
            assert run is not None
            return runs.planned(tx, run, plan_of(run, requesters))

    def asked(self) -> tuple[Run, ApprovalRequest]:
        """A level-2 incident that waits for its two approvers."""
        self.say("aiko", "declare level2 PostgreSQL does not start")
        run = self.planned()
        return run, self.ask(run)

    def ask(self, run: Run) -> ApprovalRequest:
        """The worker opens the gate's request."""
        assert run.plan is not None
        with self.database.write() as tx:
            return requests.open(
                tx,
                run,
                gate="approval",
                guards=("swap",),
                seal=seal_of(run.plan),
                question=question_of(run.plan),
                target=run.plan.target,
                people=2,
                requesters=run.plan.requesters,
                requester_counts=False,
                vote_seconds=600,
                start_seconds=600,
            )

    def park(self, run: Run, state: RunState, **payload: Any) -> None:
        """The worker gives the run back."""
        with self.database.write() as tx:
            assert runs.park(tx, run, state, seen_wakes=waking.wakes(tx.connection, run.id), **payload)


def plan_of(run: Run, requesters: tuple[str, ...]) -> Plan:
    """A sealed plan of level 2."""
    return Plan(
        runbook=run.runbook,
        runbook_sha256="0" * 64,
        level=2,
        site="production",
        run=run.id,
        steps=STEPS,
        fingerprint={"system_identifier": "unreadable"},
        backup=BackupIdentity(
            place="file:/backups",
            name=run.arguments.get("backup", BACKUP),
            size=13_400_000,
            sha256=f"{len(BACKUP)}{BACKUP}".encode().hex()[:64],
            snapshot_at=datetime(2026, 11, 26, 2, tzinfo=UTC),
            manifest=True,
            site="production",
        ),
        requesters=requesters,
        headline={"en": "Restore PostgreSQL", "ja": "PostgreSQL を復元"},
        target="production",
        replaces=("volume pgdata of ai-micro-postgres",),
        stakes=Stakes(
            act=Act.RESTORE,
            proof=ProofKind.BESIDE,
            loss=Loss(kind=LossKind.SINCE_BACKUP, seconds=3600, rows=12),
            keeps=Keeps(kind=KeepKind.VOLUME, names=("pgdata_before",)),
        ),
        loss_seconds=3600,
        surveyed_at=datetime.now(UTC),
    )


def build(folder: Path, text: str = DR_YML) -> VerbFixture:
    """A migrated, empty SQLite database and the people of dr.yml."""
    path = folder / "dr.yml"
    path.write_text(text)
    is_new = not (folder / "state.db").exists()
    database = Database(f"sqlite:///{folder / 'state.db'}")
    if is_new:
        database.migrate()
    loaded, bell = load_configuration(path), Bell()
    context = CommandContext(
        database=database,
        configuration=loaded.configuration,
        rosters=Rosters(loaded.roster, loaded.configuration.approvals, loaded.configuration.default_site),
        doorbell=bell,
        runbooks=packaged_runbooks(),
        faults=loaded.faults,
    )
    return VerbFixture(context=context, bell=bell)


@cache
def packaged_runbooks() -> Mapping[str, Runbook]:
    """Read once: parsing takes longer than most tests."""
    return {name: load_runbook(path).runbook for name, path in find_runbooks(runbook_folders(None)).items()}
