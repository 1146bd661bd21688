"""What runs keep of whole hosts, as the engine and the disk say: each thing under the name that the run gave it, for a
label alone may be anybody's.
"""

import os
from collections.abc import Collection

from drbot.core.base.errors import PermanentError
from drbot.core.site.occupants import Occupant, OccupantKind, aside_suffix, image_tag
from drbot.core.text.messages import listed, phrase
from drbot.runners.actions.occupants import Host
from drbot.runners.clients import kept_containers, own_folder
from drbot.runners.clients.container_labels import KEPT_LABEL, RUN_LABEL, is_of_compose
from drbot.runners.clients.kept_containers import KeptContainer
from drbot.runners.clients.volume_mover import MADE_OF_LABEL, ORIGINAL_LABEL


def kept_on(host: Host, aside_by: str) -> tuple[Occupant, ...]:
    """Everything that this run has put aside on the host and that is still there."""
    docker, suffix, folder = host.clients.docker, aside_suffix(aside_by), host.site.projects
    found = [_container(one) for one in kept_containers.kept_by(docker, aside_by) if one.keeper == _tag(one, suffix)]
    for name in docker.volumes_labelled({KEPT_LABEL: "true", RUN_LABEL: aside_by}):
        volume, original = docker.volume(name), _original(host, name)
        if volume is not None and original and name == original + suffix:
            found.append(Occupant(kind=OccupantKind.VOLUME, name=original, identity=volume.created_at, keeper=name))
    if (kept := own_folder.aside_of(folder, aside_by)) is not None:
        found.append(
            Occupant(
                kind=OccupantKind.FOLDER,
                name=str(folder),
                identity=own_folder.identity_of(kept),
                keeper=str(kept),
                size=own_folder.size_of(kept),
            )
        )
    return tuple(found)


def require_kept(host: Host, wanted: Collection[Occupant]) -> list[KeptContainer]:
    """The containers of it, in the order in which they were started. Raises PermanentError when something is not kept
    any more where the plan says.
    """
    gone = [one.keeper for one in wanted if not is_kept(host, one)]
    if gone:
        raise PermanentError(phrase("Not kept any more: {names}. Nothing was touched", names=listed(gone)))
    images = (_image(host, one) for one in wanted if one.kind is OccupantKind.CONTAINER)
    return sorted(filter(None, images), key=lambda one: one.started_at)


def is_kept(host: Host, one: Occupant) -> bool:
    """Under the name that drbot gave it."""
    if one.kind is OccupantKind.FOLDER:
        return os.path.lexists(one.keeper)  # a link is itself what was renamed
    if one.kind is OccupantKind.CONTAINER:
        return _image(host, one) is not None
    return _original(host, one.keeper) == one.name


def _image(host: Host, one: Occupant) -> KeptContainer | None:
    """That keeps exactly this container."""
    found = kept_containers.kept_in(host.clients.docker, one.keeper)
    return found if found is not None and found.made_of["Id"] == one.identity else None


def _original(host: Host, keeper: str) -> str:
    """The volume that this one keeps; "" for none."""
    volume = host.clients.docker.volume(keeper)
    if volume is None or MADE_OF_LABEL not in volume.labels or is_of_compose(volume.labels):
        return ""
    return volume.labels.get(ORIGINAL_LABEL, "")


def _tag(one: KeptContainer, suffix: str) -> str:
    return image_tag(one.name, suffix)


def _container(one: KeptContainer) -> Occupant:
    return Occupant(
        kind=OccupantKind.CONTAINER,
        name=one.name,
        identity=one.made_of["Id"],
        keeper=one.keeper,
        size=one.size,
        is_running=one.was_running,
    )
