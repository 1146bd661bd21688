"""Brings a host back as it was put aside: from what the engine and the disk keep, whatever a row says. What is kept
stays kept, so it can be done again, and nothing is overwritten: the host was cleared by a step before.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.text.messages import listed, phrase
from drbot.runners.actions.compose import watch_of
from drbot.runners.actions.kept_hosts import require_kept
from drbot.runners.actions.occupants import host_of
from drbot.runners.actions.setting_aside import copy, folders_among, mark_of, volumes_among
from drbot.runners.clients import kept_containers, own_folder
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.clients.volume_mover import MADE_OF_LABEL
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not
from drbot.runners.foundation import permit

# A volume that was just made is not empty where its data lies elsewhere (a share, a folder of the host): only what an
# earlier attempt of this very run began to write there is removed.
COPY_BACK = """
set -eu
[ -f "/volume/$1" ] && [ ! -L "/volume/$1" ] || { echo unfinished; exit 3; }
if [ ! -f "/keeper/$2" ] || [ -L "/keeper/$2" ]; then
  if [ -n "$(find /keeper -mindepth 1 | head -1)" ]; then
    diff -rq --no-dereference -x "$1" /volume /keeper >/dev/null && { touch -r /volume /keeper; exit 0; }
    echo occupied; exit 3
  fi
  touch "/keeper/$2"
fi
find /keeper -mindepth 1 ! -path "/keeper/$2" -delete
cp -a /volume/. /keeper/
sync
find /keeper -maxdepth 1 \\( -name "$1" -o -name "$2" \\) -delete
touch -r /volume /keeper
sync
"""


def put_back(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action host.put_back: exactly what the plan names, folders first, in which a volume's data may lie, then the
    volumes, then the containers; those that ran are started in the order of then. Raises PermanentError when something
    is gone, or in its place.
    """
    host, wanted, allowed = host_of(context), context.plan.aside, context.permitted()
    images = require_kept(host, wanted)
    watch = watch_of(context)
    for one in (*folders_among(wanted), *volumes_among(wanted)):
        if one.kind is OccupantKind.FOLDER:
            own_folder.copy_back(Path(one.keeper), Path(one.name), allowed, watch.bounds, watch.on_line)
        else:
            fill_again(context, one)
    made: dict[str, str] = {}
    for image in images:
        made[image.made_of["Id"]] = kept_containers.make_again(host.clients.docker, image, allowed, made)
    for image in images:
        if image.was_running:
            kept_containers.start(host.clients.docker, made[image.made_of["Id"]], image.name)
    for one in wanted:
        if one.kind is OccupantKind.FOLDER:
            own_folder.without_mark(Path(one.keeper), Path(one.name), allowed)
    back = [one.name for one in wanted]
    return Outcome(
        summary=phrase("Back as before {run}: {names}", run=given["aside"], names=listed(back)),
        facts={"back": back},
    )


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Exactly what the plan names, where it is kept."""
    return frozenset(permit.kept(one.keeper) for one in context.plan.aside)


def fill_again(context: StepContext, one: Occupant) -> None:
    """Its volume, made as it was, without the mark of the copy. One that this run has made is filled anew."""
    context.permitted().require(permit.kept(one.keeper))
    docker = context.clients.docker
    there, keeper = docker.volume(one.name), docker.volume(one.keeper)
    if keeper is None:
        raise PermanentError(phrase("Not kept any more: {names}", names=one.keeper))
    if there is not None and there.labels.get(RUN_LABEL) != context.run.id:
        raise PermanentError(
            phrase("The volume {name} exists and is not this run's; it was not touched", name=one.name)
        )
    if there is None:
        made_of = json.loads(keeper.labels[MADE_OF_LABEL])
        labels = {**made_of["labels"], RUN_LABEL: context.run.id}
        docker.create_volume(one.name, labels, made_of["driver"], made_of["options"])
    users = docker.made_with(one.name)
    others = [user.name for user in users if user.labels.get(RUN_LABEL) != context.run.id]
    if others:
        raise PermanentError(
            phrase("The volume {name} is in use by {users}; it was not touched", name=one.name, users=listed(others))
        )
    if not users:  # else an earlier attempt has filled it: its containers came after that
        begun = f".drbot-fills-{context.run.id}"
        copy(context, one.keeper, one.name, COPY_BACK, mark_of(keeper.labels[RUN_LABEL]), begun)


@or_why_not
def kept(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.kept: everything is there that comes back and is not in its place still."""
    there = {one.keeper for one in context.plan.occupants}
    wanted = [one for one in context.plan.aside if one.keeper not in there]
    require_kept(host_of(context), wanted)
    return Finding(passed=True, sentence=phrase("All that was kept is there: {count}", count=len(wanted)))


def back(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.back: all of it is in its place, and what ran runs."""
    docker, missing = context.clients.docker, []
    for one in context.plan.aside:
        if one.kind is OccupantKind.CONTAINER:
            found = docker.find(one.name)
            is_back = found is not None and (found["State"]["Running"] or not one.is_running)
        else:
            is_back = Path(one.name).exists() if one.kind is OccupantKind.FOLDER else bool(docker.volume(one.name))
        missing += [] if is_back else [one.name]
    sentence = (
        phrase("Not back: {names}", names=listed(missing))
        if missing
        else phrase("All that was kept is back: {count}", count=len(context.plan.aside))
    )
    return Finding(passed=not missing, sentence=sentence)


IMPLEMENTED = Registry(
    actions={"host.put_back": put_back},
    probes={"host.kept": kept, "host.back": back},
    subjects={"host.put_back": subjects},
)
