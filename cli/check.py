"""`drbot check`: what this host has of what drbot needs, and what to do about the rest."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.settings import WHERE, BotSettings
from cli.processes import configuration_path, home_path, open_database
from cli.terminal import Config, Home
from core.configuration import Loaded, load_configuration
from core.errors import DrbotError
from core.site import Configuration
from core.words import duration
from runners.clients.backup_store import BackupStore
from runners.clients.clients import clients_of
from runners.clients.full_store import full_stores
from runners.full_choice import candidates
from runners.settings import RunnerSettings
from store import journal

MAKE: Mapping[str, str] = {"backup of PostgreSQL": "drbot backup postgres", "full backup": "drbot backup full"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row of the table."""

    what: str
    well: bool
    sentence: str


def check(config: Config = None, home: Home = None) -> None:
    """Look at dr.yml, Slack's tokens, the state, and each site's Docker engine, projects, services and backups, and say
    what is missing. Changes nothing.
    """
    loaded = load_configuration(configuration_path(config))
    lines = [*_about_configuration(loaded), *_about_slack(), _about_state(home_path(home))]
    for site in loaded.configuration.sites:
        lines += _about_site(loaded.configuration, site, home_path(home))
    lines += _about_backups(loaded.configuration)
    table = Table("", "What", "Found")
    for line in lines:
        table.add_row("[green]✓[/]" if line.well else "[red]✗[/]", escape(line.what), escape(line.sentence))
    Console().print(table)
    raise typer.Exit(0 if all(line.well for line in lines) else 1)


def _about_configuration(loaded: Loaded) -> Iterator[Line]:
    yield Line(what="dr.yml", well=not loaded.faults, sentence=" ".join(loaded.faults) or "valid")


def _about_slack() -> Iterator[Line]:
    there = [name for name in WHERE if os.environ.get(name)]
    if not there:
        sentence = "no tokens here: enough for a host that only runs drbot worker; docs/slack.md says where to get them"
        yield Line(what="Slack", well=True, sentence=sentence)
        return
    http = "SLACK_APP_TOKEN" not in there and "SLACK_SIGNING_SECRET" in there

    def look() -> str:
        BotSettings.from_environment(http="8080" if http else "")
        return "tokens for HTTP mode are set" if http else "tokens are set"

    yield _tried("Slack", look)


def _about_state(home: Path) -> Line:
    def look() -> str:
        database = open_database(home)
        with database.read() as connection:
            problems = journal.verify(connection)
            if problems:
                raise DrbotError(problems[0])
            return f"{journal.head(connection)[0]} records, whole"

    return _tried("state and ledger", look)


def _about_site(configuration: Configuration, name: str, home: Path) -> Iterator[Line]:
    site = configuration.site(name)
    if site.provision is not None:
        yield Line(what=name, well=True, sentence="is made when it is needed (level 4)")
        return
    if not site.services:
        return  # the control site: its worker needs no engine
    clients = clients_of(site, configuration, RunnerSettings.from_environment(home), patience_seconds=0)
    engine = _tried(f"{name}: Docker engine", lambda: f"answers, id {clients.docker.id()}")
    yield engine
    recovery = configuration.recovery
    if recovery is not None and recovery.site == name:
        return  # it has to be empty
    missing = [s.project for s in site.services.values() if not (site.projects / s.project).is_dir()]
    yield Line(
        what=f"{name}: compose projects",
        well=not missing,
        sentence=f"no folder for {', '.join(missing)} below {site.projects}" if missing else "all there",
    )
    if engine.well:
        faults = clients.health.faults(clients.health.faults(site.services))  # a slow answer is no fault yet
        said = "; ".join(f"{service}: {fault}" for service, fault in faults.items())
        yield Line(what=f"{name}: services", well=not faults, sentence=said or f"all {len(site.services)} work")


def _about_backups(configuration: Configuration) -> Iterator[Line]:
    full = candidates(full_stores(configuration))
    try:
        postgres = BackupStore(configuration.backups.directory).newest_first()
    except DrbotError as error:
        yield Line(what="backup of PostgreSQL", well=False, sentence=str(error))
    else:
        yield _newest("backup of PostgreSQL", [(b.name, b.snapshot_at) for b in postgres if not b.fault], configuration)
    if configuration.object_store is not None:
        yield _newest("full backup", [(b.name, b.moment) for b in full.backups if not b.fault], configuration)
        yield Line(what="places of full backups", well=not full.silent, sentence="; ".join(full.silent) or "all answer")


def _newest(what: str, found: Sequence[tuple[str, datetime]], configuration: Configuration) -> Line:
    if not found:
        return Line(what=what, well=False, sentence=f"there is none; {MAKE[what]} makes one, cron should")
    name, moment = found[0]
    age, allowed = (datetime.now(UTC) - moment).total_seconds(), configuration.targets.rpo
    late = f", more than the RPO of {duration(allowed)}: is cron running?" if age > allowed else ""
    return Line(what=what, well=not late, sentence=f"{name} is {duration(age)} old{late}")


def _tried(what: str, look: Callable[[], str]) -> Line:
    try:
        return Line(what=what, well=True, sentence=look())
    except DrbotError as error:
        return Line(what=what, well=False, sentence=str(error))
