"""`drbot bot`, `drbot worker`, `drbot all`: what stays up."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from drbot.bot.main import bot_of
from drbot.bot.settings import BotSettings
from drbot.cli.demo_stack import manifest_path
from drbot.cli.processes import Process, end_on_signals, leave, run_together, start_process
from drbot.cli.terminal import Config, complain
from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.listening.alerts_in import receiving
from drbot.listening.heartbeat import keep_beating
from drbot.listening.listener import open_listener
from drbot.listening.watching import watching
from drbot.runners.main import run_worker
from drbot.runners.second_factor.join_token import join_site
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.slack_simulator.app import read_manifest

Home = Annotated[Path | None, typer.Option(help="State, logs, evidence (default: DRBOT_HOME, else ./.drbot)")]
Http = Annotated[str, typer.Option(help="Listen for Slack at this port instead of Socket Mode: 8080, 0.0.0.0:8080")]
Join = Annotated[str, typer.Option(help="One-time token of a machine that a recovery had made (level 4)")]
Watch = Annotated[
    str,
    typer.Option(help="Serve /healthz, /readyz and /metrics at this port: 9464, 0.0.0.0:9464 (drbot docs watching)"),
]
Alerts = Annotated[
    str, typer.Option(help="Take alerts of Alertmanager at this port, POST /alerts: 9465 (DRBOT_ALERTS_TOKEN)")
]
Parts = dict[str, Callable[[], None]]
"""What runs side by side, by name. Whoever makes a part sees that it has what it needs, before any of them runs."""

SHORTEST_TOKEN = 16
REFUSED = 3
"""Exit code of a token that is no good: unlike a database that does not answer yet, another start changes nothing."""

SiteName = Annotated[str, typer.Option(help="The site this worker serves (default: default_site of dr.yml)")]


def bot(config: Config = None, home: Home = None, http: Http = "", alerts: Alerts = "", watch: Watch = "") -> None:
    """Serve Slack. Needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN (with --http SLACK_SIGNING_SECRET instead); infrastructure
    credentials are not needed here.
    """
    process = start_process(config, home)
    end_on_signals(process.stop)
    _together(process, _bot(process, http) | _taking_alerts(process, alerts), watch)


def serve(process: Process, site: str) -> None:
    loaded = process.loaded
    run_worker(
        loaded.configuration,
        process.database,
        process.doorbell,
        site,
        process.home,
        process.stop,
        heart=process.heart,
        roster=loaded.roster,
        document=process.document,
    )


def worker(site: SiteName = "", config: Config = None, home: Home = None, join: Join = "", watch: Watch = "") -> None:
    """Run recoveries at one site. Slack tokens are not needed here."""
    process = start_process(config, home)
    if join:
        site = _join(process, join, site)
    end_on_signals(process.stop)
    _together(process, {"worker": lambda: serve(process, site)}, watch)


def _join(process: Process, token: str, site: str) -> str:
    public_key = TotpSecrets(process.home).key().public
    try:
        return join_site(process.database, token, site, os.getpid(), public_key)
    except UserError as error:
        complain(error)
        raise typer.Exit(REFUSED) from error


def everything(
    config: Config = None, home: Home = None, http: Http = "", alerts: Alerts = "", watch: Watch = ""
) -> None:
    """Bot and the workers of every site in one process: the small installation."""
    process = start_process(config, home)
    end_on_signals(process.stop)
    sites = process.loaded.configuration.sites
    workers: Parts = {f"worker-{site}": partial(serve, process, site) for site in sites}
    _together(process, _bot(process, http) | workers | _taking_alerts(process, alerts), watch)


def _bot(process: Process, http: str) -> Parts:
    """Raises UserError for a port that cannot be had, and where a token is missing."""
    scopes = frozenset(read_manifest(manifest_path()).scopes)
    return {"bot": bot_of(process, BotSettings.from_environment(http=http), scopes)}


def _taking_alerts(process: Process, alerts: str) -> Parts:
    """Where monitoring posts to, if it is wanted. Raises UserError for a port that cannot be had, or no token."""
    if not alerts:
        return {}
    token = os.environ.get("DRBOT_ALERTS_TOKEN", "").strip()
    if len(token) < SHORTEST_TOKEN:
        raise UserError(
            phrase("You gave {option}.", option="--alerts"),
            phrase("DRBOT_ALERTS_TOKEN is missing, or shorter than {count} letters.", count=SHORTEST_TOKEN),
            phrase("Make one: openssl rand -hex 16. Monitoring sends it with every alert (drbot docs watching)."),
        )
    taking = receiving(process.database, token, process.loaded.configuration)
    return {"alerts": partial(open_listener(alerts, "--alerts", phrase("alerts")).serve, taking, process.stop)}


def _together(process: Process, parts: Parts, watch: str) -> NoReturn:
    """With what watches this process, where that is wanted. Raises UserError for a port that cannot be had."""
    beside: Parts = {}
    if watch:
        seen = watching(process.database, process.loaded.configuration.targets, process.heart)
        beside["watch"] = partial(open_listener(watch, "--watch", phrase("monitoring")).serve, seen, process.stop)
    if url := os.environ.get("DRBOT_HEARTBEAT_URL", "").strip():
        beside["heartbeat"] = lambda: keep_beating(url, process.database, process.heart, process.stop)
    leave(run_together(parts | beside, process.stop))
