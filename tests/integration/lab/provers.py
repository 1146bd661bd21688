"""Proving backups on a real lab: whose system it is, where its backups lie, and what is left on the engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from drbot.core.site.configuration import load_configuration
from drbot.core.site.proofs import BackupProof
from drbot.core.site.readiness import Line
from drbot.core.site.site import Configuration
from drbot.core.site.stored_backups import StoredBackup
from drbot.lab.system import Lab
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.upkeep.backup_readiness import look_at_backups, proof_lines
from drbot.runners.upkeep.proving import Prover
from drbot.store.base.database import Database
from drbot.store.records import proofs, stored_backups

YEARS = 10 * 365 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class Proving:
    """A prover, and what readiness says of what it did."""

    prover: Prover
    clients: Clients
    database: Database

    @property
    def configuration(self) -> Configuration:
        """As the prover has it."""
        return self.prover.configuration

    def look(self) -> tuple[StoredBackup, ...]:
        """As the worker does, and note it."""
        found = look_at_backups(self.configuration).found
        with self.database.write() as tx:
            stored_backups.saw(tx, "production", found)
        return found

    def known(self) -> list[BackupProof]:
        """What was noted."""
        with self.database.read() as connection:
            return proofs.list_of(connection)

    def lines(self) -> dict[str, Line]:
        """What readiness says about proofs and backups."""
        looked = look_at_backups(self.configuration)
        found = (*looked.lines, *proof_lines(self.configuration, "production", looked.found, self.known()))
        return {line.what: line for line in found}

    def left_behind(self) -> list[str]:
        """Containers of proofs that are still there; their volumes go with them."""
        return list(self.clients.docker.helpers({RUN_LABEL: self.prover.run}))

    def volumes(self) -> set[str]:
        """That these containers have."""
        mounts = [mount for one in self.left_behind() for mount in self.clients.docker.inspect(one)["Mounts"]]
        return {mount["Name"] for mount in mounts if mount.get("Name")}

    def is_gone(self, volumes: set[str]) -> bool:
        """Whether none of them is there."""
        return all(self.clients.docker.volume(name) is None for name in volumes)


@contextmanager
def proving(
    lab: Lab, database: Database, folder: Path, *,
    files: tuple[str, ...] = (), databases: tuple[str, ...] = (), **changes: object,
) -> Iterator[Proving]:  # fmt: skip
    """With backups in a folder of its own that are never too old. `files` and `databases` of the site, and `changes`,
    go into its dr.yml.
    """
    (folder / "backups").mkdir(exist_ok=True)
    loaded = load_configuration(lab.configuration).configuration
    backups = loaded.backups.model_copy(update={"directory": folder / "backups"})
    targets = loaded.targets.model_copy(update={"rpo": YEARS})
    site = loaded.site()
    assert site.postgres is not None
    postgres = site.postgres.model_copy(update={"databases": databases or site.postgres.databases})
    sites = {"production": site.model_copy(update={"files": files or site.files, "postgres": postgres})}
    configuration = loaded.model_copy(update={"backups": backups, "targets": targets, "sites": sites, **changes})
    clients = clients_of(configuration.site(), configuration, RunnerSettings.from_environment(folder, {}))
    prover = Prover(
        configuration=configuration, site_name="production", clients=clients, database=database,
        redact=lambda text: text, stop=Event(),
    )  # fmt: skip
    yield Proving(prover=prover, clients=clients, database=database)
    clients.close()
