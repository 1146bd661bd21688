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
from drbot.cli.logs import configure_logs
from drbot.cli.processes import Process, configuration_path, end_on_signals, home_path, run_together, start_process
from drbot.cli.serve import serve
from drbot.cli.terminal import Config, marked, plain_console, spoken, terminal_language
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import Loaded
from drbot.core.site.site import Alerts, Configuration, DrillSchedule, PersonEntry, Schedule
from drbot.core.text.messages import filled, phrase
from drbot.runners.main import HANDS, worker_context_of
from drbot.runners.own_state.state_readiness import state_line
from drbot.runners.upkeep.drill_keeper import Keeper
from drbot.runners.upkeep.readiness_keeper import keep_looking
from drbot.slack_simulator.app import read_manifest
from drbot.slack_simulator.people import BOT_USER, Person, Room
from drbot.slack_simulator.server import SlackSimulator
from drbot.slack_simulator.state import State
from drbot.store.base.file_modes import begin_private, private
from drbot.store.records import surfaces

OUTSIDE = ("DATABASE_URL", "REDIS_URL", "PAGER_WEBHOOK_URL", "SLACK_SIGNING_SECRET", "DRBOT_HEARTBEAT_URL")
"""What would lead to the real drbot's state, or wake people."""
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
    are held, on a copy: production is read and never changed. Its state is apart from that of your drbot.
    """
    home = home_path(None) / ("slack-for-real" if for_real else "slack")
    for name in OUTSIDE:
        os.environ.pop(name, None)
    begin_private(home)
    process = start_process(config, home, partial(rehearsed, for_real=for_real))
    process = replace(process, document=None)  # its state is copied nowhere
    with process.database.write() as tx:
        surfaces.forget_slack(tx)
    configure_logs(open(home / "slack.log", "a", buffering=1, opener=private))  # noqa: SIM115 - open as long as it runs
    with workspace(process.loaded, for_real=for_real) as simulator:
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
    raise typer.Exit(code)


def rehearsed(loaded: Loaded, *, for_real: bool) -> Loaded:
    """dr.yml with nothing that begins by itself; who has no Slack id yet gets one of the local Slack. Raises UserError
    where nobody could vote.
    """
    given = loaded.configuration
    if not given.people:
        raise UserError(
            phrase("Starting a local Slack."),
            phrase("dr.yml names nobody under `people`."),
            phrase("`drbot init` says what to add."),
        )
    changed = given.model_copy(
        update={
            "people": {name: _with_id(name, entry) for name, entry in given.people.items()},
            "backups": given.backups.model_copy(update={"schedule": Schedule()}),
            "drills": given.drills.model_copy(update={"schedule": DrillSchedule()}),
            "alerts": Alerts(),
        }
    )
    return replace(loaded, configuration=changed, is_rehearsal=not for_real)


def _with_id(name: str, entry: PersonEntry) -> PersonEntry:
    return entry if entry.slack else entry.model_copy(update={"slack": (f"ULOCAL{name.upper()}",)})


@contextmanager
def workspace(loaded: Loaded, *, for_real: bool) -> Iterator[SlackSimulator]:
    """A local Slack with the people and channels of dr.yml, on the loopback. Whoever commands comes first."""
    configuration = loaded.configuration
    entries = sorted(configuration.people.items(), key=lambda item: "commander" not in item[1].roles)
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


def notice_of(configuration: Configuration, *, for_real: bool) -> str:
    """What stands above the page, and in the terminal."""
    engine = configuration.site().docker.host or os.environ.get("DOCKER_HOST") or "Docker"
    return filled(FOR_REAL, system=configuration.system, engine=engine) if for_real else REHEARSAL


@contextmanager
def drills_held(process: Process) -> Iterator[None]:
    """Drills and readiness of the default site, and nothing else of a worker. What a drill has made is removed before
    it ends.
    """
    loaded = process.loaded
    worker_context = worker_context_of(
        loaded.configuration, process.database, process.doorbell, loaded.configuration.default_site, process.home,
        loaded.roster,
    )  # fmt: skip
    look = (worker_context, process.stop, partial(state_line, loaded.configuration, process.database))
    threading.Thread(target=keep_looking, args=look, name="readiness", daemon=True).start()
    keeper = Keeper(worker_context=worker_context, hands=HANDS, stop=process.stop)
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
    console.print(marked(phrase("Type {words}. Two others approve.", words=simulator.state.first_words)))
    if not for_real:
        console.print(marked(phrase("/dr declare is refused here; `drbot slack --for-real` lifts that.")))
    files = phrase("dr.yml: {file}. State and log: {home}", file=configuration_path(config), home=process.home)
    console.print(marked(files))
    console.print(marked(phrase("Ctrl-C ends it.")))
    if browser:
        webbrowser.open(simulator.url_once())
