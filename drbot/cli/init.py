"""`drbot init`: looks at the engine and writes dr.yml, with comments; asks only what it cannot know."""

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from drbot.cli.init_changes import changes
from drbot.cli.init_doubts import TRIED, Folders, doubts, require_one, require_some
from drbot.cli.init_file import MISSING, Answers, Seen, text_of
from drbot.cli.processes import home_path
from drbot.cli.terminal import marked, plain_console, spoken, terminal_language
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Service, Site
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.clients import is_there
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.discovery import addresses_of, jobs_of, others_on, projects_on, stores_of, written_folders
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.sqlite_files import read_thoroughly
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never

File = Annotated[Path, typer.Option("--file", help="Where to write it")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing; what only people know is marked in the file")]
Only = Annotated[
    list[str] | None, typer.Option("--project", help="Of these compose projects only (default: those of the file)")
]

PERSON = re.compile(r"([^,=]*[^,=\s])\s*(?:=\s*([^,\s]+)|(?=,|$))")
"""A name, and an id behind it; a comma or the id ends it."""


def init(file: File = Path("dr.yml"), yes: Yes = False, project: Only = None) -> None:
    """Describe the system that runs here: compose projects, services, databases, files, addresses. Writes the file; one
    that is there already is compared with what runs now, and what to add is shown (it ends with 1 where something is).
    """
    settings = RunnerSettings.from_environment(home_path(None))
    known = load_configuration(file).configuration.site() if file.exists() else None
    host = (known.docker.host if known is not None else None) or settings.docker_host
    engine = DockerEngine(host, 0)
    there = projects_on(engine)
    asked = project or (known.compose_projects() if known is not None else ())
    found = {name: folders for name, folders in there.items() if not asked or name in asked}
    require_some(found, there, asked if project or not found else (), others_on(engine) if not there else ())
    if not asked:
        require_one(there)
    if known is not None:
        _compare(file, known, engine, _seen(engine, host, found, known))
    seen = _seen(engine, host, found)
    console = plain_console()
    console.print(
        marked(phrase("Found: {projects}; services: {count}", projects=listed(seen.projects), count=seen.count))
    )
    for doubt in doubts(seen, found, engine):
        console.print(f"[yellow]![/] {marked(doubt)}", soft_wrap=True)
    asks = not yes and sys.stdin.isatty()
    if not asks and not yes:
        console.print(marked(phrase("Nobody was asked: this is no terminal. --yes says that on purpose.")))
    answers = replace(_asked() if asks else Answers(), language=terminal_language())
    text = text_of(seen, answers, datetime.now(UTC))
    _write(file, text)
    if missing := text.count(MISSING):
        console.print(marked(phrase("Places in it that are marked {mark}: {count}", mark=MISSING, count=missing)))
    console.print(marked(phrase("{file} is written. Next: drbot check --config {file}", file=file)), soft_wrap=True)


def _compare(file: Path, site: Site, engine: DockerEngine, seen: Seen) -> NoReturn:
    """Nothing is written: what people have put into the file stays theirs."""
    found, console = list(changes(site, seen, partial(is_there, engine))), plain_console()
    for one in found:
        console.print(f"{one.mark} {marked(one.sentence)}", soft_wrap=True)
        if one.add and one.below:
            console.print(f"    {marked(phrase('Add below {key}:', key=f'`{one.below}`'))}")
        for line in one.add:
            console.print(f"      {escape(line)}", soft_wrap=True)
    same = phrase("{file} is as what runs here. Nothing was written.", file=file)
    other = phrase("{file} differs from what runs here. Nothing was written: change it, then drbot check.", file=file)
    console.print(marked(other if found else same), soft_wrap=True)
    raise typer.Exit(1 if found else 0)


def _write(file: Path, text: str) -> None:
    """Whole, and one that drbot can read, or not at all. Raises UserError."""
    made = file.with_name(f".{file.name}.new")
    try:
        made.write_text(text, encoding="utf-8")
        load_configuration(made)
        made.replace(file)
    except (FileNotFoundError, NotADirectoryError) as error:
        why = phrase("There is no folder {folder}.", folder=file.parent)
        raise UserError(TRIED, why, phrase("Make it, or name another one: --file")) from error
    finally:
        made.unlink(missing_ok=True)


def _seen(engine: DockerEngine, host: str | None, found: Folders, known: Site | None = None) -> Seen:
    """`known`: the site of a dr.yml, whose projects count wherever its file puts them."""
    newest = {name: folders[0] for name, folders in found.items()}
    parents = [folder.parent for folder in newest.values()]
    parent = known.whole_path if known is not None else max(dict.fromkeys(parents), key=parents.count)
    named = known.compose_projects() if known is not None else ()
    here = {name for name, folder in newest.items() if folder.parent == parent or name in named}
    services = {f"x-{name}": Service(project=name, service="x", role="app") for name in sorted(here)}
    site = known if known is not None else Site(projects=parent)
    compose = Compose(parent, host)
    asked = site.model_copy(update={"services": {**site.services, **services}})
    inventory = read_thoroughly(asked, engine, compose, never)
    return Seen(
        host=host or "",
        folder=parent,
        inventory=inventory,
        stores=stores_of(engine, compose, inventory),
        addresses=addresses_of(engine, inventory),
        jobs=jobs_of(engine, inventory),
        written=written_folders(engine, inventory, parent),
        elsewhere={name: folder for name, folder in newest.items() if name not in here},
    )


def _asked() -> Answers:
    """Who decides and where backups go; an empty answer is a gap that the file marks."""
    people = typer.prompt(
        spoken(phrase("Who may approve a restore? Names, with Slack ids where there is a Slack: aiko=U012ABCDEF, ben")),
        default="",
        show_default=False,
    )
    folder = typer.prompt(spoken(phrase("Where do backups go? A folder on another disk")), default="/var/backups/drbot")
    bucket = typer.prompt(
        spoken(phrase("An S3 bucket for copies elsewhere (empty: none yet)")), default="", show_default=False
    )
    return Answers(people=people_in(people), backups=Path(folder), bucket=bucket.strip())


def people_in(typed: str) -> dict[str, str]:
    """Name → Slack id, "" for none. A comma or an id ends a person: no second name of one becomes another approver."""
    return {found[1].strip(): found[2] or "" for found in PERSON.finditer(typed)}
