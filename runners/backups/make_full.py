"""Makes a full backup: configuration, databases, Redis and files as one snapshot, with a manifest; stored everywhere.

Everything is read from the running system; only what dr.yml says is paused while files are copied.
Called by `drbot backup full`, so that cron can.
"""

import os
import platform
import shutil
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from os.path import realpath
from pathlib import Path, PurePosixPath
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_folder
from drbot.core.site.full_manifest import (
    DOCUMENT,
    DUMP,
    FILES,
    LINKED,
    MANIFEST,
    OWN,
    PROJECTS,
    REDIS,
    FullManifest,
    RedisState,
    Uses,
    full_name,
)
from drbot.core.site.inventory import Inventory, with_inventory
from drbot.core.site.site import Configuration, Service, Site
from drbot.core.text.messages import phrase
from drbot.runners.backups.make_dump import IsMade, first_free, in_each, require_data, unwritable
from drbot.runners.clients import redis_copy
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.compose_settings import running_settings, settings_of
from drbot.runners.clients.compose_uses import uses_of
from drbot.runners.clients.container_labels import RUN_LABEL, STEP_LABEL
from drbot.runners.clients.discovery import written_folders
from drbot.runners.clients.dump import DumpScanner
from drbot.runners.clients.full_store import FullBackup, FullBackupStore, full_stores, is_of, tags_of
from drbot.runners.clients.helper import Mount
from drbot.runners.clients.host_folders import data_below
from drbot.runners.clients.pausing import paused
from drbot.runners.clients.restic import Restic, plain
from drbot.runners.clients.restic_helper import ResticHelper, portable
from drbot.runners.clients.shared_settings import shared_settings
from drbot.runners.clients.sqlite_files import read_thoroughly
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.foundation.own_record import FOLDER as OWN_FOLDER
from drbot.runners.foundation.watching import Cancelled, Progress, never, unheard
from drbot.store.base.file_modes import PRIVATE_FOLDER, write_private

COPIED_BEFORE = "copied-before"  # tag of a snapshot that is no backup
EXCLUDED = (f"{PROJECTS}/*/.git", "__pycache__")  # a clone brings the one back, Python the other


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    configuration: Configuration
    site_name: str
    clients: Clients
    started: datetime
    folder: Path  # of what is made for it; private
    progress: Progress
    cancelled: Cancelled

    @property
    def site(self) -> Site:
        return self.configuration.site(self.site_name)

    @property
    def name(self) -> str:
        return full_name(self.started)

    @property
    def labels(self) -> Mapping[str, str]:
        """On every container it makes."""
        return {RUN_LABEL: f"backup-{self.name}", STEP_LABEL: "full"}

    @property
    def projects(self) -> tuple[str, ...]:
        return tuple(sorted(self.site.compose_projects()))

    @property
    def folders(self) -> tuple[str, ...]:
        """Of the projects, below `projects`."""
        there = (self.clients.compose.folder(name) for name in self.projects)
        return tuple(folder.relative_to(self.site.projects).as_posix() for folder in there)


def back_up_full(
    configuration: Configuration,
    site: str,
    *,
    clients: Clients,
    document: Path | None = None,
    stores: Sequence[FullBackupStore] = (),
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> tuple[FullBackup, FullManifest]:
    """Into `backups.directory`, then into every other place (default: all of dr.yml), then retention. `document`:
    dr.yml itself. A failure leaves nothing that looks like a backup. Raises PermanentError, TemporaryError,
    CancelledError.
    """
    directory = configuration.backups.directory
    *elsewhere, here = stores or full_stores(configuration)
    known = {backup.name for backup in here.newest_first(cancelled)}
    try:
        started = first_free(datetime.now(UTC), lambda moment: _claim(directory, full_name(moment), known))
    except OSError as error:
        raise unwritable(directory, error) from error
    making = Making(
        configuration=configuration,
        site_name=site or configuration.default_site,
        clients=clients,
        started=started,
        folder=parts_folder(directory, full_name(started)),
        progress=progress,
        cancelled=cancelled,
    )
    try:
        manifest = collect(making, document)
        made = take(making, here, manifest)
    except OSError as error:
        raise unwritable(directory, error) from error
    finally:
        shutil.rmtree(making.folder, ignore_errors=True)
    require_readable(making, made, manifest)
    store_everywhere(configuration, making.site_name, made, here, elsewhere, progress, cancelled)
    return made, manifest


def parts_folder(directory: Path, name: str) -> Path:
    """Where what is made for a backup lies; the folder is the claim to the name."""
    return directory / f".{name}.parts"


def _claim(directory: Path, name: str, known: Container[str]) -> bool:
    if name in known:
        return False
    try:
        parts_folder(directory, name).mkdir(parents=True, mode=PRIVATE_FOLDER)
    except FileExistsError:
        return False
    return True


def collect(making: Making, document: Path | None) -> FullManifest:
    """What is not there as files yet, into the private folder: dumps and manifest."""
    clients, site = making.clients, making.site
    for name in site.file_volumes:
        if clients.docker.volume(name) is None:
            raise PermanentError(phrase("`files` of the site names the volume {name}, which does not exist", name=name))
    manifest = FullManifest(
        name=making.name,
        system=making.configuration.system,
        site=making.site_name,
        started_at=making.started,
        snapshot_at=making.started.replace(microsecond=0),
        projects=making.projects,
        files=site.files,
        versions={"drbot": version("drbot-chatops")},
        source={"engine": clients.docker.id(), "host": platform.node()},
        inventory=read_thoroughly(site, clients.docker, clients.compose, making.cancelled),
    )
    manifest = manifest.model_copy(update={"uses": used(making, manifest.inventory)})
    if site.postgres is not None:
        manifest = dump_postgres(making, manifest)
    if site.redis is not None:
        version_, appendonly = redis_copy.identity(clients.redis)
        copied = redis_copy.copy(clients.docker, clients.redis, making.labels, making.folder, making.cancelled)
        state = RedisState(version=version_, keys=copied.keys, expires=copied.expiring, appendonly=appendonly)
        manifest = manifest.model_copy(update={"redis": state})
    if document is not None:
        shutil.copyfile(document, making.folder / DOCUMENT)
    write_private(making.folder / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    return manifest


def used(making: Making, inventory: Inventory) -> Uses:
    """By every project's compose file: one that cannot be read now could not be started later. Of the settings as the
    services run, for what only somebody's shell knew is in no file.
    """
    services = with_inventory(making.site, inventory).services.values()
    documents = making.clients.compose.documents(making.projects, making.cancelled, services)
    settings = dict(
        found for project, one in documents.items() for found in settings_of(project, one, making.site.address)
    )
    settings |= dict(found for project, one in documents.items() for found in running(making, project, one))
    return uses_of(documents.values()).model_copy(update={"settings": settings})


def running(making: Making, project: str, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The settings of the containers of a project, where there are some."""
    docker = making.clients.docker
    for name, described in document["services"].items():
        container = docker.container(Service(project=project, service=name, role="app"))
        if container is not None:
            names, made_of = described.get("environment") or {}, docker.inspect(container.id)
            yield from running_settings(project, name, names, made_of, making.site.address)


def dump_postgres(making: Making, manifest: FullManifest) -> FullManifest:
    """Every database, counted in the snapshot that is dumped."""
    postgres = making.clients.postgres
    server, databases = postgres.identity(), postgres.databases()
    dump = postgres.dump(making.labels, making.cancelled)
    dump.into(making.folder / DUMP, making.cancelled)
    return manifest.model_copy(
        update={
            # the server's clock, from just before the dump began; the two hosts' clocks may differ
            "snapshot_at": server.now.replace(microsecond=0),
            "databases": databases,
            "rows": dump.rows,
            "digests": dump.digests,
            "sql_bytes": (making.folder / DUMP).stat().st_size,
            "server_version": server.version,
            "system_identifier": server.system_identifier,
        }
    )


def take(making: Making, store: FullBackupStore, manifest: FullManifest) -> FullBackup:
    if not store.has_repository():
        store.restic(making.cancelled).make()
    written = written_folders(making.clients.docker, manifest.inventory, making.site.whole_path)
    linked = dict(links_outside(making.site.projects, making.folders, written))
    execute = ResticHelper(
        engine=making.clients.docker,
        image=tools_image(making.clients.docker),
        labels=making.labels,
        tool=portable(making.clients.settings.home),
        repository=Path(store.repository.url),
        mounts=(Mount(source=str(making.folder), target=OWN, read_only=True), *mounts_of(making, linked)),
        writes=True,
        secrets=store.repository.keys,
        cancelled=making.cancelled,
    )
    restic = Restic(store.repository, cancelled=making.cancelled, progress=making.progress, execute=execute)
    paths = [OWN, *([PROJECTS] if making.projects else []), *([LINKED] if linked else [])]
    paths += [FILES] if making.site.file_volumes else []
    excluded = (*EXCLUDED, *(f"{PROJECTS}/{link}" for link in linked), *stores_of(making))

    def copy(*tags: str) -> None:
        restic.backup(paths, host=making.site_name, tags=tags, moment=manifest.snapshot_at, excluded=excluded)

    held = [one for one in making.site.services.values() if one.pause_for_backup]
    if held:  # most of it is copied before, so that they are paused only as long as the rest takes
        copy(COPIED_BEFORE)
    with paused(making.clients.docker, held):
        copy(*tags_of(making.name, making.configuration.system))
    if held:
        restic.forget([one.id for one in restic.snapshots() if one.tags == (COPIED_BEFORE,)])
    return store.get(making.name)


def stores_of(making: Making) -> Iterator[str]:
    """Folders whose data is in a dump: copied while it is written they would be no backup. And what drbot keeps."""
    files = {name.strip("/") for name in making.site.file_folders}
    below = data_below(making.clients.docker, making.site)
    yield from (f"{PROJECTS}/{plain(one)}" for one in below if one not in files)


def mounts_of(making: Making, linked: Mapping[str, Path]) -> Iterator[Mount]:
    """What is backed up as it lies there. Raises PermanentError where drbot's own secrets are among it."""
    site = making.site
    for folder in making.folders:
        yield _folder(making, site.projects / folder, f"{PROJECTS}/{folder}")
    for name in site.file_folders:
        if not any(PurePosixPath(name).is_relative_to(folder) for folder in making.folders):
            yield _folder(making, site.projects / name, f"{PROJECTS}/{name.strip('/')}")
    kept = (*making.folders, *(name.strip("/") for name in site.file_folders))
    for name in shared_settings(site, making.clients.compose):
        if not any(PurePosixPath(name).is_relative_to(folder) for folder in kept):
            yield _folder(making, site.projects / name, f"{PROJECTS}/{name}")
    for name in site.file_volumes:
        inside, is_volume = f"{FILES}/{name.strip('/')}", not is_folder(name)
        yield Mount(source=name, target=inside, read_only=True) if is_volume else _folder(making, Path(name), inside)
    for link, target in linked.items():
        yield _folder(making, target, f"{LINKED}/{link}")


def _folder(making: Making, source: Path, target: str) -> Mount:
    """dr.yml says what is backed up, and into whose bucket: never what the worker signs with."""
    own, there = (making.clients.settings.home / OWN_FOLDER).resolve(), Path(realpath(source))
    if own.is_relative_to(there) or there.is_relative_to(own):
        raise PermanentError(
            phrase(
                "{folder} holds drbot's own secrets, which go into no backup: give `projects` and `files` other "
                "folders",
                folder=source,
            )
        )
    return Mount(source=str(source), target=target, read_only=True)


def links_outside(projects: Path, names: Sequence[str], written: Sequence[str] = ()) -> Iterator[tuple[str, Path]]:
    """Links in the projects' folders to what no backup of these folders holds, and where they lead. Below what a
    container writes to a link is data: nothing of the host is meant by it there, and a service could choose what.
    """
    own, data = [realpath(projects / name) for name in names], {projects / one for one in written}
    for name in names:
        for folder, folders, files in os.walk(projects / name):
            if Path(folder) in data:
                folders.clear()
                continue
            for path in (Path(folder) / entry for entry in (*folders, *files)):
                target = Path(realpath(path))  # of one that leads to itself: itself
                if path.is_symlink() and target.exists() and not any(target.is_relative_to(one) for one in own):
                    yield path.relative_to(projects).as_posix(), target


def require_readable(making: Making, made: FullBackup, manifest: FullManifest) -> None:
    """Read from the snapshot what a recovery begins with: manifest, dump, Redis. Raises PermanentError."""
    assert made.snapshot is not None
    restic = made.store.restic(making.cancelled)
    if made.store.manifest(made, making.cancelled) != manifest:
        raise PermanentError(phrase("{place}: its manifest cannot be read back as it was written", place=made.place))
    if manifest.databases:
        scanner = DumpScanner()
        for piece in restic.stream(made.snapshot.id, f"{OWN}/{DUMP}"):
            scanner.feed(piece)
            making.progress(scanner.bytes, manifest.sql_bytes, "bytes")
        if not scanner.complete or scanner.bytes != manifest.sql_bytes:
            raise PermanentError(phrase("{place}: its dump cannot be read back as it was written", place=made.place))
        require_data(scanner, manifest.rows)
    if manifest.redis:
        for _ in restic.stream(made.snapshot.id, f"{OWN}/{REDIS}"):
            pass


def copy_full_again(configuration: Configuration, site: str, is_made: IsMade, cancelled: Cancelled) -> bool:
    """The newest full backup of this site, into every place that lacks it, if it is the one that was due. False: it is
    not. Raises as `store_everywhere`.
    """
    *elsewhere, here = full_stores(configuration)
    ours = (one for one in here.newest_first(cancelled) if is_of(one, configuration.system, site) and not one.fault)
    made = next(ours, None)
    if made is None or not is_made(made.moment):
        return False
    store_everywhere(configuration, site, made, here, elsewhere, cancelled=cancelled)
    return True


def store_everywhere(
    configuration: Configuration,
    site: str,
    made: FullBackup,
    here: FullBackupStore,
    elsewhere: Sequence[FullBackupStore],
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> None:
    """Into every other place; then the oldest go. Raises as `in_each`."""
    assert made.snapshot is not None
    snapshot = made.snapshot

    def put(store: FullBackupStore) -> None:
        if store is not here:
            store.add(here.repository, snapshot, progress, cancelled)
        store.remove_old(configuration.backups.keep, configuration.system, site, cancelled)

    in_each(made.name, (*elsewhere, here), put, len(elsewhere) + 1)
