"""The tools of one site's actions, built once per worker and passed down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from drbot.core.base.errors import TemporaryError
from drbot.core.base.names import is_folder
from drbot.core.site.inventory import compose_of
from drbot.core.site.site import ComposeFiles, Configuration, Site
from drbot.runners.clients.backup_store import BackupStore
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.compose_once import ReadOnce
from drbot.runners.clients.compose_reads import Allowed
from drbot.runners.clients.container_labels import NOT_ONE_OFF
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.health import Health
from drbot.runners.clients.host_folders import EngineWithFolders
from drbot.runners.clients.patient_docker import PATIENCE_SECONDS
from drbot.runners.clients.postgres_server import PostgresServer
from drbot.runners.clients.project_places import places_of
from drbot.runners.clients.redis_server import RedisServer
from drbot.runners.clients.volume_mover import VolumeMover
from drbot.runners.foundation.once import ANEW, Once
from drbot.runners.foundation.own_record import FOLDER as OWN_FOLDER
from drbot.runners.foundation.settings import RunnerSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    docker: DockerEngine
    compose: Compose
    postgres: PostgresServer
    redis: RedisServer
    health: Health
    volumes: VolumeMover
    backups: BackupStore
    settings: RunnerSettings
    once: Once = ANEW  # what one survey knows already

    def of(self, site: Site) -> "Clients":
        """The same engine and programs, for the site with every service and place that is known by now."""
        return self._with(site, self.compose.knowing(site.compose))

    def for_survey(self, site: Site) -> "Clients":
        """The same for one survey of this site: what it has read it does not read again."""
        once = Once()
        return replace(self, once=once)._with(site, ReadOnce(self.compose, once))

    def _with(self, site: Site, compose: Compose) -> "Clients":
        postgres = PostgresServer(site, self.docker, compose)
        redis = RedisServer(site, self.docker, self.settings.redis_password)
        health = Health(site, self.docker, postgres, redis)
        return replace(self, compose=compose, postgres=postgres, redis=redis, health=health)

    def have(self, place: str) -> bool:
        """Whether there is a volume, or a folder on this host, of this name."""
        return is_there(self.docker, place)

    def close(self) -> None:
        self.docker.close()


def clients_of(
    site: Site, configuration: Configuration, settings: RunnerSettings, *, patience_seconds: float = PATIENCE_SECONDS
) -> Clients:
    """Nothing connects yet: a dead engine is found by the step that needs it, after `patience_seconds`."""
    host = site.docker.host or settings.docker_host
    engine = EngineWithFolders(host, patience_seconds)

    def places() -> Mapping[str, ComposeFiles]:
        try:
            return compose_of(site, places_of(site, engine.listing(NOT_ONE_OFF)))
        except TemporaryError:  # what needs the engine says so
            return site.compose

    kept_or_not_needed = (Path(name) for name in (*site.files, *site.not_needed) if Path(name).is_absolute())
    folders = tuple(kept_or_not_needed)
    allowed = Allowed(variables=site.variables, folders=folders, never=settings.home / OWN_FOLDER)
    compose = Compose(site.projects, host, site.address, engine.patience, places, allowed)
    postgres = PostgresServer(site, engine, compose)
    redis = RedisServer(site, engine, settings.redis_password)
    return Clients(
        docker=engine,
        compose=compose,
        postgres=postgres,
        redis=redis,
        health=Health(site, engine, postgres, redis),
        volumes=VolumeMover(engine),
        backups=BackupStore(configuration.backups.directory),
        settings=settings,
    )


def is_there(engine: DockerEngine, place: str) -> bool:
    """A volume of the engine, or a folder on this host."""
    return Path(place).is_dir() if is_folder(place) else engine.volume(place) is not None
