"""The real world of one site, as survey and executor see it: its clients, its fingerprint, its backups."""

from collections.abc import Callable
from typing import Any

from core.errors import CancelledError, PermanentError, TemporaryError
from core.full_manifest import is_full_name
from core.plan import BackupIdentity
from core.site import Configuration, Site
from runners.actions import backup as backups
from runners.actions.backup import BackupRules
from runners.actions.fingerprint import SETTINGS, fingerprint, settings_of
from runners.clients.clients import Clients, clients_of
from runners.clients.docker_engine import RUN_LABEL, STEP_LABEL
from runners.clients.full_store import full_stores
from runners.clients.survivors import remove_survivors
from runners.control_target import ControlTarget
from runners.full_choice import FullRules, choose_full_backup, find_full_backup
from runners.settings import RunnerSettings
from runners.world import Chosen, World

SURVEY_LABELS = {RUN_LABEL: "survey", STEP_LABEL: "survey"}


def never() -> bool:
    """A look at the target is short and is not cancelled."""
    return False


class Target:
    """World of one site. Looking changes nothing; helpers it starts are labelled and gone afterwards."""

    def __init__(self, site: Site, configuration: Configuration, clients: Clients) -> None:
        self._site = site
        self._configuration = configuration
        self._clients = clients

    @property
    def clients(self) -> Clients:
        """What actions work with."""
        return self._clients

    def fingerprint(self, cancelled: Callable[[], bool] = never) -> dict[str, Any]:
        """What makes this target this target. Raises TemporaryError when the engine does not answer."""
        found = fingerprint(self._clients, self._site, SURVEY_LABELS, cancelled)
        return found | {SETTINGS: settings_of(self._configuration)}

    def choose_backup(
        self,
        name: str | None = None,
        *,
        before: BackupIdentity | None = None,
        cancelled: Callable[[], bool] = never,
    ) -> Chosen:
        """The newest good backup, or the one of this name. Raises UserError if none is, CancelledError."""
        return backups.choose(self._clients.backups, self._rules(cancelled), name, before=before)

    def choose_full_backup(
        self,
        name: str | None = None,
        *,
        site: str,
        before: BackupIdentity | None = None,
        cancelled: Callable[[], bool] = never,
    ) -> Chosen:
        """The same among the full backups of a lost site, wherever they lie."""
        databases = self._site.postgres.databases if self._site.postgres else ()
        rules = FullRules(system=self._configuration.system, site=site, databases=databases, cancelled=cancelled)
        return choose_full_backup(full_stores(self._configuration), rules, name, before=before)

    def identify(self, backup: BackupIdentity) -> BackupIdentity:
        """The identity of the bytes that lie there now. Raises PermanentError when they are gone."""
        if is_full_name(backup.name):
            find_full_backup(full_stores(self._configuration), backup)
            return backup
        return backups.identify(self._clients.backups, backup)

    def remove_survivors(self, run_id: str, step_id: str | None = None) -> None:
        """Remove the containers a killed or cancelled step left."""
        remove_survivors(self._clients.docker, run_id, step_id)

    def _rules(self, cancelled: Callable[[], bool]) -> BackupRules:
        postgres = self._clients.postgres
        return BackupRules(
            system=self._configuration.system,
            server_major=postgres.major_version(),
            databases=postgres.settings.databases,
            tables_now=lambda: self._tables_now(cancelled),
            cancelled=cancelled,
            progress=silent,
        )

    def _tables_now(self, cancelled: Callable[[], bool]) -> frozenset[str] | None:
        """Of production, which may be what is broken."""
        try:
            return self._clients.postgres.tables(SURVEY_LABELS, cancelled)
        except (PermanentError, TemporaryError):
            return None
        except CancelledError:  # by its own limit: a server that does not come to an answer gives none
            if cancelled():
                raise
            return None


def target_of(site_name: str, configuration: Configuration, settings: RunnerSettings) -> World:
    """The world of this site; nothing connects yet."""
    site = configuration.site(site_name)
    if not site.services:
        return ControlTarget(configuration, clients_of(site, configuration, settings))
    return Target(site, configuration, clients_of(site, configuration, settings))


def silent(done: float, total: float | None, unit: str) -> None:
    """The survey shows no progress."""
