"""What was to be done after a drill or an incident and is not, though its day is over: a line for each."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from drbot.core.runs.action_item import ActionItem
from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, good, soon
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.store.records import action_items, incidents

LONGEST = 200


def action_lines(connection: Connection, configuration: Configuration, roster: Roster, now: datetime) -> Iterator[Line]:
    """Nothing where nothing is to be done."""
    found, today = action_items.open_ones(connection), configuration.day(now)
    late = [one for one in found if one.is_overdue(today)]
    for one in late:
        yield _line(one, incidents.get(connection, one.incident).name, roster.name_of(one.owner))
    if found and not late:
        yield good(phrase("action items"), phrase("{count} open, none overdue", count=len(found)))


def _line(item: ActionItem, name: str, owner: str) -> Line:
    what = phrase("action item {number} of {name}", number=item.number, name=name)
    why = phrase(
        "{owner} was to do it by {due}: {text}", owner=owner, due=item.due.isoformat(), text=cut(item.text, LONGEST)
    )
    todo = phrase(
        "{owner} does it, then types /dr action {name} done {number}", owner=owner, name=name, number=item.number
    )
    return soon(what, why, todo)
