"""App Home: drawn each time it is opened."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drbot.bot.blocks.home import MOST, home
from drbot.bot.listeners.visits import visit_of_event
from drbot.bot.office import Office, Visit
from drbot.commands.faults import faults_of
from drbot.commands.incident_view import view_of
from drbot.store import incidents


def opened(office: Office, body: Mapping[str, Any]) -> None:
    """Somebody opened the Home tab."""
    if body["event"].get("tab", "home") == "home":
        office.later(visit_of_event(body, ""), publish)


def publish(office: Office, visit: Visit) -> None:
    """Open incidents, and what waits for this person."""
    now = datetime.now(UTC)
    with office.context.database.read() as connection:
        open_ones = incidents.recent(connection, open_only=True, limit=MOST)
        situations = [view_of(connection, office.context, one, now) for one in open_ones]
    view = home(
        office.context.configuration.system,
        office.person(visit),
        situations,
        faults_of(office.context),
        office.language(visit),
    )
    office.client.views_publish(user_id=visit.user, view=office.stamps.view(view, visit.user))
