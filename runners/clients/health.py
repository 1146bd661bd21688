"""Is a service healthy, as its users would see it: its health URL, its database, its cache, or Docker's word."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from ssl import SSLContext
from threading import Event

import httpx

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.own_checks import OwnCheck, moved
from drbot.core.site.site import Service, Site
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.answers import said_in
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.postgres_server import PostgresServer
from drbot.runners.clients.redis_server import RedisServer
from drbot.runners.clients.service_container import ServiceContainer, fault_of
from drbot.runners.clients.web import answered
from drbot.runners.foundation.at_once import at_once

REQUEST_SECONDS = 4.0
MOST_REDIRECTS = 5
AGAIN_SECONDS = 5.0
CHECK_SECONDS = 5
MOST_SAID = 4096  # of a health check, which nobody reads
_PAUSE = Event()  # never set


class Health:
    """Health of a site's services, asked at the same time."""

    def __init__(self, site: Site, engine: DockerEngine, postgres: PostgresServer, redis: RedisServer) -> None:
        self._site = site
        self._engine = engine
        self._postgres = postgres
        self._redis = redis

    def faults(self, names: Iterable[str]) -> Mapping[str, str]:
        """Name → why it is not healthy, for those that are not. Raises PermanentError for a service nobody knows."""
        services = {name: service_of(self._site, name) for name in names}
        found = zip(services, at_once(lambda item: self._fault(*item), services.items()), strict=True)
        return {name: fault for name, fault in found if fault}

    def lasting_faults(self, names: Iterable[str], pause: float = AGAIN_SECONDS) -> Mapping[str, str]:
        """Those that are there `pause` seconds later too: who has just started, or is slow once, is not down."""
        faults = self.faults(names)
        if faults:
            _PAUSE.wait(pause)
        return self.faults(faults)

    def _fault(self, name: str, service: Service) -> str | None:
        if service.health:
            return fault_of_url(service.health)
        special: Callable[[], str | None] | None = None
        if self._site.postgres and self._site.postgres.service == name:
            special = self._postgres.fault
        elif self._site.redis and self._site.redis.service == name:
            special = self._redis.fault
        return special() if special else self._fault_of_container(service)

    def _fault_of_container(self, service: Service) -> str | None:
        containers = self._engine.containers(service)
        if service.once:
            return fault_of_job(containers[0] if containers else None)
        faults = (fault_of_container(one) for one in containers or (None,) if not self._passes(one))
        return next(filter(None, faults), None)

    def _passes(self, container: ServiceContainer | None) -> bool:
        """Its own health check, before Docker gets round to it: that may be half a minute later."""
        if container is None or not container.is_running or container.health != "starting":
            return False
        kind, *words = container.health_check or ("NONE",)
        command = {"CMD": words, "CMD-SHELL": ["/bin/sh", "-c", *words]}.get(kind)
        if not command:
            return False
        try:
            return self._engine.execute(container.id, command, seconds=CHECK_SECONDS, most=MOST_SAID).code == 0
        except (PermanentError, TemporaryError):  # it has not the programs for that, or does not end
            return False


def fault_of_job(container: ServiceContainer | None) -> str | None:
    """Of a service that runs to its end, for who waits for that."""
    if container is not None and container.is_done:
        return None
    return fault_of(container) or phrase("it is still at work")


def fault_of_container(container: ServiceContainer | None) -> str | None:
    """Docker's word; None when it works."""
    if container is None or not container.is_running:
        return fault_of(container)
    return (
        None if container.health in (None, "healthy") else phrase("Docker says it is {state}", state=container.health)
    )


@cache
def trust() -> SSLContext:
    """Whom the system trusts, read once a process and not for each of the many looks."""
    return httpx.create_ssl_context()


def fault_of_url(url: str) -> str | None:
    """None when the URL answers 2xx, itself or behind redirects of the same host."""
    return answer_of(url)[0]


def answer_of(url: str) -> tuple[str | None, str]:
    """The same, and what it answers where it does, as far as it is read."""
    host, asked = httpx.URL(url).host, url
    try:
        with httpx.Client(timeout=REQUEST_SECONDS, trust_env=False, verify=trust()) as client:
            request = client.build_request("GET", url)
            for _ in range(MOST_REDIRECTS + 1):
                answer, said = answered(client, request, REQUEST_SECONDS)
                following = answer.next_request
                if following is None:
                    break
                if following.url.host != host:
                    there = following.url.host
                    return phrase("{url} redirects to another host: {host}", url=asked, host=there), ""
                request, asked = following, str(following.url)
    except httpx.HTTPError as error:
        return phrase("{what}: {why}", what=asked, why=str(error) or type(error).__name__), ""
    if answer.is_success:
        return None, said
    if following is not None:
        return phrase("{url} redirects more than {count} times", url=url, count=MOST_REDIRECTS), ""
    told = phrase("{url} answers {status}", url=asked, status=answer.status_code)
    why = said_in(said)
    return phrase("{what}: {why}", what=told, why=why) if why else told, ""


def fault_of_own(check: OwnCheck, before: str | None, now: str | None) -> str | None:
    """Why an `http` check of dr.yml does not pass; an address of the site that it is written for (`before`) is that of
    the site that runs `now`.
    """
    assert check.http is not None
    why, said = answer_of(moved(check.http, before, now))
    return check.named(why) if why else check.fault(said.strip())


def service_of(site: Site, name: str) -> Service:
    """The service of this name. Raises PermanentError with the names there are."""
    try:
        return site.services[name]
    except KeyError:
        raise PermanentError(
            phrase('There is no service "{name}"; there are: {services}', name=name, services=listed(site.services))
        ) from None
