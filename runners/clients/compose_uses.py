"""What compose files take of a host: volumes, ports and container names, as `docker compose config` tells."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drbot.core.site.full_manifest import Uses


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
