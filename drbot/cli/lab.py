"""`drbot lab`: the miniature system to break and to recover."""

from pathlib import Path
from typing import Annotated

import typer

from drbot.cli.terminal import marked, plain_console, table_of
from drbot.core.text.messages import phrase, sentences
from drbot.lab import programs
from drbot.lab.breakage import FAULTS, break_it
from drbot.lab.engine import stop_engine, wake_engine, wipe_engine
from drbot.lab.second_engine import SecondEngine
from drbot.lab.seed import seed as add_documents
from drbot.lab.setup import lab_home, lab_names, labs_folder, open_lab, prepare, prepare_recovery
from drbot.lab.sites import Sites
from drbot.lab.system import DEFAULT_NAME, Lab

lab_app = typer.Typer(
    add_completion=False,
    help="A miniature of the system on real Docker, to break and to recover.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Option("--name", help="Several labs may live side by side: lower-case letters and digits.")]
Every = Annotated[bool, typer.Option("--all", help="Every lab of this folder.")]
Engine = Annotated[bool, typer.Option("--engine", help="Also stop the Docker engines drbot started.")]


@lab_app.command()
def up(
    name: Name = DEFAULT_NAME,
    sites: Annotated[
        bool, typer.Option("--sites", help="Also an empty new host, S3, DNS, certificates, monitoring (levels 3, 4).")
    ] = False,
) -> None:
    """Start everything; sets up the Docker engine and the images first where they are missing."""
    console = plain_console()

    def tell(line: str) -> None:
        console.print(marked(line))

    with console.status(marked(phrase("Starting the lab"))):
        home = lab_home()
        host = prepare_recovery(home, tell) if sites else prepare(home, tell)
        lab = Lab(name=name, home=labs_folder(home), host=host)
        lab.up(tell)
        if sites:
            Sites(lab=lab, home=home).up(tell)


@lab_app.command()
def status(name: Name = DEFAULT_NAME) -> None:
    """Show how every service is; the exit code is 1 when one is not healthy."""
    found = open_lab(lab_home(), name).status()
    columns = (phrase("service"), phrase("container"), phrase("healthy"), phrase("address"))
    table = table_of(*columns, title=phrase("Lab {name}", name=name))
    yes, no = marked(phrase("yes")), marked(phrase("no"))
    for one in found:
        table.add_row(one.title, one.state, f"[green]{yes}[/]" if one.healthy else f"[red]{no}[/]", one.url or "")
    console = plain_console()
    console.print(table)
    for one in found:
        if one.fault:
            console.print(f"{one.title}: {marked(one.fault)}")
    if not all(one.healthy for one in found):
        raise typer.Exit(1)


@lab_app.command()
def down(name: Name = DEFAULT_NAME, every: Every = False, engine: Engine = False) -> None:
    """Stop and remove the containers; the data stays. What is outside of production (`up --sites`) goes."""
    console, home = plain_console(), lab_home()
    with console.status(marked(phrase("Stopping the lab"))):
        for each in lab_names(home) if every else [name]:
            lab = open_lab(home, each)
            Sites(lab=lab, home=home).down()
            lab.down()
        stopped = engine and stop_engines(home)
    is_down = phrase("The lab is down; its data is kept.")
    console.print(marked(sentences(is_down, phrase("The engine is stopped.") if stopped else "")))


@lab_app.command()
def reset(name: Name = DEFAULT_NAME, every: Every = False, engine: Engine = False) -> None:
    """Remove everything of this lab: containers, data, backups, dr.yml; with --all also a demo that still runs, with
    --engine all that drbot's engines have put on this machine.
    """
    console, home = plain_console(), lab_home()
    with console.status(marked(phrase("Removing the lab"))):
        wake_engine(home)
        if every:
            programs.stop_all(home / "demo")
        for each in lab_names(home) if every else [name]:
            Sites(lab=open_lab(home, each), home=home).reset()
        stopped = engine and wipe_engines(home)
    with_engine, alone = phrase("The lab is gone, and its engine."), phrase("The lab is gone. A new one: drbot lab up")
    console.print(marked(with_engine if stopped else alone))


def stop_engines(home: Path) -> bool:
    """Whether there was one of ours."""
    SecondEngine(home=home).wipe()
    return stop_engine(home)


def wipe_engines(home: Path) -> bool:
    """The same, and their data and traces are gone too."""
    SecondEngine(home=home).wipe()
    return wipe_engine(home)


@lab_app.command()
def seed(
    megabytes: Annotated[int, typer.Option("--megabytes", min=1, max=100_000, help="Size in an SQL dump.")] = 50,
    name: Name = DEFAULT_NAME,
) -> None:
    """Add documents until a dump is about this much larger."""
    console = plain_console()
    with console.status(marked(phrase("Adding {megabytes} MB of documents", megabytes=megabytes))):
        count = add_documents(open_lab(lab_home(), name), megabytes)
    console.print(marked(phrase("There are {count} documents now.", count=count)))


@lab_app.command("break")
def break_command(
    fault: Annotated[str, typer.Argument(metavar="FAULT", help=", ".join(FAULTS))], name: Name = DEFAULT_NAME
) -> None:
    """Break something for real and say what it looks like."""
    console = plain_console()
    with console.status(marked(phrase("Breaking the lab"))):
        seen = break_it(open_lab(lab_home(), name), fault)
    console.print(marked(seen))
