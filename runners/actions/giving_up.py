"""Gives up for good what an earlier run put aside of a host: exactly what two people read in the plan, nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import size
from drbot.runners.actions.kept_hosts import kept_on
from drbot.runners.actions.occupants import host_of
from drbot.runners.clients import kept_containers, own_folder
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext
from drbot.runners.foundation import permit


def give_up(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action host.give_up. Raises PermanentError for whatever is not what the plan names."""
    docker, allowed = context.clients.docker, context.permitted()
    stays = []
    for one in context.plan.aside:
        if one.kind is OccupantKind.FOLDER:
            own_folder.remove_kept(Path(one.keeper), one.identity, allowed)
        elif one.kind is OccupantKind.VOLUME:
            made_at, volumes = one.identity, context.clients.volumes
            volumes.remove_kept_volume(one.keeper, allowed, original=one.name, made_at=made_at)
        elif not kept_containers.forget(docker, one.keeper, one.identity, allowed):
            stays.append(one.keeper)
    context.log(f"Removed what {given['aside']} had put aside")
    much = size(sum(one.size or 0 for one in context.plan.aside))
    said = phrase("Deleted what {run} had put aside ({size})", run=given["aside"], size=much)
    still = phrase("in use again, so it was kept: {names}", names=listed(stays)) if stays else ""
    return Outcome(summary=clauses((said, still)))


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Exactly what the plan names, where it is kept."""
    return frozenset(_subject(one) for one in context.plan.aside)


def _subject(one: Occupant) -> str:
    if one.kind is OccupantKind.CONTAINER:
        return permit.image(one.keeper, one.identity)
    return permit.volume(one.keeper) if one.kind is OccupantKind.VOLUME else permit.folder(Path(one.keeper))


def given_up(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.given_up: no volume and no folder of it is there; an image may be in use again."""
    left = kept_on(host_of(context), arguments.text(given, "aside"))
    names = [one.keeper for one in left if one.kind is not OccupantKind.CONTAINER]
    return Finding(
        passed=not names,
        sentence=phrase("Still kept: {names}", names=listed(names)) if names else phrase("Nothing of it is kept"),
    )


IMPLEMENTED = Registry(
    actions={"host.give_up": give_up},
    probes={"host.given_up": given_up},
    subjects={"host.give_up": subjects},
)
