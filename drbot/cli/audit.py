"""`drbot audit`: is the ledger whole, and what does it say."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from drbot.cli.processes import home_path
from drbot.cli.terminal import Home, marked, plain_console, spoken
from drbot.core.base.errors import UserError
from drbot.core.ledger.ledger import Chain, Known, check_lines, head_line, line_of
from drbot.core.text.messages import phrase, sentences
from drbot.core.text.visible import visible
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings

audit_app = typer.Typer(add_completion=False, help="Verify and export the ledger.", no_args_is_help=True)

Export = Annotated[Path | None, typer.Argument(help="An export to verify instead of the state; needs no database")]
Head = Annotated[str, typer.Option(help="A head known elsewhere, as N:HASH; finds a roll-back")]


def _database(home: Path | None) -> Database:
    """The state as it is: nothing is made here. Raises UserError where there is none."""
    url = StoreSettings.from_environment(home_path(home)).database_url
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.is_file():
        raise UserError(
            phrase("Reading the ledger."),
            phrase("There is no {file}.", file=file),
            phrase("Name its folder with --home or DRBOT_HOME."),
        )
    return Database(url)


@audit_app.command()
def verify(file: Export = None, head: Head = "", home: Home = None) -> None:
    """Check every record against the chain. Exit code 1 names what was changed, moved or cut."""
    try:
        known = Known(head)
    except ValueError as error:
        raise typer.BadParameter(spoken(str(error)), param_hint="--head") from error
    began = time.monotonic()
    chain, problems = _of_state(home, known) if file is None else _of_file(file, known)
    seconds = time.monotonic() - began
    console = plain_console()
    for problem in problems:
        console.print("[red]✗[/] ", end="")
        console.print(visible(spoken(problem)), markup=False)
    if problems:
        raise typer.Exit(1)
    whole = phrase("{count} records, intact, in {seconds} s.", count=chain.seq, seconds=f"{seconds:.1f}")
    of_head = phrase("Head {head}", head=f"{chain.seq}:{chain.hash}")
    console.print(f"[green]✓[/] {marked(sentences(whole, of_head))}")
    if not head:
        unseen = phrase(
            "A rollback to an older state can only be found by comparing with a head noted elsewhere: --head N:HASH"
        )
        console.print(marked(unseen))


def _of_state(home: Path | None, known: Known) -> tuple[Chain, list[str]]:
    with _database(home).read() as connection:
        return ledger.checked(connection, known)


def _of_file(file: Path, known: Known) -> tuple[Chain, list[str]]:
    try:
        with file.open("rb") as lines:
            return check_lines(lines, known)
    except OSError as error:
        why = phrase("It cannot be read: {why}.", why=error.strerror)
        raise UserError(phrase("Reading {file}.", file=file), why, phrase("Check the path.")) from error


@audit_app.command()
def export(home: Home = None) -> None:
    """All records as JSON Lines on standard output, the head last."""
    for line in _lines(home):
        print(line)


def _lines(home: Path | None) -> Iterator[str]:
    with _database(home).read() as connection:
        for event in ledger.everything(connection):
            yield line_of(event)
        yield head_line(*ledger.head(connection))
