"""Who may approve and by which rules: dr.yml proposes it, the ledger's newest acceptance is in force.

Pure: the same fold over the ledger's events runs in every process; the worker's believes no signature but its own.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from drbot.core.ledger.attestation import Attestation, Claim, Proof, Purpose, holds
from drbot.core.ledger.events import Event, EventKind, canonical
from drbot.core.site.people import Person, Roster, roster_of
from drbot.core.site.site import Approvals, Configuration, PersonEntry
from drbot.core.text.messages import listed, phrase, sentences

WAIT = timedelta(hours=24)
"""How long a new approver waits before a vote counts."""

AGREEING = 2
"""How many existing approvers change roster and policy."""

ACCEPT = "accept"
"""The one decision about a proposal."""

ROSTER_EVENTS = (EventKind.ROSTER_PROPOSED, EventKind.ROSTER_VOTED, EventKind.ROSTER_ACCEPTED)

Document = Mapping[str, Any]
Proofs = tuple[Attestation, ...]
"""One per worker that checked the code: each believes only its own signature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What is in force, and what waits for two approvers."""

    number: int  # 1 = as accepted at installation
    hash: str
    document: Document
    roster: Roster
    approvals: Approvals
    proposals: Mapping[str, Document]  # hash → document: what was proposed last, or nothing
    votes: Mapping[str, Mapping[str, Proofs]]  # hash → person → what stands behind the vote
    history: tuple[str, ...]  # the hash of every number, up to this one
    unbelieved: tuple[Document, ...] = ()  # accepted later, but not by signatures that are believed here

    def voters(self, proposal: str) -> set[str]:
        """Those whose agreement to a proposal counts now."""
        votes = self.votes.get(proposal, {})
        return {
            person
            for person, proofs in votes.items()
            if self.stayed(person) and self._is_signed(person, proposal, proofs)
        }

    def claim(self, person: str, proposal: str) -> Claim:
        """What somebody signs who accepts it: good for the next roster only, also when the same comes up again."""
        return Claim(purpose=Purpose.ROSTER, person=person, decision=ACCEPT, seal=proposal, policy=self.following)

    @property
    def following(self) -> int:
        """The number of the next acceptance in the ledger."""
        return self.number + len(self.unbelieved) + 1

    def _is_signed(self, person_id: str, proposal: str, proofs: Proofs) -> bool:
        """Whether this is an approver of the roster in force, as themselves where the policy asks for it."""
        person = self.roster.person(person_id)
        if person is None or "approver" not in person.roles:
            return False
        wanted, claim = needed_to_change(self.roster), self.claim(person_id, proposal)
        return not wanted or any(holds(proof, self.roster, wanted, claim) for proof in proofs)

    def stayed(self, person: str) -> bool:
        """Whether they are the same approver in everything that was accepted later: who was removed, or has lost an
        account or a key, must not come back because a worker cannot verify that.
        """
        entry = self.document["people"].get(person)
        return entry is not None and not any(_is_new(later, person, entry) for later in self.unbelieved)

    def with_unbelieved(self, document: Document) -> "Policy":
        """The same, and no gate opens: falling back to what was in force before would let removed people vote."""
        fault = self.roster.fault or _another_key(self.following, self.roster)
        roster = replace(self.roster, fault=fault)
        return replace(self, unbelieved=(*self.unbelieved, document), roster=roster)

    def with_proposal(self, document: Document) -> "Policy":
        """The same after another one was proposed: that ends the earlier ones, and what was said about them."""
        hash_ = hash_of(document)
        votes = {hash_: self.votes[hash_]} if hash_ in self.proposals and hash_ in self.votes else {}
        return replace(self, proposals={hash_: document}, votes=votes)

    def with_vote(self, proposal: str, person: str, proofs: Proofs, at: datetime) -> "Policy":
        """The same after somebody agreed. Of somebody whose votes do not count yet it is none, later neither."""
        if proposal not in self.proposals or is_too_new(self.roster.person(person), at):
            return self
        mine = {**self.votes.get(proposal, {}), person: proofs}
        return replace(self, votes={**self.votes, proposal: mine})


def document_of(configuration: Configuration) -> dict[str, Any]:
    """What two approvers must agree to; languages and telephone numbers are not part of it."""
    people = {
        key: {"name": one.name, "slack": sorted(one.slack), "roles": sorted(one.roles), "key": one.key}
        for key, one in configuration.people.items()
    }
    return {"people": people, "approvals": configuration.approvals.model_dump(mode="json")}


def hash_of(document: Document) -> str:
    return hashlib.sha256(canonical(document)).hexdigest()


def roster_seal(hash_: str) -> str:
    """What people compare and type: 80 bits of the hash, "7K3F-Q2MD-VX5A-J6TN". The short seal of a plan would not do:
    whoever edits dr.yml has time to look for two documents with the same 40 bits.
    """
    letters = base64.b32encode(bytes.fromhex(hash_)[:10]).decode()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def policy_of(events: Iterable[Event], given: Roster, before: Policy | None = None) -> Policy | None:
    """Fold the ledger; None = nothing was accepted yet. `given`: dr.yml's own roster, for faults, languages, keys."""
    policy = before
    for event in events:
        if event.kind is EventKind.ROSTER_ACCEPTED:
            policy = _accepted(policy, event, given)
        elif policy is not None and event.kind is EventKind.ROSTER_PROPOSED:
            policy = policy.with_proposal(event.payload["document"])
        elif policy is not None and event.kind is EventKind.ROSTER_VOTED and event.person is not None:
            proofs = tuple(one for part in event.payload["proofs"] if (one := attestation_of(part)) is not None)
            policy = policy.with_vote(str(event.payload["hash"]), event.person, proofs, event.at)
    return policy


def is_too_new(person: Person | None, at: datetime) -> bool:
    """Whether this is somebody new on the roster, or newly an approver, or with a new account or key."""
    return person is not None and person.counts_from is not None and at < person.counts_from


def needed_to_change(roster: Roster) -> frozenset[Proof]:
    """With a second factor the person's own key or a code; else the entry point's word, as for votes."""
    if roster.second_factor == "none":
        return frozenset()
    return frozenset({Proof.CODE, Proof.KEY})


def attestation_of(stored: Mapping[str, Any] | None) -> Attestation | None:
    return Attestation(proof=Proof(stored["proof"]), signature=str(stored["signature"])) if stored else None


def stored(attestation: Attestation | None) -> dict[str, str] | None:
    return {"proof": attestation.proof.value, "signature": attestation.signature} if attestation else None


def differences(old: Document, new: Document) -> list[str]:
    lines: list[str] = []
    for name in sorted({*old["people"], *new["people"]}):
        then, now = old["people"].get(name), new["people"].get(name)
        if then is None or now is None:
            lines.append(_came(name, now) if then is None else _went(name, then))
        else:
            changed = [key for key in then if then[key] != now[key]]
            lines += [f"{name}, {key}: {_said(then[key])} → {_said(now[key])}" for key in changed]
    rules = sorted({*old["approvals"], *new["approvals"]})
    pairs = ((rule, old["approvals"].get(rule), new["approvals"].get(rule)) for rule in rules)
    return lines + [f"approvals, {rule}: {then} → {now}" for rule, then, now in pairs if then != now]


def _came(name: str, entry: Mapping[str, Any]) -> str:
    return phrase("{name} is added ({roles})", name=name, roles=listed(entry["roles"]))


def _went(name: str, entry: Mapping[str, Any]) -> str:
    return phrase("{name} is removed ({roles})", name=name, roles=listed(entry["roles"]))


def _said(value: object) -> str:
    return ", ".join(map(str, value)) or "-" if isinstance(value, list) else str(value or "-")


def _accepted(policy: Policy | None, event: Event, given: Roster) -> Policy:
    """The next policy. One that two existing approvers did not agree to, as far as this process can verify, changes
    nothing but closes the gates.
    """
    document = event.payload["document"]
    if policy is None:
        return _policy((hash_of(document),), document, given, {})
    if len(policy.voters(hash_of(document))) < AGREEING:
        return policy.with_unbelieved(document)
    waits = {person.id: person.counts_from for person in policy.roster.people.values() if person.counts_from}
    waits |= dict.fromkeys(gained(policy.document, document), event.at + WAIT)
    passed = [hash_of(one) for one in policy.unbelieved]
    return _policy((*policy.history, *passed, hash_of(document)), document, given, waits)


_MENDING = phrase(
    "Bring the old <home>/worker back and restart the worker, or have two people who were approvers before and "
    "after the change accept it again: /dr roster (drbot docs approvals)"
)


def _another_key(number: int, roster: Roster) -> str:
    why = phrase(
        "The accepted roster no. {number} cannot be verified before a worker has been started here, so no gate can "
        "open.",
        number=number,
    )
    if roster.worker_key is not None:
        why = phrase(
            "The accepted roster no. {number} was signed by another worker's key, or nobody agreed to it, so no gate "
            "can open.",
            number=number,
        )
    return sentences(why, _MENDING)


def gained(old: Document, new: Document) -> list[str]:
    """Approvers who were none before, or who have an account or a key they did not have."""
    return [name for name, entry in new["people"].items() if "approver" in entry["roles"] and _is_new(old, name, entry)]


def _is_new(old: Document, name: str, entry: Mapping[str, Any]) -> bool:
    then = old["people"].get(name)
    if then is None or "approver" not in then["roles"]:
        return True
    return bool(set(entry["slack"]) - set(then["slack"])) or (entry["key"] is not None and entry["key"] != then["key"])


def _policy(history: tuple[str, ...], document: Document, given: Roster, waits: Mapping[str, datetime]) -> Policy:
    number = len(history)
    approvals = Approvals.model_validate(document["approvals"])
    entries = {name: PersonEntry.model_validate(entry) for name, entry in document["people"].items()}
    roster = roster_of(entries, approvals)
    people = {
        name: replace(
            person,
            counts_from=waits.get(name),
            language=known.language if (known := given.person(name)) is not None else "en",
        )
        for name, person in roster.people.items()
    }
    # A fault of dr.yml itself keeps the gates closed until it is mended, whatever was accepted before.
    fault = given.fault or roster.fault
    in_force = replace(roster, people=people, fault=fault, worker_key=given.worker_key, number=number)
    return Policy(
        number=number,
        hash=hash_of(document),
        document=document,
        roster=in_force,
        approvals=approvals,
        proposals={},
        votes={},
        history=history,
    )
