"""The Redis server of a site: does it answer, and how many keys does it hold?"""

from dataclasses import dataclass

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.site import Service, Site
from drbot.core.text.messages import Message, phrase
from drbot.core.text.words import ending
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.redis_login import REFUSED, Login, ask, login_of
from drbot.runners.clients.service_container import ServiceContainer, fault_of

MAY_COPY = ("REPLCONF", "capa", "eof")  # what a replica says first; it changes nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyCount:
    """Keys in all databases now, and what the server itself has removed since it was started."""

    keys: int
    expiring: int  # of these: they may be gone at the next look
    expired: int = 0  # their time was over, at loading or later
    evicted: int = 0  # for room, as its settings say

    @property
    def lasting(self) -> int:
        """Keys that nothing but a command removes."""
        return self.keys - self.expiring

    @property
    def accounted(self) -> int:
        """Keys that it had when it was started."""
        return self.keys + self.expired + self.evicted


class RedisServer:
    """The service `redis.service` of a site."""

    def __init__(self, site: Site, engine: DockerEngine, password: str | None = None) -> None:
        """`password`: of the user that dr.yml names, where it stands nowhere in the container."""
        self._site = site
        self._engine = engine
        self._given = Login(user=site.redis.user if site.redis else None, password=password)
        self._logins: dict[tuple[str, ...], Login] = {}  # by container and words: they are found once

    @property
    def service(self) -> Service:
        """Its entry under `services`. Raises PermanentError when dr.yml has none."""
        if self._site.redis is None:
            raise PermanentError(phrase("This site has no `redis` in dr.yml"))
        return self._site.services[self._site.redis.service]

    def fault(self) -> str | None:
        """Why it does not work, or None: it answers a ping. One that asks for a password is alive."""
        container = self._engine.container(self.service)
        if container is None or not container.is_running:
            return fault_of(container)
        answer = ask(self._engine, container.id, self.login(container, "ping"), "ping")
        if "PONG" in answer or REFUSED.search(answer):
            return None
        if isinstance(answer, Message):  # ours, for want of an answer
            return answer
        return answer.splitlines()[-1] if answer else phrase("it does not answer a ping")

    def running(self) -> ServiceContainer:
        """Its container. Raises TemporaryError when it does not run."""
        container = self._engine.container(self.service)
        if container is None or not container.is_running:
            raise TemporaryError(phrase("Redis is not running"), kind="starting")
        return container

    def count(self) -> KeyCount:
        """The keys of all its databases. Raises TemporaryError when it does not say, PermanentError when we may not."""
        said = self.ask(self.running(), "info")
        if REFUSED.search(said):
            raise PermanentError(phrase("Redis does not let us count its keys: {why}", why=refusal(said)))
        if "# Keyspace" not in said or fields(said).get("loading") == "1":
            raise TemporaryError(
                phrase("Redis does not say how many keys it has: {said}", said=ending(said, 200)), kind="starting"
            )
        return key_count(said)

    def data_folder(self) -> str:
        """Where it writes, inside. Raises TemporaryError when it does not say."""
        name, _, folder = self.ask(self.running(), "config", "get", "dir").strip().partition("\n")
        if name.strip() != "dir":
            raise TemporaryError(phrase("it does not say where it keeps its data"), kind="starting")
        return folder.strip()

    def login(self, container: ServiceContainer, *words: str) -> Login:
        """Who may say these words there."""
        known = (container.id, *words)
        if known not in self._logins:
            self._logins[known] = login_of(self._engine, container, self._given, *words)
        return self._logins[known]

    def ask(self, container: ServiceContainer, *words: str) -> str:
        """redis-cli's answer. A password that was changed since is found again."""
        said = ask(self._engine, container.id, self.login(container, *words), *words)
        if REFUSED.search(said):
            self._logins.pop((container.id, *words), None)
        return said


def refusal(said: str) -> str:
    return phrase(
        "{said}. Its password was looked for in its container's environment, command, files and secrets. Name a "
        "user as `user` of `redis` in dr.yml, and give its password as SITE_REDIS_PASSWORD",
        said=last_line(said).rstrip("."),
    )


def key_count(info: str) -> KeyCount:
    """From INFO: of the keyspace lines like db0:keys=500,expires=3,avg_ttl=0."""
    said = fields(info)
    counts = [
        dict(part.split("=", 1) for part in value.split(","))
        for name, value in said.items()
        if name.startswith("db") and value.startswith("keys=")
    ]
    return KeyCount(
        keys=sum(int(count["keys"]) for count in counts),
        expiring=sum(int(count["expires"]) for count in counts),
        expired=int(said.get("expired_keys", 0)) + int(said.get("rdb_last_load_keys_expired", 0)),
        evicted=int(said.get("evicted_keys", 0)),
    )


def fields(info: str) -> dict[str, str]:
    """name:value lines of INFO."""
    pairs = (line.strip().split(":", 1) for line in info.splitlines() if ":" in line and not line.startswith("#"))
    return {part[0]: part[1] for part in pairs}
