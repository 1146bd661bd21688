"""The ledger as a bucket has it, found backwards: each record names the hash of the one before, so whatever else lies
there, doubled, reordered, forged or damaged, is never taken for one of them and never in the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drbot.core.base.errors import PermanentError
from drbot.core.ledger.events import GENESIS, Event, EventKind, hash_of
from drbot.core.ledger.ledger import UNREADABLE, event_in
from drbot.core.ledger.statements import Head, short
from drbot.core.text.messages import phrase
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.state_bucket import Named, unpacked


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """A whole ledger up to one record, and what it says of statements."""

    lines: Sequence[bytes]  # each with its hash verified, and following the one before
    hashes: Sequence[str]
    keys: Sequence[tuple[int, str]]  # record, and the worker's key that it names
    returns: Sequence[tuple[int, int]]  # of each coming back: to which record, and which one was then forgotten

    def has(self, head: Head) -> bool:
        return 0 < head.seq <= len(self.hashes) and head.is_of(head.seq, self.hashes[head.seq - 1])

    def keys_until(self, seq: int) -> set[str]:
        """The keys that it names up to this record."""
        return {key for record, key in self.keys if record <= seq}

    def has_forgotten(self, seq: int) -> bool:
        """Whether a record of this number was given up when somebody brought an older copy back."""
        return any(record < seq <= forgotten for record, forgotten in self.returns)


class BucketLedger:
    def __init__(self, bucket: ObjectStoreClient, pieces: Sequence[Named]) -> None:
        self._bucket = bucket
        self._pieces = pieces
        self._followed: dict[str, tuple[bytes, Event]] = {}  # what was found, for the next look

    def until(self, seq: int, digest: str) -> Records:
        """All records up to this one. Raises PermanentError that names the one that is missing; TemporaryError."""
        lines, hashes, keys, returns = [], [], [], []
        here: Mapping[str, tuple[bytes, Event]] = {}
        while seq > 0:
            if digest not in here:
                here = self._followed if digest in self._followed else self._piece_with(seq, digest)
            raw, event = self._followed[digest] = here[digest]
            if event.seq != seq:
                raise PermanentError(phrase("Record {record} is not where its number says", record=seq))
            lines.append(raw)
            hashes.append(digest)
            keys += _key_in(event)
            returns += _return_in(event)
            seq, digest = seq - 1, event.previous
        if digest != GENESIS:
            raise PermanentError(phrase("Record 1 is not the beginning"))
        return Records(lines=lines[::-1], hashes=hashes[::-1], keys=keys, returns=returns)

    def _piece_with(self, seq: int, digest: str) -> dict[str, tuple[bytes, Event]]:
        """The piece that ends with this record, else any that has it."""
        around = [one for one in self._pieces if one.first <= seq <= one.last]
        for piece in sorted(around, key=lambda one: (one.digest != short(digest), one.last)):
            found = self._read(piece)
            if digest in found:
                return found
        raise PermanentError(
            phrase("Record {record} ({hash}…) is in no piece of the ledger", record=seq, hash=short(digest))
        )

    def _read(self, piece: Named) -> dict[str, tuple[bytes, Event]]:
        """Hash → the record that has it; nothing where something else lies under the name."""
        try:
            data = unpacked(self._bucket.read(piece.stored.key, piece.stored.version))
        except (ValueError, PermanentError):
            return {}
        found = {}
        for raw in data.splitlines(keepends=True):
            try:
                event = event_in(raw)
                if hash_of(event) == event.hash and isinstance(event.previous, str):
                    found[event.hash] = (raw, event)
            except (*UNREADABLE, KeyError):
                continue
        return found


def _key_in(event: Event) -> list[tuple[int, str]]:
    named = event.payload.get("key") if event.kind is EventKind.STATE_SIGNED_BY else None
    return [(event.seq, named)] if isinstance(named, str) else []


def _return_in(event: Event) -> list[tuple[int, int]]:
    if event.kind is not EventKind.STATE_BROUGHT_BACK:
        return []
    record, forgotten = event.payload.get("record"), event.payload.get("forgotten")
    return [(record, forgotten)] if isinstance(record, int) and isinstance(forgotten, int) else []
