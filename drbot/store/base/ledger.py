"""The chain of events: appended by every write transaction, read by everything that people see.

`append` is the last thing a transaction does. The head row is locked from its beginning, so order of commit = order of
`seq`, there are no gaps, and a reader that remembers the last `seq` never skips an event.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, insert, select, update
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from drbot.core.base.errors import BrokenStateError
from drbot.core.ledger.events import Event, EventKind, hash_of, record_of
from drbot.core.ledger.ledger import Chain, Known, check_events
from drbot.core.text.messages import phrase
from drbot.store.base.reading import every, readable
from drbot.store.base.schema import events
from drbot.store.base.schema import head as head_table

BROUGHT_AT_ONCE = 500


def append(connection: Connection, happened: Sequence[Event]) -> None:
    """Give the events their numbers and hashes. Nothing else may follow in the transaction."""
    if not happened:
        return
    seq, previous = hold(connection)
    rows = []
    for event in happened:
        seq += 1
        placed = replace(event, seq=seq, previous=previous)
        previous = hash_of(placed)
        rows.append(_row_of(replace(placed, hash=previous)))
    connection.execute(insert(events), rows)
    connection.execute(update(head_table).where(head_table.c.id == 1).values(seq=seq, hash=previous))


def hold(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last event; until this transaction ends nobody else writes."""
    query = select(head_table.c.seq, head_table.c.hash).where(head_table.c.id == 1).with_for_update()
    return _head(connection, query)


def _head(connection: Connection, query: Select[Any]) -> tuple[int, str]:
    """Raises BrokenStateError where there is none."""
    try:
        found = connection.execute(query).one()
        return int(found[0]), str(found[1])
    except (NoResultFound, MultipleResultsFound, ValueError, TypeError, OverflowError) as error:
        raise BrokenStateError(phrase("The end of the ledger cannot be read: {why}", why=error)) from error


def bring(connection: Connection, chain: Iterable[Event]) -> None:
    """Fill an empty ledger with events that have their numbers and hashes, as after the loss of a host."""
    rest = iter(chain)
    while part := list(islice(rest, BROUGHT_AT_ONCE)):
        connection.execute(insert(events), [_row_of(event) for event in part])
        values = {"seq": part[-1].seq, "hash": part[-1].hash}
        connection.execute(update(head_table).where(head_table.c.id == 1).values(**values))


def after(connection: Connection, seq: int, limit: int = 200) -> list[Event]:
    """The next events after `seq`, oldest first."""
    query = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
    return list(readable(connection.execute(query), events, _event_in))


def of_kinds(connection: Connection, kinds: Iterable[EventKind], seq: int = 0) -> list[Event]:
    """All events of these kinds after `seq`, oldest first."""
    query = select(events).where(events.c.seq > seq, events.c.kind.in_([kind.value for kind in kinds]))
    return every(connection.execute(query.order_by(events.c.seq)), events, _event_in)  # rosters are among them


def of_incident(connection: Connection, incident: int) -> list[Event]:
    """Everything that happened in one incident, oldest first."""
    query = select(events).where(events.c.incident == incident).order_by(events.c.seq)
    return list(readable(connection.execute(query), events, _event_in))


def head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last event."""
    return _head(connection, select(head_table.c.seq, head_table.c.hash))


def verify(connection: Connection, known: Known | None = None) -> list[str]:
    """What is wrong with the chain, in sentences that name the record; [] = whole."""
    return checked(connection, known or Known())[1]


def checked(connection: Connection, known: Known) -> tuple[Chain, list[str]]:
    """The chain, and what is wrong with it. A roll-back of the whole database only shows against a `known` head."""
    chain = check_events(everything(connection), known)
    if chain.problems:
        return chain, [*chain.problems, *known.problems()]
    try:
        chain.end(*head(connection))
    except BrokenStateError as error:
        return chain, [str(error), *known.problems()]
    return chain, [*chain.problems, *known.problems()]


def everything(connection: Connection) -> Iterator[Event]:
    """Every event, oldest first, one after the other. Raises ValueError at a record that is no event."""
    query = select(events).order_by(events.c.seq).execution_options(yield_per=1000)
    return (_event_in(row) for row in connection.execute(query).mappings())


def _row_of(event: Event) -> dict[str, Any]:
    return record_of(event) | {"at": event.at, "hash": event.hash}


def _event_in(row: RowMapping) -> Event:
    """Of one whose payload is none, nobody could say what happened."""
    if not isinstance(row["payload"], dict):
        raise TypeError("its payload is none")
    return Event(**(dict(row) | {"kind": EventKind(row["kind"])}))
