"""Put restored data in place of the old, bring it back, and look which of them is in place."""

from collections.abc import Mapping
from typing import Any

from core.errors import PermanentError
from core.words import size
from runners.action import Finding, Outcome, StepContext
from runners.actions import arguments
from runners.clients.docker_engine import RUN_LABEL
from runners.clients.volume_mover import KEPT_LABEL, Move

STATES = {
    "before": "the old data is still in place",
    "between": "the old data is kept, but the new data is not in place yet: run the step again",
    "after": "the new data is in place and the old data is kept",
    "three-full": "there is data in the volume, in its replacement and in the keeper: look at all three",
    "nothing-to-put-in-place": "nothing was swapped",
}


def swap(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """The replacement's data takes the volume's place; the volume's own goes to the keeper. Nothing is deleted."""
    volume, replacement, keeper = (arguments.text(given, name) for name in ("volume", "replacement", "keeper"))
    return exchange(context, volume=volume, replacement=replacement, keeper=keeper)


def swap_back(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """The keeper's data returns; what is in place now is kept under the replacement's name."""
    volume, replacement, keeper = (arguments.text(given, name) for name in ("volume", "replacement", "keeper"))
    return exchange(context, volume=volume, replacement=keeper, keeper=replacement)


def exchange(context: StepContext, *, volume: str, replacement: str, keeper: str) -> Outcome:
    """Move, or finish a move that was cut short."""
    moved = context.clients.volumes.move(move_of(context, volume, replacement, keeper))
    context.log(f"{replacement} is in place of {volume}; the old data is kept in {keeper} ({moved.method})")
    return Outcome(
        summary=f"{volume} holds the data of {replacement}; the old data is kept in {keeper} "
        f"({size(moved.kept_bytes)})",
        facts={"volume": volume, "keeper": keeper, "kept_bytes": moved.kept_bytes, "method": moved.method},
    )


def swapped(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is the new data in place, with the old data in this keeper?"""
    volume, keeper = arguments.text(given, "volume"), arguments.text(given, "keeper")
    replacement = context.clients.volumes.replacement_of(keeper)
    if replacement is None:
        return Finding(passed=False, sentence=f"{volume}: {STATES['before']}", facts={"state": "before"})
    state = context.clients.volumes.state(move_of(context, volume, replacement, keeper))
    return Finding(passed=state == "after", sentence=f"{volume}: {STATES.get(state, state)}", facts={"state": state})


def exists(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is there a volume of this name?"""
    name = arguments.text(given, "volume")
    there = context.clients.docker.volume(name) is not None
    return Finding(passed=there, sentence=f"The volume {name} {'exists' if there else 'does not exist'}")


def remove(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Remove a copy that drbot made. Never the system's own volume, never kept data, nothing in use."""
    name = arguments.text(given, "volume")
    docker = context.clients.docker
    found = docker.volume(name)
    if found is None:
        return Outcome(summary=f"The volume {name} is gone already")
    if RUN_LABEL not in found.labels:
        raise PermanentError(f"The volume {name} was not made by drbot and is not removed")
    if KEPT_LABEL in found.labels:
        raise PermanentError(f"The volume {name} holds kept data; deleting it needs two people")
    users = docker.users_of(name)
    if users:
        raise PermanentError(f"The volume {name} is in use by {', '.join(users)} and is not removed")
    docker.remove_volume(name)
    return Outcome(summary=f"Removed the volume {name}")


def move_of(context: StepContext, volume: str, replacement: str, keeper: str) -> Move:
    """The three volumes, and the image that has the tools to move their data: the server's own."""
    return Move(
        volume=volume,
        replacement=replacement,
        keeper=keeper,
        image=context.clients.postgres.recipe(context.cancelled).image,
        labels=context.labels,
        cancelled=context.cancelled,
    )
