"""What is at stake in a plan, as data: what kind of act it is, how it is proven, what is lost and what is kept.

All of it is part of the plan and so of its seal. The words for people are in core/runs/stakes_words.py.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from drbot.core.base.model import Model
from drbot.core.runbooks.effects import is_agreed_to, restores_beside
from drbot.core.runbooks.runbook import Step, names_in
from drbot.core.text.stored_messages import Sentence


class Act(StrEnum):
    """What two people are asked for; a button and a headline say it."""

    NOTHING = "nothing"  # nothing is destroyed, nobody is asked
    RESTORE = "restore"  # production's data is replaced by a backup's
    UNDO = "undo"  # production's data is replaced by the data kept before
    REPLACE_HOST = "replace_host"  # the data of a whole host is put aside, the host is filled from a backup
    CHANGE_DNS = "change_dns"  # users are led to another place
    LEAD_BACK = "lead_back"  # users are led to where they were before
    GIVE_UP = "give_up"  # kept data is removed for good
    GIVE_BACK = "give_back"  # a rented machine is given back, with everything on it
    SETTINGS = "settings"  # nothing is destroyed by it: what dr.yml says now is used
    OTHER = "other"  # what only a runbook of one's own calls destroying


ACT_OF: Mapping[str, Act] = {
    "volume.swap": Act.RESTORE,
    "volume.swap_back": Act.UNDO,
    "host.set_aside": Act.REPLACE_HOST,
    "dns.change": Act.CHANGE_DNS,
    "dns.change_back": Act.CHANGE_DNS,
    "dns.lead_back": Act.LEAD_BACK,
    "kept.remove": Act.GIVE_UP,
    "machine.give_back": Act.GIVE_BACK,
    "host.give_up": Act.GIVE_UP,
    "host.put_back": Act.UNDO,
}
"""What each action is that two people agree to; a test compares it with core/runbooks/actions.py."""

UNUSED = frozenset({Act.GIVE_UP, Act.GIVE_BACK})
"""What these take away serves nobody: no clock of an incident runs for them, and production is not touched."""

OF_ASIDE = frozenset({"host.put_back", "host.give_up"})
"""What is about everything that an earlier run put aside of a host."""

KEPT_IN: Mapping[str, str] = {"volume.swap_back": "keeper", "kept.remove": "volume"}
"""The parameter that names kept data."""


class ProofKind(StrEnum):
    """What has been seen before anything is replaced."""

    NONE = "none"
    CHECKED = "checked"  # what a runbook of one's own checks
    BESIDE = "beside"  # restored into a volume beside production, and compared with the backup there
    KEPT = "kept"  # the kept data is there; whether it is good nobody can see before it runs
    DOWNLOADED = "downloaded"  # the backup arrived whole; it is restored only after the host was cleared
    RAISED = "raised"  # the system runs and answers in the other place
    HEALTHY = "healthy"  # production works without the kept data
    ASKED = "asked"  # where the names lead now, and what answers there
    UNLED = "unled"  # no name leads to the machine


PROVES: Mapping[Act, ProofKind] = {
    Act.RESTORE: ProofKind.BESIDE,
    Act.UNDO: ProofKind.KEPT,
    Act.REPLACE_HOST: ProofKind.DOWNLOADED,
    Act.CHANGE_DNS: ProofKind.RAISED,
    Act.LEAD_BACK: ProofKind.ASKED,
    Act.GIVE_UP: ProofKind.HEALTHY,
    Act.GIVE_BACK: ProofKind.UNLED,
}
"""What a proof must show to be more than "checked"; which step shows it is said by its action and its checks."""


class LossKind(StrEnum):
    NOTHING = "nothing"
    SINCE_BACKUP = "since_backup"  # what was written after the backup was taken
    KEYS_SINCE_BACKUP = "keys_since_backup"  # the same of Redis, in keys
    FILES_SINCE_BACKUP = "files_since_backup"  # the same of files or settings
    SINCE_SWAP = "since_swap"  # what was written since the data was put in place that is replaced now
    OTHER_SINCE_SWAP = "other_since_swap"  # the same of Redis, files or settings: there are no rows to count
    SINCE_ASIDE = "since_aside"  # what was written since the host was put aside that comes back now
    KEPT_DATA = "kept_data"  # the kept data itself, for good
    LEFT_BEHIND = "left_behind"  # nothing is deleted, but what was written since the names were led stays where it is
    MACHINE = "machine"  # everything on the machine, for good
    UNKNOWN = "unknown"  # nothing that drbot could count


class Loss(Model):
    """What is lost: everything after a moment, and in rows and bytes as counted on the running production once."""

    kind: LossKind = LossKind.NOTHING
    since: datetime | None = None  # UTC: what was written later is lost, also what is written from now on
    seconds: float | None = None  # since backup: between it and this plan, by the worker's own clock
    counted_at: datetime | None = None
    rows: int | None = None  # since backup: more than in it · since swap: added or changed; None = not counted
    bytes: int | None = None  # of these rows, or of the kept data
    keys: int | None = None  # of Redis now; None = not counted
    keys_then: int | None = None  # of Redis in the backup; None = its manifest does not say
    removed: int | None = None  # since swap: rows of then that were changed or deleted; None = not counted
    gone: tuple[str, ...] = ()  # volumes and folders of which nothing comes back from the backup
    uncounted: Sentence = ""  # why it could not be counted


class KeepKind(StrEnum):
    NOTHING = "nothing"
    VOLUME = "volume"  # the old data, in the volume `names[0]`
    ASIDE = "aside"  # what lay on the host, in the volumes, images and the folder named so
    IN_PLACE = "in_place"  # what was in place until now, in the volume `names[0]`
    RECORDS = "records"  # where the names led, in the plan


class Keeps(Model):
    """What is kept to undo with. Falsy when it is nothing."""

    kind: KeepKind = KeepKind.NOTHING
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.kind is not KeepKind.NOTHING


class KeptData(Model):
    """The kept data that a plan brings back or gives up, exactly: another volume of that name is another."""

    volume: str
    original: str
    incident: int | None = None  # in which it was put aside, as its volume says; None = it does not say
    made_at: str  # Docker's word for when the volume was made
    since: datetime | None = None  # kept since then, UTC, as this worker noted itself; None = it did not
    size: int | None = None  # bytes


class NameMove(Model):
    """Where one name leads, as asked for this plan, and where it is to lead."""

    name: str
    now: tuple[str, ...]  # by the zone; empty = nowhere
    told: tuple[str, ...] | None  # by a name server; None = it could not be asked
    led: tuple[str, ...]  # where drbot led it; other than `now`: somebody else has changed it since
    to: tuple[str, ...]
    ttl: int  # seconds


class AddressAnswer(Model):
    """What users get at an address, by the URL of dr.yml."""

    address: str
    answers: bool  # with 200
    said: Sentence


class Users(StrEnum):
    """Whether users were ever led to a machine: then it may hold what exists nowhere else."""

    NEVER = "never"
    ONCE = "once"
    UNKNOWN = "unknown"  # this host does not remember the run that rented it


class RentedMachine(Model):
    """The machine that a plan gives back, exactly, as its cloud described it."""

    machine: str
    by: str  # "ec2" or "terraform"
    site: str
    type: str = ""
    region: str = ""
    since: datetime | None = None
    addresses: tuple[str, ...] = ()
    run: str = ""  # that rented it
    incident: int | None = None
    users: Users = Users.UNKNOWN
    kept: tuple[str, ...] = ()  # volumes of kept data that go with it
    resources: tuple[str, ...] = ()  # all that Terraform would destroy


class Stakes(Model):
    """What two people agree to, beside the steps."""

    act: Act = Act.NOTHING
    proof: ProofKind = ProofKind.NONE
    loss: Loss = Field(default_factory=Loss)
    keeps: Keeps = Field(default_factory=Keeps)
    kept: KeptData | None = None
    moves: tuple[NameMove, ...] = ()
    answers: tuple[AddressAnswer, ...] = ()  # at every address of `moves`
    machine: RentedMachine | None = None
    files: tuple[str, ...] = ()  # that a plan about settings puts others in the place of, below `projects`
    sound: Sentence = (
        ""  # that what is replaced by a backup works, as the survey saw it; "" = it does not, or who knows
    )


def act_of(steps: Iterable[Step]) -> Act:
    acts = acts_of(steps)
    if len(acts) == 1:
        return acts.pop()
    return Act.OTHER if acts else Act.NOTHING


def acts_of(steps: Iterable[Step]) -> set[Act]:
    """The same, of each kind; the linter allows one."""
    asked = asking(steps)
    acts = {ACT_OF.get(step.do or "", Act.OTHER) for step in asked}
    if any(step.do == "host.put_back" for step in asked):  # what is in the way is put aside as a part of that
        acts.discard(Act.REPLACE_HOST)
    return acts


def asking(steps: Iterable[Step]) -> list[Step]:
    """Those that two people must have agreed to."""
    found = tuple(steps)
    return [step for step in found if is_agreed_to(step, found)]


def kept_by(steps: Iterable[Step]) -> tuple[str, ...]:
    """The volumes of kept data that the steps bring back or give up."""
    named = (step.with_.get(KEPT_IN.get(step.do or "", "")) for step in steps)
    return tuple(dict.fromkeys(str(name) for name in named if name))


def aside_by(steps: Iterable[Step]) -> str:
    """The run of which the steps bring back, or give up, what it put aside of a host; "" = of none."""
    return next((str(step.with_["aside"]) for step in steps if step.do in OF_ASIDE), "")


def proof_of(steps: tuple[Step, ...], act: Act, services: Collection[str], raises: Collection[str]) -> ProofKind:
    """What every gate in front of what is agreed to shows by its own proofs. `services`: all that a healthy production
    has. `raises`: steps that hand the raising of the system over, with drbot's own runbook and this plan's backup.
    """
    guarded = {step.id for step in asking(steps)}
    asked = [step.gate.proof for step in steps if step.gate is not None and guarded & {*step.gate.for_}]
    gates = [[step for step in steps if step.id in names] for names in asked]
    if not gates or not all(gates):
        return ProofKind.NONE
    wanted = PROVES.get(act)
    shown = [_shown(proofs, set(kept_by(steps)), services, raises) for proofs in gates]
    return wanted if wanted is not None and all(wanted in kinds for kinds in shown) else ProofKind.CHECKED


def _shown(proofs: list[Step], kept: set[str], services: Collection[str], raises: Collection[str]) -> set[ProofKind]:
    """What these steps show, by what they do and look at."""
    does = {
        ProofKind.BESIDE: any(restores_beside(step) for step in proofs),
        ProofKind.KEPT: kept <= _looked_at(proofs, "volume.exists", "volume"),
        ProofKind.DOWNLOADED: any(step.do == "backup.fetch" for step in proofs),
        ProofKind.RAISED: any(step.id in raises for step in proofs),
        ProofKind.HEALTHY: set(services) <= _looked_at(proofs, "health.services", "services"),
        ProofKind.ASKED: any(step.do == "dns.look" for step in proofs),
        ProofKind.UNLED: bool(_looked_at(proofs, "machine.unled", "machine")),
    }
    return {kind for kind, is_so in does.items() if is_so}


def _looked_at(proofs: Iterable[Step], probe: str, parameter: str) -> set[str]:
    """What the checks of these steps ask this of."""
    asked = (one.with_ for step in proofs for one in step.check if one.probe == probe)
    return {name for given in asked for name in names_in(given.get(parameter))}
