"""Backups that were restored beside production to see whether they can be: what came of it, and what that is worth."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from drbot.core.site.readiness import Colour, Line, bad, good, soon
from drbot.core.site.stored_backups import BackupKind, StoredBackup, newest_usable
from drbot.core.text.messages import clauses, duration, filled, phrase
from drbot.core.text.words import ago

AGAIN = timedelta(hours=6)
"""After which a backup that failed is tried once more: what failed may have been the host."""
POSTPONED_FOR = timedelta(minutes=15)
READ_AGAIN = timedelta(hours=6)
"""After which the newest dump in the folder is read once more: a disk damages what was good when it was restored."""


class ProofResult(StrEnum):
    PROVEN = "proven"  # all of it came back, as its manifest says
    SAME = "same"  # read back whole: the bytes of one that came back from another place
    FAILED = "failed"  # it did not
    POSTPONED = "postponed"  # it could not be tried: no room, an engine that was away


WELL = frozenset({ProofResult.PROVEN, ProofResult.SAME})


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupProof:
    """The last try with one backup in one place."""

    site: str  # whose data it is, and whose worker tried
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
    ProofResult.SAME: phrase("read back on {moment} UTC: the same bytes as those that were restored"),
    ProofResult.FAILED: phrase("could not be restored on {moment} UTC: {why}"),
    ProofResult.POSTPONED: phrase("not restored yet: {why}"),
}


def proven_text(proven_at: datetime, seconds: float) -> str:
    return filled(PROOF_TEXTS[ProofResult.PROVEN], moment=_minute(proven_at), took=duration(max(1.0, seconds)))


def copy_text(read_at: datetime, fault: str) -> str:
    """Of a copy of such a backup, which was read from its place; `fault`: why it is none."""
    result = ProofResult.FAILED if fault else ProofResult.SAME
    return filled(PROOF_TEXTS[result], moment=_minute(read_at), why=fault)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


LINES: Mapping[BackupKind, str] = {
    BackupKind.POSTGRES: phrase("proof of PostgreSQL backups"),
    BackupKind.FULL: phrase("proof of full backups"),
}
WELL_TEXTS: Mapping[ProofResult, str] = {
    ProofResult.PROVEN: phrase("{name} in {place} was restored {age} ago in {took}"),
    ProofResult.SAME: phrase("{name} in {place} was read back {age} ago: the same bytes as those that were restored"),
}
CHANGED: str = phrase("its file was changed since it was restored")
SELF: str = phrase("The worker does it when the site is free; {command} does it now.", command="drbot backup prove")
MAKE: Mapping[BackupKind, str] = {
    kind: phrase("{make} makes another one in every place, {prove} shows whether it comes back.", make=command,
                 prove="drbot backup prove")
    for kind, command in {BackupKind.POSTGRES: "drbot backup postgres", BackupKind.FULL: "drbot backup full"}.items()
}  # fmt: skip


def last_try(one: StoredBackup, proofs: Iterable[BackupProof]) -> BackupProof | None:
    """With exactly these bytes."""
    mine = (one.site, one.kind, one.name, one.place)
    return next((p for p in proofs if (p.site, p.kind, p.name, p.place) == mine and one.mark in ("", p.mark)), None)


def as_tried(found: Iterable[StoredBackup], proofs: Collection[BackupProof]) -> list[StoredBackup]:
    """The same; what could not be restored the last time cannot be used: it is no copy, and not the newest."""
    failed = [one for one in proofs if one.result is ProofResult.FAILED]
    known = [(one, last_try(one, failed)) for one in found]
    return [one if last is None or one.fault else replace(one, fault=last.sentence) for one, last in known]


def failure_of(failures: Iterable[BackupProof], kind: BackupKind, name: str, place: str, mark: str) -> str:
    """Why exactly these bytes could not be restored the last time; "" where none says it."""
    mine = (kind, name, place, mark)
    return next((one.sentence for one in failures if (one.kind, one.name, one.place, one.mark) == mine), "")


def of_the_same(one: BackupProof, other: BackupProof) -> bool:
    """Whether two tries were of the same bytes in the same place."""
    return all(getattr(one, field) == getattr(other, field) for field in ("site", "kind", "name", "place", "mark"))


def named_anyway(name: str, failure: str) -> str:
    """Why it is passed over, and what a person who wants it nevertheless can do."""
    return phrase("{name}: {why}. To use it anyway, name it: /dr recover backup {name}", name=name, why=failure)


def has_changed(one: StoredBackup, proofs: Iterable[BackupProof]) -> bool:
    """Whether a dump of this name and place was restored, and these are not its bytes any more, or may not be."""
    mine = (one.site, BackupKind.POSTGRES, one.name, one.place)
    known = [proof for proof in proofs if (proof.site, proof.kind, proof.name, proof.place) == mine]
    return one.kind is BackupKind.POSTGRES and last_try(one, known) is None and any(p.result in WELL for p in known)


def to_prove(found: Iterable[StoredBackup], proofs: Collection[BackupProof], now: datetime) -> list[StoredBackup]:
    """Those without a proof, in their order, and the newest dump here again and again. What is known to be no use is
    passed over: its fault says why.
    """
    there = [one for one in found if not one.fault]
    newest = [one for one in newest_usable(there, BackupKind.POSTGRES) if not one.is_off_site]
    return ordered(one for one in there if _is_due(last_try(one, proofs), now, is_newest=one in newest))


def ordered(found: Iterable[StoredBackup]) -> list[StoredBackup]:
    """The newest first; of the same one the copy here before those that have to be fetched."""
    nearest = sorted(found, key=lambda one: (one.is_off_site, one.place))
    return sorted(nearest, key=lambda one: (one.moment, one.name), reverse=True)


def _is_due(last: BackupProof | None, now: datetime, *, is_newest: bool) -> bool:
    if last is None:
        return True
    again = {ProofResult.FAILED: AGAIN, ProofResult.POSTPONED: POSTPONED_FOR}.get(last.result)
    if again is None and is_newest:
        again = READ_AGAIN
    return again is not None and now - last.proven_at >= again


def proof_line(
    kind: BackupKind, found: Iterable[StoredBackup], proofs: Collection[BackupProof], within: float, now: datetime
) -> Line | None:
    """Whether the newest backup of this kind was restored, in each place that has one; the worst is told. `found` and
    `proofs`: of one site. `within`: seconds that a proof counts. None: no backup of this kind can be used, which a line
    of its own says.
    """
    usable = ordered(one for one in found if one.kind is kind and not one.fault)
    places = sorted({one.place for one in usable}, key=[one.place for one in usable].index)
    lines = [_of_place([one for one in usable if one.place == place], proofs, within, now) for place in places]
    worst = min((line.colour for line in lines), key=list(Colour).index, default=None)
    told = [line for line in lines if line.colour is worst]
    return replace(told[0], reason=clauses(line.reason for line in told)) if told else None


def _of_place(copies: Sequence[StoredBackup], proofs: Collection[BackupProof], within: float, now: datetime) -> Line:
    """`copies`: usable ones of one kind in one place, the newest first."""
    newest = copies[0]
    kind, place, what = newest.kind, newest.place, LINES[newest.kind]
    tried = last_try(newest, proofs)
    if tried is not None and tried.result is ProofResult.FAILED:
        why = phrase("{name} in {place} could not be restored: {why}", name=newest.name, place=place, why=tried.fault)
        return bad(what, why, MAKE[kind])
    if has_changed(newest, proofs):
        return bad(what, phrase("{name} in {place}: {why}", name=newest.name, place=place, why=CHANGED), SELF)
    well = [one for one in proofs if (one.kind, one.place) == (kind, place) and one.result in WELL]
    last = max(well, key=lambda one: one.proven_at, default=None)
    if last is not None and (age := ago(last.proven_at, now).total_seconds()) <= within:
        return good(what, filled(WELL_TEXTS[last.result], name=last.name, place=place, age=duration(max(1.0, age)),
                                 took=duration(max(1.0, last.seconds))))  # fmt: skip
    if tried is not None and tried.result is ProofResult.POSTPONED:
        why = phrase("{name} in {place} could not be tried: {why}", name=newest.name, place=place, why=tried.fault)
        return bad(what, why, SELF)
    waits = max((now - one.moment).total_seconds() for one in copies)
    if last is not None or waits > within:
        return bad(what, phrase("none in {place} was restored within {time}", place=place, time=duration(within)), SELF)
    return soon(what, phrase("none in {place} was restored yet", place=place), SELF)
