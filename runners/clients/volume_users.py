"""Which containers hold a volume: by its name, or by its folder on the host, which is the same data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from drbot.core.site.site import Service
from drbot.runners.clients.container_labels import ONE_OFF, PROJECT, SERVICE, is_helper
from drbot.runners.clients.service_container import STOPPED


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeUser:
    name: str
    is_running: bool
    labels: Mapping[str, str]

    def belongs_to(self, services: Iterable[Service]) -> bool:
        """Whether it is the container of one of these services, and no second one beside it."""
        mine = (self.labels.get(PROJECT), self.labels.get(SERVICE))
        known = {(service.project, service.service) for service in services}
        return mine in known and self.labels.get(ONE_OFF, "False") == "False"


def strangers_among(users: Iterable[VolumeUser], services: Iterable[Service]) -> tuple[VolumeUser, ...]:
    """Those that are neither of a service of dr.yml nor helpers of drbot's: no step stops them."""
    services = tuple(services)
    return tuple(user for user in users if not is_helper(user.name, user.labels) and not user.belongs_to(services))


def users_among(containers: Iterable[Mapping[str, Any]], volume: str, folder: str) -> tuple[VolumeUser, ...]:
    """Of the containers as the engine lists them, by name; `folder`: where the volume lies."""
    found = (_user(one) for one in containers if any(_is_of(mount, volume, folder) for mount in one.get("Mounts", ())))
    return tuple(sorted(found, key=lambda user: user.name))


def _user(container: Mapping[str, Any]) -> VolumeUser:
    return VolumeUser(
        name=container["Names"][0].lstrip("/"),
        is_running=container["State"] not in STOPPED,
        labels=container.get("Labels") or {},
    )


def _is_of(mount: Mapping[str, Any], volume: str, folder: str) -> bool:
    """A folder above it, as monitors mount the whole disk, is no use of it."""
    if mount.get("Type") == "volume":
        return mount.get("Name") == volume
    return bool(folder) and PurePosixPath(mount.get("Source", "")).is_relative_to(PurePosixPath(folder))
