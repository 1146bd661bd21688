"""Whether what people read of a request is what their votes are for.

Every surface is drawn from rows, and a vote carries the seal: rows that were changed before people read, and put back
before the last vote, would have a plan approved that nobody read. Whoever shows a request or counts a vote asks here.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection

from drbot.core.approvals.approval import ApprovalRequest
from drbot.core.base.signing import verify
from drbot.core.ledger.events import canonical
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import seal_of
from drbot.core.runs.run import Run, StepRecord
from drbot.store.base.rows import load_run
from drbot.store.records import incidents, steps


def is_as_sealed(
    request: ApprovalRequest, incident: Incident, run: Run, records: Collection[StepRecord], worker_key: str | None
) -> bool:
    """Whether plan, steps, target and mode in these rows are those that the request's seal covers, and what they say of
    a proof that is there what the worker has signed. `worker_key`: of its worker, as this host knows it.
    """
    plan = run.plan
    gate = next((step.gate for step in plan.steps if step.id == request.gate), None) if plan is not None else None
    if plan is None or gate is None:
        return False
    rows = (request.run, run.id, run.site, run.runbook, [record.id for record in records])
    planned = (plan.run, plan.run, plan.site, plan.runbook, [step.id for step in plan.steps])
    asked = (request.seal, request.target, request.guards, request.requesters, request.requester_counts)
    sealed = (seal_of(plan), plan.target, gate.for_, plan.requesters, gate.requester_counts)
    is_of_incident = request.incident == run.incident == incident.id and incident.is_drill == (plan.mode == "drill")
    is_plan = rows == planned and asked == sealed and request.people >= max(gate.people, plan.people)
    return is_of_incident and is_plan and is_proof_signed(request, gate.proof, records, worker_key)


def is_proof_signed(
    request: ApprovalRequest, proof: Collection[str], records: Iterable[StepRecord], worker_key: str | None
) -> bool:
    """Whether the worker has signed that it saw the proof as these rows tell it; of one that is not there yet nothing
    is said. Where nobody knows a worker's key yet, none has signed anything.
    """
    if request.proven_at is None or worker_key is None:
        return True
    return verify(worker_key, proof_statement(request, proof, records), request.proof_signature or "")


def proof_statement(request: ApprovalRequest, proof: Collection[str], records: Iterable[StepRecord]) -> bytes:
    """Everything that people read of a proof: the steps, how and when each ended, and what it found out."""
    steps_seen = [
        [record.id, record.state.value, stamp(record.finished_at), dict(record.facts)]
        for record in records
        if record.id in proof
    ]
    about = {"request": request.id, "gate": request.gate, "run": request.run, "seal": request.seal}
    return canonical({"drbot": 2, "purpose": "proof", **about, "steps": steps_seen})


def stamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment is not None else ""


def reads_as_sealed(connection: Connection, request: ApprovalRequest, worker_key: str | None) -> bool:
    """The same of the rows as they are now."""
    run, incident = load_run(connection, request.run), incidents.get(connection, request.incident)
    return is_as_sealed(request, incident, run, steps.of_run(connection, run.id), worker_key)
