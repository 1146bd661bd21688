"""Situations to draw: one incident, as long or as short as a test wants it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import ApprovalRequest, EntryPoint, RequestState, Vote
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.plan import BackupIdentity, Plan, seal_of
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord, StepState
from drbot.core.runs.stakes import Act, KeepKind, Keeps, Loss, LossKind, ProofKind, Stakes
from drbot.core.site.level import Level
from drbot.core.site.people import roster_of
from drbot.core.site.site import Approvals, Configuration
from drbot.store.records.kept import Kept

NOW = datetime(2026, 11, 26, 3, 12, tzinfo=UTC)
RUN = "r7-20260101-000000"


def configuration(language: str = "en") -> Configuration:
    people = {
        name: {"name": name.title(), "slack": [f"U00{name.upper()}"], "roles": ["approver"]}
        for name in ("aiko", "ben", "chika")
    }
    return Configuration.model_validate(
        {
            "system": "ai-micro-service",
            "language": language,
            "sites": {
                "production": {
                    "projects": "/srv",
                    "services": {"postgres": {"project": "postgres", "service": "postgres", "role": "database"}},
                    "postgres": {"volume": "postgres_data", "databases": ["authdb"]},
                }
            },
            "backups": {"directory": "/backups"},
            "people": people,
        }
    )


def step(name: str, title: str = "", **fields: Any) -> Step:
    return Step.model_validate({"id": name, "title": {"en": title or name}} | fields)


STEPS = (
    step("copy", do="postgres.restore_beside", limits={"time": "1h", "budget": "10m"}),
    step("approval", gate={"for": ["swap"], "proof": ["copy"]}, after=[]),
    step("swap", do="volume.swap", effect="destroy"),
    step("confirm", ask={"text": {"en": "Can you sign in?"}}),
)


def backup(name: str, snapshot_at: datetime) -> BackupIdentity:
    return BackupIdentity(
        place="file:/backups",
        name=name,
        size=13_400_000,
        sha256="0" * 64,
        snapshot_at=snapshot_at,
        manifest=True,
        site="production",
    )


def plan(**changes: Any) -> Plan:
    given = Plan(
        runbook="level2-postgres",
        runbook_sha256="0" * 64,
        level=2,
        site="production",
        run=RUN,
        steps=STEPS,
        fingerprint={},
        target="production",
        backup=backup("all_databases_20261126_000000.sql.gz", NOW - timedelta(hours=3)),
        replaces=("volume postgres_data",),
        stakes=Stakes(
            act=Act.RESTORE,
            proof=ProofKind.BESIDE,
            loss=Loss(kind=LossKind.SINCE_BACKUP, since=NOW, seconds=7200),
            keeps=Keeps(kind=KeepKind.VOLUME, names=("postgres_data_before",)),
        ),
        loss_seconds=7200,
        requesters=("aiko",),
        headline="Restore PostgreSQL",
        surveyed_at=NOW,
    )
    return given.model_copy(update=changes)


def run(state: RunState = RunState.RUNNING, of: Plan | None = None) -> Run:
    return Run(
        id=RUN,
        incident=7,
        site="production",
        kind=RunKind.RECOVER,
        runbook="level2-postgres",
        arguments={},
        state=state,
        epoch=1,
        requested_by="aiko",
        created_at=NOW,
        plan=of or plan(),
    )


def record(name: str, state: StepState, **fields: Any) -> StepRecord:
    return StepRecord(run=RUN, id=name, position=0, state=state, **fields)


def request(state: RequestState = RequestState.OPEN, **fields: Any) -> ApprovalRequest:
    return ApprovalRequest(
        id=f"{RUN}-q1",
        incident=7,
        run=RUN,
        gate="approval",
        guards=("swap",),
        seal=seal_of(plan()),
        question="q",
        target="production",
        people=2,
        requesters=("aiko",),
        requester_counts=False,
        state=state,
        opened_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        start_seconds=900,
        **fields,
    )


def vote(person: str, decision: str = "approve", reason: str = "read it") -> Vote:
    return Vote(
        person=person, decision=decision, reason=reason, seal=request().seal, at=NOW, entry_point=EntryPoint.DIALOG
    )


def event(kind: EventKind, **payload: Any) -> Event:
    step_id = payload.pop("step", None)
    person = payload.pop("person", None)
    return Event(seq=1, at=NOW, kind=kind, incident=7, run=RUN, step=step_id, person=person, payload=payload)


def lost_by_undo(since: datetime, counted_at: datetime = NOW) -> Loss:
    """Written to production since the swap."""
    return Loss(kind=LossKind.SINCE_SWAP, since=since, rows=412, bytes=1_300_000, removed=3, counted_at=counted_at)


def situation(**changes: Any) -> IncidentView:
    """DR-7 on level 2, its run at work, nothing asked."""
    chosen = configuration(changes.pop("language", "en"))
    incident = Incident(
        id=7,
        site="production",
        level=changes.pop("level", Level.DATABASE),
        title=changes.pop("title", "PostgreSQL does not start"),
        state=changes.pop("state", IncidentState.DECLARED),
        declared_by="aiko",
        declared_at=NOW - timedelta(minutes=12),
        started_at=NOW - timedelta(minutes=72),
        channel="C0000007",
    )
    given = IncidentView(
        configuration=chosen, roster=roster_of(chosen.people, Approvals()), incident=incident, now=NOW, run=run()
    )
    found = replace(given, **changes)
    planned = found.run.plan if found.run else None
    return replace(found, act=planned.stakes.act if planned else Act.NOTHING)


def buttons(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for block in blocks if block["type"] == "actions" for one in block["elements"]]


KEPT = Kept(
    id=1,
    site="production",
    incident=7,
    run=RUN,
    volume="postgres_data_before",
    original="postgres_data",
    size_bytes=5_000_000,
    created_at=NOW,
)
