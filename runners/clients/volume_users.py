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
    may_write: bool = True

    @property
    def only_looks(self) -> bool:
        """A helper of drbot's own that reads, such as that of a survey: it disturbs nobody."""
        return is_helper(self.name, self.labels) and not self.may_write

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
    mounts = ((one, [mount for mount in one.get("Mounts", ()) if _is_of(mount, volume, folder)]) for one in containers)
    found = (_user(one, any(mount.get("RW", True) for mount in its)) for one, its in mounts if its)
    return tuple(sorted(found, key=lambda user: user.name))


def _user(container: Mapping[str, Any], may_write: bool) -> VolumeUser:
    return VolumeUser(
        name=container["Names"][0].lstrip("/"),
        is_running=container["State"] not in STOPPED,
        labels=container.get("Labels") or {},
        may_write=may_write,
    )


def _is_of(mount: Mapping[str, Any], volume: str, folder: str) -> bool:
    """A folder above it, as monitors mount the whole disk, is no use of it."""
    if mount.get("Type") == "volume":
        return mount.get("Name") == volume
    return bool(folder) and PurePosixPath(mount.get("Source", "")).is_relative_to(PurePosixPath(folder))
