"""Makes room on a host that holds data: everything is stopped, and each volume's data moves to a keeper of its own."""

from collections.abc import Collection, Mapping
from typing import Any

from core.errors import PermanentError
from core.words import ending
from runners import permit
from runners.action import Outcome, StepContext
from runners.actions import arguments
from runners.actions.fingerprint import data_volumes
from runners.actions.infrastructure import projects
from runners.clients import helper, own_folder
from runners.clients.docker_engine import KEPT_LABEL, RUN_LABEL, ServiceContainer
from runners.clients.helper import HelperOrder, Mount
from runners.clients.own_folder import is_foreign
from runners.clients.volume_mover import ORIGINAL_LABEL
from runners.clients.volume_users import users_of

# The copy has to be whole before the mark is written; with the mark it is never written again. Was the original
# written to after that, then neither of the two is all there is.
COPY = """
set -eu
if [ -e /keeper/.drbot-whole ]; then
  newer=$(find /volume -newer /keeper/.drbot-whole | head -1)
  [ -z "$newer" ] || { echo "written to after it was kept: $newer. Look at both volumes"; exit 3; }
  exit 0
fi
find /keeper -mindepth 1 -delete
cp -a /volume/. /keeper/
sync
touch /keeper/.drbot-whole
"""


def set_aside(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action host.set_aside. Started again after a crash it goes on where it was."""
    services = arguments.services(context, given)
    suffix = arguments.text(given, "keeper")
    docker = context.clients.docker
    containers = [found for one in services.values() for found in docker.containers(one)]
    image = image_of(context, containers)
    given_permit = context.permitted()
    folder, volumes = context.site.projects, [name for name in data_volumes(context.site) if docker.volume(name)]
    keepers = {name: name + suffix for name in volumes}
    folder_keeper = folder.with_name(folder.name + suffix) if is_foreign(folder, context.run.id) else None
    if folder_keeper is not None:
        own_folder.require_movable(folder, folder_keeper, home=context.clients.settings.home)
    for name, keeper in keepers.items():
        require_free(context, name, keeper, but=projects(context, services))
    for project in projects(context, services):
        docker.remove_project(project, given_permit)
    if folder_keeper is not None:
        own_folder.set_aside(folder, folder_keeper, given_permit, home=context.clients.settings.home)
    for name, keeper in keepers.items():
        keep(context, name, keeper, image)
    said = ", ".join(f"{name} in {keeper}" for name, keeper in keepers.items()) or "there was no data"
    return Outcome(summary=f"Nothing runs on the host any more; kept: {said}", facts={"kept": keepers})


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Everything of the system on the host."""
    services = arguments.services(context, given)
    return frozenset(
        {
            *(permit.project(name) for name in projects(context, services)),
            *(permit.volume(name) for name in data_volumes(context.site)),
            permit.folder(context.site.projects),
        }
    )


def image_of(context: StepContext, containers: list[ServiceContainer]) -> str:
    """An image on this host that can copy: a container's, else whichever there is. Raises PermanentError."""
    docker = context.clients.docker
    for image in dict.fromkeys([*(one.image for one in containers), *docker.image_ids()]):
        order = HelperOrder(
            image=image, name=None, labels=context.labels, entrypoint=("sh", "-c", "command -v cp find"), user="root"
        )
        try:
            if helper.run(docker, order, context.cancelled, seconds=30).code == 0:
                return image
        except PermanentError as error:  # without a shell it cannot even be started
            context.log(f"{image[:19]}: {error}")
    raise PermanentError("There is data on this host, but no image that could copy it")


def require_free(context: StepContext, name: str, keeper: str, *, but: Collection[str] = ()) -> None:
    """Raises PermanentError when others than the projects `but` have the volume, by its name or by its folder, or when
    the keeper is taken. A stopped one counts: it may be started, and keeps the volume from being removed.
    """
    docker = context.clients.docker
    users = [user.name for user in users_of(docker, name) if user.project not in but]
    if users:
        raise PermanentError(f"The volume {name} is in use by {', '.join(users)}; it was not touched")
    there = docker.volume(keeper)
    if there and (there.labels.get(RUN_LABEL), there.labels.get(ORIGINAL_LABEL)) != (context.run.id, name):
        raise PermanentError(f"The volume {keeper} holds what this run did not put there; neither was touched")


def keep(context: StepContext, name: str, keeper: str, image: str) -> None:
    """Copy, then remove the original: only when the copy is whole."""
    docker = context.clients.docker
    require_free(context, name, keeper)
    if docker.volume(keeper) is None:
        docker.create_volume(keeper, {**context.labels, KEPT_LABEL: "true", ORIGINAL_LABEL: name})
    order = HelperOrder(
        image=image,
        name=None,
        labels=context.labels,
        entrypoint=("sh", "-c", COPY),
        mounts=(Mount(source=name, target="/volume", read_only=True), Mount(source=keeper, target="/keeper")),
        user="root",
    )
    ended = helper.run(docker, order, context.cancelled)
    if ended.code != 0:
        raise PermanentError(f"The data of {name} could not be kept: {ending(ended.output, 300)}")
    docker.remove_volume(name, context.permitted())
