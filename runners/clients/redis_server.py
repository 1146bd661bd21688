"""The Redis server of a site: does it answer, and how many keys does it hold?"""

from core.errors import PermanentError, TemporaryError
from core.site import Service, Site
from core.words import ending
from runners.clients.docker_engine import DockerEngine, ServiceContainer, fault_of
from runners.clients.scratch_redis import KeyCount, key_count


class RedisServer:
    """The service `redis.service` of a site."""

    def __init__(self, site: Site, engine: DockerEngine) -> None:
        self._site = site
        self._engine = engine

    @property
    def service(self) -> Service:
        """Its entry under `services`. Raises PermanentError when dr.yml has none."""
        if self._site.redis is None:
            raise PermanentError("This site has no `redis` in dr.yml")
        return self._site.services[self._site.redis.service]

    def fault(self) -> str | None:
        """Why it does not work, or None: it answers a ping. One that asks for a password is alive."""
        container = self._engine.container(self.service)
        if container is None or not container.is_running:
            return fault_of(container)
        answer = self._ask(container, "ping")
        if "PONG" in answer or "NOAUTH" in answer:
            return None
        return answer.splitlines()[-1] if answer else "it does not answer a ping"

    def count(self) -> KeyCount:
        """The keys of all its databases. Raises TemporaryError when it does not say."""
        container = self._engine.container(self.service)
        said = self._ask(container, "info", "keyspace") if container and container.is_running else ""
        if "# Keyspace" not in said:
            raise TemporaryError(f"Redis does not say how many keys it has: {ending(said, 200)}", kind="starting")
        return key_count(said)

    def _ask(self, container: ServiceContainer, *words: str) -> str:
        environment = {"REDISCLI_AUTH": password} if (password := password_of(container)) else {}
        return self._engine.execute(container.id, ["redis-cli", *words], seconds=4, environment=environment).output


def password_of(container: ServiceContainer) -> str | None:
    """From its environment or its command line."""
    for name in ("REDISCLI_AUTH", "REDIS_PASSWORD"):
        if container.environment.get(name):
            return container.environment[name]
    command = container.command
    if "--requirepass" in command[:-1]:
        return command[command.index("--requirepass") + 1]
    return None
