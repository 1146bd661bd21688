"""`drbot inventory`: what a system consists of, as Compose and the engine tell it, and where each mount is kept."""

from collections.abc import Iterator

import typer
from rich.markup import escape

from drbot.cli.backup import SiteName, opened
from drbot.cli.terminal import Config, marked, plain_console, table_of
from drbot.core.site.inventory import (
    PAUSE_IT,
    KnownService,
    copied_text,
    copied_while_written,
    kept_text,
    unkept,
    unkept_text,
    with_inventory,
)
from drbot.core.site.site import Site
from drbot.core.text.messages import clauses, listed, phrase, sentences
from drbot.runners.clients.sqlite_files import read_thoroughly
from drbot.runners.foundation.watching import never


def inventory(site: SiteName = "", config: Config = None) -> None:
    """Show every service, what it waits for and what it mounts, and where each mount is kept. Changes nothing; ends
    with 1 if some data is in no backup.
    """
    configuration, clients, name = opened(config, site)
    named = configuration.site(name)
    found = read_thoroughly(named, clients.docker, clients.compose, never)
    known = with_inventory(named, found)
    table = table_of(*map(marked, (phrase("service"), phrase("waits for"), phrase("mounts"), phrase("kept"))))
    for service in found.all_services:
        for row in _rows(known, service):
            table.add_row(*row)
    console = plain_console()
    console.print(table)
    for project in known.compose:
        console.print(marked(place_text(known, project)), soft_wrap=True)
    left_out = unkept(known, found)
    said = unkept_text(left_out) or phrase("Every mount is in a backup, or not needed.")
    console.print(marked(said), soft_wrap=True)
    if copied := copied_text(copied_while_written(known, found)):
        console.print(marked(sentences(copied, PAUSE_IT)), soft_wrap=True)
    raise typer.Exit(1 if left_out else 0)


def place_text(site: Site, project: str) -> str:
    """Where it lies, and from what it is started where Compose does not find that by itself."""
    named = (*site.compose[project].files, *site.compose[project].env_files)
    files = phrase("started from {files}", files=listed(named)) if named else ""
    where = phrase("{project}: {folder}", project=project, folder=site.projects / site.folder_of(project))
    return clauses((where, files))


def _rows(site: Site, service: KnownService) -> Iterator[tuple[str, str, str, str]]:
    """One for each mount; the service is named in the first."""
    name = f"{service.project}/{service.service}"
    first = marked(phrase("{name} (runs once)", name=name) if service.once else name), escape(listed(service.needs))
    if not service.mounts:
        yield *first, "", ""
    for mount in service.mounts:
        yield *first, escape(f"{mount.source or '?'} → {mount.target}"), marked(kept_text(site, service, mount))
        first = "", ""
