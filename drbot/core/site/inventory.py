"""What a system consists of, as Compose's own model and the engine tell it: services, their order, what they mount.

dr.yml names projects, people, places and exceptions; what it does not list is found here. The worker reads it
(runners/clients/inventory_reader.py); it is sealed in plans and kept in full backups, because a lost host has no engine
left to ask.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Literal

from drbot.core.base.model import Model
from drbot.core.base.waiting import circle_in
from drbot.core.site.site import ComposeFiles, Service, Site, needs_of
from drbot.core.text.messages import and_more, listed, phrase

SHOWN = 5  # names in one sentence
PAUSE_IT = phrase("Such a copy may not start. Let dr.yml say `pause_for_backup: true` of it, or dump it into `files`.")

BELOW_HOSTS_OWN = tuple(
    map(
        PurePosixPath,
        ("/etc/os-release", "/etc/timezone", "/lib/modules", "/proc", "/run", "/sys", "/var/log", "/var/run"),
    )
)
_OF_ETC = ("group", "hostname", "hosts", "localtime", "machine-id", "passwd", "resolv.conf")
HOSTS_OWN = frozenset(
    map(
        PurePosixPath,
        ("/", "/dev", *(f"/etc/{name}" for name in _OF_ETC), "/var/lib/docker", "/var/lib/docker/containers"),
    )
)
"""Of the host, not of the system: every host has its own. Also everything below the first ones."""


class Mount(Model):
    """What a container of a service has mounted."""

    kind: Literal["volume", "bind"]
    source: str  # the volume's real name, or a path on the engine's host; "" = a volume without a name
    target: str  # inside


class KnownService(Model):
    """One service of one compose project, as it is described and as it runs."""

    project: str
    service: str
    image: str = ""
    image_id: str = ""  # of the container: what really runs where a tag has moved on; "" = there is no container
    digest: str = ""  # of that image, "postgres@sha256:…", where a registry has it
    needs: tuple[str, ...] = ()  # services of the same project, by `depends_on`
    once: bool = False  # it runs to its end, and others wait for that
    program: str = ""  # of a database, by its process, or by files of SQLite; "" = none is known, or it does not run
    described: bool = True  # False: only its container is there; its compose file does not know it any more
    mounts: tuple[Mount, ...] = ()


class KnownProject(ComposeFiles):
    """Where a compose project lies and what it was started from, by its containers."""

    project: str
    outside: tuple[str, ...] = ()  # paths outside of `projects` or of its folder: none of its files is used then
    disputed: tuple[str, ...] = ()  # paths, where its containers do not agree: the same

    @property
    def is_usable(self) -> bool:
        return not self.outside and not self.disputed


class Inventory(Model):
    """Every service that `docker compose up` would start, and every one that has a container."""

    services: tuple[KnownService, ...] = ()
    projects: tuple[KnownProject, ...] = ()  # those that are not where, or not of what, their name tells
    seldom: tuple[KnownService, ...] = ()  # of a profile, without a container: what they mount is there all the same

    @property
    def all_services(self) -> tuple[KnownService, ...]:
        """Also those that only their people start."""
        return (*self.services, *self.seldom)


NOTHING = Inventory()


def placed(inventory: Inventory, was: Path, now: Path) -> Inventory:
    """The same system where its projects are in another folder: what it mounts from below that comes with them."""

    def moved(mount: Mount) -> Mount:
        path = PurePosixPath(normpath(mount.source))
        if mount.kind != "bind" or was == now or not path.is_relative_to(was):
            return mount
        return mount.model_copy(update={"source": str(now / path.relative_to(was))})

    def with_moved(one: KnownService) -> KnownService:
        return one.model_copy(update={"mounts": tuple(map(moved, one.mounts))})

    parts = {"services": inventory.services, "seldom": inventory.seldom}
    return inventory.model_copy(update={name: tuple(map(with_moved, found)) for name, found in parts.items()})


class Unkept(Model):
    """What a service mounts that is in no backup. `name` is what dr.yml's `files` or `not_needed` would say."""

    name: str
    services: tuple[str, ...]  # "project/service" of who mounts it


def with_inventory(site: Site, inventory: Inventory) -> Site:
    """The site with every service in use of the projects that dr.yml names, whatever a backup or a row says of others:
    what dr.yml says of one counts, what it does not say is read. Of a project that runs, a service without a container
    was not started by its people, and drbot does not start it either. Each waits for what either of them names; where
    these contradict each other, Compose's word counts, for it keeps to it.
    """
    keys = {(one.project, one.service): key for key, one in site.services.items()}
    found = {(one.project, one.service): one for one in inventory.services if one.described}
    running, projects = {one.project for one in inventory.services if one.image_id}, site.compose_projects()
    for place, one in found.items():
        is_used = bool(one.image_id) or one.project not in running
        if place not in keys and place[0] in projects and is_used and not _is_monitoring(site, place[0]):
            keys[place] = _free_key(place, keys)
    services = {key: _service(site.services.get(key), place, found.get(place), keys) for place, key in keys.items()}
    if circle_in(needs_of(services)):
        services = {key: _needing(services[key], found.get(place), keys) for place, key in keys.items()}
    if circle_in(needs_of(services)):  # Compose has no such files: somebody else wrote that
        services = {key: one.model_copy(update={"needs": ()}) for key, one in services.items()}
    return site.model_copy(update={"services": services, "compose": compose_of(site, inventory.projects)})


def compose_of(site: Site, known: Sequence[KnownProject]) -> dict[str, ComposeFiles]:
    """Project → its folder and files; what dr.yml says counts."""
    read = {one.project: ComposeFiles(folder=one.folder, files=one.files, env_files=one.env_files) for one in known}
    usable = {one.project for one in known if one.is_usable and one.project in site.compose_projects()}
    return {name: one for name, one in read.items() if name in usable} | site.compose


def _is_monitoring(site: Site, project: str) -> bool:
    """It is started as a whole, when the system works."""
    listed = {one.project for one in site.services.values()}
    return site.monitoring is not None and project == site.monitoring.project and project not in listed


def _free_key(place: tuple[str, str], keys: Mapping[tuple[str, str], str]) -> str:
    project, service = place
    return service if service not in keys.values() else f"{project}-{service}"


def _service(
    named: Service | None,
    place: tuple[str, str],
    found: KnownService | None,
    keys: Mapping[tuple[str, str], str],
) -> Service:
    service = named or Service.model_construct(project=place[0], service=place[1], role="app")
    if found is None:
        return service
    needs = dict.fromkeys((*service.needs, *_needs(found, keys)))
    return service.model_copy(update={"needs": tuple(needs), "once": service.once or found.once})


def _needing(service: Service, found: KnownService | None, keys: Mapping[tuple[str, str], str]) -> Service:
    return service if found is None else service.model_copy(update={"needs": tuple(_needs(found, keys))})


def _needs(found: KnownService, keys: Mapping[tuple[str, str], str]) -> list[str]:
    return [keys[found.project, name] for name in found.needs if (found.project, name) in keys]


def unkept(site: Site, inventory: Inventory) -> tuple[Unkept, ...]:
    """What is mounted, is in no backup, and is not `not_needed` either: lost for good with the host, and at level 3."""
    users: dict[str, dict[str, None]] = {}
    site = site.model_copy(update={"compose": compose_of(site, inventory.projects)})
    for service in inventory.all_services:
        for name in _names(site, service):
            users.setdefault(name, {})[f"{service.project}/{service.service}"] = None
    return tuple(
        Unkept(name=name, services=tuple(names)) for name, names in sorted(users.items()) if name not in site.not_needed
    )


def unkept_text(found: Sequence[Unkept]) -> str:
    """Who is told that something is in no backup reads what it is and who has it; "" for nothing."""
    named = [phrase("{name} (of {services})", name=one.name, services=listed(one.services)) for one in found]
    return phrase("In no backup: {names}.", names=and_more(named, SHOWN)) if named else ""


def copied_while_written(site: Site, inventory: Inventory) -> tuple[KnownService, ...]:
    """Databases whose files a full backup copies while they write: nobody knows whether such a copy can be started."""
    dumped, named = set(site.store_services), site.services.items()
    well = {(one.project, one.service) for name, one in named if one.pause_for_backup or name in dumped}
    writing = (one for one in inventory.services if one.program and (one.project, one.service) not in well)
    return tuple(one for one in writing if any(_is_kept(site, mount) for mount in one.mounts))


def copied_text(found: Sequence[KnownService]) -> str:
    """The same for people; "" for nothing."""
    named = [phrase("{name} ({what})", name=f"{one.project}/{one.service}", what=one.program) for one in found]
    return phrase("Copied while they write: {names}.", names=and_more(named, SHOWN)) if named else ""


def _names(site: Site, service: KnownService) -> Iterator[str]:
    mounts = (one for one in service.mounts if not _is_kept(site, one) and not _is_hosts_own(one))
    yield from (name_of(service, mount) for mount in mounts)


def name_of(service: KnownService, mount: Mount) -> str:
    """How dr.yml names it: the volume, the path on the host, or of a volume without a name who mounts it where."""
    return mount.source or f"{service.project}/{service.service}:{mount.target}"


def kept_text(site: Site, service: KnownService, mount: Mount) -> str:
    """Where one mount is kept, in a few words."""
    if why := site.not_needed.get(name_of(service, mount)):
        return phrase("not needed: {why}", why=why)
    if mount.source in _of_stores(site):
        return phrase("as a database")
    if _is_kept(site, mount):
        return phrase("as files")
    return phrase("every host has its own") if _is_hosts_own(mount) else phrase("in no backup")


def _of_stores(site: Site) -> tuple[str, ...]:
    return tuple(store.volume for store in site.stores)


def _is_hosts_own(mount: Mount) -> bool:
    path = PurePosixPath(normpath(mount.source))
    return mount.kind != "volume" and (path in HOSTS_OWN or any(path.is_relative_to(one) for one in BELOW_HOSTS_OWN))


def _is_kept(site: Site, mount: Mount) -> bool:
    """By name; or below a project or a folder of `files`, which full backups hold whole."""
    if mount.kind == "volume":
        return mount.source in {*site.file_volumes, *_of_stores(site)}
    path, projects = PurePosixPath(normpath(mount.source)), PurePosixPath(site.projects.absolute())
    folders = map(site.folder_of, site.compose_projects())
    inside = [*(projects / name for name in folders), *(PurePosixPath(site.place_of(name)) for name in site.files)]
    return str(path) in _of_stores(site) or any(path.is_relative_to(one) for one in inside)
