"""What runs on an engine, for `drbot init`: compose projects and their folders, stores by their processes, addresses.

Only looks. What cannot be found out (who approves, where backups go, which data matters) is asked by drbot/cli/init.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from drbot.core.base.errors import DrbotError
from drbot.core.site.inventory import Inventory, KnownService
from drbot.core.site.site import Postgres, Redis, Service, Site
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.container_labels import NOT_ONE_OFF, PROJECT, SERVICE, WORKING_DIR, helper_name, is_helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.health import fault_of_url
from drbot.runners.clients.postgres_server import PostgresServer
from drbot.runners.clients.redis_server import RedisServer
from drbot.runners.clients.sqlite_files import SQLITE
from drbot.runners.clients.told_health import Page, page_in
from drbot.runners.foundation.at_once import at_once

OWN_PROJECT = "drbot-"  # of helpers that Compose makes (container_labels.own_project)
PATHS = ("/health", "/healthz", "/")
ANYWHERE = "0.0.0.0"  # noqa: S104 - read from the engine, bound to nothing
TEMPLATES = ("postgres", "template0", "template1")

Kind = Literal["postgres", "redis", "other"]
KINDS: Mapping[str, Kind] = {"postgres": "postgres", "redis-server": "redis", "valkey-server": "redis"}
"""Program of a database → its kind. `other`: one that drbot has no hand for."""
USUAL: Mapping[Kind, str] = {"postgres": "/var/lib/postgresql/data", "redis": "/data"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A service that keeps data in a way of its own."""

    project: str
    service: str
    kind: Kind
    program: str
    volume: str  # the volume, or the folder on the host; "" = none that has a name
    user: str = ""
    databases: tuple[str, ...] = ()
    answers: bool = False  # `databases` are what the server itself said


def projects_on(engine: DockerEngine) -> dict[str, tuple[Path, ...]]:
    """Compose project → the folders that it was started from, the newest first: one, unless two systems have its name.
    Raises TemporaryError where the engine does not answer.
    """
    found: dict[str, dict[Path, None]] = {}
    for one in engine.listing(NOT_ONE_OFF):
        labels = one.get("Labels") or {}
        if labels.get(WORKING_DIR) and not labels.get(PROJECT, OWN_PROJECT).startswith(OWN_PROJECT):
            found.setdefault(labels[PROJECT], {})[Path(labels[WORKING_DIR])] = None
    return {name: tuple(folders) for name, folders in found.items()}


def others_on(engine: DockerEngine) -> tuple[str, ...]:
    """Names of the containers that Compose has not started, but for drbot's own. Raises TemporaryError."""
    named = ((one["Names"][0].lstrip("/"), one.get("Labels") or {}) for one in engine.listing())
    own = helper_name("lock", "")
    others = ((name, labels) for name, labels in named if not name.startswith(own) and not is_helper(name, labels))
    return tuple(name for name, labels in others if PROJECT not in labels)


def stores_of(engine: DockerEngine, compose: Compose, inventory: Inventory) -> tuple[Store, ...]:
    """Every service whose container runs the program of a database; SQLite has none."""
    return tuple(found for one in inventory.services if (found := _store(engine, compose, one)) is not None)


def _store(engine: DockerEngine, compose: Compose, known: KnownService) -> Store | None:
    if known.program in ("", SQLITE):
        return None
    kind = KINDS.get(known.program, "other")
    found = Store(
        project=known.project, service=known.service, kind=kind, program=known.program, volume=_likely(known, kind)
    )
    if kind == "redis":
        return _of_redis(engine, known, found)
    return found if kind != "postgres" else _asked(engine, compose, known, found)


def _of_redis(engine: DockerEngine, known: KnownService, found: Store) -> Store:
    """With the volume of its data, where it tells its folder."""
    settings = Redis.model_construct(service="x", user=None, volume=found.volume)
    server = RedisServer(Site(services={"x": _as_service(known)}, redis=settings), engine)
    try:
        return replace(found, volume=mounted_at(known, server.data_folder()))
    except DrbotError:
        return found


def _asked(engine: DockerEngine, compose: Compose, known: KnownService, found: Store) -> Store:
    """With its databases and the volume of its data; without them where it does not answer."""
    service = _as_service(known)
    container = engine.container(service)
    user = (container.environment if container else {}).get("POSTGRES_USER", "postgres")
    settings = Postgres.model_construct(service="x", user=user, volume=found.volume, databases=())
    server = PostgresServer(Site(services={"x": service}, postgres=settings), engine, compose)
    try:
        databases = tuple(name for name in server.databases() if name not in TEMPLATES)
        volume = mounted_at(known, server.data_folder())
    except DrbotError:
        return replace(found, user=user, databases=("postgres",))
    return replace(found, user=user, databases=databases or ("postgres",), volume=volume, answers=True)


def mounted_at(known: KnownService, folder: str) -> str:
    """What is mounted where data lies: the mount that is nearest to it; "" for none, and for one without a name."""
    around = [one for one in known.mounts if PurePosixPath(folder).is_relative_to(one.target)]
    return max(around, key=lambda one: len(one.target)).source if around else ""


def written_elsewhere(server: PostgresServer | RedisServer, inventory: Inventory, service: Service, volume: str) -> str:
    """Where a store that answers keeps its data, inside, unless that is in its volume; "" also where nobody knows."""
    place = (service.project, service.service)
    known = [one for one in inventory.services if (one.project, one.service) == place and one.image_id]
    try:
        folder = server.data_folder() if known else ""
    except DrbotError:  # told by what says whether it works
        return ""
    return folder if known and mounted_at(known[0], folder) != volume else ""


def _likely(known: KnownService, kind: Kind) -> str:
    """The same of one that does not tell: where images of its kind have it, else in the deepest mount."""
    deepest = max(known.mounts, key=lambda one: len(one.target)).source if known.mounts else ""
    return mounted_at(known, USUAL.get(kind, "/")) or deepest


def jobs_of(engine: DockerEngine, inventory: Inventory) -> frozenset[tuple[str, str]]:
    """(project, service) of what has run to a good end, and Docker would not start again, though nothing waits for it.
    Only where all works: what somebody has stopped looks the same.
    """
    found = ((one, engine.container(_as_service(one))) for one in inventory.services if not one.once)
    return frozenset(
        (one.project, one.service)
        for one, container in found
        if container is not None
        and container.is_done
        and engine.inspect(container.id)["HostConfig"]["RestartPolicy"]["Name"] in ("", "no", "on-failure")
    )


def _as_service(known: KnownService) -> Service:
    return Service(project=known.project, service=known.service, role="app")


def written_folders(engine: DockerEngine, inventory: Inventory, projects: Path) -> tuple[str, ...]:
    """Folders of the projects that containers may write to, as paths from `projects` on: data beside the settings."""
    known = {one.project for one in inventory.services}
    ours = (one for one in engine.listing(NOT_ONE_OFF) if one["Labels"].get(PROJECT) in known)
    mounts = [mount for one in engine.inspected(ours) for mount in one["Mounts"] if mount["RW"]]
    folders = {Path(mount["Source"]) for mount in mounts if mount["Type"] == "bind"}
    below = sorted(one.relative_to(projects) for one in folders if one.is_relative_to(projects) and one.is_dir())
    deep = [one for one in below if len(one.parts) > 1]  # a whole project is no data
    return tuple(str(one) for one in deep if not any(one != other and one.is_relative_to(other) for other in deep))


def addresses_of(engine: DockerEngine, inventory: Inventory) -> dict[tuple[str, str], str]:
    """(project, service) → a URL that answers well on one of its published ports."""
    published: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    told: dict[tuple[str, str], Page | None] = {}
    for one in engine.listing(NOT_ONE_OFF):
        if one["State"] == "running":
            place = (one["Labels"].get(PROJECT), one["Labels"].get(SERVICE))
            published.setdefault(place, []).extend(one["Ports"])
            told[place] = _told(engine, one["Id"])
    places = [(one.project, one.service) for one in inventory.services if not one.once]
    found = at_once(lambda place: _answering(urls_of(published.get(place, ()), told.get(place))), places)
    return {place: url for place, url in zip(places, found, strict=True) if url}


def _told(engine: DockerEngine, container: str) -> Page | None:
    """The page that its own health check asks for."""
    config = (engine.find(container) or {}).get("Config") or {}
    return page_in((config.get("Healthcheck") or {}).get("Test") or ())


def _answering(urls: Iterable[str]) -> str:
    return next((url for url in urls if fault_of_url(url) is None), "")


def urls_of(published: Iterable[Mapping[str, Any]], told: Page | None) -> Iterator[str]:
    """Where a service may say whether it is well: what its own health check asks for, then what is usual."""
    known = [(one, host) for one in published if (host := _host(one))]
    if told is not None:
        for one, host in known:
            if one["PrivatePort"] == told.port:
                yield f"{told.scheme}://{host}:{one['PublicPort']}{told.path}"
    for one, host in sorted(known, key=lambda pair: str(pair[0]["PrivatePort"])):
        yield from (f"http://{host}:{one['PublicPort']}{path}" for path in PATHS)


def _host(one: Mapping[str, Any]) -> str:
    """By which name this host reaches a published port; "" = by none."""
    host = one["IP"] if one.get("IP") not in (None, "", ANYWHERE, "::") else "127.0.0.1"
    return host if one["Type"] == "tcp" and one.get("PublicPort") and ":" not in host else ""
