"""Which containers hold a volume: by its name, or by its folder on the host, which is the same data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drbot.core.site.site import Service
from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import ONE_OFF, PROJECT, SERVICE, is_helper
from drbot.runners.clients.docker_engine import STOPPED, DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.volume_mounts import holds


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeUser:
    """A container that was made with a volume."""

    name: str
    is_running: bool
    labels: Mapping[str, str]

    def belongs_to(self, services: Iterable[Service]) -> bool:
        """Whether it is the container of one of these services, and no second one beside it."""
        mine = (self.labels.get(PROJECT), self.labels.get(SERVICE))
        known = {(service.project, service.service) for service in services}
        return mine in known and self.labels.get(ONE_OFF, "False") == "False"


def strangers_on(engine: DockerEngine, volume: str, services: Iterable[Service]) -> tuple[VolumeUser, ...]:
    """Those that are neither of a service of dr.yml nor helpers of drbot's: no step stops them. By name."""
    services = tuple(services)
    users = users_of(engine, volume)
    return tuple(user for user in users if not is_helper(user.name, user.labels) and not user.belongs_to(services))


def users_of(engine: DockerEngine, volume: str) -> tuple[VolumeUser, ...]:
    """All containers that were made with it, running or not, by name."""
    identity = engine.volume(volume)
    if identity is None:
        return ()
    with docker_errors(phrase("Look who has the volume {volume}", volume=volume)):
        containers = engine.client.api.containers(all=True)
    found = (_user(container) for container in containers if holds(container, identity.name, identity.mountpoint))
    return tuple(sorted(found, key=lambda user: user.name))


def _user(container: Mapping[str, Any]) -> VolumeUser:
    return VolumeUser(
        name=container["Names"][0].lstrip("/"),
        is_running=container["State"] not in STOPPED,
        labels=container.get("Labels") or {},
    )
