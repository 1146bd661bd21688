"""What a copy of a running Redis needs of it: version, way of keeping, and a helper on its own network."""

import re
from collections.abc import Mapping

from core.errors import TemporaryError
from runners.clients.docker_engine import DockerEngine, ServiceContainer
from runners.clients.helper import HelperOrder
from runners.clients.redis_server import RedisServer, password_of


def running(engine: DockerEngine, redis: RedisServer) -> ServiceContainer:
    """Its container. Raises TemporaryError when it does not run."""
    container = engine.container(redis.service)
    if container is None or not container.is_running:
        raise TemporaryError("Redis is not running", kind="starting")
    return container


def identity(engine: DockerEngine, redis: RedisServer) -> tuple[str, bool]:
    """Version of the running server, and whether it keeps an append-only file. Raises TemporaryError."""
    container = running(engine, redis)
    version = re.search(r"redis_version:(\S+)", _ask(engine, container, "INFO", "server"))
    if version is None:
        raise TemporaryError("Redis does not say its version", kind="starting")
    said = _ask(engine, container, "CONFIG", "GET", "appendonly").split()
    if said[:1] == ["appendonly"]:
        return version[1], said[1:] == ["yes"]
    # CONFIG may be forbidden; then the command line is all there is
    return version[1], "--appendonly yes" in " ".join(container.command).lower()


def beside(
    engine: DockerEngine, redis: RedisServer, labels: Mapping[str, str], command: tuple[str, ...]
) -> HelperOrder:
    """A helper on the server's own network, with the server's programs and its password."""
    container = running(engine, redis)
    password = password_of(container)
    return HelperOrder(
        image=container.image,
        name=None,
        labels=labels,
        entrypoint=command,
        network=f"container:{container.id}",
        environment={"REDISCLI_AUTH": password} if password else {},
    )


def _ask(engine: DockerEngine, container: ServiceContainer, *command: str) -> str:
    environment = {"REDISCLI_AUTH": password} if (password := password_of(container)) else {}
    return engine.execute(container.id, ["redis-cli", *command], seconds=5, environment=environment).output
