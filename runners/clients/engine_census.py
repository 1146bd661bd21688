"""What is on an engine, so that two looks can be compared: whatever is drbot's own passing work is left out."""

from collections.abc import Iterator, Mapping

from docker.errors import NotFound

from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import HELPER_LABEL
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.sandbox import DRILL_LABEL

PASSING = frozenset({DRILL_LABEL, HELPER_LABEL})


def census(engine: DockerEngine) -> Mapping[str, str]:
    """ "volume postgres_data" → what makes it this one; of a container also since when it runs. Raises
    TemporaryError.
    """
    with docker_errors(phrase("Look what is on the Docker engine")):
        return dict([*_containers(engine), *_others(engine)])


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The names of what came, went or is another one now."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def _containers(engine: DockerEngine) -> Iterator[tuple[str, str]]:
    api = engine.client.api
    for found in api.containers(all=True):
        if PASSING & (found.get("Labels") or {}).keys():
            continue
        try:
            state = (inspected := api.inspect_container(found["Id"]))["State"]
        except NotFound:  # gone meanwhile
            continue
        made = (found["Id"], state["Status"], state["StartedAt"], inspected["RestartCount"])
        yield f"container {inspected['Name'].lstrip('/')}", " ".join(map(str, made))


def _others(engine: DockerEngine) -> Iterator[tuple[str, str]]:
    api = engine.client.api
    for volume in api.volumes()["Volumes"] or ():
        if not PASSING & (volume.get("Labels") or {}).keys():
            yield f"volume {volume['Name']}", str(volume.get("CreatedAt"))
    for network in api.networks():
        yield f"network {network['Name']}", str(network["Id"])
