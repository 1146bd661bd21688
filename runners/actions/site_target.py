"""The real target of one site, as survey and executor see it: its clients, its fingerprint, its backups."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.full_manifest import is_full_name
from drbot.core.site.inventory import Inventory, with_inventory
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.site.old_server import OldServer
from drbot.core.site.site import Configuration, Site
from drbot.core.site.wal import is_moment_name
from drbot.runners.actions.asked_ahead import CountTime, Question, asked_ahead
from drbot.runners.actions.broken import Looking, down, look, other_settings
from drbot.runners.actions.control_target import ControlTarget
from drbot.runners.actions.kept_hosts import kept_on
from drbot.runners.actions.occupants import Host, made_by, measured, occupants_of, require_alone, volume_sizes
from drbot.runners.backups import choose_dump as backups
from drbot.runners.backups.choose_dump import BackupRules, rules_for
from drbot.runners.backups.choose_full import FullRules, choose_full_backup, find_full_backup
from drbot.runners.backups.choose_moment import Past, named, newest, past_of
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.container_labels import INCIDENT_LABEL, RUN_LABEL, STEP_LABEL
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.clients.engine_lock import EngineLock
from drbot.runners.clients.free_room import free_bytes
from drbot.runners.clients.full_store import full_stores
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.clients.postgres_written import Written, written_since
from drbot.runners.clients.rows_now import rows_now
from drbot.runners.clients.server_files import ServerFiles
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.clients.volume_mover import kept_from
from drbot.runners.contract.fingerprint import fingerprint
from drbot.runners.contract.target import FINGERPRINT, Chosen, KeptVolume, Look, Search, Target
from drbot.runners.foundation.lock import Claim, Holder
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import Cancelled, never, unheard

SURVEY_LABELS = {RUN_LABEL: "survey", STEP_LABEL: "survey"}


class SiteTarget:
    """Target of one site. Looking changes nothing; helpers it starts are labelled and gone afterwards."""

    def __init__(
        self,
        site: Site,
        configuration: Configuration,
        clients: Clients,
        named: Site | None = None,
        count_time: CountTime | None = None,  # of one survey
    ) -> None:
        self._site = site
        self._named = named or site  # as it stands in dr.yml
        self._configuration = configuration
        self._clients = clients
        self._lock = EngineLock(clients.docker, site, configuration.system)
        self._once = clients.once.empty()
        self._count_time = count_time

    @property
    def clients(self) -> Clients:
        return self._clients

    def fingerprint(self, cancelled: Cancelled) -> dict[str, Any]:
        """What makes this target this target. Raises TemporaryError when the engine does not answer."""
        return self._once.of(FINGERPRINT, lambda: fingerprint(self._clients, self._site, SURVEY_LABELS, cancelled))

    def inventory(self, cancelled: Cancelled = never) -> Inventory:
        """What the system consists of. Raises TemporaryError, CancelledError."""
        return read_inventory(self._site, self._clients.docker, self._clients.compose, cancelled)

    def knowing(self, inventory: Inventory) -> "SiteTarget":
        """The same, with every service that is in there."""
        site = with_inventory(self._named, inventory)
        return SiteTarget(site, self._configuration, self._clients.of(site), self._named, self._count_time)

    def for_survey(self) -> "SiteTarget":
        """The same for one survey: of a project's files, and of production's rows, all its questions get one answer."""
        clients = self._clients.for_survey(self._site)
        return SiteTarget(self._site, self._configuration, clients, self._named, CountTime())

    def ahead(self, names: Collection[str], cancelled: Cancelled) -> AbstractContextManager[None]:
        """Begin to look for what a plan with these acts and probes will ask."""
        return asked_ahead(self._questions(names), cancelled)

    def _questions(self, names: Collection[str]) -> Iterator[Question]:
        postgres = self._site.postgres if "postgres.restore_beside" in names else None
        if postgres is not None and postgres.continuous is None:  # else what is lost goes by them, and takes its time
            yield self._rows
        if FINGERPRINT in names:
            yield self.fingerprint
        if postgres is not None:
            yield self.old_server
        if "disk.free" in names:
            yield lambda cancelled: free_bytes(self._clients, SURVEY_LABELS, cancelled)

    def old_server(self, cancelled: Cancelled = never) -> OldServer | None:
        """What is in PostgreSQL's volume that no dump brings back. Raises TemporaryError, CancelledError."""
        if (postgres := self._site.postgres) is None:
            return None
        return self._clients.once.of("old server", lambda: self.server_files(cancelled).look(postgres.volume))

    def server_files(self, cancelled: Cancelled = never) -> ServerFiles:
        """To look at a PostgreSQL volume. Raises PermanentError without a PostgreSQL in dr.yml."""
        recipe = self._clients.postgres.recipe(cancelled)
        return ServerFiles(engine=self._clients.docker, recipe=recipe, labels=SURVEY_LABELS, cancelled=cancelled)

    def choose_backup(self, search: Search) -> Chosen:
        """The newest good backup, or the one of this name. Raises UserError if none is, CancelledError."""
        rules, store = self._rules(search), self._clients.backups
        past = self._past(search)
        if search.name is not None and is_moment_name(search.name):
            return Chosen(backup=backups.with_floor(named(past, search.name), store, rules))
        found, why = None, ""
        if search.name is None and search.before is None:
            found, why = newest(past, lambda: self._clients.postgres.fault() is not None)
        if found is not None:
            return Chosen(backup=backups.with_floor(found, store, rules))
        elsewhere = dump_stores(self._configuration)
        chosen = backups.choose(store, rules, search.name, before=search.before, elsewhere=elsewhere)
        return replace(chosen, refused=(why, *chosen.refused)) if why else chosen

    def choose_full_backup(self, search: Search) -> Chosen:
        """The same among the full backups of a lost site, wherever they lie."""
        databases = self._site.postgres.databases if self._site.postgres else ()
        rules = FullRules(
            system=self._configuration.system,
            site=search.site,
            databases=databases,
            files=self._site.files,
            failures=search.failures,
            cancelled=search.cancelled,
        )
        return choose_full_backup(full_stores(self._configuration), rules, search.name, before=search.before)

    def identify(self, backup: BackupIdentity) -> BackupIdentity:
        """The identity of the bytes that lie there now. Raises PermanentError when they are gone."""
        if is_full_name(backup.name):
            find_full_backup(full_stores(self._configuration), backup)
            return backup
        if is_moment_name(backup.name):
            if (past := self._past(Search(site=backup.site))) is not None:
                past.sealed(backup)
            return backup
        if backup.is_in_bucket:  # every byte that is brought is under its digest
            return backup
        return backups.identify(self._clients.backups, backup)

    def kept(self, volume: str) -> KeptVolume | None:
        """The kept data in a volume; None = there is no such volume, or it holds none. Raises TemporaryError."""
        found = self._clients.docker.volume(volume)
        original = kept_from(found) if found is not None else None
        if found is None or original is None:
            return None
        incident = found.labels.get(INCIDENT_LABEL, "")
        return KeptVolume(
            original=original,
            run=found.labels.get(RUN_LABEL, ""),
            incident=int(incident) if incident.isdecimal() else None,
            made_at=found.created_at,
        )

    def occupants(
        self, run: str, suffix: str, mounted: Collection[str], cancelled: Cancelled = never
    ) -> tuple[Occupant, ...]:
        """What lies where a recovery by this run would go. Raises UserError when somebody else uses some of it,
        TemporaryError, CancelledError.
        """
        host = self._host(run, cancelled)
        found = occupants_of(host, suffix, mounted)
        require_alone(host, found)
        return measured(host, found)

    def made_by(self, run: str) -> tuple[str, ...]:
        """What bears its name. Raises TemporaryError."""
        return made_by(self._host(run, never))

    def put_aside(self, run: str) -> tuple[Occupant, ...]:
        """Everything that this run has put aside of the host, as far as it is there. Raises TemporaryError."""
        host = self._host(run, never)
        found = kept_on(host, run)
        sizes = volume_sizes(host, [one.keeper for one in found if one.kind is OccupantKind.VOLUME])
        return tuple(one.model_copy(update={"size": sizes.get(one.keeper, one.size)}) for one in found)

    def _host(self, run: str, cancelled: Cancelled) -> Host:
        return Host(clients=self._clients, site=self._site, run=run, labels=SURVEY_LABELS, cancelled=cancelled)

    def rows(self, cancelled: Cancelled) -> Mapping[str, int]:
        """Rows of every table of the running production. Raises DrbotError saying why not, CancelledError."""
        self._wait_for_rows()
        return self._rows(cancelled)

    def _rows(self, cancelled: Cancelled) -> Mapping[str, int]:
        return rows_now(self._clients, SURVEY_LABELS, cancelled, self._enough)

    def _enough(self) -> bool:
        """Of counting, for a plan."""
        return self._count_time is not None and self._count_time.is_over()

    def _wait_for_rows(self) -> None:
        if self._count_time is not None:
            self._count_time.wanted()

    def keys(self) -> int:
        """Keys of the running Redis. Raises DrbotError saying why not."""
        return self._clients.redis.count().keys

    def other_settings(self, backup: BackupIdentity, cancelled: Cancelled = never) -> tuple[str, ...]:
        """Files below the projects that are missing, or not as in the full backup; of data none. Raises DrbotError."""
        return other_settings(self._clients.docker, self._site, self._configuration, backup, cancelled)

    def kept_settings(self, volume: str, cancelled: Cancelled = never) -> tuple[str, ...]:
        """Files below the projects that this kept data of settings puts back, or removes. Raises DrbotError."""
        return self._clients.volumes.files_of_overlay(volume, SURVEY_LABELS, cancelled)

    def look(
        self, cancelled: Cancelled = never, kind: DataKind | None = None, files: str = "", *, brief: bool = False
    ) -> Look:
        """What of the data is broken; `kind`, `files`: of this alone. Raises TemporaryError, CancelledError."""
        if brief:
            self._wait_for_rows()
        system = Looking(
            clients=self._clients, site=self._site, configuration=self._configuration, labels=SURVEY_LABELS,
            cancelled=cancelled, files=(files,) if files else self._site.files, named=self._named,
            enough=self._enough if brief else never,
        )  # fmt: skip
        seen = look(system, kind)
        return seen if seen.broken or kind else replace(seen, down=down(system))

    def written_since(self, transaction: int, cancelled: Cancelled) -> Written:
        """What the running production wrote since then. Raises DrbotError saying why not, CancelledError."""
        return written_since(self._clients.docker, self._clients.postgres, transaction, SURVEY_LABELS, cancelled)

    def remove_survivors(self, run_id: str, step_id: str | None) -> None:
        remove_survivors(self._clients.docker, run_id, step_id)

    def lock(self, claim: Claim, gone: str | None) -> Holder | None:
        return self._lock.take(claim) if gone is None else self._lock.take_over(claim, gone)

    def holder(self) -> Holder | None:
        return self._lock.holder()

    def unlock(self, instance: str, run: str) -> None:
        """Give it back, if this run of this drbot has it. Raises TemporaryError."""
        self._lock.give_back(instance, run)

    def _past(self, search: Search) -> Past | None:
        system = self._configuration.system
        return past_of(self._clients, self._site, search.site, system, search.cancelled)

    def _rules(self, search: Search) -> BackupRules:
        rules = rules_for(self._clients, self._configuration.system, search.site, search.cancelled, unheard)
        return replace(
            rules,
            tables_now=lambda: self._tables_now(search.cancelled),
            damaged=search.damaged,
            failures=search.failures,
        )

    def _tables_now(self, cancelled: Cancelled) -> frozenset[str] | None:
        """Of production, which may be what is broken."""
        try:
            return self._clients.postgres.tables(SURVEY_LABELS, cancelled)
        except (PermanentError, TemporaryError):
            return None


def target_of(site_name: str, configuration: Configuration, settings: RunnerSettings) -> Target:
    """The target of this site; nothing connects yet."""
    site = configuration.site(site_name)
    if not site.services:
        return ControlTarget(configuration, clients_of(site, configuration, settings))
    return SiteTarget(site, configuration, clients_of(site, configuration, settings))
