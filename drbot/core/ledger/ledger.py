"""The chain of events outside of the database: its lines in an export, and what is wrong with a chain.

One check for the database and for a file (`drbot audit verify`), so that an auditor needs no database.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from drbot.core.ledger.events import GENESIS, Event, EventKind, hash_of, record_of
from drbot.core.text.messages import phrase

MOST_PROBLEMS = 20
"""One broken link is enough to close the gates; the first ones say where to look."""


UNREADABLE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading a record raises when somebody wrote into it."""


class Chain:
    """Follows events in order and collects what does not fit, in sentences that name the record."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS
        self.problems: list[str] = []

    def add(self, event: Event) -> None:
        if event.seq > self.seq + 1:
            self._say(phrase("Records {first} to {last} are missing.", first=self.seq + 1, last=event.seq - 1))
        elif event.seq <= self.seq:
            moved = phrase(
                "Record {record} comes after record {before}: records were moved or doubled.",
                record=event.seq,
                before=self.seq,
            )
            self._say(moved)
        elif event.previous != self.hash:
            other = phrase(
                "Record {record} does not follow record {before}: it names another hash.",
                record=event.seq,
                before=self.seq,
            )
            self._say(other)
        if hash_of(event) != event.hash:
            self._say(phrase("Record {record} was changed after it was written.", record=event.seq))
        self.seq, self.hash = event.seq, event.hash

    def end(self, seq: int, digest: str) -> None:
        """Compare with the head that the ledger keeps of itself."""
        if (seq, digest) != (self.seq, self.hash):
            cut = phrase(
                "The chain ends at record {record}, but its head says {head}: the end was cut or changed.",
                record=self.seq,
                head=seq,
            )
            self._say(cut)

    def unreadable(self, why: object) -> None:
        """A record whose bytes are no event at all; nothing behind it can be trusted."""
        self._say(phrase("The record after {record} cannot be read: {why}", record=self.seq, why=why))

    @property
    def is_hopeless(self) -> bool:
        return len(self.problems) >= MOST_PROBLEMS

    def _say(self, problem: str) -> None:
        self.problems.append(problem)


class Known:
    """A head that was written down elsewhere (the channel, S3): the only proof against a roll-back."""

    def __init__(self, head: str = "") -> None:
        """`head`: N:HASH or nothing; of the hash the first letters do. Raises ValueError."""
        number, _, digest = head.strip().partition(":")
        if head and (not number.isdigit() or int(number) == 0 or len(digest) < 8):
            raise ValueError(phrase("write it as N:HASH, as the incident's channel shows it"))
        self.seq = int(number) if head else 0
        self._digest = digest.lower()
        self._found: str | None = None

    def see(self, event: Event) -> None:
        if event.seq == self.seq:
            self._found = event.hash

    def problems(self) -> list[str]:
        """What speaks against this ledger being the one the head was taken of."""
        if not self.seq:
            return []
        if self._found is None:
            gone = phrase(
                "Record {record} is missing: the ledger was rolled back, or the head is of another ledger.",
                record=self.seq,
            )
            return [gone]
        if self._found.startswith(self._digest):
            return []
        return [phrase("Record {record} is not the one of that head.", record=self.seq)]


def line_of(event: Event) -> str:
    """One line of an export: everything the hash covers, and the hash. ASCII, so that no letter can pose as another."""
    return _dumped(record_of(event) | {"hash": event.hash})


def head_line(seq: int, digest: str) -> str:
    """The last line of an export: without it the file was cut."""
    return _dumped({"head": {"seq": seq, "hash": digest}})


def check_lines(lines: Iterable[bytes], known: Known) -> tuple[Chain, list[str]]:
    """Verify an export: each line must be, byte for byte, what drbot writes. The chain, and what is wrong with it."""
    chain, ended = Chain(), False
    for raw in lines:
        if ended:
            chain.problems.append(phrase("There is something after the end of the export."))
        if ended or chain.is_hopeless:
            break
        try:
            ended = _take(chain, known, raw)
        except (*UNREADABLE, KeyError) as error:
            chain.unreadable(error)
            return chain, [*chain.problems, *known.problems()]
    if not ended and not chain.is_hopeless:
        cut = phrase("The export ends at record {record} without its head: its end was cut.", record=chain.seq)
        chain.problems.append(cut)
    return chain, [*chain.problems, *known.problems()]


def event_in(raw: bytes) -> Event:
    """The event of one line of an export. Raises one of UNREADABLE or KeyError when drbot would not write it so."""
    event = _event_of(json.loads(raw.decode("ascii")))
    if raw != line_of(event).encode() + b"\n":
        raise ValueError(phrase("these are not the bytes that drbot wrote"))
    return event


def _take(chain: Chain, known: Known, raw: bytes) -> bool:
    """One line; True = it was the head."""
    record = json.loads(raw.decode("ascii"))
    if set(record) == {"head"}:
        seq, digest = record["head"]["seq"], record["head"]["hash"]
        if raw != head_line(seq, digest).encode() + b"\n":
            raise ValueError(phrase("these are not the bytes that drbot wrote"))
        chain.end(seq, digest)
        return True
    event = event_in(raw)
    chain.add(event)
    known.see(event)
    return False


def check_events(events: Iterator[Event], known: Known) -> Chain:
    """The chain of these events, as far as they can be read."""
    chain = Chain()
    try:
        for event in events:
            chain.add(event)
            known.see(event)
            if chain.is_hopeless:
                break
    except UNREADABLE as error:
        chain.unreadable(error)
    return chain


def _event_of(record: dict[str, Any]) -> Event:
    values = record | {"kind": EventKind(record["kind"]), "at": datetime.fromisoformat(record["at"])}
    return Event(**values)


def _dumped(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=True, sort_keys=True)
