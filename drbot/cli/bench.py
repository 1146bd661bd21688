"""`drbot bench`: the source document's scripts and drbot recover the same lab from the same data, side by side."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drbot.cli import demo_sites
from drbot.cli.demo import aside, open_stack
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_story import Played, play, rows_of
from drbot.cli.outage import OutageWatch
from drbot.cli.processes import home_path
from drbot.cli.receiving import receiving
from drbot.cli.terminal import marked, spoken, table_of
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.lab import document_way
from drbot.lab.breakage import break_it
from drbot.lab.document_way import TimedStep
from drbot.lab.layout import part
from drbot.lab.seed import seed
from drbot.lab.setup import prepare, prepare_recovery
from drbot.lab.sites import Sites
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients.redis_server import key_count
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings

NAME = "bench"  # a lab of its own: the scripts delete data
AFTERWARDS = ("confirm", "notify", "approval")  # people's time, and what comes when users work again
DOCUMENT, DUMP, MOMENT, FULL = "document", "dump", "moment", "full"
NAMES: Mapping[str, str] = {
    DOCUMENT: phrase("document"),
    DUMP: phrase("drbot, from a dump"),
    MOMENT: phrase("drbot, to the last commit"),
    FULL: "drbot",
}
BAR = 16  # letters of the longest one

console = Console(highlight=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to recover, measured. Times are seconds."""

    total: float  # from its start until it calls itself done
    planning: float  # of that, until its first step began
    outage: float  # how long users had no service
    steps: tuple[TimedStep, ...]
    rows: Mapping[str, int]
    keys: int  # lasting ones, in Redis


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One size. `rows`: as they were before anything was broken."""

    megabytes: int
    rows: Mapping[str, int]
    ways: Mapping[str, Way]


def bench(
    level: Annotated[int, typer.Option(min=2, max=3, help="2 PostgreSQL, 3 the whole host")] = 2,
    megabytes: Annotated[
        list[int] | None,
        typer.Option(min=0, help="Extra data to recover, in MB of SQL; give it again for more sizes"),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was measured to this file")] = None,
    home: Annotated[Path | None, typer.Option(help="Where everything is kept (default: ./.drbot)")] = None,
) -> None:
    """Recover a lab by the document's scripts and by drbot, and show both side by side. Takes minutes."""
    folder = home_path(home)
    host = prepare(folder, aside) if level == 2 else prepare_recovery(folder, aside)
    lab = Lab(name=NAME, home=folder / "labs", host=host)
    sites = Sites(lab=lab, home=folder)
    measured = tuple(_measured(sites, level, size) for size in megabytes or [50])
    show(level, measured)
    if json_file is not None:
        document = {"level": level, "sizes": [asdict(one) for one in measured]}
        json_file.write_text(json.dumps(document, indent=2) + "\n")
        console.print(marked(phrase("Measured values: {file}", file=json_file)))


def _measured(sites: Sites, level: int, megabytes: int) -> Measured:
    """On a new lab, which is gone afterwards."""
    lab = sites.lab
    sites.reset()  # what an earlier one left
    try:
        lab.up(aside)
        aside(phrase("Loading {megabytes} MB of data", megabytes=megabytes))
        seed(lab, megabytes)
        rows = rows_of(lab)
        return Measured(megabytes=megabytes, rows=rows, ways=level2(lab) if level == 2 else level3(sites))
    finally:
        sites.reset()


def level2(lab: Lab) -> dict[str, Way]:
    """All go back to the same data while the system serves its users, so that the outage is their own."""
    configuration = load_configuration(lab.configuration).configuration
    aside(phrase("Taking a backup"))
    back_up_postgres(configuration, configuration.default_site)
    aside(phrase("The document's script recovers (it waits {seconds} s in all)", seconds=40))
    with watched(configuration, "production") as watch:
        began = time.monotonic()
        steps = document_way.recover_postgres(lab, lab.folder / "document", watch.urls.values())
        total = time.monotonic() - began
    ways = {
        DOCUMENT: Way(
            total=total, planning=0.0, outage=watch.longest_gap, steps=steps, rows=rows_of(lab), keys=keys_of(lab)
        )
    }
    ways[DUMP] = _by_drbot(lab, "level2 postgres the data is wrong", lambda: None)
    with receiving(lab.configuration, lab.folder / "drbot") as wait_for_base:
        ways[MOMENT] = _by_drbot(lab, "level2 to latest the data is wrong", wait_for_base)
    return ways


def _by_drbot(lab: Lab, words: str, wait: Callable[[], None]) -> Way:
    aside(phrase("drbot recovers: /dr declare {words}", words=words))
    configuration = load_configuration(lab.configuration).configuration
    with stack_around(lab, {}) as player:
        wait()
        with watched(configuration, "production") as watch:
            played = play(player, console, words, 2)
    return drbots(played, lab, watch.longest_gap)


def level3(sites: Sites) -> dict[str, Way]:
    """Both raise a lost host on an empty one, each from a full backup of its own. drbot also rebuilds HTTPS and
    monitoring.
    """
    lab = sites.lab
    configuration = sites.up(aside)
    aside(phrase("Taking a full backup"))
    document_way.back_up_host(sites, sites.folder / "document-backup")
    demo_sites.back_up_full(sites, lab.configuration)
    stack_configuration = lab.configuration.read_text()
    break_it(lab, "host-lost")
    aside(phrase("The document's script recovers (it waits {seconds} s in all)", seconds=75))
    with watched(configuration, "recovery") as watch:
        began = time.monotonic()
        urls = tuple(watch.urls.values())
        steps = document_way.recover_host(sites, sites.folder / "document", urls)
        total = time.monotonic() - began
    document = Way(
        total=total, planning=0.0, outage=(watch.all_good_at or time.monotonic()) - began, steps=steps,
        rows=rows_of(sites.recovered), keys=keys_of(sites.recovered),
    )  # fmt: skip
    sites.empty_new_host()
    sites.start_new_host()
    lab.configuration.write_text(stack_configuration)
    aside(phrase("drbot recovers: /dr declare {words}", words="level3"))
    with stack_around(lab, demo_sites.keys_of(sites)) as player, watched(configuration, "recovery") as watch:
        began = time.monotonic()
        played = play(player, console, "level3 the server does not answer", 3)
    return {DOCUMENT: document, FULL: drbots(played, sites.recovered, (watch.all_good_at or began) - began)}


@contextmanager
def watched(configuration: Configuration, site: str) -> Iterator[OutageWatch]:
    """Asks the health URLs all the time, as users would."""
    services = configuration.site(site).services
    watch = OutageWatch(
        {name: one.health for name, one in services.items() if one.health and one.health.startswith("http:")}
    )
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


@contextmanager
def stack_around(lab: Lab, environment: Mapping[str, str]) -> Iterator[DemoPlayer]:
    stack = open_stack(lab, lab.folder / "drbot", environment)
    database = Database(StoreSettings.from_environment(stack.home).database_url)
    try:
        stack.start("drbot", "all")
        stack.wait_until_connected()
        yield DemoPlayer(stack=stack, database=database)
    finally:
        stack.close()
        database.close()


def drbots(played: Played, lab: Lab, outage: float) -> Way:
    """drbot's way, from the declaration until it asks people whether they can work."""
    worked = [one for name, one in played.records.items() if name not in AFTERWARDS and one.finished_at]
    done = max(one.finished_at for one in worked if one.finished_at)
    steps = tuple(TimedStep(name=one.id, seconds=round(one.seconds or 0, 1)) for one in worked)
    declared = played.incident.declared_at
    planning = (min(one.started_at for one in worked if one.started_at) - declared).total_seconds()
    total = (done - declared).total_seconds()
    return Way(total=total, planning=planning, outage=outage, steps=steps, rows=rows_of(lab), keys=keys_of(lab))


def keys_of(lab: Lab) -> int:
    """Lasting keys in Redis now."""
    return key_count(lab.compose(part("redis"), "exec", "-T", "redis", "redis-cli", "info", "keyspace")).lasting


def show(level: int, measured: Sequence[Measured]) -> None:
    """A table a size, with bars, and the steps of the last one."""
    for one in measured:
        title = phrase("Level {level}, {megabytes} MB", level=level, megabytes=one.megabytes)
        heads = ("", phrase("total"), "", phrase("planning"), phrase("users without service"), phrase("rows as before"))
        table = table_of(*heads, title=title)
        longest = max(way.total for way in one.ways.values())
        for name, way in one.ways.items():
            ratio = one.ways[DOCUMENT].total / way.total
            bar = f"{'█' * max(1, round(BAR * way.total / longest))} {ratio:.1f}×"
            as_before = spoken(phrase("yes") if way.rows == one.rows else phrase("NO"))
            seconds = f"{way.total:.1f} s", bar, f"{way.planning:.1f} s", f"{way.outage:.1f} s"
            table.add_row(spoken(NAMES[name]), *seconds, as_before)
        console.print(table)
    for name, way in measured[-1].ways.items():
        steps = table_of(phrase("step"), phrase("seconds"), title=NAMES[name], framed=False)
        for step in way.steps:
            steps.add_row(step.name, f"{step.seconds:.1f}")
        console.print(steps)
