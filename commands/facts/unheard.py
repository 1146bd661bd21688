"""Who takes up what is asked: a worker of the site, and a bot that tells Slack. Where nobody does, people are told."""

from datetime import datetime

from sqlalchemy import Connection

from drbot.core.site.readiness import EVERY_SECONDS
from drbot.core.text.messages import duration, filled, phrase, sentences
from drbot.core.text.words import ago, clock
from drbot.store.base.database import Database
from drbot.store.records import figures, readiness, surfaces

LATE_SECONDS = 60.0
"""So old may the oldest record be that Slack does not show yet."""
NO_BOT: str = phrase("No bot tells it in Slack: tell people by other means.")
BEHIND: str = phrase(
    "Slack has not shown anything since {since}: people are told when it answers. Until then tell them by other means."
)


def unheard(connection: Connection, database: Database, site: str, within: float = 2 * EVERY_SECONDS) -> str:
    """That no worker of the site was seen within so many seconds, and how to start one; "": one was."""
    todo = phrase("Start it there: drbot worker --site {site}", site=site)
    if not (seen := readiness.of_source(connection, site)):
        return sentences(phrase("No worker of {site} has taken it up: none was ever seen.", site=site), todo)
    seconds = ago(max(one.looked_at for one in seen), database.now(connection)).total_seconds()
    if seconds < within:
        return ""
    time = duration(max(1.0, seconds))
    why = phrase("No worker of {site} has taken it up: one was seen last {time} ago.", site=site, time=time)
    return sentences(why, todo)


def untold(connection: Connection, now: datetime) -> str:
    """That people in Slack do not see what happens, and since when; "": they do. Without it no one may be told that
    somebody else was told.
    """
    until = surfaces.led_until(connection, surfaces.PUBLISHER)
    if until is None or not now < until <= now + surfaces.LONGEST_LEAD:
        return NO_BOT
    _, since = figures.behind(connection, surfaces.PUBLISHER)
    if since is None or ago(since, now).total_seconds() < LATE_SECONDS:
        return ""
    return filled(BEHIND, since=clock(since))
