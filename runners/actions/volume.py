"""Put restored data in place of the old, bring it back, and look which of them is in place."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.text.messages import and_more, listed, phrase
from drbot.core.text.words import size
from drbot.runners.actions.fetching import fetched
from drbot.runners.actions.restoring import other_folders
from drbot.runners.clients.postgres_written import next_transaction
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.clients.volume_mover import Move, Moved
from drbot.runners.clients.volume_users import VolumeUser, strangers_among
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext
from drbot.runners.foundation import permit

STATES = {
    "before": phrase("the old data is still in place"),
    "between": phrase("the old data is kept, but the new data is not in place yet: run the step again"),
    "after": phrase("the new data is in place and the old data is kept"),
    "three-full": phrase("there is data in the volume, in its replacement and in the keeper: look at all three"),
    "nothing-to-put-in-place": phrase("nothing was swapped"),
}


def swap(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """The replacement's data takes the volume's place; the volume's own goes to the keeper. Nothing is deleted."""
    volume, replacement, keeper = (arguments.text(given, name) for name in ("volume", "replacement", "keeper"))
    move = move_of(context, volume, replacement, keeper)
    if move.is_overlay:
        require_as_told(context, move)
    return exchange(context, move)


def require_as_told(context: StepContext, move: Move) -> None:
    """Raises PermanentError where files would be replaced that stand on no card: somebody edited them since."""
    if context.clients.volumes.state(move) != "before":
        return
    found = fetched(context).compare_settings(context.site.projects, other_folders(context)).other
    untold = [path for path in found if path not in context.plan.stakes.files]
    if untold:
        raise PermanentError(
            phrase(
                "{files}: changed since the plan was made, so nobody agreed to replace them; nothing was touched. Plan "
                "again: /dr recover",
                files=and_more(untold, 5),
            )
        )


def swap_back(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """The keeper's data returns; what is in place now is kept under the replacement's name."""
    volume, replacement, keeper = (arguments.text(given, name) for name in ("volume", "replacement", "keeper"))
    return exchange(context, move_of(context, volume, keeper, replacement, brings_back=True))


def exchange(context: StepContext, move: Move) -> Outcome:
    """Move, or finish a move that was cut short."""
    postgres = context.site.postgres
    is_postgres = postgres is not None and postgres.volume == move.volume
    if is_postgres:
        move = replace(move, data_folder=data_folder(context))
    moved = context.clients.volumes.move(move, context.permitted())
    first = first_transaction(context, moved) if is_postgres else None
    context.log(f"{move.replacement} took the place of {move.volume}, kept in {move.keeper} ({moved.method})")
    return Outcome(
        summary=phrase(
            "{volume} holds the data of {replacement}; the old data is kept in {keeper} ({size})",
            volume=move.volume,
            replacement=move.replacement,
            keeper=move.keeper,
            size=size(moved.kept_bytes),
        ),
        facts={
            "volume": move.volume,
            "keeper": move.keeper,
            "kept_bytes": moved.kept_bytes,
            "method": moved.method,
            "next_transaction": first,
        },
    )


def data_folder(context: StepContext) -> str:
    """Where in its volume PostgreSQL's folder lies; "" when nobody can tell."""
    try:
        recipe = context.clients.postgres.recipe(context.cancelled)
    except (PermanentError, TemporaryError) as error:
        context.log(f"Where PostgreSQL's data lies could not be read: {error}")
        return ""
    return str(PurePosixPath(recipe.data_folder).relative_to(recipe.mounted_at))


def first_transaction(context: StepContext, moved: Moved) -> int | None:
    """What is written from here on carries this number or a later one, so that an undo can count what it would lose.
    None when it cannot be read: then the card says so, and a swap that succeeded has not failed.
    """
    first = next_transaction(moved.state)
    if first is None:
        context.log("The first transaction after the swap could not be read")
    return first


def swap_subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """What a swap takes away: the volume's own data, and the name of the copy."""
    return frozenset({permit.volume(str(given["volume"])), permit.emptied(str(given["replacement"]))})


def swap_back_subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """The same for bringing kept data back: the keeper is empty afterwards."""
    return frozenset({permit.volume(str(given["volume"])), permit.emptied(str(given["keeper"]))})


def swapped(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is the new data in place, with the old data in this keeper?"""
    volume, keeper = arguments.text(given, "volume"), arguments.text(given, "keeper")
    replacement = context.clients.volumes.replacement_of(keeper)
    if replacement is None:
        return Finding(
            passed=False,
            sentence=phrase("{what}: {why}", what=volume, why=STATES["before"]),
            facts={"state": "before"},
        )
    state = context.clients.volumes.state(move_of(context, volume, replacement, keeper))
    return Finding(
        passed=state == "after",
        sentence=phrase("{what}: {why}", what=volume, why=STATES.get(state, state)),
        facts={"state": state},
    )


def exists(context: StepContext, given: Mapping[str, Any]) -> Finding:
    name = arguments.text(given, "volume")
    there = context.clients.docker.volume(name) is not None
    if there:
        return Finding(passed=True, sentence=phrase("The volume {name} exists", name=name))
    return Finding(passed=False, sentence=phrase("The volume {name} does not exist", name=name))


def unshared(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is nothing but the system's own services on it, not even stopped?"""
    name = arguments.text(given, "volume")
    if (there := context.clients.docker.volume(name)) is not None and there.fault:
        return Finding(passed=False, sentence=phrase("{what}: {why}", what=name, why=there.fault))
    found = strangers_among(context.clients.docker.made_with(name), context.site.services.values())
    others = phrase(
        "{names} also uses the volume {volume} and is no service of dr.yml: drbot leaves it as it is",
        names=listed(map(_with_state, found)),
        volume=name,
    )
    return Finding(
        passed=not found, sentence=others if found else phrase("Nobody else uses the volume {name}", name=name)
    )


def _with_state(user: VolumeUser) -> str:
    state = phrase("running") if user.is_running else phrase("stopped")
    return phrase("{name} ({note})", name=user.name, note=state)


def remove(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Remove a copy that this run made. Never the system's own volume, never kept data, nothing in use."""
    name = arguments.text(given, "volume")
    there = context.clients.docker.remove_own_volume(name, context.own_work())
    return Outcome(
        summary=phrase("Removed the volume {name}", name=name)
        if there
        else phrase("The volume {name} is gone already", name=name)
    )


def move_of(context: StepContext, volume: str, replacement: str, keeper: str, *, brings_back: bool = False) -> Move:
    """The three volumes, and an image that has the tools to move their data."""
    return Move(
        volume=volume,
        replacement=replacement,
        keeper=keeper,
        brings_back=brings_back,
        image=image_for(context, volume),
        labels=context.labels,
        cancelled=context.cancelled,
        is_overlay=volume == str(context.site.projects.absolute()),
    )


def image_for(context: StepContext, volume: str) -> str:
    """One that is there for sure: PostgreSQL's, but where there is none, or its settings may be what is broken."""
    postgres = context.site.postgres
    if postgres is None or (volume.startswith("/") and volume != postgres.volume):
        return tools_image(context.clients.docker)
    return context.clients.postgres.image(context.cancelled)


IMPLEMENTED = Registry(
    actions={"volume.swap": swap, "volume.swap_back": swap_back, "volume.remove": remove},
    probes={"volume.swapped": swapped, "volume.exists": exists, "volume.unshared": unshared},
    subjects={"volume.swap": swap_subjects, "volume.swap_back": swap_back_subjects},
)
