"""A plan: one runbook with nothing left open, and the seal that two people approve (approvals.md)."""

import base64
import hashlib
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from drbot.core.base.model import Model
from drbot.core.ledger.events import canonical
from drbot.core.runbooks.runbook import Gate, Step, order_of
from drbot.core.runs.stakes import UNUSED, Act, Keeps, Stakes, asking
from drbot.core.site.inventory import NOTHING, Inventory
from drbot.core.site.occupants import Occupant
from drbot.core.site.old_server import OldServer
from drbot.core.site.wal import is_moment_name
from drbot.core.text.messages import phrase
from drbot.core.text.stored_messages import Sentence

SETTINGS = "dr.yml"  # in a fingerprint: what dr.yml said when the plan was made
SETTINGS_GATE = "agree-to-dr-yml"  # drbot puts it in front of a plan; no runbook has a step of this name


class Floor(Model):
    """What a backup without a manifest must hold at the least, known from elsewhere (core/runs/proof.py)."""

    named: tuple[str, ...] = ()  # databases of dr.yml: one of them holds rows; told of each that holds none
    databases: tuple[str, ...] = ()  # each holds rows, as it did in the backup before
    tables: tuple[str, ...] = ()  # each is there, with rows or without
    held: tuple[str, ...] = ()  # tables that held rows in the backup before: told when they hold none


class Holds(Model):
    """What of a system is in a backup beside PostgreSQL, as far as is known before it is unpacked."""

    redis: bool = False
    keys: int | None = None  # of Redis; None = not known
    configuration: bool = False
    files: tuple[str, ...] = ()  # as `files` in dr.yml names them
    mounts: tuple[str, ...] = ()  # every volume that its compose files mount
    ports: tuple[int, ...] = ()  # of the host, that they publish
    containers: tuple[str, ...] = ()  # names that they give to containers
    inventory: Inventory = NOTHING  # what the system consisted of when it was made


class BackupIdentity(Model):
    """Which backup, exactly: any other bytes make another seal."""

    place: str  # "file:/…" or "s3://bucket"
    name: str
    size: int  # bytes, compressed
    unpacked: int = 0  # bytes of what comes out of an archive, as they were counted; 0 = as large as its files
    sha256: str
    snapshot_at: datetime  # UTC; the data is as of this moment
    manifest: bool  # False: made by the document's scripts; fewer checks are possible
    rows: dict[str, int] = Field(default_factory=dict)  # "authdb.users" → rows, from the manifest; else empty
    floor: Floor = Floor()
    server_version: str = ""
    system_identifier: str = ""  # of the cluster it was taken from
    system: str = ""  # whose data it is, by its manifest; without one nobody knows
    site: str = ""
    holds: Holds = Holds()
    mark: str = ""  # of these bytes where they lie, as `StoredBackup` has it; "" = by an older drbot

    @property
    def store(self) -> str:
        """The folder or bucket that it lies in, as `StoredBackup.place` has it."""
        return self.place.partition(self.name)[0]

    @property
    def is_in_bucket(self) -> bool:
        """It is fetched before it is used."""
        return self.place.startswith("s3:")


class Plan(Model):
    """Everything an approver agrees to. Whatever is in here is in the seal."""

    runbook: str
    runbook_sha256: str
    level: int
    site: str
    mode: Literal["real", "drill"] = "real"
    copy_of: str = ""  # of a drill: the site whose system is copied
    run: str
    arguments: dict[str, str] = Field(default_factory=dict)
    steps: tuple[Step, ...]
    fingerprint: dict[str, Any]  # of the target; "unreadable" is a value
    inventory: Inventory = NOTHING  # what the system consists of; of a lost one, what it consisted of
    backup: BackupIdentity | None = None
    backup_proof: Sentence = ""  # when this worker saw exactly these bytes come back before; "" = it did not
    old_server: OldServer | None = None  # what no dump brings back; its files are carried over
    policy: int = 0  # the roster under which it is agreed to
    people: int = 2
    requesters: tuple[str, ...] = ()
    # What follows is for people; it is sealed too, so that nobody is shown something else.
    headline: Sentence = ""
    target: str = ""  # what an approver types: "production"
    engine: str = ""  # the Docker engine that dr.yml names for it; "" = the one at hand
    replaces: tuple[Sentence, ...] = ()  # core/runs/replaced.py
    occupants: tuple[Occupant, ...] = ()  # what lies on the host and is put aside, exactly
    aside: tuple[Occupant, ...] = ()  # what an earlier run put aside, and comes back or is given up
    stakes: Stakes = Field(default_factory=Stakes)  # what it is, how it is proven, what is lost and what is kept
    loss_seconds: float | None = None  # data that is lost: up to the outage, or by an earlier recovery in the incident
    warnings: tuple[Sentence, ...] = ()
    changed: tuple[str, ...] = ()  # in dr.yml since two people last agreed to a plan: "path: before → now"
    surveyed_at: datetime

    @property
    def data_of(self) -> str:
        """The site whose dumps are restored here."""
        return self.copy_of or self.site

    @property
    def is_to_moment(self) -> bool:
        """It replays WAL to a moment: one base backup leads to many."""
        return self.backup is not None and is_moment_name(self.backup.name)

    @property
    def keeps(self) -> Keeps:
        """What is kept to undo with; falsy when it is nothing."""
        return self.stakes.keeps

    def step(self, step_id: str) -> Step:
        """Raises KeyError where it has none of that name."""
        return {step.id: step for step in self.steps}[step_id]

    def title_of(self, step_id: str) -> str:
        """What people call a step; its id where the plan has none of it."""
        return next((step.title for step in self.steps if step.id == step_id), step_id)


def document_of(plan: Plan) -> dict[str, Any]:
    """What is sealed. What an older drbot did not know is left out while it is empty, so its seals stay good."""
    document = plan.model_dump(mode="json", by_alias=True)
    for part in (document, (document.get("backup") or {}).get("holds") or {}):
        inventory = part.get("inventory") or {}
        for service in (*(inventory.get("services") or ()), *(inventory.get("seldom") or ())):
            for name in ("program", "digest"):
                if not service[name]:
                    service.pop(name)
        for name in ("projects", "seldom"):
            if not inventory.get(name):
                inventory.pop(name, None)
        if not inventory.get("services") and "projects" not in inventory:
            part.pop("inventory", None)
    if document.get("backup") and not document["backup"]["mark"]:
        document["backup"].pop("mark")
    if not document["stakes"].get("sound"):
        document["stakes"].pop("sound", None)
    return document


def seal_of(plan: Plan) -> str:
    """SHA-256 of the plan's canonical JSON, in hex. Compared whole, never by its short form."""
    return hashlib.sha256(canonical(document_of(plan))).hexdigest()


def short_seal(seal: str) -> str:
    """What people read out: "7K3F-Q2MD"."""
    letters = base64.b32encode(bytes.fromhex(seal))[:8].decode()
    return f"{letters[:4]}-{letters[4:]}"


def question_of(plan: Plan) -> str:
    """What a deny forbids inside its incident: runbook, target, backup with its moment and what is agreed to; not the
    run.
    """
    question: dict[str, object] = {
        "runbook": plan.runbook,
        "target": plan.target,
        "backup": plan.backup.sha256 if plan.backup else None,
        "takes": [_taken(plan, step) for step in asking(plan.steps)],
        "act": plan.stakes.act.value,
        "kept": plan.stakes.kept.volume if plan.stakes.kept else None,
    }
    if plan.backup is not None and is_moment_name(plan.backup.name):  # one base backup leads to many
        question["moment"] = plan.backup.name
    if plan.stakes.moves:
        question["moves"] = [[move.name, move.now, move.to] for move in plan.stakes.moves]
    if any(is_about_settings(step) for step in plan.steps):  # a no to this dr.yml is none to a corrected one
        question["settings"] = plan.fingerprint.get(SETTINGS)
    return hashlib.sha256(canonical(question)).hexdigest()


def _taken(plan: Plan, step: Step) -> list[object]:
    """What a step takes, as data: words may be said better tomorrow. Names that this run gives are not the question."""
    given = {name: value for name, value in step.with_.items() if plan.run not in str(value)}
    settings = plan.fingerprint.get(SETTINGS, {}) if (step.do or "").startswith("dns.") else {}
    there = settings.get("sites", {}).get(given.get("site"), {})
    return [step.do, given, settings.get("dns", {}).get("names"), there.get("address")]


def gate_about_settings(requester_counts: bool) -> Step:
    """Asks about dr.yml alone; the steps of a plan wait for it."""
    return Step(
        id=SETTINGS_GATE,
        title=phrase("Two people agree to a changed dr.yml"),
        gate=Gate.model_validate({"for": [SETTINGS_GATE], "requester_counts": requester_counts}),
        after=(),
    )


def is_about_settings(step: Step) -> bool:
    """A gate that asks about dr.yml alone, and guards nothing but itself."""
    return step.gate is not None and step.id == SETTINGS_GATE


def is_guard(step: Step) -> bool:
    """A gate in front of what is destroyed."""
    return step.gate is not None and not is_about_settings(step)


def act_asked(plan: Plan, gate: str) -> Act:
    return Act.SETTINGS if gate == SETTINGS_GATE else plan.stakes.act


def gates_before(plan: Plan, step_id: str) -> frozenset[str]:
    """The gates that must open before this step; empty for what is done beside production."""
    seen = _before(plan, step_id)
    return frozenset(step.id for step in plan.steps if is_guard(step) and step.id in seen)


def let_through(plan: Plan, gate: str) -> tuple[Step, ...]:
    """The steps that wait for this gate and for no later one."""
    later = {step.id for step in plan.steps if is_guard(step) and gate in _before(plan, step.id)}
    return tuple(step for step in plan.steps if gate in (seen := _before(plan, step.id)) and not later & seen)


def _before(plan: Plan, step_id: str) -> set[str]:
    order = order_of(plan.steps)
    seen: set[str] = set()
    to_see = list(order[step_id])
    while to_see:
        before = to_see.pop()
        if before not in seen:
            seen.add(before)
            to_see += order[before]
    return seen


def touches_production(plan: Plan, step: Step) -> bool:
    """A change that is not made beside production, as kept data is: behind the gate, or where none is needed."""
    if step.effect == "none" or plan.stakes.act in UNUSED:
        return False
    return bool(gates_before(plan, step.id)) or not any(is_guard(other) for other in plan.steps)


def is_beside(plan: Plan, step: Step) -> bool:
    """It makes something beside production, which nobody uses yet."""
    return step.effect != "none" and not touches_production(plan, step)
