"""`drbot check`: what would fail that night, a line each with what to do about it."""

from collections.abc import Mapping

import typer
from rich.console import Console
from rich.markup import escape

from drbot.cli.processes import configuration_path, home_path
from drbot.cli.terminal import Config, Home, marked, spoken
from drbot.core.site.configuration import load_configuration
from drbot.core.site.readiness import Colour, Line

MARKS: Mapping[Colour, str] = {Colour.GREEN: "[green]✓[/]", Colour.AMBER: "[yellow]![/]", Colour.RED: "[red]✗[/]"}


def check(config: Config = None, home: Home = None) -> None:
    """Look at dr.yml, people, Slack's tokens, scopes and channels, the state, each site's engine, projects, volumes,
    services and PostgreSQL role, and the backups, and say what would fail. Changes nothing; ends with 1 if something
    would.
    """
    from drbot.cli.checking import lines_about  # asks Docker, S3 and Slack; `--help` does not
    from drbot.commands.verb.readiness import verdict

    lines: list[Line] = []
    console = Console(highlight=False)
    loaded = load_configuration(configuration_path(config))
    for line in lines_about(loaded, home_path(home)):
        lines.append(line)  # a line each, however wide: nothing is cut, and grep finds it
        mark = MARKS[line.colour]
        sentence = escape(" ".join(spoken(line.sentence).split()))
        console.print(f"{mark} {marked(line.what)}: {sentence}", soft_wrap=True)
    console.print(marked(verdict([line.colour for line in lines])), soft_wrap=True)
    raise typer.Exit(0 if all(line.well for line in lines) else 1)
