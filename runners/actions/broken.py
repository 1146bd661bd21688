"""What of a system's data is broken, and what works: before anything of it is replaced. Only looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drbot.core.base.errors import CancelledError, DrbotError, PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.full_manifest import FullManifest
from drbot.core.site.site import Configuration, Postgres, Redis, Site
from drbot.core.text.messages import and_more, clauses, phrase
from drbot.runners.actions.equality import not_as_they_ran
from drbot.runners.backups.choose_full import candidates, find_full_backup
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.compose import Document
from drbot.runners.clients.compose_settings import settings_of
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.fetched import files_wanted, settings_wanted
from drbot.runners.clients.full_store import FullBackup, full_stores, is_of
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.host_folders import data_below
from drbot.runners.clients.rows_now import rows_now
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.contract.target import Broken, Look
from drbot.runners.foundation.at_once import at_once, both
from drbot.runners.foundation.once import Once
from drbot.runners.foundation.watching import Cancelled, never

LOOK_SECONDS = 30
SHRUNK = 0.5  # of the rows, lasting keys or files of the newest full backup: with fewer, most of them are lost
COUNT_FILES = "find /look -type f -printf x 2> /dev/null | wc -c"


@dataclass(frozen=True, kw_only=True)
class Looking:
    clients: Clients
    site: Site
    configuration: Configuration
    labels: Mapping[str, str]
    cancelled: Cancelled
    files: tuple[str, ...]  # the entries of `files` in dr.yml that are looked at
    named: Site | None = None  # `site` as it stands in dr.yml, without what was read beside it
    enough: Cancelled = never  # when rows are not counted any longer
    once: Once = field(default_factory=Once)  # several looks go by the same backup and files

    @property
    def newest(self) -> FullBackup | None:
        """The newest full backup of the site; None where there is none, or no place can be asked."""
        return self.once.of("newest", self._newest)

    def _newest(self) -> FullBackup | None:
        name = next((name for name, one in self.configuration.sites.items() if one is (self.named or self.site)), "")
        system = self.configuration.system
        try:
            found = candidates(full_stores(self.configuration), cancelled=self.cancelled).backups
            return next((one for one in found if is_of(one, system, name) and not one.fault), None)
        except (PermanentError, TemporaryError):
            return None

    @property
    def manifest(self) -> FullManifest | None:
        return self.once.of("manifest", self._manifest)

    def _manifest(self) -> FullManifest | None:
        try:
            return self.newest.store.manifest(self.newest, self.cancelled) if self.newest else None
        except (PermanentError, TemporaryError):
            return None

    @property
    def described(self) -> Mapping[str, Document | PermanentError]:
        """Project → its compose file with everything filled in, or why it cannot be read."""
        projects, compose = self.site.compose_projects(), self.clients.compose
        return self.once.of("described", lambda: compose.readings(projects, self.cancelled))


def look(system: Looking, kind: DataKind | None = None) -> Look:
    """What the others need comes first; settings that are only not as they were come last, for people change them.
    `kind`: of this alone. Raises TemporaryError, CancelledError.
    """
    seen = at_once(lambda ask: ask(system), [ask for about, ask in LOOKS if kind in (None, about)])
    broken = tuple(found for one in seen for found in one.broken)
    return Look(broken=broken, works=next((one.works for one in seen if one.works), ""))


def down(system: Looking) -> tuple[str, ...]:
    """The services that do not work although what they need does. Raises TemporaryError."""
    services = system.site.services
    faulty = system.clients.health.faults(services)
    return tuple(name for name in faulty if faulty.keys().isdisjoint(services[name].needs))


def _broken(kind: DataKind, why: str, files: str = "") -> Look:
    return Look(broken=(Broken(kind=kind, why=why, files=files),))


def _unreadable_settings(system: Looking) -> Look:
    why = next((one for one in system.described.values() if isinstance(one, PermanentError)), None)
    return _broken(DataKind.SETTINGS, str(why)) if why else Look()


def _postgres(system: Looking) -> Look:
    """It does not answer, has a table that cannot be read, or has lost most of the rows."""
    postgres = system.clients.postgres
    if (store := system.site.postgres) is None or _was_ended(system, store):
        return Look(works=phrase("PostgreSQL was stopped; its data was not read") if store else "")
    if why := _fault(postgres.fault):
        held = system.manifest.databases if system.manifest else ()
        return _broken(DataKind.POSTGRES, why) if postgres.misnamed(held) is None else Look()
    try:
        rows, manifest = both(
            lambda: rows_now(system.clients, system.labels, system.cancelled, system.enough), lambda: system.manifest
        )
    except TemporaryError as error:
        if error.kind != "starting":  # the engine's trouble, not the server's
            raise
        return _broken(DataKind.POSTGRES, str(error))
    except PermanentError:  # it takes too long
        return Look(works=phrase("PostgreSQL answers; its rows were not counted"))
    now, then = sum(rows.values()), sum(manifest.rows.values()) if manifest else 0
    if now < then * SHRUNK:
        return _broken(DataKind.POSTGRES, phrase("rows now: {now}, in the backup: {then}", now=now, then=then))
    return Look(works=phrase("PostgreSQL answers, {rows} rows", rows=now))


def _redis(system: Looking) -> Look:
    """It does not answer, or has lost most of the keys that never expire."""
    if (store := system.site.redis) is None or _was_ended(system, store):
        return Look(works=phrase("Redis was stopped; its data was not read") if store else "")
    if why := _fault(system.clients.redis.fault):
        return _broken(DataKind.REDIS, why)
    try:
        now = system.clients.redis.count()
    except DrbotError:
        return Look(works=phrase("Redis answers"))
    held = system.manifest.redis if system.manifest else None
    then = held.keys - held.expires if held else 0
    if now.lasting < then * SHRUNK:
        why = phrase("it holds {keys} keys without expiry, the backup {then}", keys=now.lasting, then=then)
        return _broken(DataKind.REDIS, why)
    return Look(works=phrase("Redis answers, {keys} keys", keys=now.keys))


def _was_ended(system: Looking, store: Postgres | Redis) -> bool:
    """Somebody stopped or killed it, and its data lies there: it is started, not replaced (level 1)."""
    container = system.clients.docker.container(system.site.services[store.service])
    is_there = system.clients.docker.volume(store.volume) is not None
    return container is not None and container.was_ended and is_there and _files_now(system, store.volume) != 0


def _fault(ask: Callable[[], str | None]) -> str:
    try:
        return ask() or ""
    except DrbotError as error:
        return str(error)


def _files(system: Looking) -> Look:
    """Those that are missing, and those of which most are gone."""
    seen = at_once(lambda name: _file_set(system, name), system.files)
    return Look(
        broken=tuple(found for one in seen for found in one.broken),
        works=clauses(one.works for one in seen if one.works),
    )


def _file_set(system: Looking, name: str) -> Look:
    place = system.site.place_of(name)
    if not system.clients.have(place):
        return _broken(DataKind.FILES, phrase("it is missing"), name)
    now, then = both(lambda: _files_now(system, place), lambda: _files_then(system, name))
    if now is None:
        return Look()
    if now < then * SHRUNK:
        less = phrase("files now: {now}, in the backup: {then}", now=now, then=then)
        return _broken(DataKind.FILES, less if now else phrase("it is empty"), name)
    if not then:
        return Look(works=phrase("{count} files in {name}", name=name, count=now))
    return Look(works=phrase("{count} files in {name}, {then} in the backup", name=name, count=now, then=then))


def _files_now(system: Looking, source: str) -> int | None:
    """None: it takes too long, or cannot be read."""
    docker = system.clients.docker
    order = HelperOrder(
        image=tools_image(docker),
        labels=system.labels,
        entrypoint=("sh", "-c", COUNT_FILES),
        mounts=(Mount(source=source, target="/look", read_only=True),),
        user="root",
    )
    try:
        said = helper.run(docker, order, system.cancelled, LOOK_SECONDS).output
    except CancelledError:
        if system.cancelled():
            raise
        return None
    return int(said) if said.isdigit() else None


def _files_then(system: Looking, name: str) -> int:
    """Of the newest full backup; 0: it has none of them, or cannot be asked."""
    newest, wanted = system.newest, files_wanted(name)
    if newest is None or newest.snapshot is None or system.manifest is None or name not in system.manifest.files:
        return 0
    try:
        restic = newest.store.restic(system.cancelled)
        return restic.count_files(newest.snapshot.id, f"{wanted.folder}/{wanted.only}")
    except (PermanentError, TemporaryError):
        return 0


def _other_settings(system: Looking) -> Look:
    now: dict[str, str] = {}
    for project, document in system.described.items():
        if isinstance(document, PermanentError):
            return Look()
        now |= settings_of(project, document, system.site.address)
    if system.manifest is None:
        return Look()
    other = not_as_they_ran(system.manifest.uses.settings, now)
    if not other:
        return Look()
    return _broken(DataKind.SETTINGS, phrase("not as when the backup was made: {names}", names=and_more(other, 5)))


LOOKS: tuple[tuple[DataKind, Callable[[Looking], Look]], ...] = (
    (DataKind.SETTINGS, _unreadable_settings),
    (DataKind.POSTGRES, _postgres),
    (DataKind.REDIS, _redis),
    (DataKind.FILES, _files),
    (DataKind.SETTINGS, _other_settings),
)


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
