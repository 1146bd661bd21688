"""`drbot check`: what this host has of what drbot needs, and what to do about the rest."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.processes import configuration_path, home_path, open_database
from cli.terminal import Config, Home
from core.configuration import Loaded, load_configuration
from core.errors import DrbotError
from runners.clients.clients import clients_of
from runners.settings import RunnerSettings
from store import journal


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row of the table."""

    what: str
    well: bool
    sentence: str


def check(config: Config = None, home: Home = None) -> None:
    """Look at dr.yml, Slack's tokens, the state, every Docker engine and the compose projects, and say what is missing.
    Changes nothing on the target. Backups: `drbot backup list`.
    """
    loaded = load_configuration(configuration_path(config))
    lines = [*_about_configuration(loaded), _about_slack(), _about_state(home_path(home))]
    for site in loaded.configuration.sites:
        lines += _about_site(loaded, site, home_path(home))
    table = Table("", "What", "Found")
    for line in lines:
        table.add_row("[green]✓[/]" if line.well else "[red]✗[/]", escape(line.what), escape(line.sentence))
    Console().print(table)
    raise typer.Exit(0 if all(line.well for line in lines) else 1)


def _about_configuration(loaded: Loaded) -> Iterator[Line]:
    yield Line(what="dr.yml", well=not loaded.faults, sentence=" ".join(loaded.faults) or "valid")


def _about_slack() -> Line:
    missing = [name for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN") if not os.environ.get(name)]
    where = "docs/slack.md says where to get them; with --http SLACK_SIGNING_SECRET replaces SLACK_APP_TOKEN"
    sentence = f"{' and '.join(missing)} not set: {where}" if missing else "tokens are set"
    return Line(what="Slack", well=not missing, sentence=sentence)


def _about_state(home: Path) -> Line:
    def look() -> str:
        database = open_database(home)
        with database.read() as connection:
            problems = journal.verify(connection)
            if problems:
                raise DrbotError(problems[0])
            return f"{journal.head(connection)[0]} records, whole"

    return _tried("state and ledger", look)


def _about_site(loaded: Loaded, name: str, home: Path) -> Iterator[Line]:
    site = loaded.configuration.site(name)
    clients = clients_of(site, loaded.configuration, RunnerSettings.from_environment(home))
    yield _tried(f"{name}: Docker engine", lambda: f"answers, id {clients.docker.id()}")
    missing = [s.project for s in site.services.values() if not (site.projects / s.project).is_dir()]
    yield Line(
        what=f"{name}: compose projects",
        well=not missing,
        sentence=f"no folder for {', '.join(missing)} below {site.projects}" if missing else "all there",
    )


def _tried(what: str, look: Callable[[], str]) -> Line:
    try:
        return Line(what=what, well=True, sentence=look())
    except DrbotError as error:
        return Line(what=what, well=False, sentence=str(error))
