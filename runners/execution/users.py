"""While data changes places, and until it is proven, nobody may write: which services users write through, whether they
are stopped, and from when on what users wrote would be lost by going back.
"""

from drbot.core.base.errors import UserError
from drbot.core.runbooks.effects import MOVES, STARTS, effect_of
from drbot.core.runbooks.runbook import Step, ancestors_of, names_in
from drbot.core.runs.run import StepState
from drbot.core.site.site import Site
from drbot.core.text.messages import listed, phrase
from drbot.runners.execution.incident_clocks import asks_about_users
from drbot.runners.execution.run_context import RunContext


def require_stopped_first(runbook: str, steps: tuple[Step, ...], site: Site) -> None:
    """Raises UserError for a plan that moves data under services that no step before has stopped."""
    ancestors = ancestors_of(steps)
    for step in steps:
        if step.do not in MOVES or effect_of(step, steps) != "destroy":
            continue
        before = [other for other in steps if other.id in ancestors[step.id] and other.do == "compose.stop"]
        stopped = {name for other in before for name in names_in(other.with_.get("services"))}
        running = [name for name in (*site.apps, *site.fronts) if name not in stopped]
        if running:
            raise UserError(
                phrase("Planning {runbook}.", runbook=runbook),
                phrase('"{step}" moves data while {services} may write.', step=step.id, services=listed(running)),
                phrase(
                    'Stop them in a step before "{step}" (do: compose.stop), then plan again: /dr recover', step=step.id
                ),
            )


def are_away(run_context: RunContext, step: Step) -> bool:
    """Whether every app and front is seen stopped now. Raises TemporaryError when the engine cannot be asked."""
    site = run_context.worker_context.site
    names = (*site.apps, *site.fronts)
    stopped = run_context.worker_context.registry.probes["compose.stopped"]
    return not names or stopped(run_context.looking(step), {"services": list(names)}).passed


def note_started(run_context: RunContext, step: Step, *, is_safe: bool) -> None:
    """On this host, before the act or the undo. Whatever is started, no other run on this engine takes anything back by
    itself from then on; nor does this one, unless it `is_safe`: what users write meanwhile is in no data of this run.
    """
    if step.do in STARTS:
        run_context.worker_context.own.let_users_in(run_context.run.id, itself=not is_safe)


def lets_write(run_context: RunContext, step: Step) -> bool:
    """Whether users may write once this is started."""
    site = run_context.worker_context.site
    serving = {*site.apps, *site.fronts}
    return step.do == "monitoring.start" or bool(serving & {*names_in(step.with_.get("services"))})


def is_anything_moved(run_context: RunContext) -> bool:
    """Whether data that this run moved may still be in place."""
    known = run_context.worker_context.own.run(run_context.run.id)
    moved = {step.id for step in run_context.plan.steps if step.do in MOVES}
    done = {StepState.SUCCEEDED, StepState.RUNNING, StepState.UNSURE, StepState.FAILED}
    return known is not None and any(step.state in done for name, step in known.steps.items() if name in moved)


def only_asks_users(run_context: RunContext, step: str) -> bool:
    """Whether it waits for nothing but people who say that users can work, and has moved no data that their "no" would
    bring back: others may change the system meanwhile.
    """
    return asks_about_users(run_context.plan, step) and not is_anything_moved(run_context)
