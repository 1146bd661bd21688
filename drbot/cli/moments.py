"""`drbot moments`: what was committed in the last hours, and the moment before what has deleted much."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from drbot.cli.backup import SiteName, opened, refused
from drbot.cli.dr import show
from drbot.cli.terminal import Config, terminal_language
from drbot.commands.views.timeline_view import timeline_reply
from drbot.core.base.errors import UserError
from drbot.core.site.wal import NOT_RECEIVED, RECEIVE
from drbot.core.text.messages import phrase
from drbot.core.text.words import seconds_of
from drbot.runners.backups.moments import continuous_of, seen, wanted_by
from drbot.runners.backups.wal_timeline import timeline_of
from drbot.runners.foundation.watching import never


def moments(
    since: Annotated[str, typer.Option(help="How far back: 90m, 6h, 2d")] = "6h",
    site: SiteName = "",
    config: Config = None,
) -> None:
    """Show commits a minute, and the moment before every transaction that dropped a table, or deleted many rows."""
    configuration, clients, name = opened(config, site)
    tried = phrase("Tried to read what was received of PostgreSQL.")
    wanted = wanted_by(configuration.site(name))
    if wanted is None:
        raise UserError(tried, NOT_RECEIVED, RECEIVE)
    now = datetime.now(UTC)
    with refused(tried):
        continuous = continuous_of(clients, configuration.site(name), name, never)
        timeline = timeline_of(continuous, now - _length(since), now, seen(clients.settings.home, name))
    behind = "" if name == configuration.default_site else f"site={name} "
    show(timeline_reply(timeline, behind), terminal_language())


def _length(said: str) -> timedelta:
    try:
        return timedelta(seconds=seconds_of(said))
    except (ValueError, OverflowError) as error:
        raise UserError(phrase("Read --since."), str(error)) from error
