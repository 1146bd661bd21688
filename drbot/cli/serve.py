"""`drbot bot`, `drbot worker`, `drbot all`: what stays up."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from drbot.bot.main import run_bot
from drbot.cli.processes import Process, end_on_signals, run_together, start_process
from drbot.cli.terminal import Config, complain
from drbot.core.base.errors import UserError
from drbot.runners.main import run_worker
from drbot.runners.second_factor.join_token import join_site
from drbot.runners.second_factor.totp_secrets import TotpSecrets

Home = Annotated[Path | None, typer.Option(help="State, logs, evidence (default: DRBOT_HOME, else ./.drbot)")]
Http = Annotated[str, typer.Option(help="Listen for Slack at this port instead of Socket Mode: 8080, 0.0.0.0:8080")]
Join = Annotated[str, typer.Option(help="One-time token of a machine that a recovery had made (level 4)")]
REFUSED = 3
"""Exit code of a token that is no good: unlike a database that does not answer yet, another start changes nothing."""

SiteName = Annotated[str, typer.Option(help="The site this worker serves (default: default_site of dr.yml)")]


def bot(config: Config = None, home: Home = None, http: Http = "") -> None:
    """Serve Slack. Needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN (with --http SLACK_SIGNING_SECRET instead); infrastructure
    credentials are not needed here.
    """
    process = start_process(config, home)
    end_on_signals(process.stop)
    raise typer.Exit(run_together({"bot": lambda: run_bot(process, http=http)}, process.stop))


def serve(process: Process, site: str) -> None:
    """The worker of one site, from what every process has."""
    loaded = process.loaded
    run_worker(
        loaded.configuration,
        process.database,
        process.doorbell,
        site,
        process.home,
        process.stop,
        roster=loaded.roster,
        document=process.document,
    )


def worker(site: SiteName = "", config: Config = None, home: Home = None, join: Join = "") -> None:
    """Run recoveries at one site. Slack tokens are not needed here."""
    process = start_process(config, home)
    if join:
        site = _join(process, join, site)
    end_on_signals(process.stop)
    raise typer.Exit(run_together({"worker": lambda: serve(process, site)}, process.stop))


def _join(process: Process, token: str, site: str) -> str:
    public_key = TotpSecrets(process.home).key().public
    try:
        return join_site(process.database, token, site, os.getpid(), public_key)
    except UserError as error:
        complain(error)
        raise typer.Exit(REFUSED) from error


def everything(config: Config = None, home: Home = None, http: Http = "") -> None:
    """Bot and the workers of every site in one process: the small installation."""
    process = start_process(config, home)
    end_on_signals(process.stop)
    sites = process.loaded.configuration.sites
    parts = {"bot": partial(run_bot, process, http=http)} | {
        f"worker-{site}": partial(serve, process, site) for site in sites
    }
    raise typer.Exit(run_together(parts, process.stop))
