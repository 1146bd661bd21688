"""How often a code may be guessed. A wrong one counts against whose code it is *and* where it was typed, so that nobody
locks an approver out of Slack from a shell; what is counted lies with the worker alone (totp_secrets.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from drbot.core.ledger.attestation import Origin, Proof

WRONG_CODES = 5
"""After so many in a row from one place its codes are locked until somebody at the worker's host unlocks them."""

TOGETHER = 10
"""So many from all places of one entrance, and one-time codes from there pause: a terminal says itself which it is."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=30), timedelta(days=1)
"""Doubled each time: at most ten guesses a day in the long run, of a million codes."""

MOST_PLACES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Guesses:
    """Wrong codes for one person, since the last right one."""

    places: Mapping[str, int] = field(default_factory=dict)  # in a row, by proof and place
    entrances: Mapping[str, int] = field(default_factory=dict)  # one-time codes, by entrance
    paused: Mapping[str, float] = field(default_factory=dict)  # until then, seconds since the epoch, by entrance

    def refusal(self, proof: Proof, origin: Origin, now: datetime) -> str:
        """The code of the refusal while nothing is taken from there, or nothing."""
        if self.places.get(place(proof, origin), 0) >= WRONG_CODES:
            return "locked"
        if proof is Proof.CODE and self.paused.get(origin.entrance, 0.0) > now.timestamp():
            return "paused"
        return ""

    def left(self, proof: Proof, origin: Origin) -> int:
        """How many more may be wrong at this place."""
        return max(0, WRONG_CODES - self.places.get(place(proof, origin), 0))

    def with_wrong(self, proof: Proof, origin: Origin, now: datetime) -> "Guesses":
        """One more. A code read over the phone has 50 bits: there is nothing to bound beyond the place."""
        here = place(proof, origin)
        others = [(name, wrong) for name, wrong in self.places.items() if name != here][1 - MOST_PLACES :]
        counted = replace(self, places={**dict(others), here: self.places.get(here, 0) + 1})
        if proof is not Proof.CODE:
            return counted
        entrance = origin.entrance
        wrong = self.entrances.get(entrance, 0) + 1
        counted = replace(counted, entrances={**self.entrances, entrance: wrong})
        if wrong % TOGETHER:
            return counted
        until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(wrong // TOGETHER - 1, 10))
        return replace(counted, paused={**self.paused, entrance: until.timestamp()})

    def with_right(self, proof: Proof, origin: Origin) -> "Guesses":
        """Its place and its entrance begin anew."""
        places = {name: wrong for name, wrong in self.places.items() if name != place(proof, origin)}
        if proof is not Proof.CODE:
            return replace(self, places=places)
        entrances = {name: wrong for name, wrong in self.entrances.items() if name != origin.entrance}
        return replace(self, places=places, entrances=entrances)


def place(proof: Proof, origin: Origin) -> str:
    """What wrong codes in a row are counted by."""
    return f"{proof} {origin.entrance} {origin.name}"
