"""What on the engine belongs to a lab. Nothing without its label is ever stopped, broken or removed."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.models.volumes import Volume

from drbot.core.base.errors import UserError
from drbot.core.site.occupants import IMAGES
from drbot.core.text.messages import phrase

LABEL = "drbot.lab"
CONFLICT = 409


def require(labels: Mapping[str, str] | None, name: str, what: str) -> None:
    """Raise UserError unless these labels say that the thing belongs to the lab with this label."""
    if (labels or {}).get(LABEL) != name:
        raise UserError(
            phrase('Wanted to touch {what} for the lab "{lab}".', what=what, lab=name),
            phrase("It has no label {label}, so it is not the lab's.", label=f"{LABEL}={name}"),
            phrase("Remove or rename it yourself, or use another --name."),
        )


def is_ours(resource: str, labels: Mapping[str, str] | None, name: str, prefix: str) -> bool:
    """The lab's own, or something drbot made for it while recovering (kept volumes, copies beside)."""
    labels = labels or {}
    if LABEL in labels:
        return labels[LABEL] == name
    return resource.startswith(prefix) and any(label.startswith("drbot.") for label in labels)


def containers(client: docker.DockerClient, name: str, prefix: str) -> list[Container]:
    """The lab's containers, running or not."""
    found = client.containers.list(all=True, ignore_removed=True)
    return [
        container
        for container in found
        if is_ours(str(container.name), container.labels, name, prefix)
        or _works_on(container, prefix)
        or _locks(container, prefix)
    ]


def remove_locks(client: docker.DockerClient, prefix: str) -> None:
    """Locks of drbots that were played against the lab and are gone for good."""
    for container in client.containers.list(all=True, ignore_removed=True):
        if _locks(container, prefix):
            with suppress(NotFound):
                container.remove(force=True)


def _locks(container: Container, prefix: str) -> bool:
    return str(container.name).startswith(f"drbot-lock-{prefix}")


def _works_on(container: Container, prefix: str) -> bool:
    """A helper that was killed in mid-step, or that receives WAL: it is drbot's and mounts a volume of the lab."""
    mounts = container.attrs.get("Mounts") or ()
    is_helper = "drbot.run" in container.labels or "drbot.helper" in container.labels
    return is_helper and any(str(mount.get("Name")).startswith(prefix) for mount in mounts)


def remove_containers(client: docker.DockerClient, name: str, prefix: str) -> None:
    def remove(container: Container) -> None:
        try:
            container.stop(timeout=10)
            container.remove(force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != CONFLICT:  # somebody else is removing it already
                raise

    found = containers(client, name, prefix)
    if found:
        with ThreadPoolExecutor(len(found)) as pool:
            list(pool.map(remove, found))


def remove_kept_containers(client: docker.DockerClient, prefix: str) -> None:
    """The images in which a recovery has put containers of this lab aside."""
    for image in client.images.list(name=IMAGES):
        for tag in image.tags:
            if tag.startswith(f"{IMAGES}:{prefix}"):
                client.images.remove(tag, force=True)


def remove_volumes(client: docker.DockerClient, name: str, prefix: str) -> None:
    for volume in client.volumes.list():
        if is_ours(str(volume.name), volume.attrs.get("Labels"), name, prefix):
            with suppress(NotFound):
                volume.remove(force=True)


def remove_networks(client: docker.DockerClient, name: str, prefix: str) -> None:
    for network in client.networks.list():
        if is_ours(str(network.name), network.attrs.get("Labels"), name, prefix):
            with suppress(NotFound):
                network.remove()


def ensure_volume(client: docker.DockerClient, volume: str, name: str) -> Volume:
    """The volume of this name, created if need be. Raises UserError if it is somebody else's."""
    try:
        found = client.volumes.get(volume)
    except NotFound:
        return client.volumes.create(volume, labels={LABEL: name})
    require(found.attrs.get("Labels"), name, phrase("the volume {name}", name=volume))
    return found


def ensure_network(client: docker.DockerClient, network: str, name: str) -> Network:
    """The network of this name, created if need be. Raises UserError if it is somebody else's."""
    for found in client.networks.list(names=[network]):
        if found.name == network:
            require(found.attrs.get("Labels"), name, phrase("the network {name}", name=network))
            return found
    try:
        return client.networks.create(network, labels={LABEL: name})
    except APIError as error:
        raise UserError(phrase("Tried to create the network {name}.", name=network), str(error)) from error
