"""How drbot's own state lies in a bucket, by the names of its objects; and how one is read that anybody may have put
there. Written by state_copies.py and ledger_anchor.py, read by them and by vouched_copy.py.

    state/<ledger>/ledger/<first>-<last>-<hash>.jsonl.gz   lines of `drbot audit export`, locked where the bucket allows
    state/<ledger>/copies/<record>.signed                  a line with a worker's statement; behind it, gzipped, every
                                                           other table, dr.yml and the runbooks as of this record
    ledger/heads/<ledger>/<record>-<hash>.json             such a line about the ledger alone, locked

<ledger> is the beginning of its first hash: two installations in one bucket never mix.
"""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from drbot.core.base.errors import PermanentError
from drbot.core.ledger.statements import LONGEST_LINE_BYTES, Head, Statement, short, statement_in
from drbot.core.text.messages import phrase
from drbot.runners.clients.object_store import ObjectStoreClient, StoredObject

FOLDER, HEADS = "state/", "ledger/heads/"
LEDGER_LETTERS = 12
LARGEST_PIECE_BYTES = 64 << 20  # unpacked

_LEDGER, _RECORD, _HASH = r"(?P<ledger>[0-9a-f]{12})", r"(?P<last>[0-9]{12})", r"(?P<digest>[0-9a-f]{16})"
COPY = re.compile(rf"{FOLDER}{_LEDGER}/copies/{_RECORD}\.signed")
PIECE = re.compile(rf"{FOLDER}{_LEDGER}/ledger/(?P<first>[0-9]{{12}})-{_RECORD}-{_HASH}\.jsonl\.gz")
HEAD = re.compile(rf"{HEADS}{_LEDGER}/{_RECORD}-{_HASH}\.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One version of an object, and what its name says; whether that is true shows inside."""

    stored: StoredObject
    ledger: str
    last: int
    first: int = 0
    digest: str = ""  # how the hash of the last record begins

    @property
    def head(self) -> Head:
        return Head(seq=self.last, hash=self.digest)


def name_of(ledger: str) -> str:
    """How folders of this ledger are called; `ledger`: the hash of the first record."""
    return ledger[:LEDGER_LETTERS]


def folder_of(ledger: str) -> str:
    return f"{FOLDER}{name_of(ledger)}/"


def copy_key(ledger: str, seq: int) -> str:
    return f"{folder_of(ledger)}copies/{seq:012d}.signed"


def piece_key(ledger: str, first: int, last: int, digest: str) -> str:
    return f"{folder_of(ledger)}ledger/{first:012d}-{last:012d}-{short(digest)}.jsonl.gz"


def head_key(ledger: str, seq: int, digest: str) -> str:
    return f"{HEADS}{name_of(ledger)}/{seq:012d}-{short(digest)}.json"


def named(kind: re.Pattern[str], found: Iterable[StoredObject]) -> list[Named]:
    """Those whose names are of this kind, newest record first, of one record what was written last."""
    matches = [(one, match.groupdict()) for one in found if (match := kind.fullmatch(one.key))]
    objects = [
        Named(
            stored=one,
            ledger=said["ledger"],
            last=int(said["last"]),
            first=int(said.get("first", said["last"])),
            digest=said.get("digest", ""),
        )
        for one, said in matches
    ]
    return sorted(objects, key=lambda one: (one.last, one.stored.modified_at), reverse=True)


def statement_of(bucket: ObjectStoreClient, found: Named) -> Statement:
    """The first line of a copy or of a head, signed by the key that it names. Raises ValueError, also for one that
    lies under another name than its own; TemporaryError.
    """
    stored = found.stored
    try:
        begins = next(iter(bucket.pieces(stored.key, version=stored.version)), b"")
    except PermanentError as error:
        raise ValueError(str(error)) from error
    line, end, _ = begins.partition(b"\n")
    if len(line) > LONGEST_LINE_BYTES or not end:
        raise ValueError(phrase("it does not begin with a statement of drbot"))
    said = statement_in(line)
    if not said.ledger.startswith(found.ledger) or said.seq != found.last:
        raise ValueError(phrase("it is of another record or of another ledger than its name says"))
    return said


def unpacked(data: bytes) -> bytes:
    """What was gzipped. Raises ValueError when it was cut, is none, or would become larger than any piece."""
    machine = zlib.decompressobj(wbits=31)
    try:
        found = machine.decompress(data, LARGEST_PIECE_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not machine.eof:
        raise ValueError(phrase("it was cut, or is larger than anything of drbot's"))
    return found
