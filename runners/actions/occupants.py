"""One survey of a host as it is: everything that a recovery of this site would stop, remove, shadow or overwrite.

By what is there, not by what drbot made: containers of the projects by Compose's own label, the volumes that they and
the restored system mount, and the folder of the projects with whatever lies in it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drbot.core.base.errors import CancelledError, PermanentError, UserError
from drbot.core.base.names import is_folder
from drbot.core.site.occupants import Occupant, OccupantKind, image_tag, names_of
from drbot.core.site.site import Site
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients import helper, own_folder
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.compose_uses import uses_of
from drbot.runners.clients.container_labels import KEPT_LABEL, PROJECT, RUN_LABEL, is_of_compose
from drbot.runners.clients.docker_engine import VolumeIdentity
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.host_packages import engine_is_missing
from drbot.runners.clients.kept_containers import HostContainer, containers_of, vanishes
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.fingerprint import data_volumes
from drbot.runners.foundation.watching import Cancelled

SIZES = 'for each; do du -s -B 1 "$each"; done'  # at once, what lies in two of them would count for the first alone
MEASURE_SECONDS = 120.0  # a volume that is not measured by then is told without its size


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Where a recovery goes, and what is the run's own there."""

    clients: Clients
    site: Site
    run: str
    labels: Mapping[str, str]  # of the helper that measures
    cancelled: Cancelled

    @property
    def projects(self) -> tuple[str, ...]:
        return self.site.compose_projects()


def host_of(context: StepContext) -> Host:
    return Host(
        clients=context.clients,
        site=context.site,
        run=context.run.id,
        labels=context.labels,
        cancelled=context.cancelled,
    )


def occupants_of(host: Host, suffix: str, mounted: Collection[str]) -> tuple[Occupant, ...]:
    """All of it, with where each is kept: its name with this suffix. `mounted`: volumes that the restored system will
    mount, as its backup tells. Raises TemporaryError when the engine cannot be asked, CancelledError.
    """
    folder = host.site.projects
    found = [_folder(folder, suffix)] if own_folder.is_foreign(folder, host.run) else []
    if engine_is_missing(host.clients.docker.host):
        return tuple(found)
    containers = containers_of(host.clients.docker, host.projects)
    found += [_container(one, suffix) for one in containers]
    found += [_volume(one, suffix) for one in _volumes(host, mounted)]
    return tuple(found)


def made_by(host: Host) -> tuple[str, ...]:
    """The volumes and the folder that bear the run's name, and so count as its own."""
    folder = host.site.projects
    found = (str(folder),) if own_folder.is_own(folder, host.run) else ()
    if engine_is_missing(host.clients.docker.host):
        return found
    return (*found, *sorted(host.clients.docker.volumes_labelled({RUN_LABEL: host.run})))


def measured(host: Host, found: Sequence[Occupant]) -> tuple[Occupant, ...]:
    """The same with the sizes of folder and volumes, which takes a while. Raises CancelledError."""
    sizes: dict[str, int | None] = {**volume_sizes(host, names_of(found, OccupantKind.VOLUME))}
    sizes |= {name: own_folder.size_of(Path(name)) for name in names_of(found, OccupantKind.FOLDER)}
    return tuple(one.model_copy(update={"size": sizes.get(one.name, one.size)}) for one in found)


def require_alone(host: Host, occupants: Sequence[Occupant]) -> None:
    """Raises UserError when a container of somebody else's has one of the volumes, running or stopped: nobody would
    stop it, and it would go on writing into data that was moved.
    """
    own = set(names_of(occupants, OccupantKind.CONTAINER))
    containers = [one for one in occupants if one.kind is OccupantKind.CONTAINER]
    vanishing = [one.name for one in containers if vanishes(host.clients.docker, one.identity)]
    if vanishing:
        raise UserError(
            phrase("Looking at what is on the host."),
            phrase(
                "{names} was made with --rm: stopping it would delete it and everything it wrote.",
                names=listed(vanishing),
            ),
            phrase("Keep what is needed of it and stop it, then plan again: /dr recover"),
        )
    for volume in names_of(occupants, OccupantKind.VOLUME):
        users = [user.name for user in host.clients.docker.made_with(volume) if user.name not in own]
        if users:
            raise UserError(
                phrase("Looking at what is on the host."),
                phrase(
                    "{names} also uses the volume {volume} and is of no project of this system, so drbot leaves it "
                    "alone.",
                    names=listed(users),
                    volume=volume,
                ),
                phrase(
                    "Remove it (docker rm -f {names}) or add it to dr.yml, then plan again: /dr recover",
                    names=" ".join(users),
                ),
            )


def _folder(folder: Path, suffix: str) -> Occupant:
    """A link is itself what is renamed."""
    return Occupant(
        kind=OccupantKind.FOLDER,
        name=str(folder),
        identity=own_folder.identity_of(folder),
        keeper=str(folder.with_name(folder.name + suffix)),
    )


def _container(one: HostContainer, suffix: str) -> Occupant:
    return Occupant(
        kind=OccupantKind.CONTAINER,
        name=one.name,
        identity=one.id,
        keeper=image_tag(one.name, suffix),
        size=one.own_bytes,
        is_running=one.is_running,
    )


def _volume(one: VolumeIdentity, suffix: str) -> Occupant:
    return Occupant(kind=OccupantKind.VOLUME, name=one.name, identity=one.created_at, keeper=one.name + suffix)


def _volumes(host: Host, mounted: Collection[str]) -> Iterator[VolumeIdentity]:
    """Those of a name that the restored system will use, whoever made them, but for this run's own."""
    docker = host.clients.docker
    below = {str(host.site.whole_path / name) for name in host.site.store_folders}  # they go with the projects
    own = data_volumes(host.site)
    named = (name for name in mounted if not is_folder(name))  # a path that only a backup names is nobody's volume
    for name in sorted({*own, *named, *described_volumes(host), *_of_projects(host)} - below):
        found = docker.volume(name)
        if found is None or found.labels.get(RUN_LABEL) == host.run:
            continue
        is_keeper = KEPT_LABEL in found.labels and name not in own and not is_of_compose(found.labels)
        if not is_keeper:
            yield found


def _of_projects(host: Host) -> Iterator[str]:
    """Compose takes a volume of its project and key for its own, whatever has become of the project since."""
    for project in host.projects:
        yield from host.clients.docker.volumes_labelled({PROJECT: project})


def described_volumes(host: Host) -> Iterator[str]:
    """What the compose files mount that lie there now; one that nobody can read tells nothing."""
    read = host.clients.compose.readings(host.projects, host.cancelled).values()
    yield from uses_of(one for one in read if not isinstance(one, PermanentError)).volumes


def volume_sizes(host: Host, names: Sequence[str]) -> dict[str, int]:
    """Bytes on the disk, measured from inside; nothing for what could not be measured in time."""
    if not names:
        return {}
    order = HelperOrder(
        image=tools_image(host.clients.docker),
        labels=host.labels,
        entrypoint=("sh", "-c", SIZES, "sizes"),
        command=tuple(f"/volumes/{number}" for number in range(len(names))),
        mounts=tuple(
            Mount(source=name, target=f"/volumes/{number}", read_only=True) for number, name in enumerate(names)
        ),
        user="0",
    )
    try:
        said = helper.run(host.clients.docker, order, host.cancelled, MEASURE_SECONDS).output
    except CancelledError:
        if host.cancelled():
            raise
        return {}
    except PermanentError:  # one that its driver cannot mount
        return {}
    lines = (line.split("\t") for line in said.splitlines())
    found = {line[1]: int(line[0]) for line in lines if len(line) == 2 and line[0].isdecimal()}
    return {name: found[f"/volumes/{number}"] for number, name in enumerate(names) if f"/volumes/{number}" in found}
