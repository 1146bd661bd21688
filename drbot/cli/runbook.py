"""`drbot runbook check | list | show`: runbooks as files, without a database and without Docker."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from drbot.cli.terminal import plain_console
from drbot.core.errors import UserError
from drbot.core.runbook import Step, order_of
from drbot.core.runbook_file import PACKAGED, find_runbooks, load_runbook, runbook_named
from drbot.core.words import duration, say

runbook_app = typer.Typer(add_completion=False, help="Check and read runbooks.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Option(help="A folder of further runbooks (dr.yml: runbooks)")]
Files = Annotated[list[Path] | None, typer.Argument(help="Files to check (default: all that drbot knows)")]


def _folders(own: Path | None) -> tuple[Path, ...]:
    return (PACKAGED, own) if own else (PACKAGED,)


@runbook_app.command()
def check(files: Files = None, folder: Folder = None) -> None:
    """Refuse what is unsafe, with file, line and a suggestion. Ends with 1 when a runbook is refused."""
    console = plain_console()
    refused = 0
    for path in files or list(find_runbooks(_folders(folder)).values()):
        try:
            runbook = load_runbook(path).runbook
        except UserError as error:
            refused += 1
            console.print(f"[red]refused[/] {escape(str(path))}\n{escape(error.why)}")
        else:
            console.print(f"[green]good[/]    {escape(path.name)}: {len(runbook.steps)} steps")
    raise typer.Exit(1 if refused else 0)


@runbook_app.command("list")
def list_runbooks(folder: Folder = None) -> None:
    """Every runbook with its level and title."""
    console = plain_console()
    for name, path in sorted(find_runbooks(_folders(folder)).items()):
        try:
            runbook = load_runbook(path).runbook
        except UserError:
            console.print(f"{escape(name)}  [red]refused[/]: see drbot runbook check {escape(str(path))}")
        else:
            console.print(f"{escape(name)}  level {runbook.level}  {escape(say(runbook.title, 'en'))}")


@runbook_app.command()
def show(name: str, folder: Folder = None) -> None:
    """The steps of a runbook, as one would read them aloud."""
    console = plain_console()
    runbook = runbook_named(name, _folders(folder)).runbook
    console.print(f"[bold]{escape(say(runbook.title, 'en'))}[/] (level {runbook.level})")
    order = order_of(runbook.steps)
    for number, step in enumerate(runbook.steps, 1):
        waits = f"  after {', '.join(order[step.id])}" if order[step.id] else ""
        console.print(f"{number:2}. {escape(step.id)}: {escape(say(step.title, 'en'))}{waits}{_notes(step)}")
        if step.why:
            console.print(f"    {escape(step.why)}", style="dim")


def _notes(step: Step) -> str:
    notes = []
    if step.gate:
        notes.append(f"{step.gate.people} people must approve {', '.join(step.gate.for_)}")
    if step.ask:
        notes.append(f"asks: {say(step.ask.text, 'en')}")
    if step.effect == "destroy":
        notes.append("destroys")
    if step.limits and step.limits.budget:
        notes.append(f"about {duration(step.limits.budget)}")
    return escape(f"  [{'; '.join(notes)}]") if notes else ""
