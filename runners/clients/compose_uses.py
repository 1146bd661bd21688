"""What compose files take of a host: volumes, ports and container names, as `docker compose config` tells."""

import re
from collections.abc import Iterable, Iterator, Mapping
from os.path import normpath
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.full_manifest import Uses
from drbot.core.text.messages import phrase

_UNNAMED = re.compile(r"[0-9a-f]{64}")  # what the engine calls a volume that no file names


def uses_of(documents: Iterable[Mapping[str, Any]]) -> Uses:
    found = tuple(documents)
    services = [service for document in found for service in (document.get("services") or {}).values()]
    return Uses(
        volumes=_sorted(
            str(volume["name"]) for document in found for volume in (document.get("volumes") or {}).values()
        ),
        ports=tuple(sorted({port for service in services for port in _ports(service)})),
        containers=_sorted(str(one["container_name"]) for one in services if one.get("container_name")),
    )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _ports(service: Mapping[str, Any]) -> Iterator[int]:
    """One or a range; a port that the engine chooses is nobody's."""
    for port in service.get("ports") or ():
        first, _, last = str(port.get("published") or "").partition("-")
        if first.isdecimal():
            yield from range(int(first), int(last if last.isdecimal() else first) + 1)


def place_of(mount: Mapping[str, Any], volumes: Mapping[str, str]) -> str | None:
    """Where what a service mounts lies: a volume's real name, or a folder's whole path. `volumes`: key → real name."""
    source = str(mount.get("source"))
    return normpath(source) if mount.get("type") == "bind" else volumes.get(source)


def not_mounted(service: str, place: str) -> PermanentError:
    """By the compose file. `service`: "project/service"."""
    if _UNNAMED.fullmatch(place):
        said = phrase(
            "{service} keeps its data in a volume without a name, which does not outlive `docker compose down`: give "
            "it one in the compose file",
            service=service,
        )
    else:
        said = phrase("{service} does not mount the volume {volume}", service=service, volume=place)
    return PermanentError(said)
