"""dr.yml says which engine, services, volumes, backups and names are meant, and whoever may write it may say others. So
what differs from when two people last agreed to a plan stands on the next card, word by word; and what brings to a host
what dr.yml names (a repository, images, containers, a machine) waits until two people have agreed to that. Drills and
proofs touch no data of production: for these, somebody at a terminal of the worker's host is enough.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.runbook import Step, as_undo, names_in, order_of
from drbot.core.runs.plan import Plan, gate_about_settings, gates_before
from drbot.core.text.messages import clauses, filled, phrase
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.execution.gate import differences
from drbot.runners.execution.run_context import WorkerContext

STARTS_AGAIN = frozenset({"compose.start", "compose.recreate"})
"""What goes by a compose file that lies on the host already."""

NOBODY_AGREED: str = phrase(
    "dr.yml was changed since two people last agreed to it, so nothing is started by it: {what}. They agree with the "
    "next plan that they approve; for drills and proofs alone, a drill at a terminal of the worker's host asks: drbot "
    "drill level1"
)


def agreed(worker_context: WorkerContext) -> Mapping[str, Any]:
    """What dr.yml said when two people last agreed; the first of all has nothing to be compared with."""
    known = worker_context.own.settings()
    if known is not None:
        return known
    now = settings_of(worker_context.configuration)
    worker_context.own.agreed_to(now)
    return now


def changes(worker_context: WorkerContext) -> tuple[str, ...]:
    """ "repository url: before → now" for each difference."""
    found = differences(agreed(worker_context), settings_of(worker_context.configuration))
    return tuple(worker_context.redact(one) for one in found)


def unagreed(worker_context: WorkerContext, service: str | None = None) -> tuple[str, ...]:
    """The same for drills and proofs, unless somebody at this host let these go by dr.yml as it is. `service`: of what
    its compose file is found by alone.
    """
    both = (agreed(worker_context), settings_of(worker_context.configuration))
    known = worker_context.own.practice()
    if known is not None and not differences(known, both[1]):
        return ()
    then, now = (_places(one, worker_context.site_name, (service,)) if service else one for one in both)
    return tuple(worker_context.redact(one) for one in differences(then, now))


def require_agreed(worker_context: WorkerContext) -> None:
    """For a drill. Raises PermanentError with what nobody has agreed to."""
    if found := unagreed(worker_context):
        raise PermanentError(filled(NOBODY_AGREED, what=clauses(found)))


def require_agreed_place(worker_context: WorkerContext, service: str) -> None:
    """For one service, tried by its compose file. Raises TemporaryError: it may be agreed to later."""
    if found := unagreed(worker_context, service):
        raise TemporaryError(filled(NOBODY_AGREED, what=clauses(found)), kind="starting")


def services_of(worker_context: WorkerContext) -> frozenset[str]:
    """Every service that this site has, or had when two people last agreed."""
    known = (worker_context.own.settings() or {}).get("sites", {}).get(worker_context.site_name, {}).get("services", {})
    return frozenset({*worker_context.site.services, *known})


def is_agreed(worker_context: WorkerContext, step: Step) -> bool:
    """Whether the step brings nothing but what two people have agreed to."""
    if step.do is None or not ACTIONS[step.do].brings:
        return True
    now, then = settings_of(worker_context.configuration), agreed(worker_context)
    return not differences(_used(then, worker_context.site_name, step), _used(now, worker_context.site_name, step))


def asked_first(worker_context: WorkerContext, draft: Plan) -> tuple[Step, ...]:
    """The steps; behind a gate that asks about dr.yml, where one of them would bring what nobody agreed to."""
    steps, order = draft.steps, order_of(draft.steps)
    unguarded = (step for step in steps if not gates_before(draft, step.id))
    if all(is_agreed(worker_context, act) for step in unguarded for act in _acts(step)):
        return steps
    gate = gate_about_settings(worker_context.approvals.requester_counts)
    behind = (step if order[step.id] else step.model_copy(update={"after": (gate.id,)}) for step in steps)
    return (gate, *behind)


def _acts(step: Step) -> Iterator[Step]:
    yield step
    if step.undo is not None:
        yield as_undo(step)


def _used(settings: Mapping[str, Any], site: str, step: Step) -> Mapping[str, Any]:
    """What of dr.yml the step goes by: all, but to start a service again only where its compose file lies."""
    return _places(settings, site, names_in(step.with_.get("services"))) if step.do in STARTS_AGAIN else settings


def _places(settings: Mapping[str, Any], site: str, names: Iterable[str]) -> Mapping[str, Any]:
    here = settings.get("sites", {}).get(site, {})
    services = here.get("services", {})
    places = {name: {part: services.get(name, {}).get(part) for part in ("project", "service")} for name in names}
    return {part: here.get(part) for part in ("docker", "projects", "address")} | {"services": places}
