"""The chain has no gap and no fork, whoever writes, and shows what was changed or cut."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update

from drbot.core.ledger.events import EventKind, hash_of
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.schema import events
from tests.integration.store.store_fixture import at_once

WRITERS, EACH = 8, 12


def write_notes(database: Database, writer: int) -> None:
    for number in range(EACH):
        with database.write() as tx:
            tx.record(EventKind.INCIDENT_NOTE, incident=writer, text=f"復元 {number}", number=number, share=0.1)
            tx.record(EventKind.INCIDENT_NOTE, incident=writer, text="second", at=tx.now)


def problems(database: Database) -> list[str]:
    with database.read() as connection:
        return ledger.verify(connection)


def test_eight_writers_at_once_leave_one_chain_without_a_gap(database: Database) -> None:
    at_once(*(lambda writer=writer: write_notes(database, writer) for writer in range(WRITERS)))

    with database.read() as connection:
        chain = ledger.after(connection, 0, limit=1000)
        assert [event.seq for event in chain] == list(range(1, WRITERS * EACH * 2 + 1))
        assert ledger.head(connection) == (chain[-1].seq, chain[-1].hash)
        mine = [event.payload["number"] for event in ledger.of_incident(connection, 3) if "number" in event.payload]
    assert mine == list(range(EACH))
    assert problems(database) == []
    assert all(hash_of(event) == event.hash for event in chain)


def test_a_transaction_that_fails_leaves_no_event_and_calls_nobody(database: Database) -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        tx.record(EventKind.INCIDENT_NOTE, text="never")
        tx.after_commit(lambda: called.append("rung"))
        1 / 0  # noqa: B018

    with database.read() as connection:
        assert ledger.head(connection)[0] == 0
    assert called == []


def test_who_is_called_after_the_commit_sees_what_was_written(database: Database) -> None:
    seen: list[int] = []

    def look() -> None:
        with database.read() as connection:
            seen.append(ledger.head(connection)[0])

    with database.write() as tx:
        tx.record(EventKind.INCIDENT_NOTE, text="written")
        tx.after_commit(look)

    assert seen == [1]


def change(database: Database, seq: int, **values: object) -> None:
    with database.write() as tx:
        tx.connection.execute(update(events).where(events.c.seq == seq).values(**values))


def rehash(database: Database) -> None:
    """The clever forger: the changed record gets a hash that fits."""
    change(database, 3, payload={"text": "forged"})
    with database.read() as connection:
        forged = ledger.after(connection, 2, limit=1)[0]
    change(database, 3, hash=hash_of(forged))


def cut(database: Database, first: int, last: int) -> None:
    with database.write() as tx:
        tx.connection.execute(delete(events).where(events.c.seq.between(first, last)))


DAMAGE: dict[str, tuple[Callable[[Database], None], str]] = {
    "a changed word": (lambda database: change(database, 3, payload={"text": "forged"}), "Record 3 was changed"),
    "a changed person": (lambda database: change(database, 4, person="nobody"), "Record 4 was changed"),
    "a kind that does not exist": (lambda database: change(database, 4, kind="x"), "Record 4 was changed"),
    "a new hash": (rehash, "Record 4 does not follow record 3"),
    "a cut in the middle": (lambda database: cut(database, 3, 4), "Records 3 to 4 are missing"),
    "a cut at the start": (lambda database: cut(database, 1, 1), "Records 1 to 1 are missing"),
    "a cut at the end": (lambda database: cut(database, 5, 6), "ends at record 4, but its head says 6"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_names_the_record_that_was_damaged(database: Database, damage: str) -> None:
    for number in range(6):
        with database.write() as tx:
            tx.record(EventKind.INCIDENT_NOTE, text=f"line {number}")
    assert problems(database) == []
    do, sentence = DAMAGE[damage]

    do(database)

    assert any(sentence in problem for problem in problems(database)), problems(database)


def test_the_payload_lies_in_the_table_as_its_canonical_json(database: Database) -> None:
    with database.write() as tx:
        tx.record(EventKind.INCIDENT_NOTE, text="é", seats={"b", "a"})

    with database.read() as connection:
        assert connection.execute(select(events.c.payload)).scalar_one() == {"seats": ["a", "b"], "text": "é"}
