"""Backups that were restored beside production to see whether they can be: what came of it, and what that is worth."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drbot.core.site.readiness import Line, bad, good, soon
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.core.text.messages import duration, filled, phrase
from drbot.core.text.words import ago

AGAIN = timedelta(hours=6)
"""After which a backup that failed is tried once more: what failed may have been the host."""
POSTPONED_FOR = timedelta(minutes=15)


class ProofResult(StrEnum):
    """What came of it."""

    PROVEN = "proven"  # all of it came back, as its manifest says
    FAILED = "failed"  # it did not
    POSTPONED = "postponed"  # it could not be tried: no room, an engine that was away


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupProof:
    """The last try with one backup in one place."""

    kind: BackupKind
    name: str
    place: str
    mark: str  # of the bytes that were tried, as `StoredBackup` has it
    sha256: str  # as a plan names them; "" = not read to the end
    proven_at: datetime  # UTC
    seconds: float  # it took
    version: str  # of the drbot that tried
    result: ProofResult
    fault: str = ""

    @property
    def sentence(self) -> str:
        """For people who see the backup beside it."""
        if self.result is ProofResult.PROVEN:
            return proven_text(self.proven_at, self.seconds)
        return filled(PROOF_TEXTS[self.result], moment=_minute(self.proven_at), why=self.fault)


PROOF_TEXTS: Mapping[ProofResult, str] = {
    ProofResult.PROVEN: phrase("restored on {moment} UTC in {took}"),
    ProofResult.FAILED: phrase("could not be restored on {moment} UTC: {why}"),
    ProofResult.POSTPONED: phrase("not restored yet: {why}"),
}


def proven_text(proven_at: datetime, seconds: float) -> str:
    """Of a backup that came back then."""
    return filled(PROOF_TEXTS[ProofResult.PROVEN], moment=_minute(proven_at), took=duration(max(1.0, seconds)))


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


LINES: Mapping[BackupKind, str] = {
    BackupKind.POSTGRES: phrase("proof of PostgreSQL backups"),
    BackupKind.FULL: phrase("proof of full backups"),
}
SELF: str = phrase("The worker does it when the site is free; {command} does it now.", command="drbot backup prove")
MAKE: str = phrase("Make another one, then prove it: {command}.", command="drbot backup prove")


def last_try(one: StoredBackup, proofs: Iterable[BackupProof]) -> BackupProof | None:
    """With exactly these bytes."""
    mine = (one.kind, one.name, one.place)
    return next((p for p in proofs if (p.kind, p.name, p.place) == mine and one.mark in ("", p.mark)), None)


def to_prove(found: Iterable[StoredBackup], proofs: Collection[BackupProof], now: datetime) -> list[StoredBackup]:
    """Those without a proof, the newest first. One that is known to be no use is passed over: its fault says why."""
    wanted = [one for one in found if not one.fault and _is_due(last_try(one, proofs), now)]
    return sorted(wanted, key=lambda one: (one.moment, one.name, one.place), reverse=True)


def _is_due(last: BackupProof | None, now: datetime) -> bool:
    if last is None:
        return True
    again = {ProofResult.FAILED: AGAIN, ProofResult.POSTPONED: POSTPONED_FOR}.get(last.result)
    return again is not None and now - last.proven_at >= again


def proof_line(
    kind: BackupKind, found: Iterable[StoredBackup], proofs: Collection[BackupProof], within: float, now: datetime
) -> Line | None:
    """Whether the newest backup of this kind was restored. `within`: seconds that a proof counts. None: no backup of
    this kind can be used, which a line of its own says.
    """
    usable = sorted((one for one in found if one.kind is kind and not one.fault), key=lambda one: one.moment)
    if not usable:
        return None
    what, newest = LINES[kind], usable[-1]
    tries = [last_try(one, proofs) for one in usable if one.name == newest.name]
    failed = next((one for one in tries if one is not None and one.result is ProofResult.FAILED), None)
    if failed is not None:
        why = phrase("{name} in {place} could not be restored: {why}", name=failed.name, place=failed.place,
                     why=failed.fault)  # fmt: skip
        return bad(what, why, MAKE)
    proven = [one for one in proofs if one.kind is kind and one.result is ProofResult.PROVEN]
    last = max(proven, key=lambda one: one.proven_at, default=None)
    if last is not None and (age := ago(last.proven_at, now).total_seconds()) <= within:
        took = duration(max(1.0, last.seconds))
        return good(what, phrase("{name} was restored {age} ago in {took}", name=last.name,
                                 age=duration(max(1.0, age)), took=took))  # fmt: skip
    postponed = next((one for one in tries if one is not None and one.result is ProofResult.POSTPONED), None)
    waits = max((now - one.moment).total_seconds() for one in usable)
    if postponed is not None:
        return bad(what, phrase("{name} could not be tried: {why}", name=newest.name, why=postponed.fault), SELF)
    if last is not None or waits > within:
        return bad(what, phrase("none was restored within {time}", time=duration(within)), SELF)
    return soon(what, phrase("none was restored yet"), SELF)
