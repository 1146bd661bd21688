"""What stands behind a decision besides the word of the entry point: a code that a worker checked, or the person's own
signature.

A statement says everything it is for, so that nothing signed for one thing is good for another, or twice. The worker
recounts with the same `holds`; a bot that writes decisions by itself cannot write these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from drbot.core.base.signing import verify
from drbot.core.ledger.events import canonical
from drbot.core.site.people import Roster


class Proof(StrEnum):
    """How somebody showed who they are."""

    CODE = "code"  # a one-time code, checked and signed by a worker
    PHONE = "phone"  # a code read over the phone, bound to this very question; checked and signed by a worker
    KEY = "key"  # the person's own key
    HOST = "host"  # the worker's key itself: break-glass, from the recovery host only


class Entrance(StrEnum):
    """By which way something was typed."""

    SLACK = "slack"
    TERMINAL = "terminal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a code was typed; wrong ones count against it. Slack vouches for the account, a terminal for itself."""

    entrance: Entrance
    name: str  # the account, or user and machine


class Purpose(StrEnum):
    """What is decided. Each has a secret of its own in the authenticator: a code for one is wrong for the others."""

    VOTE = "vote"
    ROSTER = "roster"
    ENROL = "enrol"  # somebody's first code, which shows that the authenticator has the secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who decides what about which question, whole."""

    purpose: Purpose
    person: str
    decision: str
    seal: str = ""  # of the plan; of a roster its hash
    request: str = ""  # a vote's request, its gate and its run
    gate: str = ""
    run: str = ""
    policy: int = 0  # the roster in force at a vote; of a proposed roster the number it would have


@dataclass(frozen=True, kw_only=True, slots=True)
class Attestation:
    """A signature over `statement`."""

    proof: Proof
    signature: str


def statement(proof: Proof, claim: Claim) -> bytes:
    return canonical({"drbot": 2, "proof": proof.value, **document_of(claim)})


def document_of(claim: Claim) -> dict[str, Any]:
    return asdict(claim) | {"purpose": claim.purpose.value}


def claim_in(document: Mapping[str, Any]) -> Claim:
    """Of a row. Raises KeyError, TypeError or ValueError for anything else."""
    return Claim(**{**document, "purpose": Purpose(str(document["purpose"]))})


def phone_statement(*, person: str, request: str, short_seal: str, decision: str) -> bytes:
    """What a phone code stands for; of the seal the eight letters that people can read to each other."""
    claim = Claim(purpose=Purpose.VOTE, person=person, request=request, seal=short_seal, decision=decision)
    return statement(Proof.PHONE, claim)


def holds(attestation: Attestation | None, roster: Roster, needed: Iterable[Proof], claim: Claim) -> bool:
    """Whether the signature is there, is of a kind that is needed, and says exactly this."""
    person = roster.person(claim.person)
    if attestation is None or attestation.proof not in needed or person is None:
        return False
    public = person.key if attestation.proof is Proof.KEY else roster.worker_key
    return public is not None and verify(public, statement(attestation.proof, claim), attestation.signature)
