"""`drbot demo`: a system, a local Slack and drbot on this machine; something breaks for real and is recovered.

Interactive it says what to type and as whom; `--auto` plays the people itself and proves the result.
"""

import json
import os
import shutil
import signal
import time
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.status import Status

from drbot.cli import demo_centre, demo_sites
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_stack import DemoStack, local_slack
from drbot.cli.demo_steps import FIRST_WORDS, in_a_terminal, next_of, program, steps_of
from drbot.cli.demo_story import Played, play, ready_again, rows_of
from drbot.cli.drill import drill as practise_level
from drbot.cli.logs import log_into
from drbot.cli.outage import OutageWatch
from drbot.cli.processes import home_path
from drbot.cli.receiving import receiving
from drbot.cli.terminal import marked, of_page, plain_console, spoken, terminal_language
from drbot.core.base.errors import DrbotError, UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.text.messages import filled, phrase
from drbot.lab import programs
from drbot.lab.breakage import break_it
from drbot.lab.layout import as_yaml
from drbot.lab.seed import seed
from drbot.lab.setup import prepare, prepare_recovery
from drbot.lab.sites import Sites
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings

FAULTS = {1: "auth-crashloop", 2: "postgres-corrupt", 3: "host-lost", 4: "datacentre-lost"}
ROWS_THERE: str = phrase("All rows are as in the manifest; every service answers from outside.")
ALL_THERE: str = phrase(
    "All rows, keys, files and settings are as in the manifest; every service answers from outside."
)
LOG: str = phrase("Log: {file}")
ENDING: str = phrase("Ending.")
FAILED: str = phrase("The demo failed.")
console = plain_console()


def demo(
    auto: Annotated[bool, typer.Option("--auto", help="Play the people too, prove the result, then end")] = False,
    level: Annotated[
        int, typer.Option(min=1, max=4, help="1 a service, 2 PostgreSQL, 3 the host, 4 the data centre")
    ] = 2,
    megabytes: Annotated[int, typer.Option(min=0, help="Extra data to recover, in MB of SQL")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was measured to this file")] = None,
    home: Annotated[
        Path | None, typer.Option(help="Where everything is kept (default: DRBOT_HOME, else ./.drbot)")
    ] = None,
    drill_only: Annotated[
        bool,
        typer.Option("--drill", help="Practise the level on a copy instead: nothing is broken in the system itself"),
    ] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser")] = True,
) -> None:
    """Break a real system and recover it from a local Slack. Nothing leaves this machine."""
    began = time.monotonic()
    end_by_signals()
    clear(home_path(home))
    lab = ready_lab(home_path(home), megabytes)
    sites = _ready_sites(lab, home_path(home), new_host=level < 4) if level > 2 else None
    speak_here(lab.configuration)
    stack = open_stack(lab, home_path(home) / "demo", demo_sites.keys_of(sites) if sites else {})
    stack.simulator.state.first_words = FIRST_WORDS[level]
    ended = ExitStack()
    ended.callback(stack.close)
    with ended:
        back_up(lab, sites)
        wait_for_base = ended.enter_context(receiving(lab.configuration, stack.home)) if level == 2 else None
        ended.callback(stack.close)  # before what is received goes: the worker would begin anew
        if level == 4:
            demo_centre.start(stack)
        else:
            stack.start("drbot", "all")
        if wait_for_base is not None:
            with doing(phrase("Receiving what PostgreSQL commits, and taking a base backup")):
                wait_for_base()
        player = DemoPlayer(stack=stack, database=_database(stack))
        stack.wait_until_connected()
        seconds = f"{time.monotonic() - began:.0f}"
        console.print(spoken(phrase("[green]Ready[/] after {seconds} s.", seconds=seconds)))
        if drill_only:
            os.environ.update(stack.environment)
            practise_level(
                [f"level{level}"], person="aiko", result=json_file, config=stack.configuration, home=stack.home
            )
        elif auto:
            _play(stack, lab, player, level, json_file, sites)
        else:
            _invite(stack, lab, level, browser, sites)


def end_by_signals() -> None:
    """`kill` and a terminal that is closed end the demo as Ctrl-C does: with all it has started. nohup stays nohup."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def clear(home: Path) -> None:
    """The drbot of a demo that was killed lives on, and would recover what this one breaks."""
    programs.stop_all(home / "demo")


def ready_lab(home: Path, megabytes: int) -> Lab:
    """The lab "main", healthy and filled; one that was left broken is made anew."""
    host = prepare(home, aside)
    lab = Lab(name="main", home=home / "labs", host=host)
    with doing(phrase("Starting the system to be broken: PostgreSQL, Redis, three APIs, two fronts")):
        try:
            lab.up(aside)
        except UserError:
            aside(phrase("The lab was left broken; it is being rebuilt."))
            lab.reset()
            lab.up(aside)
    lab.forget_drbots()
    if megabytes:
        with doing(phrase("Loading {megabytes} MB of data", megabytes=megabytes)):
            seed(lab, megabytes)
    return lab


def aside(line: str) -> None:
    """What happens on the way, in grey."""
    console.print(f"[dim]{marked(line)}[/]")


def doing(what: str) -> Status:
    return console.status(marked(what))


def _ready_sites(lab: Lab, home: Path, *, new_host: bool) -> Sites:
    """What is outside of production; made anew each time, because a demo may have been ended in the middle."""
    prepare_recovery(home, aside)
    with doing(phrase("Starting a second host, S3, git, DNS and monitoring")):
        sites = Sites(lab=lab, home=home)
        sites.up(aside, new_host=new_host)
    return sites


def open_stack(lab: Lab, home: Path, environment: Mapping[str, str]) -> DemoStack:
    """A fresh local Slack and fresh state around the lab. What that Slack logs goes into a file: between the lines of
    the story it would only be noise, and where the terminal is gone, whatever is logged fails the call it is about.
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    log_into(home / "slack.log")
    simulator = local_slack()
    simulator.start()
    return DemoStack(simulator=simulator, home=home, configuration=lab.configuration, environment=environment)


def back_up(lab: Lab, sites: Sites | None) -> None:
    """The backup the demo goes back to, as cron would have made it."""
    if sites is not None:
        with doing(phrase("Taking a full backup: drbot backup full")):
            name = demo_sites.back_up_full(sites, lab.configuration)
        aside(phrase("Full backup {name}, off-site", name=name))
        return
    loaded = load_configuration(lab.configuration)
    with doing(phrase("Taking a backup: drbot backup postgres")):
        manifest = back_up_postgres(loaded.configuration, loaded.configuration.default_site)
    aside(phrase("Backup {name}: {rows} rows", name=manifest.name, rows=sum(manifest.rows.values())))


def speak_here(configuration: Path) -> None:
    """The channels of the demo read what this terminal reads."""
    given = load_configuration(configuration).configuration
    if given.language != terminal_language():
        configuration.write_text(as_yaml(given.model_copy(update={"language": terminal_language()})))


def _database(stack: DemoStack) -> Database:
    return Database(StoreSettings.from_environment(stack.home).database_url)


def _break(stack: DemoStack, lab: Lab, level: int, sites: Sites | None) -> None:
    """Break it; at level 4 the cloud's part is played from now on."""
    console.print(marked(phrase("Breaking it: {seen}", seen=break_it(lab, FAULTS[level]))))
    if level == 4 and sites is not None:
        demo_centre.UserData(sites, stack).start()


def _invite(stack: DemoStack, lab: Lab, level: int, browser: bool, sites: Sites | None) -> None:
    _break(stack, lab, level, sites)
    page = f"{stack.simulator.url}/"
    console.print()
    console.print(spoken(phrase("Open [bold]{page}[/] — you are [bold]Aiko[/], the commander.", page=page)))
    for number, step in enumerate(steps_of(level), 1):
        console.print(f"{number}. {of_page(step)}")
    command = in_a_terminal(stack.configuration, stack.home)
    console.print(marked(phrase("In a terminal: {command}", command=command)))
    console.print(marked(filled(LOG, file=stack.log("drbot"))))
    ends = phrase("Ctrl-C ends the demo; the lab stays (`{program} lab reset` removes it).", program=program())
    console.print(marked(ends))
    if browser:
        webbrowser.open(stack.simulator.url_once())
    try:
        stack.processes["drbot"].wait()
        ended = phrase("[red]drbot ended by itself.[/] Its log: {file}", file=escape(str(stack.log("drbot"))))
        console.print(spoken(ended))
        raise typer.Exit(1)
    except KeyboardInterrupt:
        console.print(f"\n{marked(ENDING)}")


def _play(
    stack: DemoStack, lab: Lab, player: DemoPlayer, level: int, json_file: Path | None, sites: Sites | None
) -> None:
    configuration = load_configuration(stack.configuration).configuration
    services = configuration.site("recovery" if sites else "").services
    rows = rows_of(lab)
    watch = OutageWatch({name: service.health for name, service in services.items() if service.health})
    _break(stack, lab, level, sites)
    watch.start()
    try:
        played = play(player, console, FIRST_WORDS[level].removeprefix("/dr declare "), level)
    except DrbotError as error:
        console.print(f"[red]{marked(FAILED)}[/] {marked(str(error))}")
        console.print(marked(filled(LOG, file=stack.log("drbot"))))
        raise typer.Exit(1) from None
    finally:
        watch.stop()
    _report(stack, lab, replace(played, rows=rows), watch, json_file, sites)
    if sites is None:  # a system that stands where it stood
        verdict, *in_the_way = ready_again(player, played.run.site)
        console.print(marked(phrase("Could it be recovered again tonight? {verdict}", verdict=verdict)))
        for line in in_the_way:
            console.print(f"  {marked(line)}")
    for line in next_of(level, stack.configuration, stack.home):
        console.print(marked(line))


def _report(
    stack: DemoStack, lab: Lab, played: Played, watch: OutageWatch, json_file: Path | None, sites: Sites | None
) -> None:
    if json_file is not None:
        json_file.write_text(json.dumps(played.document(), indent=2, ensure_ascii=False) + "\n")
        console.print(marked(phrase("Measured values: {file}", file=json_file)))
    failures = list(played.compare(sites.recovered if sites else lab))
    if sites is not None and played.run.plan is not None and played.run.plan.backup is not None:
        configuration = load_configuration(stack.configuration).configuration
        failures += demo_sites.differences(sites, configuration, played.run.plan.backup.name)
        failures += demo_centre.differences(sites, configuration) if played.run.plan.level == 4 else ()
    if not watch.all_healthy():
        failures.append(phrase("Not every service answers from outside."))
    for failure in failures:
        console.print(f"[red]✗[/] {marked(failure)}")
    if failures:
        raise typer.Exit(1)
    console.print(f"[green]✓[/] {marked(ALL_THERE if sites else ROWS_THERE)}")
