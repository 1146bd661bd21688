"""The target of a control site: it runs nothing itself. What it changes is where users go, so that is sealed."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from drbot.core.base.errors import DrbotError, PermanentError, UserError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.inventory import Inventory
from drbot.core.site.occupants import Occupant
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.runners.actions.names import fingerprint_of
from drbot.runners.backups.choose_full import FullRules, choose_full_backup, find_full_backup
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.full_store import full_stores
from drbot.runners.clients.name_service import NameService
from drbot.runners.clients.postgres_written import Written
from drbot.runners.contract.led_names import RECORDS
from drbot.runners.contract.target import Chosen, Look, Search
from drbot.runners.foundation.lock import Claim, Holder
from drbot.runners.foundation.watching import Cancelled, never


class ControlTarget:
    """Target of a site without services: its worker stands outside of every other site."""

    def __init__(self, configuration: Configuration, clients: Clients) -> None:
        self._configuration = configuration
        self._clients = clients

    @property
    def clients(self) -> Clients:
        return self._clients

    def fingerprint(self, cancelled: Cancelled) -> dict[str, Any]:
        """The zone and where its names lead; "unreadable" with the reason where that cannot be seen."""
        settings = self._configuration.dns
        if settings is None:
            return {RECORDS: "unreadable: dr.yml has no section `dns`"}
        names = NameService(settings)
        try:
            return {"zone": names.zone(), RECORDS: fingerprint_of(names)}
        except DrbotError as error:
            return {RECORDS: f"unreadable: {error}"}

    def inventory(self, cancelled: Cancelled = never) -> Inventory:
        """Nothing runs here."""
        return Inventory()

    def knowing(self, inventory: Inventory) -> "ControlTarget":
        return self

    def ahead(self, names: Collection[str], cancelled: Cancelled) -> AbstractContextManager[None]:
        return nullcontext()

    def for_survey(self) -> "ControlTarget":
        return self

    def old_server(self, cancelled: Cancelled = never) -> None:
        """There is none here."""

    def choose_backup(self, search: Search) -> Chosen:
        """Backups of PostgreSQL alone lie beside a site; here there is none."""
        raise UserError(
            phrase("Looking for a backup of PostgreSQL."),
            phrase("This site only controls others; it has no database."),
            phrase("Levels 1 and 2 are for the site that runs the system."),
        )

    def choose_full_backup(self, search: Search) -> Chosen:
        """The newest good full backup of the lost site, wherever they lie."""
        lost = self._configuration.sites.get(search.site)
        databases = lost.postgres.databases if lost and lost.postgres else ()
        rules = FullRules(
            system=self._configuration.system,
            site=search.site,
            databases=databases,
            files=tuple(name for one in self._configuration.sites.values() for name in one.files),
            cancelled=search.cancelled,
        )
        return choose_full_backup(full_stores(self._configuration), rules, search.name, before=search.before)

    def identify(self, backup: BackupIdentity) -> BackupIdentity:
        """The identity of the bytes that lie there now. Raises PermanentError when they are gone."""
        find_full_backup(full_stores(self._configuration), backup)
        return backup

    def kept(self, volume: str) -> None:
        """This site has no volumes."""

    def occupants(
        self, run: str, suffix: str, mounted: Collection[str], cancelled: Cancelled = never
    ) -> tuple[Occupant, ...]:
        """Nothing is recovered to this site."""
        return ()

    def made_by(self, run: str) -> tuple[str, ...]:
        """Nothing is made here."""
        return ()

    def put_aside(self, run: str) -> tuple[Occupant, ...]:
        """Nor was anything here."""
        return ()

    def rows(self, cancelled: Cancelled) -> Mapping[str, int]:
        """The lost site's database is out of reach from here."""
        raise PermanentError(phrase("the lost site is out of reach"))

    def keys(self) -> int:
        """Nor has it a Redis."""
        raise PermanentError(phrase("This site has no `redis` in dr.yml"))

    def other_settings(self, backup: BackupIdentity, cancelled: Cancelled = never) -> tuple[str, ...]:
        """It runs nothing."""
        return ()

    def kept_settings(self, volume: str, cancelled: Cancelled = never) -> tuple[str, ...]:
        """Nor is anything kept here."""
        return ()

    def look(
        self, cancelled: Cancelled = never, kind: DataKind | None = None, files: str = "", *, brief: bool = False
    ) -> Look:
        """So nothing of it can be broken."""
        return Look()

    def written_since(self, transaction: int, cancelled: Cancelled) -> Written:
        """This site has no database."""
        raise PermanentError(phrase("this site has no database"))

    def remove_survivors(self, run_id: str, step_id: str | None) -> None:
        """Nothing of a step here runs in a container; local programs go with their worker."""

    def lock(self, claim: Claim, gone: str | None) -> Holder | None:
        """There is no engine here that two drbots could meet at."""

    def holder(self) -> Holder | None:
        """Nobody."""

    def unlock(self, instance: str, run: str) -> None:
        """Nothing was locked."""
