"""`drbot copy`: PostgreSQL as it was at a moment, beside production, to look at. Nothing is replaced."""

import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from drbot.cli.backup import SiteName, opened, refused
from drbot.cli.terminal import Config, marked, plain_console
from drbot.commands.facts.moment_read import moment_of, wall_clock
from drbot.core.base.errors import UserError
from drbot.core.site.wal import NOT_RECEIVED, RECEIVE, to_the_second
from drbot.core.text.messages import filled, phrase
from drbot.core.text.words import seconds_of
from drbot.runners.backups.moments import Goal, Reached, continuous_of, goal_of, recovered_to, seen, wanted_by
from drbot.runners.clients import helper
from drbot.runners.clients.continuous import Continuous
from drbot.runners.clients.scratch_postgres import Scratch

HOW = phrase("Write --to 02:13 ({zone}), --to 02:13Z, --to 20m (ago) or an ISO time.")
COPY_LABEL = "drbot.copy"  # host/process
READ_ONLY = {"default_transaction_read_only": "on"}


def copy(
    to: Annotated[
        str,
        typer.Option(help="The moment: 02:13 (time_zone of dr.yml), 02:13Z, 20m (ago) or an ISO time (default: now)"),
    ] = "",
    keep: Annotated[str, typer.Option(help="Remove it after so long; Ctrl-C removes it before")] = "4h",
    site: SiteName = "",
    config: Config = None,
) -> None:
    """Open PostgreSQL as it was at any second beside production, read only and without a network, until Ctrl-C."""
    configuration, clients, name = opened(config, site)
    tried = phrase("Tried to open PostgreSQL as it was.")
    if wanted_by(configuration.site(name)) is None:
        raise UserError(tried, NOT_RECEIVED, RECEIVE)
    stop, console, seconds = _until_stopped(), plain_console(), _seconds(keep)
    clock = wall_clock(configuration, datetime.now(UTC))
    moment = moment_of(to, clock, filled(HOW, zone=clock.zone.key))
    with refused(tried):
        continuous = continuous_of(clients, configuration.site(name), name, stop.is_set)
        goal = goal_of(continuous.archive(), moment, clock.now, seen(clients.settings.home, name))
        when = clock.told(moment) if moment is not None else phrase("now")
        console.print(
            marked(phrase("Copying the base backup, then replaying what was committed since, up to {when}.", when=when))
        )
        with as_it_was(continuous, goal) as (scratch, reached):
            tell(console, scratch, reached, when)
            stop.wait(seconds)
    console.print(marked(phrase("The copy is removed.")))


@contextmanager
def as_it_was(continuous: Continuous, goal: Goal) -> Iterator[tuple[Scratch, Reached]]:
    """In a volume that goes with it; so do those of processes of this host that were killed."""
    mine = f"{platform.node()}/{os.getpid()}"
    recipe, labels = continuous.postgres.recipe(continuous.cancelled), {**continuous.labels, COPY_LABEL: mine}
    for one in continuous.engine.helpers(continuous.labels):
        if _is_left(continuous.engine.inspect(one)["Config"]["Labels"].get(COPY_LABEL, mine)):
            continuous.engine.remove_helper(one)
    with helper.throw_away_volume(continuous.engine, recipe.image, labels) as volume:
        scratch = Scratch(
            engine=continuous.engine,
            recipe=recipe,
            user=continuous.postgres.settings.user,
            volume=volume,
            name=f"drbot-copy-{continuous.site}-{os.getpid()}",
            labels=labels,
            cancelled=continuous.cancelled,
            settings=READ_ONLY,
        )
        with recovered_to(continuous, scratch, goal) as reached:
            yield scratch, reached


def _is_left(owner: str) -> bool:
    """Whether the process that made it is no more, as far as this host can tell."""
    host, _, process = owner.partition("/")
    return host == platform.node() and not Path("/proc", process).exists()


def tell(console: Console, scratch: Scratch, reached: Reached, when: str) -> None:
    """What it is, and how to look at it."""
    last = phrase("nothing was committed since the base backup")
    if reached.last_commit is not None:
        last = phrase("the last commit is of {last} UTC", last=to_the_second(reached.last_commit))
    console.print(marked(phrase("PostgreSQL as of {when}; {last}.", when=when, last=last)))
    inside = f"docker exec -it {scratch.name}"
    console.print(f"  {escape(inside)} psql -U {escape(scratch.user)} DATABASE")
    dump = f"docker exec {scratch.name} pg_dump -U {scratch.user} --data-only -t TABLE DATABASE > rows.sql"
    console.print(f"  {escape(dump)}")
    console.print(marked(phrase("It can only be read, and reaches nothing. Ctrl-C removes it.")))


def _seconds(keep: str) -> float:
    try:
        return seconds_of(keep)
    except ValueError as error:
        raise UserError(phrase("Read --keep."), str(error)) from error


def _until_stopped() -> threading.Event:
    """Set by Ctrl-C, and by whoever ends the process or closes its terminal: the copy goes in any case."""
    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, lambda *_: stop.set())
    return stop
