"""Reads what a system consists of: from Compose's own model, and from the containers that the engine has of it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_unnamed
from drbot.core.site.inventory import Inventory, KnownService, Mount, compose_of
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase
from drbot.runners.clients.compose import Compose, Document
from drbot.runners.clients.container_files import is_empty
from drbot.runners.clients.container_labels import NOT_ONE_OFF, PROJECT, SERVICE
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.exact_images import digest_of
from drbot.runners.clients.project_places import places_of
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.watching import Cancelled

COMPLETED = "service_completed_successfully"
DATABASES = frozenset({"postgres", "redis-server", "valkey-server", "mariadbd", "mysqld", "mongod"})
"""Programs that keep data in files which only they can read while they run."""
LATER = frozenset({"redis-server", "valkey-server"})


def read_inventory(site: Site, engine: DockerEngine, compose: Compose, cancelled: Cancelled) -> Inventory:
    """Of all compose projects of a site. A project whose files cannot be read is known by its containers alone. Raises
    TemporaryError where the engine does not answer, CancelledError.
    """
    projects = site.compose_projects()
    listed = engine.listing(NOT_ONE_OFF)
    containers, places = _containers(engine, listed, projects), places_of(site, listed)
    compose = compose.knowing(compose_of(site, places))
    documents = at_once(lambda name: _document(compose, name, cancelled), projects)
    both = tuple(zip(projects, documents, strict=True))
    found = [
        _looked_at(engine, one, document, containers.get(name, {}).get(one.service))
        for name, document in both
        for one in services_of(name, document, containers.get(name, {}))
    ]
    seldom = tuple(
        one for name, document in both for one in _seldom_of(engine, name, document, containers.get(name, {}))
    )
    return Inventory(services=tuple(found), projects=places, seldom=seldom)


def _looked_at(engine: DockerEngine, known: KnownService, document: Document, made_of: Document | None) -> KnownService:
    """With what only its container tells."""
    about = {"program": _program(engine, made_of), "digest": digest_of(engine, known.image, known.image_id)}
    known = known.model_copy(update=about)
    return known.model_copy(update={"mounts": tuple(_in_use(engine, known, document, made_of))})


def _document(compose: Compose, project: str, cancelled: Cancelled) -> Document:
    try:
        return compose.describe_all(project, cancelled)
    except PermanentError:  # what is wrong with it is told where somebody needs it
        return {}


def _containers(
    engine: DockerEngine, listed: Iterable[Document], projects: tuple[str, ...]
) -> dict[str, dict[str, Document]]:
    """Project → service → its container as the engine describes it."""
    found: dict[str, dict[str, Document]] = {}
    ours = (one for one in listed if one["Labels"].get(PROJECT) in projects and one["Labels"].get(SERVICE))
    for made_of in engine.inspected(ours):
        labels = made_of["Config"]["Labels"]
        found.setdefault(labels[PROJECT], {})[labels[SERVICE]] = made_of
    return found


def _program(engine: DockerEngine, container: Document | None) -> str:
    """Of a database, as the host sees its processes: no image can lie about that by its name."""
    if container is None or not container["State"]["Running"] or not container["Mounts"]:
        return ""
    try:
        with docker_errors(phrase("Look which programs a container runs")):
            rows = engine.client.api.top(container["Id"])["Processes"] or ()
    except PermanentError:  # it ended meanwhile
        return ""
    names = (PurePosixPath(str(row[-1]).split()[0].rstrip(":")).name for row in rows)
    return next((name for name in names if name in DATABASES), "")


def services_of(project: str, document: Document, containers: Mapping[str, Document]) -> Iterator[KnownService]:
    """Those that `up` would start, and those that have a container: of a profile, or that no file describes."""
    described: Mapping[str, Document] = document.get("services") or {}
    awaited = {
        name
        for waiter, one in described.items()
        if waiter in containers or not one.get("profiles")
        for name, how in (one.get("depends_on") or {}).items()
        if how.get("condition") == COMPLETED
    }
    for name in dict.fromkeys((*described, *containers)):
        says, made_of = described.get(name), containers.get(name)
        if says is not None and says.get("profiles") and made_of is None:
            continue
        yield KnownService(
            project=project,
            service=name,
            image=str((says or {}).get("image") or f"{project}-{name}"),
            image_id=str(made_of["Image"]) if made_of else "",
            needs=tuple(needed for needed in (says or {}).get("depends_on") or {} if needed in described),
            once=name in awaited,
            described=says is not None,
            mounts=tuple(_mounts(says or {}, made_of, document)),
        )


def _seldom_of(
    engine: DockerEngine, project: str, document: Document, containers: Mapping[str, Document]
) -> Iterator[KnownService]:
    """Those of a profile that have run and left nothing but what they mount: a job that cron starts."""
    for name, says in (document.get("services") or {}).items():
        if says.get("profiles") and name not in containers:
            mounts = tuple(mount for mount in _mounts(says, None, document) if _is_there(engine, mount))
            if mounts:
                yield KnownService(project=project, service=name, mounts=mounts)


def _is_there(engine: DockerEngine, mount: Mount) -> bool:
    """A folder is named as its file names it; a volume that nobody has made holds nothing."""
    return mount.kind == "bind" or (bool(mount.source) and engine.volume(mount.source) is not None)


def _mounts(says: Document, made_of: Document | None, document: Document) -> Iterator[Mount]:
    """Of its container, which also tells volumes that only the image asks for; else as its file says."""
    if made_of is not None:
        for mount in made_of["Mounts"]:
            if mount["Type"] in ("volume", "bind"):
                yield Mount(kind=mount["Type"], source=_name(mount, says, document), target=mount["Destination"])
        return
    names = {key: str(one["name"]) for key, one in (document.get("volumes") or {}).items()}
    for mount in says.get("volumes") or ():
        source = str(mount.get("source") or "")
        if mount["type"] in ("volume", "bind"):
            yield Mount(kind=mount["type"], source=names.get(source, source), target=mount["target"])


def _in_use(engine: DockerEngine, known: KnownService, document: Document, made_of: Document | None) -> Iterator[Mount]:
    """All but what only an image asks for and nothing was ever put into: a client of PostgreSQL made from its image.
    Redis puts its keys there later.
    """
    says = (document.get("services") or {}).get(known.service) or {}
    named = {one["target"] for one in says.get("volumes") or ()}
    for mount in known.mounts:
        is_of_image = not mount.source and mount.target not in named
        is_used = made_of is None or not is_of_image or known.program in LATER
        if is_used or (made_of is not None and not is_empty(engine, made_of["Id"], mount.target)):
            yield mount


def _name(mount: Document, says: Document, document: Document) -> str:
    """A volume's real name; "" for one that nobody has given a name."""
    if mount["Type"] == "bind":
        return str(mount["Source"])
    targets = {one["target"] for one in says.get("volumes") or () if one["type"] == "volume" and one.get("source")}
    is_named = mount["Destination"] in targets or not is_unnamed(str(mount["Name"]))
    return str(mount["Name"]) if is_named else ""
