"""Who takes up what is asked: a worker of the site, and a bot that tells Slack. Where nobody does, people are told."""

from sqlalchemy import Connection

from drbot.core.site.readiness import EVERY_SECONDS
from drbot.core.text.messages import duration, phrase, sentences
from drbot.core.text.words import ago
from drbot.store.base.database import Database
from drbot.store.records import readiness, surfaces


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


def has_bot(connection: Connection, database: Database) -> bool:
    """Whether one shows in Slack what happens."""
    until = surfaces.led_until(connection, surfaces.PUBLISHER)
    return until is not None and until > database.now(connection)
