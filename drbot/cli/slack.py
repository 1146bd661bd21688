"""`drbot slack`: the demo's local Slack around one's own dr.yml, so that a team rehearses before an admin said yes.

By default there is no worker that could change production: drills alone are held, on a copy that can reach nothing.
"""

import os
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from drbot.bot.main import bot_of
from drbot.bot.settings import BotSettings
from drbot.cli.demo_stack import APP_TOKEN, BOT_TOKEN, local_slack, manifest_path
from drbot.cli.drill import keeper_of
from drbot.cli.logs import log_into
from drbot.cli.processes import (
    Process,
    configuration_path,
    end_on_signals,
    home_path,
    leave,
    run_together,
    start_process,
)
from drbot.cli.serve import serve
from drbot.cli.terminal import Config, marked, of_page, plain_console, spoken, terminal_language
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import Loaded
from drbot.core.site.own_alerts import Alerts
from drbot.core.site.site import Configuration, DrillSchedule, PersonEntry, Schedule
from drbot.core.text.messages import filled, listed, phrase
from drbot.runners.own_state.state_readiness import state_line
from drbot.runners.upkeep.readiness_keeper import keep_looking
from drbot.slack_simulator.app import read_manifest
from drbot.slack_simulator.people import BOT_USER, Person, Room
from drbot.slack_simulator.server import SlackSimulator
from drbot.slack_simulator.state import State
from drbot.store.records import surfaces

OUTSIDE = ("DATABASE_URL", "REDIS_URL", "PAGER_WEBHOOK_URL", "SLACK_SIGNING_SECRET", "DRBOT_HEARTBEAT_URL")
"""What would lead a rehearsal to the real drbot's state, or wake people."""
ME = "drbot slack"
TRIED: str = phrase("Starting a local Slack.")
REHEARSAL: str = phrase("Rehearsal: recoveries run on a copy of the system, and production is only read.")
FOR_REAL: str = phrase(
    "FOR REAL: recoveries change {system} on {engine}; its data is replaced once two people approve."
)
FIRST_DRILL, FIRST_WORDS = "/dr drill level2", "/dr declare level2"


def slack(
    config: Config = None,
    for_real: Annotated[
        bool, typer.Option("--for-real", help="Recoveries change the system of dr.yml itself, as with the real Slack")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser")] = True,
) -> None:
    """Rehearse in a local Slack with the people of your dr.yml, on this machine alone. Without --for-real only drills
    are held, on a copy: production is read and never changed, and its state is apart from that of your drbot.
    """
    process = start_process(config, None) if for_real else _rehearsal(config)
    log_into(process.home / "slack.log")
    with alone(process), workspace(process.loaded, for_real=for_real) as simulator:
        settings = BotSettings.from_environment(
            {"SLACK_API_URL": simulator.api_url, "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
        )
        parts = {"bot": bot_of(process, settings, frozenset(read_manifest(manifest_path()).scopes))}
        end_on_signals(process.stop)
        tell(process, simulator, config, for_real=for_real, browser=browser)
        if for_real:
            parts |= {f"worker-{site}": partial(serve, process, site) for site in process.loaded.configuration.sites}
            code = run_together(parts, process.stop)
        else:
            with drills_held(process):
                code = run_together(parts, process.stop)
    leave(code)


def _rehearsal(config: Path | None) -> Process:
    """In a state of its own, which is copied nowhere."""
    for name in OUTSIDE:
        os.environ.pop(name, None)
    return replace(start_process(config, home_path(None) / "slack", rehearsed), document=None)


def rehearsed(loaded: Loaded) -> Loaded:
    """dr.yml with nothing that begins by itself; who has no Slack id yet gets one of the local Slack."""
    given = loaded.configuration
    changed = given.model_copy(
        update={
            "people": {name: _with_id(name, entry) for name, entry in given.people.items()},
            "backups": given.backups.model_copy(update={"schedule": Schedule()}),
            "drills": given.drills.model_copy(update={"schedule": DrillSchedule()}),
            "alerts": Alerts(),
        }
    )
    return replace(loaded, configuration=changed, is_rehearsal=True)


def _with_id(name: str, entry: PersonEntry) -> PersonEntry:
    return entry if entry.slack else entry.model_copy(update={"slack": (f"ULOCAL{name.upper()}",)})


@contextmanager
def alone(process: Process) -> Iterator[None]:
    """The state knows no other Slack meanwhile, and nothing of this one afterwards. Raises UserError where a bot serves
    another one: whoever sits at the page is everybody.
    """
    with process.database.write() as tx:
        if not surfaces.lead(tx, surfaces.PUBLISHER, ME, 0.0):
            why = phrase("A bot serves Slack with the state in {home}.", home=process.home)
            raise UserError(TRIED, why, phrase("End that one first."))
        surfaces.forget_slack(tx)
    try:
        yield
    finally:
        with process.database.write() as tx:
            surfaces.forget_slack(tx)


@contextmanager
def workspace(loaded: Loaded, *, for_real: bool) -> Iterator[SlackSimulator]:
    """A local Slack with the people and channels of dr.yml, on the loopback. Whoever commands comes first. Raises
    UserError where nobody could vote.
    """
    configuration = loaded.configuration
    there = [(name, entry) for name, entry in configuration.people.items() if entry.slack]
    if not there:
        raise _nobody(configuration)
    entries = sorted(there, key=lambda item: "commander" not in item[1].roles)
    people = [Person(id=entry.slack[0], name=name, real_name=entry.name or name) for name, entry in entries]
    ids, channels = tuple(person.id for person in people), configuration.channels
    rooms = [Room(name=channels.home, members=(*ids, BOT_USER))]
    rooms += [Room(name=name, members=ids) for name in channels.status if name != channels.home]
    state = State([*people, Person(id=BOT_USER, name="drbot", real_name="drbot", is_bot=True)], rooms, int(time.time()))
    state.language = terminal_language()
    state.first_words = FIRST_WORDS if for_real else FIRST_DRILL
    state.is_serious = for_real
    state.notice = notice_of(configuration, for_real=for_real)
    simulator = local_slack(state)
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()


def _nobody(configuration: Configuration) -> UserError:
    if not configuration.people:
        why = phrase("dr.yml names nobody under `people`.")
        return UserError(TRIED, why, phrase("`drbot init` says what to add."))
    why = phrase("Nobody under `people` in dr.yml has a Slack id.")
    todo = phrase(
        "Recover at a terminal now: drbot worker, and drbot dr declare. Or add `slack: [U…]` to each; before there is "
        "a Slack any id will do. Where this drbot was started before, two people accept that first, and their votes "
        "then rest for a day, at a terminal too: drbot dr roster."
    )
    return UserError(TRIED, why, todo)


def notice_of(configuration: Configuration, *, for_real: bool) -> str:
    """What stands above the page, and in the terminal."""
    engine = configuration.site().docker.host or os.environ.get("DOCKER_HOST") or "Docker"
    return filled(FOR_REAL, system=configuration.system, engine=engine) if for_real else REHEARSAL


@contextmanager
def drills_held(process: Process) -> Iterator[None]:
    """Drills and readiness of the default site, and nothing else of a worker. What a drill has made is removed before
    it ends.
    """
    keeper = keeper_of(process, process.stop)
    look = (keeper.worker_context, process.stop, partial(state_line, process.loaded.configuration, process.database))
    threading.Thread(target=keep_looking, args=look, name="readiness", daemon=True).start()
    keeping = threading.Thread(target=keeper.run, name="drills", daemon=True)
    keeping.start()
    yield
    keeping.join()


def tell(process: Process, simulator: SlackSimulator, config: Path | None, *, for_real: bool, browser: bool) -> None:
    """The address, who is there, what to type, and what it may do."""
    console, configuration = plain_console(), process.loaded.configuration
    notice = marked(notice_of(configuration, for_real=for_real))
    console.print(f"[bold red]{notice}[/]" if for_real else f"[bold]{notice}[/]")
    page = f"{simulator.url}/"
    first = next(iter(simulator.state.people.values())).real_name
    who = phrase(
        "Open [bold]{page}[/] — you are [bold]{first}[/]; choose another person there.", page=page, first=escape(first)
    )
    console.print(spoken(who))
    first_words = phrase("Type {words}. Two others approve.", words=simulator.state.first_words)
    console.print(escape(of_page(first_words)))
    if absent := [entry.name or name for name, entry in configuration.people.items() if not entry.slack]:
        names = listed(absent)
        console.print(marked(phrase("Without a Slack id in dr.yml: {names}. They vote at a terminal.", names=names)))
    if not for_real:
        refused = phrase("/dr declare is refused here; `drbot slack --for-real` lifts that.")
        console.print(escape(of_page(refused)))
    files = phrase("dr.yml: {file}. State and log: {home}", file=configuration_path(config), home=process.home)
    console.print(marked(files))
    console.print(marked(phrase("Ctrl-C ends it.")))
    if browser:
        webbrowser.open(simulator.url_once())
