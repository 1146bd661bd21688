"""`drbot readiness`: what workers and bots saw last, as a line for a script: 0 ready, 1 not ready, 2 to see to soon."""

from contextlib import closing
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.markup import escape

from drbot.cli.processes import configuration_path, home_path, open_database
from drbot.cli.terminal import Config, Home, marked, spoken
from drbot.commands.facts.context import context_of
from drbot.commands.verb.readiness import ICONS, everything, verdict, worst_first
from drbot.core.site.configuration import load_configuration
from drbot.core.site.readiness import Colour
from drbot.store.base.doorbell import doorbell_of
from drbot.store.base.settings import StoreSettings
from drbot.store.records.known_workers import KnownWorkers

CODES = {Colour.RED: 1, Colour.AMBER: 2, Colour.GREEN: 0}


def readiness(config: Config = None, home: Home = None) -> None:
    """Say whether a recovery would work tonight, as workers saw it last; ends with 0 when it would, 1 when it would
    not, 2 when something should be seen to soon. `drbot check` looks itself.
    """
    loaded, folder = load_configuration(configuration_path(config)), home_path(home)
    with closing(open_database(folder)) as database:
        doorbell = doorbell_of(StoreSettings.from_environment(folder).redis_url)
        seen = everything(context_of(database, doorbell, loaded, KnownWorkers(folder)), datetime.now(UTC))
    console = Console(highlight=False)
    colours = [one.line.colour for one in seen]
    console.print(marked(verdict(colours)), soft_wrap=True)
    for one in worst_first(seen):
        if one.line.colour is not Colour.GREEN:
            said = escape(" ".join(spoken(one.line.sentence).split()))
            console.print(f"{ICONS[one.line.colour]} {marked(one.line.what)}: {said}", soft_wrap=True)
    raise typer.Exit(CODES[min(colours, key=list(Colour).index, default=Colour.GREEN)])
