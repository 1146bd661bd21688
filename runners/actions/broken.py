"""What of a system's data is broken, for a level 2 of which nobody has said what it is about. Only looks."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drbot.core.base.errors import DrbotError, PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.full_manifest import FullManifest
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import and_more, phrase
from drbot.runners.actions.equality import not_as_they_ran
from drbot.runners.backups.choose_full import candidates, find_full_backup
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.compose_settings import settings_of
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.fetched import settings_wanted
from drbot.runners.clients.full_store import full_stores, is_of
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.host_folders import data_below
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.contract.target import Broken
from drbot.runners.foundation.watching import Cancelled

DESCRIBE_SECONDS, LOOK_SECONDS = 60, 30
SHRUNK = 0.5  # of the backup's keys: with fewer, Redis has lost them; services write new ones at once


@dataclass(frozen=True, kw_only=True)
class Looking:
    clients: Clients
    site: Site
    configuration: Configuration
    labels: Mapping[str, str]
    cancelled: Cancelled

    @cached_property
    def manifest(self) -> FullManifest | None:
        """Of the newest full backup of the site; None where there is none, or it cannot be asked."""
        name = next((name for name, one in self.configuration.sites.items() if one is self.site), "")
        system = self.configuration.system
        try:
            found = candidates(full_stores(self.configuration), cancelled=self.cancelled).backups
            newest = next((one for one in found if is_of(one, system, name) and not one.fault), None)
            return newest.store.manifest(newest, self.cancelled) if newest else None
        except (PermanentError, TemporaryError):
            return None

    @cached_property
    def described(self) -> Mapping[str, Mapping[str, object] | str]:
        """Project → its compose file with everything filled in, or why it cannot be read."""
        names = self.site.compose_projects()
        with ThreadPoolExecutor(max(len(names), 1), thread_name_prefix="compose") as pool:
            return dict(zip(names, pool.map(self._describe, names), strict=True))

    def _describe(self, project: str) -> Mapping[str, object] | str:
        try:
            return self.clients.compose.describe(project, Bounds(cancelled=self.cancelled, seconds=DESCRIBE_SECONDS))
        except PermanentError as error:
            return str(error)


def broken(system: Looking) -> Iterator[Broken]:
    """What the others need comes first; settings that are only not as they were come last, for people change them."""
    for look in (_unreadable_settings, _postgres, _redis, _files, _other_settings):
        yield from look(system)


def _unreadable_settings(system: Looking) -> Iterator[Broken]:
    why = next((one for one in system.described.values() if isinstance(one, str)), "")
    if why:
        yield Broken(kind=DataKind.SETTINGS, why=why)


def _postgres(system: Looking) -> Iterator[Broken]:
    if system.site.postgres is not None:
        yield from _fault(DataKind.POSTGRES, system.clients.postgres.fault)


def _redis(system: Looking) -> Iterator[Broken]:
    """It does not answer, or has lost most of the keys that never expire."""
    if system.site.redis is None:
        return
    faults = list(_fault(DataKind.REDIS, system.clients.redis.fault))
    yield from faults
    then = system.manifest.redis if system.manifest else None
    if faults or then is None:
        return
    lasting = then.keys - then.expires
    try:
        now = system.clients.redis.count().lasting
    except DrbotError:
        return
    if now < lasting * SHRUNK:
        why = phrase("it holds {keys} keys without expiry, the backup {then}", keys=now, then=lasting)
        yield Broken(kind=DataKind.REDIS, why=why)


def _fault(kind: DataKind, ask: Callable[[], str | None]) -> Iterator[Broken]:
    try:
        why = ask()
    except DrbotError as error:
        why = str(error)
    if why:
        yield Broken(kind=kind, why=why)


def _files(system: Looking) -> Iterator[Broken]:
    """Those that are missing, and those that are empty although the backup holds them."""
    held = system.manifest.files if system.manifest else ()
    for name in system.site.files:
        folder = system.site.projects / name.strip("/")
        is_there = folder.is_dir() if "/" in name else system.clients.docker.volume(name) is not None
        if not is_there:
            yield Broken(kind=DataKind.FILES, files=name, why=phrase("it is missing"))
        elif name in held and (_is_empty(folder) if "/" in name else _is_empty_volume(system, name)):
            yield Broken(kind=DataKind.FILES, files=name, why=phrase("it is empty"))


def _is_empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def _is_empty_volume(system: Looking, name: str) -> bool:
    docker = system.clients.docker
    order = HelperOrder(
        image=tools_image(docker),
        name=None,
        labels=system.labels,
        entrypoint=("ls", "-A", "/look"),
        mounts=(Mount(source=name, target="/look", read_only=True),),
        user="root",
    )
    ended = helper.run(docker, order, system.cancelled, LOOK_SECONDS)
    return ended.code == 0 and not ended.output


def _other_settings(system: Looking) -> Iterator[Broken]:
    if system.manifest is None or any(isinstance(one, str) for one in system.described.values()):
        return
    now: dict[str, str] = {}
    for project, document in system.described.items():
        if not isinstance(document, str):
            now |= settings_of(project, document, system.site.address)
    other = not_as_they_ran(system.manifest.uses.settings, now)
    if other:
        why = phrase("not as when the backup was made: {names}", names=and_more(other, 5))
        yield Broken(kind=DataKind.SETTINGS, why=why)


def other_settings(
    docker: DockerEngine, site: Site, configuration: Configuration, backup: BackupIdentity, cancelled: Cancelled
) -> tuple[str, ...]:
    """Paths below the projects of what is missing or other than in the backup, compared where the backup lies. Raises
    PermanentError, TemporaryError, CancelledError.
    """
    found = find_full_backup(full_stores(configuration), backup)
    if found.snapshot is None:
        return ()
    without = data_below(docker, site)
    restic = found.store.restic(cancelled)
    return restic.compare(found.snapshot.id, settings_wanted(without), str(site.projects), alone=False).other
