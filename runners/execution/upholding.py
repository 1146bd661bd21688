"""What a run has started goes on running while the run counts on it: a host that was rebooted in the middle, a process
that died. What a later step has stopped stays stopped.
"""

from dataclasses import replace

from drbot.core.runbooks.effects import effect_of, may_repeat, started_before
from drbot.runners.contract.action import StepContext
from drbot.runners.execution.attempt import Attempt
from drbot.runners.execution.places import held
from drbot.runners.execution.run_context import RunContext

DOWN = frozenset({"created", "dead", "exited"})
"""Docker's words for a container that is there and does not run; one that is gone was taken away by somebody."""


def uphold(run_context: RunContext, context: StepContext, attempt: Attempt) -> bool:
    """Starts again what the step counts on and what has stopped since; whether anything was. Never before a step that
    destroys, or one whose second try would not be the same as its first.
    """
    step, steps, registry = context.step, run_context.plan.steps, run_context.worker_context.registry
    if effect_of(step, steps) == "destroy" or not may_repeat(step, steps):
        return False
    again: list[str] = []
    for start, services in started_before(step, steps, run_context.facts().keys()):
        look = replace(context, step=start)
        found = registry.probes["compose.running"](look, {"services": list(services)})
        down = [name for name in found.broken if found.facts.get(name) in DOWN]  # not a job that has ended well
        if down:
            context.log(f"{', '.join(down)} had stopped since {start.id}, and is started again")
            with held(run_context, start):
                registry.actions[start.do or ""](look, {**start.with_, "services": down})
            again += down
    attempt.started_again += again
    return bool(again)
