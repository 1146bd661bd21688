"""Give up kept data for good: exactly the volume that two people read in the plan, and nothing else."""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.core.text.words import size
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext
from drbot.runners.foundation import permit


def remove(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action kept.remove. Raises PermanentError for any volume but the kept one of the sealed plan."""
    name, sealed = arguments.text(given, "volume"), context.plan.stakes.kept
    if sealed is None or sealed.volume != name:
        raise PermanentError(phrase("The plan is not about the kept data in {name}; nothing was removed", name=name))
    volumes = context.clients.volumes
    there = volumes.remove_kept_volume(name, context.permitted(), original=sealed.original, made_at=sealed.made_at)
    if not there:
        return Outcome(summary=phrase("The kept data in {name} was gone already", name=name))
    context.log(f"Removed {name}, the kept data of {sealed.original}")
    if sealed.size is None:
        return Outcome(summary=phrase("Deleted {name}, the kept data of {volume}", name=name, volume=sealed.original))
    much = size(sealed.size)
    return Outcome(
        summary=phrase(
            "Deleted {name} ({size}), the kept data of {volume}", name=name, size=much, volume=sealed.original
        )
    )


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({permit.volume(str(given["volume"]))})


def gone(context: StepContext, given: Mapping[str, Any]) -> Finding:
    name = arguments.text(given, "volume")
    there = context.clients.docker.volume(name) is not None
    if there:
        return Finding(passed=False, sentence=phrase("The volume {name} is still there", name=name))
    return Finding(passed=True, sentence=phrase("The volume {name} is gone", name=name))


IMPLEMENTED = Registry(
    actions={"kept.remove": remove},
    probes={"volume.gone": gone},
    subjects={"kept.remove": subjects},
)
