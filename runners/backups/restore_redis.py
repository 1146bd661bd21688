"""The Redis of a site on a volume beside production, and whether all of a backup came back in it."""

from collections.abc import Mapping
from pathlib import Path

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.full_manifest import RedisState
from drbot.core.site.site import Service, Site
from drbot.core.text.messages import phrase
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.container_labels import helper_name
from drbot.runners.clients.own_definition import read_definition
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.rdb_check import RdbCount
from drbot.runners.clients.redis_alone import RedisAlone
from drbot.runners.clients.rights import Asked, beyond_production
from drbot.runners.foundation.watching import Cancelled


def alone_on(volume: str, site: Site, clients: Clients, labels: Mapping[str, str], cancelled: Cancelled) -> RedisAlone:
    """The site's Redis, as it is started, on this volume. Raises PermanentError when the site has none."""
    redis = site.redis
    if redis is None:
        raise PermanentError(phrase("This site has no `redis` in dr.yml"))
    service = site.services[redis.service]
    return RedisAlone(
        engine=clients.docker,
        compose=clients.compose,
        definition=read_definition(clients.compose, service, redis.volume, cancelled),
        volume=volume,
        name=helper_name("restore", volume),
        labels=labels,
        cancelled=cancelled,
    )


def require_as_production(alone: RedisAlone, service: Service) -> None:
    """For what nobody is asked about. Raises TemporaryError until production's own container was made from the files
    that are there now, and has all that they ask for.
    """
    bounds = Bounds(cancelled=alone.cancelled, seconds=60)
    outdated = alone.compose.outdated(service.project, [service.service], bounds)
    if all(one.name in outdated for one in alone.engine.containers(service)):  # also where there is none
        said = phrase(
            "Production has no container of {project}/{service} that was made from the files there now, so nothing is "
            "tried by them; make it from them: docker compose up -d {service}",
            project=service.project,
            service=service.service,
        )
        raise TemporaryError(said, kind="starting")
    if more := _beyond_production(alone, service, None):
        raise TemporaryError(more, kind="starting")


def require_no_more(alone: RedisAlone, service: Service, projects: Path) -> None:
    """For what runs beside production before people have approved anything: as a compose file says that was edited
    since, it could do to the host whatever it likes. Raises PermanentError. Where production has no container of it,
    an ordinary one that uses nothing of the host but the projects.
    """
    is_there = bool(alone.engine.containers(service))
    if more := _beyond_production(alone, service, None if is_there else projects):
        raise PermanentError(more)


def _beyond_production(alone: RedisAlone, service: Service, own: Path | None) -> str:
    document = alone.definition.alone(alone.name, alone.definition.data, {})  # on production's own volume
    return beyond_production(Asked(document=document, service=service.service, own=own), alone.engine, service)


def require_keys(count: RdbCount, expected: RedisState | None) -> None:
    """Raises PermanentError unless as many came back as the manifest says."""
    if expected and (count.keys, count.expiring) != (expected.keys, expected.expires):
        raise PermanentError(
            phrase(
                "The backup's copy of Redis has {keys} keys; its manifest says {wanted}",
                keys=count.keys,
                wanted=expected.keys,
            )
        )
