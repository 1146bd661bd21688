"""Whether what people read of a request is what their votes are for.

Every surface is drawn from rows, and a vote carries the seal: rows that were changed before people read, and put back
before the last vote, would have a plan approved that nobody read. Whoever shows a request or counts a vote asks here.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from drbot.core.approvals.approval import ApprovalRequest
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import seal_of
from drbot.core.runs.run import Run, StepRecord
from drbot.store.base.rows import load_run
from drbot.store.records import incidents, steps


def is_as_sealed(request: ApprovalRequest, incident: Incident, run: Run, records: Iterable[StepRecord]) -> bool:
    """Whether plan, steps, target and mode in these rows are those that the request's seal covers."""
    plan = run.plan
    gate = next((step.gate for step in plan.steps if step.id == request.gate), None) if plan is not None else None
    if plan is None or gate is None:
        return False
    rows = (request.run, run.id, run.site, run.runbook, [record.id for record in records])
    planned = (plan.run, plan.run, plan.site, plan.runbook, [step.id for step in plan.steps])
    asked = (request.seal, request.target, request.guards, request.requesters, request.requester_counts)
    sealed = (seal_of(plan), plan.target, gate.for_, plan.requesters, gate.requester_counts)
    is_of_incident = request.incident == run.incident == incident.id and incident.is_drill == (plan.mode == "drill")
    return is_of_incident and rows == planned and asked == sealed and request.people >= max(gate.people, plan.people)


def reads_as_sealed(connection: Connection, request: ApprovalRequest) -> bool:
    """The same of the rows as they are now."""
    run, incident = load_run(connection, request.run), incidents.get(connection, request.incident)
    return is_as_sealed(request, incident, run, steps.of_run(connection, run.id))
