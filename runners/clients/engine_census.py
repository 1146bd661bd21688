"""What a system is made of on its engine, so that two looks can be compared."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from drbot.runners.clients.container_labels import PROJECT
from drbot.runners.clients.docker_engine import DockerEngine


def census(engine: DockerEngine, projects: Collection[str]) -> Mapping[str, str]:
    """ "volume postgres_data" → what makes it this one: of the containers of these compose projects, which also tell
    since when they run, and of all volumes and networks that they have. Raises TemporaryError.
    """
    there = (one for one in engine.listing() if (one.get("Labels") or {}).get(PROJECT) in projects)
    return dict(part for container in engine.inspected(there) for part in _parts(engine, container))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The names of what came, went or is another one now."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def _parts(engine: DockerEngine, container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    state = container["State"]
    made = (container["Id"], state["Status"], state["StartedAt"], container["RestartCount"])
    yield f"container {container['Name'].lstrip('/')}", " ".join(map(str, made))
    for mount in container["Mounts"]:
        if name := mount.get("Name"):
            volume = engine.volume(name)
            yield f"volume {name}", volume.created_at if volume else ""
    for name, network in container["NetworkSettings"]["Networks"].items():
        yield f"network {name}", str(network["NetworkID"])
