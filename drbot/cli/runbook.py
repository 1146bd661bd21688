"""`drbot runbook check | list | show`: runbooks as files, without a database and without Docker."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from drbot.cli.terminal import marked, plain_console, spoken
from drbot.core.base.errors import UserError
from drbot.core.files.runbook_file import PACKAGED, find_runbooks, load_runbook, runbook_named
from drbot.core.runbooks.runbook import Step, order_of
from drbot.core.text.messages import clauses, duration, filled, listed, phrase

runbook_app = typer.Typer(add_completion=False, help="Check and read runbooks.", no_args_is_help=True)

GOOD: str = phrase("good")
REFUSED: str = phrase("refused")
LEVEL: str = phrase("level {level}")

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
            console.print(f"[red]{marked(REFUSED)}[/] {escape(str(path))}\n{marked(error.why)}")
        else:
            steps = phrase("{name}, steps: {count}", name=path.name, count=len(runbook.steps))
            console.print(f"[green]{marked(GOOD)}[/]    {marked(steps)}")
    raise typer.Exit(1 if refused else 0)


@runbook_app.command("list")
def list_runbooks(folder: Folder = None) -> None:
    """Every runbook with its level and title."""
    console = plain_console()
    for name, path in sorted(find_runbooks(_folders(folder)).items()):
        try:
            runbook = load_runbook(path).runbook
        except UserError:
            see = phrase("see drbot runbook check {file}", file=path)
            console.print(f"{escape(name)}  [red]{marked(REFUSED)}[/]: {marked(see)}")
        else:
            level = marked(filled(LEVEL, level=runbook.level))
            console.print(f"{escape(name)}  {level}  {marked(runbook.title)}")


@runbook_app.command()
def show(name: str, folder: Folder = None) -> None:
    """The steps of a runbook, as one would read them aloud."""
    console = plain_console()
    runbook = runbook_named(name, _folders(folder)).runbook
    console.print(f"[bold]{marked(runbook.title)}[/] ({marked(filled(LEVEL, level=runbook.level))})")
    order = order_of(runbook.steps)
    for number, step in enumerate(runbook.steps, 1):
        after = phrase("after {steps}", steps=listed(order[step.id]))
        waits = f"  {marked(after)}" if order[step.id] else ""
        console.print(f"{number:2}. {escape(step.id)}: {marked(step.title)}{waits}{_notes(step)}")
        if step.why:
            console.print(f"    {escape(step.why)}", style="dim")


def _notes(step: Step) -> str:
    notes: list[str] = []
    if step.gate:
        needs = phrase("{count} people must approve {steps}", count=step.gate.people, steps=listed(step.gate.for_))
        notes.append(needs)
    if step.ask:
        notes.append(phrase("asks: {question}", question=step.ask.text))
    if step.effect == "destroy":
        notes.append(phrase("destroys"))
    if step.limits and step.limits.budget:
        notes.append(phrase("about {time}", time=duration(step.limits.budget)))
    return escape(f"  [{spoken(clauses(notes))}]") if notes else ""
