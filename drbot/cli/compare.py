"""`drbot compare`: the source document's scripts and drbot recover the same lab from the same backup, side by side."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drbot.cli import demo_sites
from drbot.cli.demo import aside, open_stack
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_story import Played, count, play
from drbot.cli.outage import OutageWatch
from drbot.cli.processes import home_path
from drbot.cli.terminal import marked, spoken, table_of
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.lab import document_way
from drbot.lab.breakage import break_it
from drbot.lab.document_way import TimedStep
from drbot.lab.layout import TABLES, part
from drbot.lab.seed import seed
from drbot.lab.setup import prepare, prepare_recovery
from drbot.lab.sites import Sites
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients.redis_server import key_count
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings

NAME = "compare"  # a lab of its own: the scripts delete data
AFTERWARDS = ("confirm", "notify", "approval")  # people's time, and what comes when users work again

NAMES: Mapping[str, str] = {"document": phrase("document"), "drbot": "drbot"}
RECOVERS: str = phrase("drbot recovers")

console = Console(highlight=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to recover, measured. Times are seconds."""

    total: float  # from its start until it calls itself done
    outage: float  # how long users had no service
    steps: tuple[TimedStep, ...]
    rows: Mapping[str, int]
    keys: int  # lasting ones, in Redis


def compare(
    level: Annotated[int, typer.Option(min=2, max=3, help="2 PostgreSQL, 3 the whole host")] = 2,
    megabytes: Annotated[int, typer.Option(min=0, help="Extra data to recover, in MB of SQL")] = 50,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was measured to this file")] = None,
    home: Annotated[Path | None, typer.Option(help="Where everything is kept (default: ./.drbot)")] = None,
) -> None:
    """Recover a lab by the document's scripts and by drbot, and show both side by side. Takes minutes."""
    folder = home_path(home)
    host = prepare(folder, aside) if level == 2 else prepare_recovery(folder, aside)
    lab = Lab(name=NAME, home=folder / "labs", host=host)
    sites = Sites(lab=lab, home=folder)
    sites.reset()  # what an earlier comparison left
    try:
        lab.up(aside)
        aside(phrase("Loading {megabytes} MB of data", megabytes=megabytes))
        seed(lab, megabytes)
        expected = rows_of(lab)
        ways = compare_level2(lab) if level == 2 else compare_level3(sites)
    finally:
        sites.reset()
    show(level, megabytes, expected, ways)
    if json_file is not None:
        measured = {"level": level, "megabytes": megabytes, "rows": expected}
        measured |= {name: asdict(way) for name, way in ways.items()}
        json_file.write_text(json.dumps(measured, indent=2) + "\n")
        console.print(marked(phrase("Measured values: {file}", file=json_file)))


def compare_level2(lab: Lab) -> dict[str, Way]:
    """Both go back to one backup while the system serves its users, so that the outage is their own."""
    configuration = load_configuration(lab.configuration).configuration
    aside(phrase("Taking a backup"))
    back_up_postgres(configuration, configuration.default_site)
    aside(phrase("The document's script recovers (it waits {seconds} s in all)", seconds=40))
    with watched(configuration, "production") as watch:
        began = time.monotonic()
        steps = document_way.recover_postgres(lab, lab.folder / "document", watch.urls.values())
        total = time.monotonic() - began
    document = Way(total=total, outage=watch.longest_gap, steps=steps, rows=rows_of(lab), keys=keys_of(lab))
    aside(RECOVERS)
    with stack_around(lab, {}) as player, watched(configuration, "production") as watch:
        played = play(player, console, "level2 postgres the data is wrong", 2)
    return {"document": document, "drbot": drbots(played, lab, watch.longest_gap)}


def compare_level3(sites: Sites) -> dict[str, Way]:
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
        total=total, outage=(watch.all_good_at or time.monotonic()) - began, steps=steps,
        rows=rows_of(sites.recovered), keys=keys_of(sites.recovered),
    )  # fmt: skip
    sites.empty_new_host()
    sites.start_new_host()
    lab.configuration.write_text(stack_configuration)
    aside(RECOVERS)
    with stack_around(lab, demo_sites.keys_of(sites)) as player, watched(configuration, "recovery") as watch:
        began = time.monotonic()
        played = play(player, console, "level3 the server does not answer", 3)
    return {"document": document, "drbot": drbots(played, sites.recovered, (watch.all_good_at or began) - began)}


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
    total = (done - played.incident.declared_at).total_seconds()
    return Way(total=total, outage=outage, steps=steps, rows=rows_of(lab), keys=keys_of(lab))


def rows_of(lab: Lab) -> dict[str, int]:
    return {f"{database}.{table}": count(lab, database, table) for database, table in TABLES.items()}


def keys_of(lab: Lab) -> int:
    """Lasting keys in Redis now."""
    return key_count(lab.compose(part("redis"), "exec", "-T", "redis", "redis-cli", "info", "keyspace")).lasting


def show(level: int, megabytes: int, expected: Mapping[str, int], ways: Mapping[str, Way]) -> None:
    both = [ways[name] for name in ("document", "drbot")]
    title = phrase("Level {level}, {megabytes} MB", level=level, megabytes=megabytes)
    table = table_of("", NAMES["document"], NAMES["drbot"], title=title)
    table.add_row(spoken(phrase("total")), *(f"{way.total:.1f} s" for way in both))
    table.add_row(spoken(phrase("users without service")), *(f"{way.outage:.1f} s" for way in both))
    as_before = (spoken(phrase("yes") if way.rows == expected else phrase("NO")) for way in both)
    table.add_row(spoken(phrase("rows as before")), *as_before)
    table.add_row(spoken(phrase("Redis keys without expiry")), *(f"{way.keys:,}" for way in both))
    console.print(table)
    for name, way in ways.items():
        steps = table_of(phrase("step"), phrase("seconds"), title=NAMES[name], framed=False)
        for step in way.steps:
            steps.add_row(step.name, f"{step.seconds:.1f}")
        console.print(steps)
