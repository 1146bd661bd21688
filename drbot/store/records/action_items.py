"""What follows from drills and incidents: added and done by people, each with its event in the ledger."""

from datetime import date

from sqlalchemy import Connection, insert, select, update

from drbot.core.ledger.events import EventKind
from drbot.core.runs.action_item import ActionItem
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.schema import action_items


def add(tx: Transaction, incident: int, *, text: str, owner: str, due: date, person: str) -> ActionItem:
    """The next number of this incident."""
    number = max((one.number for one in of_incident(tx.connection, incident)), default=0) + 1
    item = ActionItem(incident=incident, number=number, text=text, owner=owner, due=due)
    tx.connection.execute(
        insert(action_items).values(incident=incident, number=number, text=text, owner=owner, due=due)
    )
    tx.record(
        EventKind.ACTION_ADDED,
        incident=incident,
        person=person,
        number=number,
        text=text,
        owner=owner,
        due=due.isoformat(),
    )
    return item


def done(tx: Transaction, item: ActionItem, person: str) -> bool:
    """False: somebody has said so already."""
    mine = (action_items.c.incident == item.incident, action_items.c.number == item.number)
    is_open = action_items.c.done_at.is_(None)
    statement = update(action_items).where(*mine, is_open).values(done_at=tx.now, done_by=person)
    if tx.connection.execute(statement).rowcount == 0:
        return False
    tx.record(EventKind.ACTION_DONE, incident=item.incident, person=person, number=item.number, text=item.text)
    return True


def of_incident(connection: Connection, incident: int) -> list[ActionItem]:
    """All of one incident, by number."""
    query = select(action_items).where(action_items.c.incident == incident).order_by(action_items.c.number)
    return list(readable(connection.execute(query), action_items, lambda row: ActionItem(**row)))


def open_ones(connection: Connection) -> list[ActionItem]:
    """What is not done, of all incidents, the soonest due first."""
    query = select(action_items).where(action_items.c.done_at.is_(None))
    query = query.order_by(action_items.c.due, action_items.c.incident, action_items.c.number)
    return list(readable(connection.execute(query), action_items, lambda row: ActionItem(**row)))
