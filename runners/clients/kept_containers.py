"""Containers that are put aside with everything they wrote themselves, and made again exactly as they were.

Docker cannot rename what Compose looks for, the labels of a container, so one that only stood there stopped would be
taken for the new one. Each is kept as an image of its own: its layer, and in a label what it was made of.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from docker.errors import ImageNotFound, NotFound

from drbot.core.base.errors import PermanentError
from drbot.core.site.occupants import IMAGES
from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import PROJECT, RUN_LABEL
from drbot.runners.clients.docker_engine import STOP_SECONDS, DockerEngine, connect
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.service_container import STOPPED
from drbot.runners.foundation import permit as subjects
from drbot.runners.foundation.permit import Permit

COMMIT_SECONDS = 2 * 60 * 60  # the engine answers when all of a layer is copied
OTHERS = ("NetworkMode", "IpcMode", "PidMode")  # settings that may name another container, by its id
MADE_OF = {"Id", "Name", "State", "Config", "HostConfig", "Mounts", "NetworkSettings"}  # what it is made again from
KEPT_CONTAINER, KEPT_BY, KEPT_RUNNING = "drbot.kept.container", "drbot.kept.run", "drbot.kept.running"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostContainer:
    """A container of a compose project, as the engine lists it."""

    id: str
    name: str
    is_running: bool
    own_bytes: int  # written into its own layer


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptContainer:
    """A container that lies in an image."""

    keeper: str  # the image
    name: str
    made_of: Mapping[str, Any]  # as it was inspected
    was_running: bool
    size: int  # of its own layer, bytes

    @property
    def started_at(self) -> str:
        """When it was started last; "" = never."""
        return str(self.made_of["State"].get("StartedAt", ""))


def containers_of(engine: DockerEngine, projects: Iterable[str]) -> tuple[HostContainer, ...]:
    """All of these compose projects, running or not, by name."""
    with docker_errors(phrase("List the containers of the projects")):
        listed = [
            one
            for project in projects
            for one in engine.client.api.containers(all=True, size=True, filters={"label": f"{PROJECT}={project}"})
        ]
    return tuple(sorted(map(_listed, listed), key=lambda one: one.name))


def vanishes(engine: DockerEngine, container: str) -> bool:
    """Whether it goes with all it wrote as soon as it is stopped (`--rm`)."""
    found = engine.find(container)
    return found is not None and bool(found["HostConfig"].get("AutoRemove"))


def _listed(one: Mapping[str, Any]) -> HostContainer:
    return HostContainer(
        id=one["Id"],
        name=one["Names"][0].lstrip("/"),
        is_running=one["State"] not in STOPPED,
        own_bytes=int(one.get("SizeRw") or 0),
    )


def stop(engine: DockerEngine, container: str, name: str, permit: Permit) -> None:
    """Gently; one that is gone is fine."""
    permit.require(subjects.container(name, container))
    with docker_errors(phrase("Stop the container {name}", name=name)), suppress(NotFound):
        engine.client.api.stop(container, timeout=STOP_SECONDS)


def keep(engine: DockerEngine, container: str, keeper: str, *, run: str, was_running: bool) -> None:
    """As an image; one that this run has made already stays, unless the container has run again since: then it wrote
    more, and the newer image takes the name. Raises PermanentError when the name is another's.
    """
    there = _image(engine, keeper)
    made_of = engine.inspect(container)
    if there is not None:
        labels = there["Config"].get("Labels") or {}
        known = json.loads(labels.get(KEPT_CONTAINER, "{}"))
        if labels.get(KEPT_BY) != run or known.get("Id") != container:
            raise PermanentError(
                phrase("The image {keeper} holds what this run did not put there; nothing was touched", keeper=keeper)
            )
        if known["State"]["StartedAt"] == made_of["State"]["StartedAt"]:
            return
    labels = {
        KEPT_CONTAINER: json.dumps(_without_own(made_of), separators=(",", ":")),
        KEPT_BY: run,
        KEPT_RUNNING: "true" if was_running else "",
    }
    repository, _, tag = keeper.partition(":")
    tried = docker_errors(phrase("Keep the container {name}", name=made_of["Name"]))
    with tried, closing(connect(engine.host, engine.patience, COMMIT_SECONDS)) as patient:
        patient.api.commit(container, repository=repository, tag=tag, conf={"Labels": labels})


def _without_own(made_of: Mapping[str, Any]) -> dict[str, Any]:
    """Without what it has of the image that kept it before, or each undo of an undo would hold all those before it."""
    labels = made_of["Config"].get("Labels") or {}
    own = {name: value for name, value in labels.items() if name not in (KEPT_CONTAINER, KEPT_BY, KEPT_RUNNING)}
    return {**made_of, "Config": {**made_of["Config"], "Labels": own}}


def remove(engine: DockerEngine, container: str, name: str, keeper: str, permit: Permit) -> None:
    """Once it is kept. Its unnamed volumes stay, for they hold data too. Raises PermanentError when it is not kept."""
    permit.require(subjects.container(name, container))
    if _image(engine, keeper) is None:
        raise PermanentError(
            phrase("The container {name} is not kept in {keeper}, so it is not removed", name=name, keeper=keeper)
        )
    engine.remove_container(container, name, permit)


def forget(engine: DockerEngine, keeper: str, container: str, permit: Permit) -> bool:
    """Remove the image that keeps exactly this container; False when a container that was made again uses it. Raises
    PermanentError for any other image.
    """
    permit.require(subjects.image(keeper, container))
    there = _image(engine, keeper)
    if there is None:
        return True
    if json.loads((there["Config"].get("Labels") or {}).get(KEPT_CONTAINER, "{}")).get("Id") != container:
        raise PermanentError(
            phrase(
                "The image {keeper} does not keep the container {container}; nothing was removed",
                keeper=keeper,
                container=container[:12],
            )
        )
    with docker_errors(phrase("Remove the image {name}", name=keeper)):
        if engine.client.api.containers(all=True, filters={"ancestor": keeper}):
            return False
        engine.client.images.remove(keeper)
    return True


def kept_by(engine: DockerEngine, run: str) -> tuple[KeptContainer, ...]:
    with docker_errors(phrase("List the containers that are kept")):
        images = [one.attrs for one in engine.client.images.list(name=IMAGES, filters={"label": f"{KEPT_BY}={run}"})]
        found = (_kept(image, _layer_bytes(engine, image["Id"])) for image in images)
        return tuple(one for one in found if one is not None)


def kept_in(engine: DockerEngine, keeper: str) -> KeptContainer | None:
    """What this image keeps; None = it is not there, or keeps nothing."""
    image = _image(engine, keeper)
    return None if image is None else _kept(image, _layer_bytes(engine, image["Id"]))


def _layer_bytes(engine: DockerEngine, image: str) -> int:
    """Of its uppermost layer: an image's own size counts those below it, which others share."""
    layers = engine.client.api.history(image)  # type: ignore[no-untyped-call]
    return int(layers[0]["Size"])


def _kept(image: Mapping[str, Any], layer_bytes: int) -> KeptContainer | None:
    """None for an image that has only some of the labels: drbot has not made it."""
    labels = image["Config"].get("Labels") or {}
    keeper = next((tag for tag in image["RepoTags"] or () if tag.startswith(f"{IMAGES}:")), "")
    try:
        made_of = json.loads(labels.get(KEPT_CONTAINER, ""))
    except ValueError:
        return None
    if not keeper or not isinstance(made_of, dict) or not made_of.keys() >= MADE_OF:
        return None
    return KeptContainer(
        keeper=keeper,
        name=made_of["Name"].lstrip("/"),
        made_of=made_of,
        was_running=bool(labels.get(KEPT_RUNNING)),
        size=layer_bytes,
    )


def make_again(engine: DockerEngine, kept: KeptContainer, permit: Permit, made: Mapping[str, str]) -> str:
    """Its id: the same name, settings, networks and mounts, from the image that kept it. One of this run's that is
    there already is taken. `made`: the ids of those made again before, by their old ones. Raises PermanentError when
    another container has its name.
    """
    permit.require(subjects.kept(kept.keeper))
    there, run = engine.find(kept.name), permit.run
    if there is not None:
        if (there["Config"].get("Labels") or {}).get(RUN_LABEL) == run:
            return str(there["Id"])
        raise PermanentError(phrase("There is a container {name} already; nothing was touched", name=kept.name))
    settings = _settings(kept, run, made)
    for network in settings.get("NetworkingConfig", {}).get("EndpointsConfig", ()):
        if not engine.has_network(network):
            engine.create_network(network, {RUN_LABEL: run})
    with docker_errors(phrase("Make the container {name} again", name=kept.name)):
        answer = engine.client.api.create_container_from_config(settings, kept.name)  # type: ignore[no-untyped-call]
        return str(answer["Id"])


def _settings(kept: KeptContainer, run: str, made: Mapping[str, str]) -> dict[str, Any]:
    config, host = dict(kept.made_of["Config"]), kept.made_of["HostConfig"]
    if host["NetworkMode"].startswith("container:"):
        for name in ("Hostname", "Domainname", "ExposedPorts"):  # the other one's; asked for here they are refused
            config.pop(name, None)
    asked = {
        **config,
        "Image": kept.keeper,
        "Labels": {**(config.get("Labels") or {}), RUN_LABEL: run},
        "HostConfig": {**host, **_mounts(kept.made_of), **_beside(kept.made_of, made)},
    }
    if host["NetworkMode"].startswith(("container:", "none", "host")):
        return asked
    return asked | {"NetworkingConfig": {"EndpointsConfig": _networks(kept.made_of)}}


def start(engine: DockerEngine, container: str, name: str) -> None:
    """Its networks are there by then."""
    with docker_errors(phrase("Start the container {name}", name=name)):
        engine.client.api.start(container)


def _mounts(made_of: Mapping[str, Any]) -> dict[str, Any]:
    """By name also what had none, so that it finds its data."""
    asked = made_of["HostConfig"].get("Mounts") or []
    mounts = [mount for mount in asked if mount["Type"] != "volume" or mount.get("Source")]
    binds = [bind for bind in made_of["HostConfig"].get("Binds") or [] if ":" in bind]
    told = {mount["Target"] for mount in mounts} | {bind.split(":")[1] for bind in binds}
    unnamed = [
        f"{mount['Name']}:{mount['Destination']}"
        for mount in made_of["Mounts"]
        if mount["Type"] == "volume" and mount["Destination"] not in told
    ]
    return {"Binds": [*binds, *unnamed], "Mounts": mounts}


def _beside(made_of: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, Any]:
    """What it shares with other containers, by their new ids."""
    asked = {name: str(made_of["HostConfig"].get(name) or "").partition(":") for name in OTHERS}
    shared = {name: other for name, (kind, _, other) in asked.items() if kind == "container"}
    return {name: f"container:{made.get(other, other)}" for name, other in shared.items()}


def _networks(made_of: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for; addresses that the engine gave are not asked for again."""
    asked = ("Aliases", "Links", "IPAMConfig", "DriverOpts")
    found = made_of["NetworkSettings"]["Networks"]
    return {name: {key: one.get(key) for key in asked if one.get(key)} for name, one in found.items()}


def _image(engine: DockerEngine, name: str) -> Mapping[str, Any] | None:
    with docker_errors(phrase("Look for the image {name}", name=name)):
        try:
            return dict(engine.client.images.get(name).attrs)
        except (ImageNotFound, NotFound):
            return None
