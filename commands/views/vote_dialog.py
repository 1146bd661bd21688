"""What an approver reads before deciding, drawn from the *current* plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.commands.speech.messages import Table
from drbot.core.approvals.approval import LIVE, ApprovalRequest, RequestState, Vote, standing
from drbot.core.approvals.terminals import one_terminal, one_terminal_text
from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.clocks import Clocks
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import BackupIdentity, Plan, act_asked, let_through, short_seal
from drbot.core.runs.proof import OWN_CHECKS
from drbot.core.runs.run import DONE_WITH, MISSED, StepRecord, StepState
from drbot.core.runs.stakes import UNUSED, Act, Keeps, Loss, ProofKind
from drbot.core.runs.stakes_words import (
    ACTS,
    ASKED_AGAIN,
    BY,
    CHANGED_TOO,
    NOT_PROVEN,
    REPLACED,
    UNDER_SETTINGS,
    keeps_text,
    loss_text,
    proven_text,
    replacement_text,
    sound_text,
)
from drbot.core.site.own_checks import passed_text
from drbot.core.site.people import Roster
from drbot.core.site.wal import exactly, is_moment_name
from drbot.core.text.messages import clauses, duration, filled, lines, listed, phrase
from drbot.core.text.words import clock, size

MOST, MOST_WHEN_ASKED = 8, 30
"""Differences of dr.yml in words: beside what a card is about, and where it is about nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteDialog:
    """The facts of the dialog; `seal` travels with the vote and is compared whole."""

    incident: int
    incident_name: str
    request: str
    headline: str
    act: Act
    asked_by: str  # names
    about: str  # what is broken, as it was declared
    target: str  # what the approver types
    where: str
    replaces: tuple[str, ...]
    by: str  # what comes in its place
    proof: str
    loss: str
    keeps: str
    sound: str  # that what is replaced works: the first line everywhere; "" = nothing to say
    one_terminal: str  # "root@host" when that one account cast the votes of several people without keys
    changed: tuple[str, ...]  # in dr.yml
    warnings: tuple[str, ...]
    clocks: Clocks
    rto_until: datetime | None  # None: its clock has stopped, or this brings nobody's service back
    interrupts: bool  # services are stopped meanwhile
    decide_until: datetime | None  # None: nobody is waited for any more
    have: int
    need: int
    requester_included: bool
    needs_code: bool  # the policy asks for a one-time code with every approval
    seal: str
    short_seal: str


def dialog_from(
    *,
    incident: Incident,
    plan: Plan,
    request: ApprovalRequest,
    votes: Iterable[Vote],
    steps: Mapping[str, StepRecord],
    roster: Roster,
    clocks: Clocks,
) -> VoteDialog:
    """Pure: the dialog of one request."""
    votes, asked = tuple(votes), act_asked(plan, request.gate)
    destroys = asked is not Act.SETTINGS
    return VoteDialog(
        incident=incident.id,
        incident_name=incident.name,
        request=request.id,
        headline=plan.headline or incident.title,
        act=asked,
        asked_by=listed(map(roster.name_of, plan.requesters)),
        about=incident.title,
        target=request.target,
        where=where_text(request.target, plan.engine),
        replaces=plan.replaces if destroys else (UNDER_SETTINGS,),
        by=replacement_text(plan, backup_text(plan)) if destroys else phrase("nothing"),
        proof=proof_of(plan, request, steps),
        loss=loss_text(plan.stakes.loss if destroys else Loss()),
        keeps=keeps_text(plan.keeps if destroys else Keeps()),
        sound=sound_text(plan) if destroys else "",
        one_terminal=one_terminal(votes),
        changed=plan.changed,
        warnings=(*plan.warnings, *notes_of(plan, request, steps)),
        clocks=clocks,
        rto_until=_rto_until(incident, plan, clocks),
        interrupts=any(_interrupts(step) for step in let_through(plan, request.gate)),
        decide_until=request.expires_at if request.state is RequestState.OPEN else None,
        have=len(standing(request, votes, roster)),
        need=request.people,
        requester_included=request.requester_counts,
        needs_code=roster.second_factor == "totp",
        seal=request.seal,
        short_seal=short_seal(request.seal),
    )


def _interrupts(step: Step) -> bool:
    act = ACTIONS.get(step.do or "")
    return act is not None and act.interrupts


def proof_of(plan: Plan, request: ApprovalRequest, steps: Mapping[str, StepRecord]) -> str:
    """How far the proof is, and what it is worth: a restored copy proves more than a look at what was kept."""
    gate = plan.step(request.gate).gate
    names = gate.proof if gate else ()
    if act_asked(plan, request.gate) is Act.SETTINGS:
        return ASKED_AGAIN
    if not names:
        return NOT_PROVEN
    records = [steps[name] for name in names if name in steps]
    failed = [record.id for record in records if record.has_failed]
    if failed:
        return phrase("❌ The proof FAILED: {step}", step=plan.step(failed[0]).title)
    done = [record for record in records if record.state in DONE_WITH]
    if request.proven_at is None:
        return _unproven(plan, request, done=len(done), count=len(names))
    checks = sum(len(plan.step(record.id).check) for record in records if record.state is not StepState.SKIPPED)
    missed = [str(name) for record in records for name in record.facts.get(MISSED, ())]
    seen = max((record.finished_at for record in records if record.finished_at), default=request.proven_at)
    said = proven_text(plan.stakes.proof, seen, checks, missed)  # not again for a second request
    is_restored = plan.stakes.proof is ProofKind.BESIDE and not missed
    own = sum(int(record.facts.get(OWN_CHECKS, 0)) for record in records)
    return clauses((_counted(said, plan.backup, records) if is_restored else said, passed_text(own)))


def _unproven(plan: Plan, request: ApprovalRequest, *, done: int, count: int) -> str:
    """Of a gate that nothing may pass yet, or any more."""
    if request.state not in LIVE and done == count:
        return phrase("Each step of the proof was done when this ended")
    if request.state not in LIVE:
        return phrase(
            "NOT PROVEN: {done} of {count} steps of the proof were done when this ended", done=done, count=count
        )
    if plan.stakes.proof is ProofKind.KEPT:
        return phrase("⏳ Not looked yet whether the kept data is there. Nothing is replaced before that")
    return phrase(
        "⏳ NOT PROVEN YET: {done} of {count} steps of the proof done. Nothing is replaced before it passes",
        done=done,
        count=count,
    )


COMPARED = phrase("{proof}: {rows} rows in {tables} tables, the same number as in the backup")
NOT_COMPARED = phrase("{proof}: {rows} rows in {tables} tables, counted there, not compared")


def _counted(proof: str, backup: BackupIdentity | None, records: Iterable[StepRecord]) -> str:
    """What it was that passed: the rows that the proof counted in the copy."""
    rows = [found for record in records if isinstance(found := record.facts.get("rows"), dict) and found]
    if not rows or backup is None:
        return proof
    total, tables = sum(rows[-1].values()), len(rows[-1])
    return filled(COMPARED if backup.manifest else NOT_COMPARED, proof=proof, rows=total, tables=tables)


def notes_of(plan: Plan, request: ApprovalRequest, steps: Mapping[str, StepRecord]) -> tuple[str, ...]:
    """What the steps of the proof found that people should know: superusers in the copy, tables that are empty now."""
    gate = plan.step(request.gate).gate
    found = [steps[name].facts.get("notes") for name in (gate.proof if gate else ()) if name in steps]
    return tuple(str(note) for notes in found if isinstance(notes, list) for note in notes)


def table_of(dialog: VoteDialog, *, on_card: bool = False) -> Table:
    """The same facts as rows, for the terminal and for cards. A card says its act, votes and seal elsewhere."""
    rows: list[tuple[str, ...]] = [
        *([] if on_card else [(phrase("What is asked"), ACTS[dialog.act])]),
        (phrase("Asked by"), _asked_by(dialog)),
        (REPLACED.get(dialog.act, phrase("Will be replaced")), lines(dialog.replaces or ("-",))),
        (phrase("Where"), dialog.where),
        (BY.get(dialog.act, phrase("By")), dialog.by),
        (phrase("Proof"), dialog.proof),
        (phrase("Data that will be LOST"), dialog.loss),
        (phrase("Kept to undo with"), dialog.keeps),
    ]
    if dialog.rto_until is not None:
        rows.append((phrase("RTO"), _rto(dialog.rto_until, dialog.clocks)))
    if dialog.decide_until is not None:
        until = clock(dialog.decide_until)
        rows.append(
            (
                phrase("Decide by"),
                phrase("{until}; after that nothing happens without a new request", until=until),
            )
        )
    if not on_card:
        rows += [(phrase("Approvals"), _approvals(dialog)), (phrase("Seal"), dialog.short_seal)]
    if dialog.one_terminal:
        rows.append((phrase("WARNING"), one_terminal_text(dialog.one_terminal)))
    rows += [*_changed(dialog), *((phrase("Note"), warning) for warning in dialog.warnings)]
    return Table(rows=tuple(rows), title=phrase("{name}: {words}", name=dialog.incident_name, words=dialog.headline))


def _changed(dialog: VoteDialog) -> list[tuple[str, ...]]:
    """How dr.yml differs; all of it where nothing else is asked, as far as a card holds it."""
    most = MOST_WHEN_ASKED if dialog.act is Act.SETTINGS else MOST
    more = len(dialog.changed) - most
    rest = phrase("{more} more differences: read dr.yml before you agree", more=more)
    return [*((CHANGED_TOO, line) for line in dialog.changed[:most]), *([(CHANGED_TOO, rest)] if more > 0 else [])]


def _asked_by(dialog: VoteDialog) -> str:
    names = dialog.asked_by or "-"
    return phrase("{names}. Declared: {about}", names=names, about=dialog.about)


def _rto_until(incident: Incident, plan: Plan, clocks: Clocks) -> datetime | None:
    if incident.recovered_at is not None or not incident.is_open or plan.stakes.act in UNUSED:
        return None
    return incident.started_at + timedelta(seconds=clocks.rto_target)


def _rto(until: datetime, clocks: Clocks) -> str:
    """An hour without its day is read as one to come, so one that is over is said to be."""
    moment, target = clock(until), duration(clocks.rto_target)
    if clocks.rto_is_missed:
        return phrase("MISSED: it was {moment}, {target} after it began", moment=moment, target=target)
    return phrase("by {moment}, {target} after it began", moment=moment, target=target)


def where_text(target: str, engine: str) -> str:
    if not engine:
        return target
    return phrase("{target}, on the Docker engine {engine}", target=target, engine=engine)


def backup_text(plan: Plan) -> str:
    backup = plan.backup
    if backup is None and plan.stakes.act is Act.NOTHING:
        return phrase("nothing")
    if backup is None:
        return phrase("unknown: the plan names no backup")
    if is_moment_name(backup.name):
        return phrase(
            "what was received of PostgreSQL up to {moment} UTC, {whose}: the base backup {place} ({size}) and all WAL "
            "since",
            moment=exactly(backup.snapshot_at),
            whose=_whose(backup, plan.target),
            place=backup.place,
            size=size(backup.size),
        )
    moment = backup.snapshot_at.strftime("%Y-%m-%d %H:%M UTC")
    said = phrase(
        "the backup {what} of {moment}, {whose}, in {place}",
        what=f"{backup.name} ({size(backup.size)})",
        moment=moment,
        whose=_whose(backup, plan.target),
        place=backup.place,
    )
    if plan.backup_proof:
        said = phrase("{backup}, {proof}", backup=said, proof=plan.backup_proof)
    if backup.manifest:
        return said
    return phrase("{backup}; it has no manifest, so fewer checks were possible", backup=said)


def _whose(backup: BackupIdentity, target: str) -> str:
    if not backup.site:
        return phrase("of an unknown site")
    if backup.site == target:
        return phrase("data of {target}", target=target)
    return phrase("data of {site}, not of {target}", site=backup.site, target=target)


def _approvals(dialog: VoteDialog) -> str:
    if dialog.requester_included:
        return phrase("{have} of {need}, the requester may be one of them", have=dialog.have, need=dialog.need)
    return phrase("{have} of {need}", have=dialog.have, need=dialog.need)
