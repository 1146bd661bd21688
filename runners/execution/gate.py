"""The gate in front of a destroy step: opens the request, and looks again at everything before a permit is used."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from drbot.core.approvals.approval import SKEW_SECONDS, ApprovalRequest, may_start
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.base.errors import DrbotError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import SETTINGS, BackupIdentity, Plan, question_of, seal_of
from drbot.core.runs.run import Run
from drbot.core.site.people import Roster
from drbot.core.site.site import Approvals
from drbot.core.text.messages import phrase
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.contract.target import Target
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.at_once import both
from drbot.runners.foundation.watching import Cancelled, never
from drbot.store.base.database import Transaction
from drbot.store.records import requests

_MISSING = phrase("missing")


def open_request(tx: Transaction, run: Run, plan: Plan, step: Step, approvals: Approvals) -> ApprovalRequest:
    """Ask the people. Votes of an earlier request do not travel."""
    gate = step.gate
    if gate is None:
        raise ValueError(f"{step.id} is no gate")
    return requests.open(
        tx,
        run,
        gate=step.id,
        guards=gate.for_,
        seal=seal_of(plan),
        question=question_of(plan),
        target=plan.target,
        people=max(gate.people, plan.people, approvals.people),
        requesters=plan.requesters,
        requester_counts=gate.requester_counts,
        vote_seconds=approvals.vote_within,
        start_seconds=approvals.start_within,
    )


def refusal(tx: Transaction, run: Run, plan: Plan, step: Step, request: ApprovalRequest, roster: Roster) -> str | None:
    """The worker's own recount; None = the destroy step may start."""
    # A vote of the future is of nobody who votes: who does not count yet would count by it.
    latest = tx.now + timedelta(seconds=SKEW_SECONDS)
    votes = [vote for vote in requests.votes(tx.connection, request.id) if vote.at <= latest]
    request = as_sealed(request, plan, step)
    if not plan.keeps and any(vote.decision == "break-glass" for vote in votes):
        return REFUSALS["break_glass_keeps"]
    return may_start(request, votes, roster, run=run.id, step=step.id, seal=seal_of(plan), now=tx.now)


def as_sealed(request: ApprovalRequest, plan: Plan, step: Step) -> ApprovalRequest:
    """The request as the sealed plan asks for it: a row that asks for less, or covers other steps, is not believed."""
    gate = next((other.gate for other in plan.steps if other.gate is not None and step.id in other.gate.for_), None)
    if gate is None:
        return replace(request, guards=())
    return replace(
        request,
        guards=tuple(step_id for step_id in gate.for_ if step_id in request.guards),
        people=max(gate.people, plan.people, request.people),
        requesters=tuple({*plan.requesters, *request.requesters}),
        requester_counts=gate.requester_counts and request.requester_counts,
    )


def fingerprint_of(worker_context: WorkerContext, cancelled: Cancelled = never) -> dict[str, Any]:
    """What makes the target this target, and what dr.yml says of it. Raises TemporaryError, CancelledError."""
    return worker_context.target.fingerprint(cancelled) | {SETTINGS: settings_of(worker_context.configuration)}


def drift(worker_context: WorkerContext, plan: Plan, *, ignored: Collection[str]) -> list[str]:
    """What is not as it was sealed, a line each. `ignored`: what this run has changed: "volumes postgres_data"."""
    try:
        now, other_backup = both(
            lambda: fingerprint_of(worker_context),
            lambda: _backup_differences(plan.backup, worker_context.target) if plan.backup is not None else [],
        )
        found = differences(plan.fingerprint, now, ignored=ignored)
        found += other_backup
    except DrbotError as error:
        return [phrase("The target could not be looked at again: {why}", why=error)]
    return found


def _backup_differences(sealed: BackupIdentity, target: Target) -> list[str]:
    try:
        actual = target.identify(sealed)
    except DrbotError as error:
        return [phrase("The backup {name}: {why}", name=sealed.name, why=error)]
    then, now = sealed.model_dump(mode="json"), actual.model_dump(mode="json")
    return [phrase("The backup {name}: {why}", name=sealed.name, why=line) for line in differences(then, now)]


def differences(expected: Any, actual: Any, path: str = "", *, ignored: Collection[str] = ()) -> list[str]:
    """A plain diff of two trees: "path: before → now" for each leaf."""
    if path in ignored:
        return []
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        keys = sorted({*expected, *actual}, key=str)
        return [
            line
            for key in keys
            for line in differences(expected.get(key), actual.get(key), f"{path} {key}".strip(), ignored=ignored)
        ]
    return [] if expected == actual else [_said(path, expected, actual)]


def _said(path: str, expected: object, actual: object) -> str:
    then, now = (_MISSING if value is None else '""' if value == "" else str(value) for value in (expected, actual))
    return phrase("{what}: {before} → {now}", what=path, before=then, now=now)
