"""Is what answers now what this run has put there? A server that still runs on an old volume has rows too."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from drbot.core.base.names import is_folder
from drbot.core.site.site import Service
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.actions.compose import watch_of
from drbot.runners.clients.compose import by_project
from drbot.runners.clients.container_labels import KEPT_LABEL, RUN_LABEL
from drbot.runners.clients.docker_engine import VolumeIdentity
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Registry, StepContext
from drbot.runners.foundation.at_once import at_once


def anew(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe compose.anew: each container, and every volume in it, was made after this run began to make volumes, by the
    engine's own clock; the container from the compose file that lies there now; a store on its restored volume.
    """
    services = arguments.services(context, given)
    began = first_made(context)
    outdated = outdated_of(context, services.values())
    faults = [
        fault for name, service in services.items() for fault in faults_of(context, name, service, began, outdated)
    ]
    if faults:
        return Finding(passed=False, sentence=clauses(faults))
    said = phrase("All services run in containers of this recovery, on its volumes: {count}", count=len(services))
    elsewhere = sorted({one for service in services.values() for one in _elsewhere(context, service)})
    but = phrase(
        "not looked at, because their data lies elsewhere by the options of their compose file: {names}",
        names=listed(elsewhere),
    )
    return Finding(passed=True, sentence=clauses((said, but) if elsewhere else (said,)))


def outdated_of(context: StepContext, services: Iterable[Service]) -> frozenset[str]:
    """Names of the containers that the next `docker compose up` would make anew; every project at the same time."""
    bounds, ask = watch_of(context).bounds, context.clients.compose.outdated
    return frozenset[str]().union(*at_once(lambda one: ask(*one, bounds), by_project(services).items()))


def faults_of(
    context: StepContext, name: str, service: Service, began: datetime | None, outdated: Collection[str]
) -> Iterator[str]:
    docker = context.clients.docker
    found = docker.container(service)
    if found is None:
        yield phrase("{name} has no container", name=name)
        return
    made_of = docker.inspect(found.id)
    if found.name in outdated:
        yield phrase("the container of {name} was made from other files than those there now", name=name)
    if began is not None and moment(made_of["Created"]) < began:
        yield phrase("the container of {name} is older than this recovery", name=name)
    volumes = {volume.name: volume for volume in _volumes(context, made_of)}
    for volume in volumes.values():
        if began is not None and moment(volume.created_at) < began:
            yield phrase(
                "{name} runs on the volume {volume}, which is older than this recovery", name=name, volume=volume.name
            )
    wanted = stores(context).get(name)
    if wanted is not None and wanted not in volumes:
        yield phrase("{name} does not run on {volume}", name=name, volume=wanted)


def _volumes(context: StepContext, made_of: Mapping[str, Any]) -> Iterator[VolumeIdentity]:
    """Its volumes, and of the folders that it mounts those of stores: no other folder is made by a recovery."""
    places = (mount["Name"] if mount["Type"] == "volume" else mount.get("Source") for mount in made_of["Mounts"])
    folders = {place for place in stores(context).values() if is_folder(place)}
    names = (place for place in places if place and (place in folders or not is_folder(place)))
    yield from filter(None, map(context.clients.docker.volume, names))


def _elsewhere(context: StepContext, service: Service) -> Iterator[str]:
    """Its volumes that hold a share or a folder: however new they are, what is in there is of no age that Docker
    knows. A restored store was empty before, so what is in it came from the backup.
    """
    docker = context.clients.docker
    found = docker.container(service)
    there = _volumes(context, docker.inspect(found.id)) if found is not None else ()
    yield from (one.name for one in there if not one.is_plain and one.name not in stores(context).values())


def stores(context: StepContext) -> dict[str, str]:
    """Service → the volume that its data was restored into."""
    return {store.service: store.volume for store in context.site.stores}


def first_made(context: StepContext) -> datetime | None:
    """When this run made its first volume; None where the system has none."""
    docker = context.clients.docker
    mine = map(docker.volume, docker.volumes_labelled({RUN_LABEL: context.run.id}))
    return min((moment(one.created_at) for one in mine if one and KEPT_LABEL not in one.labels), default=None)


def moment(said: str) -> datetime:
    """Docker's word, to the second: of volumes it tells no more. Of folders it also says which."""
    said = said.split(" ")[0]
    return datetime.fromisoformat(f"{said[:19]}+00:00") if said.endswith("Z") else datetime.fromisoformat(said)


IMPLEMENTED = Registry(
    probes={"compose.anew": anew},
)
