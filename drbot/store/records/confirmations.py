"""What people have said is so, each the last time."""

from sqlalchemy import Connection, RowMapping, select

from drbot.core.site.confirmations import Confirmation, Subject
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import confirmations


def said(tx: Transaction, subject: Subject, person: str) -> None:
    """Now, in place of what this person said before."""
    insert_or(tx, confirmations, {"subject": subject.value, "person": person, "at": tx.now}, replace=True)


def list_of(connection: Connection) -> list[Confirmation]:
    query = select(confirmations).order_by(confirmations.c.at)
    return list(readable(connection.execute(query), confirmations, _confirmation_of))


def _confirmation_of(row: RowMapping) -> Confirmation:
    return Confirmation(subject=Subject(row["subject"]), person=row["person"], at=row["at"])
