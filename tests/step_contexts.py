"""What an action is given, for tests that call it without an executor."""

from datetime import UTC, datetime
from typing import Any

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.site import Configuration
from drbot.runners.contract.action import StepContext


def step_context(
    run: str | Run, step: Step, site_name: str, configuration: Configuration, clients: Any, *,
    plan: dict[str, Any], **more: Any,
) -> StepContext:  # fmt: skip
    """Of a run, or of one of this id. `plan`: what its plan says besides; `more`: what the context has besides."""
    if isinstance(run, str):
        run = Run(
            id=run, incident=1, site=site_name, kind=RunKind.RECOVER, runbook="x", arguments={},
            state=RunState.RUNNING, epoch=1, requested_by="aiko", created_at=datetime.now(UTC),
        )  # fmt: skip
    said = {"level": 2, "steps": (), "fingerprint": {}} | plan
    sealed = Plan(runbook="x", runbook_sha256="0", site=site_name, run=run.id, surveyed_at=datetime.now(UTC), **said)
    known: dict[str, Any] = {
        "attempt": 1,
        "site": more.get("site") or configuration.site(site_name),
        "facts": {},
        "cancelled": lambda: False,
        "progress": lambda done, total, unit: None,
        "log": lambda line: None,
        "labels": {"drbot.incident": "1", "drbot.run": run.id, "drbot.step": step.id},
    }
    return StepContext(run=run, plan=sealed, step=step, configuration=configuration, clients=clients, **(known | more))
