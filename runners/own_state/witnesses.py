"""Whose word about a ledger is believed, and what drbot itself has said of it: the signed heads in a bucket.

Known outside of the bucket is a head, a worker's key, or what a person believes. A head makes the ledger up to its
record certain; keys that are named up to there make certain what they have signed, and so on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, takewhile

from drbot.core.ledger.statements import Head, Statement
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.bucket_ledger import Records
from drbot.runners.own_state.state_bucket import Named, statement_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Roots:
    """What is known outside of the bucket."""

    keys: frozenset[str] = frozenset()  # public halves of workers' keys
    head: Head | None = None  # seen elsewhere
    believed: Head | None = None  # a person takes exactly this one, whatever speaks against it

    def certain(self, records: Records) -> int:
        """Up to which record this ledger is certain."""
        given = (self.head, self.believed)
        return max((head.seq for head in given if head is not None and records.has(head)), default=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Witnesses:
    """The heads of one ledger, newest first. Everything may raise TemporaryError."""

    bucket: ObjectStoreClient
    heads: list[Named]
    shows_removed: bool  # what was removed is still among them, where the bucket keeps versions
    _read: dict[Named, Statement | None] = field(default_factory=dict)

    def trusted(self, roots: Roots, said: Statement, records: Records) -> frozenset[str]:
        """The keys that are believed about the ledger of `records`, looked for until that of `said` is among them."""
        keys, heard = roots.keys | records.keys_until(roots.certain(records)), list[Statement]()
        if not keys & records.keys_until(len(records.hashes)):
            return keys  # nobody whom this ledger names is known: no statement leads further
        for statement in chain([said], (statement for _, statement in self.on(records))):
            heard.append(statement)
            while (more := _grown(keys, heard, records)) != keys:
                keys = more
            if said.key in keys:
                break
        return keys

    def on(self, records: Records) -> Iterator[tuple[Named, Statement]]:
        for found in self.heads:
            if records.has(found.head):
                statement = self.statement(found)
                if statement is not None and records.has(statement.head):
                    yield found, statement

    def unlike(self, records: Records, keys: frozenset[str]) -> Iterator[Head]:
        """Heads that drbot has signed and this ledger does not have: it was rolled back, or has two ends. What was
        given up knowingly is none of them.
        """
        for found in self.heads:
            if records.has(found.head) or records.has_forgotten(found.last):
                continue
            statement = self.statement(found)
            if statement is not None and statement.key in keys:
                yield statement.head

    def are_locked(self, records: Records, keys: frozenset[str]) -> bool:
        """Whether drbot has had the newest head locked until later than now: then no newer one could be removed. Any
        version of it will do. That the store keeps it is not enough: anybody may put an old one there again, and have
        that kept.
        """
        drbots = (one for one in self.on(records) if one[1].key in keys)
        newest = next(drbots, None) if self.shows_removed else None
        if newest is None:
            return False
        versions = takewhile(lambda one: one[0].last == newest[0].last, chain([newest], drbots))
        now = datetime.now(UTC).timestamp()
        return any(said.locked_until > now and self.bucket.is_locked(found.stored) for found, said in versions)

    def statement(self, found: Named) -> Statement | None:
        """None for what is none of drbot's, whatever it is."""
        if found not in self._read:
            try:
                self._read[found] = statement_of(self.bucket, found)
            except ValueError:
                self._read[found] = None
        return self._read[found]


def _grown(keys: frozenset[str], heard: Iterable[Statement], records: Records) -> frozenset[str]:
    certain = max((one.seq for one in heard if one.key in keys), default=0)
    return keys | records.keys_until(certain)
