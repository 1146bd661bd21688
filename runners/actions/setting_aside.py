"""Makes room on a host that is not empty: exactly what two people read in the plan is stopped and kept whole, each
container as an image, each volume in another one, the folder under another name. Nothing is removed before it is kept.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_folder
from drbot.core.site.occupants import Occupant, OccupantKind, names_of
from drbot.core.text.messages import filled, listed, phrase
from drbot.core.text.words import ending
from drbot.runners.actions.kept_hosts import is_kept
from drbot.runners.actions.occupants import Host, host_of, occupants_of
from drbot.runners.clients import helper, kept_containers, own_folder
from drbot.runners.clients.container_labels import KEPT_LABEL, RUN_LABEL
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.clients.volume_mover import MADE_OF_LABEL, ORIGINAL_LABEL
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Outcome, Registry, StepContext
from drbot.runners.foundation import permit

# The copy has to be whole before the mark is written; with the mark it is never written again. Was the original
# written to after that, then neither of the two is all there is. The mark bears the run's name: data that came from
# what an earlier run has kept may hold that one's, and no file of the data may be taken for it.
COPY = """
set -eu
[ ! -e "/volume/$1" ] && [ ! -L "/volume/$1" ] || { echo "not-ours $1"; exit 3; }
if [ -f "/keeper/$1" ]; then
  newer=$(find /volume -newer "/keeper/$1" | head -1)
  [ -z "$newer" ] || { echo "written-since $newer"; exit 3; }
else
  find /keeper -mindepth 1 -delete
  cp -a /volume/. /keeper/
  sync
  touch "/keeper/$1"
fi
touch -r /volume /keeper
"""

REFUSED = 3
REFUSALS = {
    "not-ours": phrase("it contains {path}, a file name that only drbot uses"),
    "written-since": phrase("written to after it was kept: {path}. Look at both volumes"),
    "unfinished": phrase("it was never copied to its end"),
    "occupied": phrase(
        "data lies there already, outside of Docker, and it is not what was put aside; it was not touched. "
        "Move it away, then try again"
    ),
}


def set_aside(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action host.set_aside. Started again after a crash it goes on where it was. Raises PermanentError, and then has
    touched nothing, when something is there that the plan does not name.
    """
    host, allowed = host_of(context), context.permitted()
    there = occupants_of(host, arguments.text(given, "keeper"), mounted(context))
    require_agreed(there, context.plan.occupants)
    require_there(host, there, context.plan.occupants)
    require_all_free(context, there)
    containers = [one for one in there if one.kind is OccupantKind.CONTAINER]
    for one in containers:
        kept_containers.stop(host.clients.docker, one.identity, one.name, allowed)
    for one in containers:
        kept_containers.keep(
            host.clients.docker, one.identity, one.keeper, run=context.run.id, was_running=_ran(context, one)
        )
        kept_containers.remove(host.clients.docker, one.identity, one.name, one.keeper, allowed)
    for one in (*volumes_among(there), *folders_among(there)):  # a volume's data may lie in a folder that goes next
        if one.kind is OccupantKind.FOLDER:
            own_folder.set_aside(Path(one.name), Path(one.keeper), allowed, home=host.clients.settings.home)
        else:
            keep(context, one.name, one.keeper)
    kept = {one.name: one.keeper for one in context.plan.occupants}
    said = listed(phrase("{name} in {keeper}", name=name, keeper=keeper) for name, keeper in kept.items())
    return Outcome(
        summary=phrase("Nothing of the system runs here any more; kept: {names}", names=said), facts={"kept": kept}
    )


def volumes_among(found: Iterable[Occupant]) -> list[Occupant]:
    """Those of the engine, which are copied."""
    return [one for one in found if one.kind is OccupantKind.VOLUME and not is_folder(one.name)]


def folders_among(found: Iterable[Occupant]) -> list[Occupant]:
    """What is moved as it lies there: the projects, then the data elsewhere."""
    folders = [one for one in found if one.kind is not OccupantKind.CONTAINER and is_folder(one.name)]
    return sorted(folders, key=lambda one: one.kind is OccupantKind.VOLUME)


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Exactly what the plan names."""
    return frozenset(subject_of(one) for one in context.plan.occupants)


def subject_of(one: Occupant) -> str:
    """As permits name it."""
    if one.kind is OccupantKind.CONTAINER:
        return permit.container(one.name, one.identity)
    return permit.volume(one.name) if one.kind is OccupantKind.VOLUME else permit.folder(Path(one.name))


def mounted(context: StepContext) -> tuple[str, ...]:
    """The volumes that the restored system will mount, as far as its backup tells, and those that the plan names."""
    named = context.plan.backup.holds.mounts if context.plan.backup else ()
    return (*named, *names_of(context.plan.occupants, OccupantKind.VOLUME))


def require_agreed(there: Iterable[Occupant], agreed: Iterable[Occupant]) -> None:
    """Raises PermanentError for what came after the plan was made, or is another of the same name."""
    known = {one.key for one in agreed}
    new = [one.name for one in there if one.key not in known]
    if new:
        raise PermanentError(
            phrase(
                "Putting {names} aside was not approved: it is not what the plan names. Nothing was touched. "
                "Plan again: /dr recover",
                names=listed(new),
            )
        )


def require_there(host: Host, there: Iterable[Occupant], agreed: Iterable[Occupant]) -> None:
    """Raises PermanentError for what two people agreed to keep and is neither there nor kept already."""
    found = {one.key for one in there}
    gone = [one.name for one in agreed if one.key not in found and not is_kept(host, one)]
    if gone:
        raise PermanentError(
            phrase(
                "{names} cannot be kept as the plan says: it is not there as it was, and not kept either. Nothing was "
                "touched. Plan again: /dr recover",
                names=listed(gone),
            )
        )


def require_all_free(context: StepContext, there: Sequence[Occupant]) -> None:
    """Before the first is touched: all can be kept. Raises PermanentError."""
    own = names_of(there, OccupantKind.CONTAINER)
    for one in there:
        if one.kind is OccupantKind.VOLUME:
            require_free(context, one.name, one.keeper, but=own)
        if one.kind is OccupantKind.FOLDER:
            own_folder.require_movable(Path(one.name), Path(one.keeper), home=context.clients.settings.home)


def require_free(context: StepContext, name: str, keeper: str, *, but: Collection[str] = ()) -> None:
    """Raises PermanentError when other containers than `but` have the volume, by its name or by its folder, or when the
    keeper is taken. A stopped one counts: it may be started, and keeps the volume from being removed.
    """
    docker = context.clients.docker
    if (found := docker.volume(name)) is not None and found.fault:
        raise PermanentError(phrase("{place}: {why}. Nothing was touched", place=name, why=found.fault))
    users = [user.name for user in docker.made_with(name) if user.name not in but]
    if users:
        raise PermanentError(
            phrase("The volume {name} is in use by {users}; it was not touched", name=name, users=listed(users))
        )
    there = docker.volume(keeper)
    if there and (there.labels.get(RUN_LABEL), there.labels.get(ORIGINAL_LABEL)) != (context.run.id, name):
        raise PermanentError(
            phrase("The volume {keeper} holds what this run did not put there; neither was touched", keeper=keeper)
        )


def keep(context: StepContext, name: str, keeper: str) -> None:
    """Copy, then remove the original: only when the copy is whole. A folder is renamed."""
    docker = context.clients.docker
    require_free(context, name, keeper)
    found = docker.volume(name)
    if found is not None and docker.volume(keeper) is None:
        about = {KEPT_LABEL: "true", ORIGINAL_LABEL: name, MADE_OF_LABEL: json.dumps(found.made_of())}
        docker.create_volume(keeper, {**context.labels, **about})
    if is_folder(name):
        context.clients.volumes.put_aside(name, keeper, mark_of(context.run.id), context.permitted())
        return
    copy(context, name, keeper, COPY, mark_of(context.run.id))
    docker.remove_volume(name, context.permitted())


def mark_of(run: str) -> str:
    """The file that says that a copy, which this run has made, is whole."""
    return f".drbot-whole-{run}"


def copy(context: StepContext, source: str, target: str, script: str, *marks: str) -> None:
    """All of a volume, by a script that knows them as /volume and /keeper, and the mark of a whole copy as $1. Raises
    PermanentError, CancelledError.
    """
    order = HelperOrder(
        image=tools_image(context.clients.docker),
        labels=context.labels,
        entrypoint=("sh", "-c", script, "copy", *marks),
        mounts=(Mount(source=source, target="/volume", read_only=True), Mount(source=target, target="/keeper")),
        user="0",
    )
    ended = helper.run(context.clients.docker, order, context.cancelled)
    if ended.code != 0:
        raise PermanentError(
            phrase(
                "The data of {source} could not be copied to {target}: {said}",
                source=source,
                target=target,
                said=_refusal(ended.output) if ended.code == REFUSED else ending(ended.output, 300),
            )
        )


def _refusal(output: str) -> str:
    word, _, path = output.strip().partition(" ")
    return filled(REFUSALS[word], path=path) if word in REFUSALS else ending(output, 300)


def _ran(context: StepContext, one: Occupant) -> bool:
    """As a plan saw it, this one or that of the run that stopped it: by now it may be stopped already."""
    seen = (*context.plan.occupants, *context.plan.aside)
    return any(other.is_running for other in seen if other.identity == one.identity)


IMPLEMENTED = Registry(
    actions={"host.set_aside": set_aside},
    subjects={"host.set_aside": subjects},
)
