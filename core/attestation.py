"""What stands behind a vote besides the word of the door: a code that a worker checked, or the voter's own signature.

The worker recounts with the same `holds`, so a bot that writes votes by itself cannot write these (rule 6).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.events import canonical
from core.people import Person, Roster
from core.signing import verify


class Proof(StrEnum):
    """How somebody showed who they are."""

    CODE = "code"  # a one-time code, checked and signed by a worker
    PHONE = "phone"  # a code read over the phone, bound to this very question; checked and signed by a worker
    KEY = "key"  # the person's own key
    HOST = "host"  # the worker's key itself: break-glass, from the recovery host only


ENROL = "enrol"
"""The subject of somebody's first code, which shows that the authenticator has the secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attestation:
    """A signature over `statement`."""

    proof: Proof
    signature: str


def statement(proof: Proof, *, person: str, subject: str, seal: str, decision: str) -> bytes:
    """What is signed: who says what about which question. `subject`: a request's id, or what else is decided."""
    said = {"proof": proof.value, "person": person, "subject": subject, "seal": seal, "decision": decision}
    return canonical({"drbot": 1, **said})


def phone_statement(*, person: str, subject: str, short_seal: str, decision: str) -> bytes:
    """What a phone code stands for; of the seal the eight letters that people can read to each other."""
    return statement(Proof.PHONE, person=person, subject=subject, seal=short_seal, decision=decision)


def holds(
    attestation: Attestation | None,
    roster: Roster,
    needed: Iterable[Proof],
    *,
    person: Person,
    subject: str,
    seal: str,
    decision: str,
) -> bool:
    """Whether the signature is there, is of a kind that is needed, and is about exactly this."""
    if attestation is None or attestation.proof not in needed:
        return False
    public = person.key if attestation.proof is Proof.KEY else roster.worker_key
    said = statement(attestation.proof, person=person.id, subject=subject, seal=seal, decision=decision)
    return public is not None and verify(public, said, attestation.signature)
