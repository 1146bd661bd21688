"""What is at stake in a plan, as data: what kind of act it is, how it is proven, what is lost and what is kept.

All of it is part of the plan and so of its seal. The words for people are in core/stakes_words.py, in both languages.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from core.runbook import Step
from core.site import Model


class Act(StrEnum):
    """What two people are asked for; a button and a headline say it."""

    NOTHING = "nothing"  # nothing is destroyed, nobody is asked
    RESTORE = "restore"  # production's data is replaced by a backup's
    UNDO = "undo"  # production's data is replaced by the data kept before
    REPLACE_HOST = "replace_host"  # the data of a whole host is put aside, the host is filled from a backup
    CHANGE_DNS = "change_dns"  # users are led to another place
    GIVE_UP = "give_up"  # kept data is removed for good
    SEVERAL = "several"  # a runbook of one's own with more than one of these


ACT_OF: Mapping[str, Act] = {
    "volume.swap": Act.RESTORE,
    "volume.swap_back": Act.UNDO,
    "host.set_aside": Act.REPLACE_HOST,
    "dns.change": Act.CHANGE_DNS,
    "dns.change_back": Act.CHANGE_DNS,
    "kept.remove": Act.GIVE_UP,
}
"""What each destroying action is; a test compares it with core/actions.py."""


class ProofKind(StrEnum):
    """What has been seen before anything is replaced."""

    NONE = "none"
    CHECKED = "checked"  # what a runbook of one's own checks
    BESIDE = "beside"  # restored into a volume beside production, its rows counted
    KEPT = "kept"  # the kept data is there; whether it is good nobody can see before it runs
    DOWNLOADED = "downloaded"  # the backup arrived whole; it is restored only after the host was cleared
    RAISED = "raised"  # the system runs and answers in the other place
    HEALTHY = "healthy"  # production works without the kept data


PROOF_OF: Mapping[str, ProofKind] = {
    "postgres.restore_beside": ProofKind.BESIDE,
    "backup.fetch": ProofKind.DOWNLOADED,
}
"""What a proof step of a gate proves by its action; what looks, proves what the act is about."""

LOOKS: Mapping[Act, ProofKind] = {Act.UNDO: ProofKind.KEPT, Act.GIVE_UP: ProofKind.HEALTHY}


class LossKind(StrEnum):
    """What is gone afterwards."""

    NOTHING = "nothing"
    SINCE_BACKUP = "since_backup"  # what was written after the backup was taken
    SINCE_SWAP = "since_swap"  # what was written since the data was put in place that is replaced now
    KEPT_DATA = "kept_data"  # the kept data itself, for good
    UNKNOWN = "unknown"  # nothing that drbot could count


class Loss(Model):
    """What is lost: everything after a moment, and in rows and bytes as counted on the running production once."""

    kind: LossKind = LossKind.NOTHING
    since: datetime | None = None  # UTC: what was written later is lost, also what is written from now on
    seconds: float | None = None  # since backup: between it and the outage
    counted_at: datetime | None = None
    rows: int | None = None  # since backup: more than in it · since swap: added or changed; None = not counted
    bytes: int | None = None  # of these rows, or of the kept data
    removed: int | None = None  # since swap: rows of then that were changed or deleted; None = not counted
    uncounted: str = ""  # why it could not be counted


class KeepKind(StrEnum):
    """What is there to go back to."""

    NOTHING = "nothing"
    VOLUME = "volume"  # the old data, in the volume `names[0]`
    ASIDE = "aside"  # the data of the host, in volumes named so, or that end so
    IN_PLACE = "in_place"  # what was in place until now, in the volume `names[0]`
    RECORDS = "records"  # where the names led, in the plan


class Keeps(Model):
    """What is kept to undo with. Falsy when it is nothing."""

    kind: KeepKind = KeepKind.NOTHING
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to go back to."""
        return self.kind is not KeepKind.NOTHING

    @classmethod
    def volume(cls, name: str) -> Self:
        """The old data in a volume of this name."""
        return cls(kind=KeepKind.VOLUME, names=(name,))


class KeptData(Model):
    """The kept data that a plan brings back or gives up, exactly: another volume of that name is another."""

    volume: str
    original: str
    incident: int
    made_at: str = ""  # Docker's word for when the volume was made; "" = it is not there
    since: datetime  # kept since then, UTC
    size: int | None = None  # bytes


class Stakes(Model):
    """What two people agree to, beside the steps."""

    act: Act = Act.NOTHING
    proof: ProofKind = ProofKind.NONE
    loss: Loss = Field(default_factory=Loss)
    keeps: Keeps = Field(default_factory=Keeps)
    kept: KeptData | None = None


def act_of(steps: Iterable[Step]) -> Act:
    """What the destroying steps of a plan do."""
    acts = {ACT_OF.get(step.do or "", Act.SEVERAL) for step in steps if step.effect == "destroy"}
    if not acts:
        return Act.NOTHING
    return acts.pop() if len(acts) == 1 else Act.SEVERAL


def proof_of(steps: tuple[Step, ...], act: Act) -> ProofKind:
    """What the proof steps of the gates show. Where they differ only "checked" is true of all of them."""
    named = {name for step in steps if step.gate is not None for name in step.gate.proof}
    found = {_proof(step, act) for step in steps if step.id in named}
    if not found:
        return ProofKind.NONE
    return found.pop() if len(found) == 1 else ProofKind.CHECKED


def _proof(step: Step, act: Act) -> ProofKind:
    if step.run is not None:
        return ProofKind.RAISED
    return PROOF_OF.get(step.do or "") or LOOKS.get(act, ProofKind.CHECKED)
