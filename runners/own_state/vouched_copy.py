"""Which copy of drbot's own state in a bucket is believed: the newest whole one that something outside of the bucket
vouches for. Whoever has the bucket may have put anything there and have taken anything away. Nothing is written here.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.base.signing import fingerprint
from drbot.core.ledger.statements import LONGEST_LINE_BYTES, Head, Statement
from drbot.core.text.messages import phrase
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.bucket_ledger import BucketLedger, Records
from drbot.runners.own_state.state_bucket import Named, statement_of
from drbot.runners.own_state.witnesses import Roots, Witnesses

TRIED = phrase("Bringing drbot back from S3.")
INSTALL = phrase("Install the version that made it, bring the state back, then upgrade.")
GIVE = phrase(
    "Give the newest `Ledger N:…` of an incident's channel: --head N:… Or put the backup of <home>/worker back first."
)
LOOK = phrase("Look for another copy of the bucket, or for older versions of its objects.")
OTHER = phrase(
    "Is it the right bucket and prefix, and was the whole `Ledger N:…` copied? Try without it to see what is there."
)
UNLOCKED = phrase(
    "It is drbot's own, but whoever can write there could have removed newer ones: no newest head is locked."
)
UNLISTED = phrase(
    "It is drbot's own, but whoever can write there could have removed newer ones: removed versions cannot be listed."
)
FORMAT = 2
LARGEST_COPY_BYTES = 128 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A copy that is what its own signature says, whoever made it."""

    place: str
    made_at: datetime  # as the store says
    statement: Statement
    records: Records
    body: bytes

    @property
    def head(self) -> Head:
        return self.statement.head


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Why a candidate is not taken, in one sentence or two."""

    candidate: Candidate
    why: str
    todo: str = GIVE
    is_final: bool = False  # it is drbot's own: older ones are no better


@dataclass(frozen=True, kw_only=True, slots=True)
class Vouched:
    """A copy, verified whole."""

    candidate: Candidate
    document: Mapping[str, Any]
    passed_over: tuple[str, ...]  # what lies there as a newer copy and is none, with the reason
    forgotten: int  # the newest record that drbot has signed and that is not in here; else the copy's own


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Of one ledger's copies, newest first."""

    bucket: ObjectStoreClient
    roots: Roots
    copies: list[Named]
    ledger: BucketLedger
    witnesses: Witnesses
    passed_over: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    def newest(self) -> Vouched | None:
        """None: `doubts` and `passed_over` say why. Raises TemporaryError; UserError for a copy of a newer drbot."""
        for candidate in self._candidates():
            trusted = self.witnesses.trusted(self.roots, candidate.statement, candidate.records)
            doubt = self._doubt_whose(candidate, trusted) or self._doubt_whether_newest(candidate, trusted)
            if doubt is None:
                return self._opened(candidate, trusted)
            self.doubts.append(doubt)
            if doubt.is_final:
                break
        return None

    def _candidates(self) -> Iterator[Candidate]:
        believed = self.roots.believed
        for found in self.copies:
            if believed is not None and found.last != believed.seq:
                continue
            try:
                statement = statement_of(self.bucket, found)
                if not self._is_no_better(statement):
                    yield self._candidate(found, statement)
            except (ValueError, PermanentError) as error:
                self.passed_over.append(phrase("{place}: {why}", place=self.bucket.place(found.stored.key), why=error))

    def _is_no_better(self, said: Statement) -> bool:
        """An older one of a ledger by a key that were both doubted already."""
        doubted = (doubt.candidate for doubt in self.doubts)
        return any(one.statement.key == said.key and one.records.has(said.head) for one in doubted)

    def _candidate(self, found: Named, said: Statement) -> Candidate:
        """Raises ValueError or PermanentError for what is none."""
        records = self.ledger.until(said.seq, said.hash)
        if not records.hashes or records.hashes[0] != said.ledger:
            raise ValueError(phrase("it is of another ledger than it says"))
        most = min(said.size, LARGEST_COPY_BYTES) + LONGEST_LINE_BYTES
        _, _, body = self.bucket.read(found.stored.key, found.stored.version, most=most).partition(b"\n")
        if len(body) != said.size or hashlib.sha256(body).hexdigest() != said.sha256:
            raise ValueError(phrase("its contents are not what its worker signed: changed, or only partly uploaded"))
        place, made_at = self.bucket.place(found.stored.key), found.stored.modified_at
        return Candidate(place=place, made_at=made_at, statement=said, records=records, body=body)

    def _doubt_whose(self, one: Candidate, trusted: frozenset[str]) -> Doubt | None:
        head, believed, end = self.roots.head, self.roots.believed, one.head.seq
        if believed is not None and not one.records.has(believed):
            return Doubt(
                candidate=one,
                why=phrase("Its record {record} does not match the one given with --believe.", record=end),
                todo=OTHER,
            )
        if head is not None and head.seq <= end and not one.records.has(head):
            why = phrase("Its record {record} does not match the head that you gave.", record=head.seq)
            return Doubt(candidate=one, why=why, todo=OTHER)
        if head is not None and head.seq > end and believed is None:
            return Doubt(
                candidate=one,
                why=phrase("It ends before record {record}, whose head you gave.", record=head.seq),
                todo=LOOK,
            )
        if one.statement.key not in trusted:
            return Doubt(candidate=one, why=self._unknown(one))
        return None

    def _unknown(self, one: Candidate) -> str:
        key = fingerprint(one.statement.key)
        if self.roots == Roots():
            return phrase(
                "It is signed with the worker's key {key}, but nothing outside the bucket confirms it: anyone "
                "who can write there could have made all of it.",
                key=key,
            )
        return phrase("It is signed with the worker's key {key}, but nothing known here confirms that key.", key=key)

    def _doubt_whether_newest(self, one: Candidate, trusted: frozenset[str]) -> Doubt | None:
        if self.roots.believed is not None:
            return None
        newer = next(self.witnesses.unlike(one.records, trusted), None)
        if newer is not None:
            why = phrase(
                "drbot has signed record {record} too, and it is not in there: it would be forgotten.", record=newer.seq
            )
            if newer.seq <= one.head.seq:
                why = phrase(
                    "drbot has signed another record {record} too: a state was rolled back, and both went on.",
                    record=newer.seq,
                )
            return Doubt(candidate=one, why=why, todo=LOOK, is_final=True)
        if self.roots.head is None and not self.witnesses.are_locked(one.records, trusted):
            return Doubt(candidate=one, why=UNLOCKED if self.witnesses.shows_removed else UNLISTED, is_final=True)
        return None

    def _opened(self, one: Candidate, trusted: frozenset[str]) -> Vouched:
        try:
            document: dict[str, Any] = json.loads(gzip.decompress(one.body))
            is_known = document["format"] == FORMAT
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                TRIED, phrase("{place} is drbot's own and cannot be read: {why}.", place=one.place, why=error), INSTALL
            ) from error
        if not is_known:
            why = phrase(
                "{place} was written by drbot {version}, in a format that is unknown here.",
                place=one.place,
                version=document.get("drbot"),
            )
            raise UserError(TRIED, why, INSTALL)
        signed = [self.witnesses.statement(found) for found in self.copies if found.last > one.head.seq]
        lost = [said.seq for said in signed if said is not None and said.key in trusted]
        lost += [head.seq for head in self.witnesses.unlike(one.records, trusted)]
        return Vouched(
            candidate=one,
            document=document,
            passed_over=tuple(self.passed_over),
            forgotten=max([one.head.seq, *lost]),
        )
