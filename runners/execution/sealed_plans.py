"""The worker seals each plan with its own key, and believes no plan from the database that does not carry that seal."""

from collections.abc import Collection, Mapping, Sequence

from drbot.core.base.errors import UntrustedError
from drbot.core.base.signing import KeyPair, verify
from drbot.core.ledger.events import canonical
from drbot.core.runbooks.runbook import SubRun
from drbot.core.runs.plan import SETTINGS, Plan, seal_of
from drbot.core.runs.run import Run, RunState, StepRecord, StepState
from drbot.core.text.messages import clauses, phrase
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.execution.gate import differences
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_record import OwnRun
from drbot.store.base.reading import GONE
from drbot.store.runs import runs


def sign(worker_context: WorkerContext, plan: Plan, incident: int, *, counts: bool = True) -> str:
    """The worker's signature under a plan; noted on its own host first. `counts`: on the places it is about."""
    engine = str(plan.fingerprint.get("engine", ""))
    places = places_of(plan, incident) if counts else ()
    worker_context.own.planned(plan.run, seal_of(plan), incident=incident, engine=engine, places=places)
    return signature_of(worker_context.key, plan)


def places_of(plan: Plan, incident: int) -> tuple[str, ...]:
    """The other sites that its steps are about: each by its name, for an incident has one machine there, and by its
    address, for dr.yml may give one address several names.
    """
    known = plan.fingerprint.get(SETTINGS, {}).get("sites", {})
    named = {step.run.site if step.run is not None else str(step.with_.get("site")) for step in plan.steps}
    addresses = {str(known[name]["address"]) for name in named & known.keys() if known[name].get("address")}
    addresses |= {address for move in plan.stakes.moves for address in move.to}
    return (*(f"DR-{incident}/{name}" for name in sorted(named & known.keys())), *sorted(addresses))


def signature_of(key: KeyPair, plan: Plan) -> str:
    """A worker's word that it made this plan."""
    return key.sign(_statement(plan))


def require_own(worker_context: WorkerContext, run: Run) -> None:
    """Raises UntrustedError for a run that cannot go on: its plan is not as this worker made it, or it has ended."""
    if own_run_of(worker_context, run).ended:
        raise UntrustedError(phrase("{run} has ended on this host; it is not begun again", run=run.id))


def own_run_of(worker_context: WorkerContext, run: Run) -> OwnRun:
    """What this worker itself knows of a run whose row says the same. Raises UntrustedError."""
    plan, known = run.plan, worker_context.own.run(run.id)
    if plan is None or known is None:
        raise UntrustedError(phrase("{run}: this worker's host has no record of its plan", run=run.id))
    if known.seal != seal_of(plan):
        raise UntrustedError(phrase("{run}: the plan in the database is not the one that was made here", run=run.id))
    if run.plan_signature is None or not verify(worker_context.key.public, _statement(plan), run.plan_signature):
        raise UntrustedError(phrase("{run}: the plan does not carry this worker's signature", run=run.id))
    planned = (plan.run, plan.site, known.incident, plan.arguments)
    if planned != (run.id, run.site, run.incident, {k: v for k, v in run.arguments.items() if v}):
        raise UntrustedError(phrase("{run}: the run in the database is not the one that was planned", run=run.id))
    changed = differences(plan.fingerprint.get(SETTINGS), settings_of(worker_context.configuration))
    if changed:
        what = clauses(changed)
        raise UntrustedError(
            phrase("{run}: dr.yml has changed since the plan was made, so plan again: {what}", run=run.id, what=what)
        )
    return known


def sealed_here(worker_context: WorkerContext, run_id: str) -> Plan | None:
    """The plan of another run, whatever has become of it, if it is the one that this worker sealed."""
    known = worker_context.own.run(run_id)
    try:
        with worker_context.database.read() as connection:
            plan = runs.get(connection, run_id).plan
    except GONE:
        return None
    return plan if plan is not None and known is not None and seal_of(plan) == known.seal else None


def require_untouched(worker_context: WorkerContext, run: Run, records: Mapping[str, StepRecord]) -> None:
    """Raises UntrustedError when a row says of a step what this worker did not write."""
    known = own_run_of(worker_context, run)
    if run.plan is not None and {step.id for step in run.plan.steps} != records.keys():
        raise UntrustedError(phrase("{run}: the steps in the database are not those of the plan", run=run.id))
    for step in run.plan.steps if run.plan else ():
        record = records[step.id]
        mine = known.steps.get(step.id)
        if record.state is StepState.SKIPPED and (mine is None or mine.state is not StepState.SKIPPED):
            raise UntrustedError(
                phrase(
                    "{run}: the database says that {step} was skipped, but this worker did not skip it",
                    run=run.id,
                    step=step.id,
                )
            )
        if (step.do is None and step.run is None) or record.state is not StepState.SUCCEEDED:
            continue
        if mine is None or mine.state is not StepState.SUCCEEDED:
            raise UntrustedError(
                phrase(
                    "{run}: the database says that {step} succeeded, but this worker did not see it",
                    run=run.id,
                    step=step.id,
                )
            )
        if dict(record.facts) != mine.facts:
            raise UntrustedError(
                phrase("{run}: what {step} found out was changed in the database", run=run.id, step=step.id)
            )


def signature_of_end(key: KeyPair, plan: Plan, state: RunState, missed: Sequence[str] = ()) -> str:
    """A worker's word that its run ended so; the run that waits for it asks for that."""
    return key.sign(_statement(plan, "end", state=state.value, missed=list(missed)))


def require_end(part: Run, asked: SubRun, arguments: Mapping[str, str], keys: Collection[str]) -> None:
    """Raises UntrustedError unless one of these keys says that this part, with these arguments, succeeded."""
    plan = part.plan
    if plan is None or (plan.run, plan.site, plan.runbook) != (part.id, asked.site, asked.runbook):
        raise UntrustedError(
            phrase("the database says that {part} succeeded, but does not hold its plan", part=part.id)
        )
    if plan.arguments != {name: value for name, value in arguments.items() if value}:
        raise UntrustedError(
            phrase("the database says that {part} succeeded, but it was planned for something else", part=part.id)
        )
    said = _statement(plan, "end", state=RunState.SUCCEEDED.value, missed=list(part.missed))
    if not any(verify(key, said, part.end_signature or "") for key in keys):
        raise UntrustedError(
            phrase(
                "the database says that {part} succeeded, but the worker of the site {site} did not sign that",
                part=part.id,
                site=part.site,
            )
        )


def _statement(plan: Plan, purpose: str = "plan", **more: object) -> bytes:
    about = {"drbot": 2, "purpose": purpose, "run": plan.run, "site": plan.site, "seal": seal_of(plan)}
    return canonical(about | more)
