"""Give up kept data for good: exactly the volume that two people read in the plan, and nothing else."""

from collections.abc import Mapping
from typing import Any

from drbot.core.errors import PermanentError
from drbot.core.words import size
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, StepContext
from drbot.runners.foundation import permit


def remove(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action kept.remove. Raises PermanentError for any volume but the kept one of the sealed plan."""
    name, sealed = arguments.text(given, "volume"), context.plan.stakes.kept
    if sealed is None or sealed.volume != name:
        raise PermanentError(f"The plan is not about the kept data in {name}; nothing was removed")
    volumes = context.clients.volumes
    there = volumes.remove_kept_volume(name, context.permitted(), original=sealed.original, made_at=sealed.made_at)
    if not there:
        return Outcome(summary=f"The kept data in {name} was gone already")
    context.log(f"Removed {name}, the kept data of {sealed.original}")
    much = "" if sealed.size is None else f" ({size(sealed.size)})"
    return Outcome(summary=f"Deleted {name}{much}, the kept data of {sealed.original}")


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """What is given up."""
    return frozenset({permit.volume(str(given["volume"]))})


def gone(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe volume.gone."""
    name = arguments.text(given, "volume")
    there = context.clients.docker.volume(name) is not None
    return Finding(passed=not there, sentence=f"The volume {name} {'is still there' if there else 'is gone'}")
