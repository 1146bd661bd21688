"""A service as its own compose file describes it, but shut in: no network, no port, and another volume for its data.

Compose itself makes the container, so entrypoint, command, user, secrets and the rest are what production's are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import normpath
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_folder, is_unnamed
from drbot.core.site.site import Service
from drbot.core.text.messages import phrase
from drbot.runners.clients.compose import Compose, Document
from drbot.runners.clients.container_labels import own_project
from drbot.runners.foundation.watching import Cancelled

# What decides how the program runs. Whatever else a file may say (ports, networks, devices, hooks) is left out.
KEPT = (
    "cap_add", "cap_drop", "command", "configs", "entrypoint", "environment", "group_add", "hostname", "image", "init",
    "platform", "privileged", "secrets", "security_opt", "shm_size", "sysctls", "tmpfs", "ulimits", "user",
    "working_dir",
)  # fmt: skip
SHUT_IN: Mapping[str, Any] = {
    "network_mode": "none",
    "restart": "no",
    "pull_policy": "never",
    "healthcheck": {"disable": True},
    "logging": {"driver": "json-file"},
}
DATA = "drbot-data"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnDefinition:
    """One service of a project, as `docker compose config` writes it. It holds passwords: not to be logged."""

    project: str
    service: str
    document: Document
    data: str  # the real name of the volume with its data

    @property
    def image(self) -> str:
        """As the container is made from it."""
        return str(self._own.get("image") or f"{self.project}-{self.service}")

    @property
    def user(self) -> str:
        """Whom it runs as; "" = the image says."""
        return str(self._own.get("user") or "")

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in (self._own.get("environment") or {}).items()}

    @property
    def command(self) -> tuple[str, ...]:
        """() = the image says."""
        said = self._own.get("command") or ()
        return (said,) if isinstance(said, str) else tuple(said)

    @property
    def places(self) -> tuple[str, ...]:
        """Where what it mounts lies: real names of volumes, whole paths of folders."""
        return tuple(filter(None, map(self._name, self._mounts)))

    @property
    def mounted_at(self) -> str:
        """Where the volume with its data is inside. Raises PermanentError where it is not mounted."""
        found = next((one["target"] for one in self._mounts if self._name(one) == self.data), None)
        if found is None:
            raise _not_mounted(f"{self.project}/{self.service}", self.data)
        return str(found)

    def alone(self, name: str, volume: str, labels: Mapping[str, str]) -> dict[str, Any]:
        """A project of this service alone, as a container of this name with `volume` for its data."""
        kept = {key: self._own[key] for key in KEPT if self._own.get(key) is not None}
        others = {self._name(one) for one in self._mounts if one["type"] == "volume"} - {self.data, None}
        data = {} if is_folder(volume) else {DATA: {"name": volume, "external": True}}
        return {
            "name": own_project(name),
            "services": {
                self.service: {
                    **kept, **SHUT_IN, "image": self.image, "container_name": name, "labels": dict(labels),
                    "volumes": list(self._shut_in_mounts(volume)),
                }
            },
            "volumes": {
                **data,
                **{other: {"name": other, "external": True} for other in sorted(map(str, others))},
            },
            "secrets": self.document.get("secrets") or {},
            "configs": self.document.get("configs") or {},
        }  # fmt: skip

    @property
    def _own(self) -> Mapping[str, Any]:
        return dict(self.document["services"][self.service])

    @property
    def _mounts(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self._own.get("volumes") or ()]

    def _name(self, mount: Mapping[str, Any]) -> str | None:
        if mount.get("type") == "bind":
            return normpath(str(mount.get("source")))
        known = {key: str(one["name"]) for key, one in (self.document.get("volumes") or {}).items()}
        return known.get(str(mount.get("source")))

    def _shut_in_mounts(self, volume: str) -> Iterator[dict[str, Any]]:
        """It may write its new data, and nothing else of the host: what is mounted among production's data, such as an
        append-only file in a folder of its own, is production's.
        """
        is_bound = is_folder(volume)
        place = {"type": "bind", "source": volume} if is_bound else {"type": "volume", "source": DATA}
        for mount in self._mounts:
            name = self._name(mount)
            if name == self.data:
                yield (mount if mount["type"] == place["type"] else {"target": mount["target"]}) | place
            elif name is not None and mount["type"] == "volume":
                yield {**mount, "source": name, "read_only": True}
            elif mount["type"] == "bind":
                yield {**mount, "read_only": True}
            else:
                yield mount


def read_definition(compose: Compose, service: Service, volume: str, cancelled: Cancelled) -> OwnDefinition:
    """As its project is described now."""
    return definition_of(compose.describe(service.project, cancelled), service, volume)


def definition_of(document: Document, service: Service, volume: str) -> OwnDefinition:
    """From the project's whole description. Raises PermanentError where it has no such service."""
    if service.service not in document.get("services", {}):
        raise PermanentError(
            phrase(
                "The project {project} describes no service {service}", project=service.project, service=service.service
            )
        )
    return OwnDefinition(project=service.project, service=service.service, document=document, data=volume)


def _not_mounted(service: str, place: str) -> PermanentError:
    """By the compose file. `service`: "project/service"."""
    if is_unnamed(place):
        said = phrase(
            "{service} keeps its data in a volume without a name, which does not outlive `docker compose down`: give "
            "it one in the compose file",
            service=service,
        )
    else:
        said = phrase("{service} does not mount the volume {volume}", service=service, volume=place)
    return PermanentError(said)
