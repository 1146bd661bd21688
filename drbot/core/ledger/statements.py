"""What a worker says of the ledger over its signature: that it stood at this record, and what else was copied then.

The ledger names the workers' keys; so whoever knows one head of it, or one key, knows which statements are drbot's.
"""

import json
from dataclasses import asdict, dataclass

from drbot.core.base.signing import KeyPair, is_public, verify
from drbot.core.ledger.events import canonical
from drbot.core.text.messages import phrase

HEAD_LETTERS = 16
"""Of a hash, wherever a person writes one down: nobody forges a chain that ends in 64 given bits."""
LONGEST_LINE_BYTES = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Number and hash of a record, or how the hash begins."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{short(self.hash)}"

    def is_of(self, seq: int, digest: str) -> bool:
        return seq == self.seq and digest.startswith(self.hash)


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """The public half of the speaker's key is part of it; whether to believe that key is another question."""

    ledger: str  # the hash of its first record
    seq: int
    hash: str
    key: str
    sha256: str = ""  # of the copy that follows this line; "" = it is about the ledger alone
    size: int = 0  # of that copy, in bytes
    locked_until: int = 0  # seconds since 1970: until when the store keeps this very line; 0 = it does not

    @property
    def head(self) -> Head:
        return Head(seq=self.seq, hash=self.hash)


def short(digest: str) -> str:
    """As much of a hash as people write down."""
    return digest[:HEAD_LETTERS]


def head_in(written: str) -> Head:
    """As the incident's channel shows it: N:HASH. Raises ValueError, also when too little of the hash is there."""
    number, _, digest = written.strip().strip("`").partition(":")
    digest = digest.lower()
    is_hash = len(digest) >= HEAD_LETTERS and set(digest) <= set("0123456789abcdef")
    if not (number.isascii() and number.isdigit() and len(number) < HEAD_LETTERS and int(number) > 0 and is_hash):
        raise ValueError(phrase("not N:HASH with at least {count} letters of the hash", count=HEAD_LETTERS))
    return Head(seq=int(number), hash=digest)


def line_of(statement: Statement, pair: KeyPair) -> bytes:
    """One line of ASCII, with the signature."""
    said = asdict(statement) | {"signature": pair.sign(_signed(statement))}
    return json.dumps(said, sort_keys=True).encode() + b"\n"


def statement_in(line: bytes) -> Statement:
    """Of a line that the owner of its key has signed. Raises ValueError for anything else."""
    try:
        said = json.loads(line.decode("ascii"))
        signature = said.pop("signature")
        statement = Statement(**said)
        names = ("ledger", "seq", "hash", "key", "sha256", "size", "locked_until")
        kinds = [type(getattr(statement, name)) for name in names]
        is_ours = kinds == [str, int, str, str, str, int, int] and is_public(statement.key)
        if not is_ours or not verify(statement.key, _signed(statement), signature):
            raise ValueError(phrase("the signature is not of its key"))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(phrase("not a statement of drbot")) from error
    return statement


def _signed(statement: Statement) -> bytes:
    return canonical({"drbot": 2, "purpose": "ledger", **asdict(statement)})
