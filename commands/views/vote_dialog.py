"""What an approver reads before deciding, drawn from the *current* plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.commands.speech.messages import Cell, Table, both, text
from drbot.core.actions import ACTIONS
from drbot.core.approval import ApprovalRequest, RequestState, Vote, standing
from drbot.core.clocks import Clocks
from drbot.core.incident import Incident
from drbot.core.japanese import japanese, spoken
from drbot.core.people import Roster
from drbot.core.plan import BackupIdentity, Plan, act_asked, let_through, short_seal
from drbot.core.run import DONE_WITH, MISSED, StepRecord, StepState
from drbot.core.runbook import Step
from drbot.core.stakes import UNUSED, Act, Keeps, Loss, ProofKind
from drbot.core.stakes_words import (
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
)
from drbot.core.terminals import one_terminal
from drbot.core.words import Text, clock, duration, say, size

MOST, MOST_WHEN_ASKED = 8, 30
"""Differences of dr.yml in words: beside what a card is about, and where it is about nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteDialog:
    """The facts of the dialog; `seal` travels with the vote and is compared whole."""

    incident: int
    incident_name: str
    request: str
    headline: Text
    act: Act
    asked_by: str  # names
    about: str  # what is broken, as it was declared
    target: str  # what the approver types
    where: Text
    replaces: tuple[Text, ...]
    by: Text  # what comes in its place
    proof: Text
    loss: Text
    keeps: Text
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
        headline=plan.headline or both(incident.title),
        act=asked,
        asked_by=", ".join(map(roster.name_of, plan.requesters)),
        about=incident.title,
        target=request.target,
        where=_where(request.target, plan.engine),
        replaces=plan.replaces if destroys else (UNDER_SETTINGS,),
        by=_spoken(replacement_text(plan, _backup(plan))) if destroys else text("nothing", "なし"),
        proof=proof_of(plan, request, steps),
        loss=_spoken(loss_text(plan.stakes.loss if destroys else Loss())),
        keeps=keeps_text(plan.keeps if destroys else Keeps()),
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


def _spoken(words: Text) -> Text:
    """What a worker has seen, in the words it wrote, stands in the middle of it."""
    return {**words, "ja": japanese(words["ja"])}


def _interrupts(step: Step) -> bool:
    act = ACTIONS.get(step.do or "")
    return act is not None and act.interrupts


def proof_of(plan: Plan, request: ApprovalRequest, steps: Mapping[str, StepRecord]) -> Text:
    """How far the proof is, and what it is worth: a restored copy proves more than a look at what was kept."""
    gate = plan.step(request.gate).gate
    names = gate.proof if gate else ()
    if act_asked(plan, request.gate) is Act.SETTINGS:
        return ASKED_AGAIN
    if not names:
        return NOT_PROVEN
    records = [steps[name] for name in names if name in steps]
    failed = [record.id for record in records if record.state is StepState.FAILED]
    if failed:
        title = plan.step(failed[0]).title
        return text(f"❌ The proof FAILED: {failed[0]}", f"❌ 検証に失敗しました: {say(title, 'ja')}")
    done = [record for record in records if record.state in DONE_WITH]
    if request.proven_at is None:
        return text(
            f"⏳ NOT PROVEN YET: {len(done)} of {len(names)} steps of the proof done. "
            "Nothing is replaced before it passes",
            f"⏳ 未検証: 検証は {len(done)}/{len(names)} 手順まで完了。合格するまで何も置き換えません",
        )
    checks = sum(len(plan.step(record.id).check) for record in records if record.state is not StepState.SKIPPED)
    missed = [str(name) for record in records for name in record.facts.get(MISSED, ())]
    said = proven_text(plan.stakes.proof, request.proven_at, checks, missed)
    is_restored = plan.stakes.proof is ProofKind.BESIDE and not missed
    counted = _counted(plan.backup, records) if is_restored else {}
    return {language: words + counted.get(language, "") for language, words in said.items()}


def _counted(backup: BackupIdentity | None, records: Iterable[StepRecord]) -> Text:
    """What it was that passed: the rows that the proof counted in the copy."""
    rows = [found for record in records if isinstance(found := record.facts.get("rows"), dict) and found]
    if not rows or backup is None:
        return {}
    total, tables = sum(rows[-1].values()), len(rows[-1])
    english, japanese = (
        ("the same number as in the backup", "行数はバックアップと一致")
        if backup.manifest
        else ("counted there, not compared", "復元先で数えた行数、照合なし")
    )
    return text(f": {total:,} rows in {tables} tables, {english}", f": {tables} テーブル {total:,} 行 ({japanese})")


def notes_of(plan: Plan, request: ApprovalRequest, steps: Mapping[str, StepRecord]) -> tuple[str, ...]:
    """What the steps of the proof found that people should know: superusers in the copy, tables that are empty now."""
    gate = plan.step(request.gate).gate
    found = [steps[name].facts.get("notes") for name in (gate.proof if gate else ()) if name in steps]
    return tuple(str(note) for notes in found if isinstance(notes, list) for note in notes)


def table_of(dialog: VoteDialog, *, on_card: bool = False) -> Table:
    """The same facts as rows, for the terminal and for cards. A card says its act, votes and seal elsewhere."""
    rows: list[tuple[Cell, ...]] = [
        *([] if on_card else [(text("What is asked", "依頼の内容"), ACTS[dialog.act])]),
        (text("Asked by", "依頼者"), _asked_by(dialog)),
        (REPLACED.get(dialog.act, text("Will be replaced", "置き換えるもの")), _lines(dialog.replaces)),
        (text("Where", "対象"), dialog.where),
        (BY.get(dialog.act, text("By", "置き換え後")), dialog.by),
        (text("Proof", "検証"), dialog.proof),
        (text("Data that will be LOST", "失われるデータ"), dialog.loss),
        (text("Kept to undo with", "元に戻すために保管"), dialog.keeps),
    ]
    if dialog.rto_until is not None:
        rows.append((text("RTO", "RTO"), _rto(dialog.rto_until, dialog.clocks)))
    if dialog.decide_until is not None:
        until = clock(dialog.decide_until)
        rows.append(
            (
                text("Decide until", "承認期限"),
                text(
                    f"{until}; after that nothing happens without a new request",
                    f"{until} (過ぎると新しい依頼が必要です)",
                ),
            )
        )
    if not on_card:
        rows += [(text("Approvals", "承認"), _approvals(dialog)), (text("Seal", "封印"), dialog.short_seal)]
    if dialog.one_terminal:
        rows.append((text("WARNING", "警告"), one_terminal_text(dialog.one_terminal)))
    rows += [*_changed(dialog), *((text("Note", "注意"), spoken(warning)) for warning in dialog.warnings)]
    title = {language: f"{dialog.incident_name}: {words}" for language, words in dialog.headline.items()}
    return Table(rows=tuple(rows), title=title)


def _changed(dialog: VoteDialog) -> list[tuple[Cell, ...]]:
    """How dr.yml differs; all of it where nothing else is asked, as far as a card holds it."""
    most = MOST_WHEN_ASKED if dialog.act is Act.SETTINGS else MOST
    more = len(dialog.changed) - most
    rest = text(
        f"{more} more differences: read dr.yml before you agree", f"ほか {more} 件: 承認前に dr.yml を確認してください"
    )
    return [*((CHANGED_TOO, line) for line in dialog.changed[:most]), *([(CHANGED_TOO, rest)] if more > 0 else [])]


def _asked_by(dialog: VoteDialog) -> Text:
    names = dialog.asked_by or "-"
    return text(f"{names}. Declared: {dialog.about}", f"{names} (宣言: {dialog.about})")


def _lines(texts: Iterable[Text]) -> Text:
    texts = tuple(texts) or (both("-"),)
    return {language: "\n".join(say(one, language) for one in texts) for language in ("en", "ja")}


def one_terminal_text(terminal: str) -> Text:
    """One login cast the votes of several people, and nothing showed that they were there."""
    return text(
        f"these approvals came from one login at a terminal ({terminal}), without keys: one person may have cast them",
        f"承認は同じログイン ({terminal}) の端末から鍵なしで行われました。一人で操作できた可能性があります",
    )


def _rto_until(incident: Incident, plan: Plan, clocks: Clocks) -> datetime | None:
    if incident.recovered_at is not None or not incident.is_open or plan.stakes.act in UNUSED:
        return None
    return incident.started_at + timedelta(seconds=clocks.rto_target)


def _rto(until: datetime, clocks: Clocks) -> Text:
    """An hour without its day is read as one to come, so one that is over is said to be."""
    english, japanese = duration(clocks.rto_target), duration(clocks.rto_target, "ja")
    if clocks.rto_is_missed:
        return text(
            f"MISSED: it was {clock(until)}, {english} after it began",
            f"超過: 期限は {clock(until)} でした (発生から {japanese})",
        )
    return text(f"until {clock(until)}, {english} after it began", f"{clock(until)} まで (発生から {japanese})")


def _where(target: str, engine: str) -> Text:
    if not engine:
        return both(target)
    return text(f"{target}, on the Docker engine {engine}", f"{target} (Docker エンジン {engine})")


def _backup(plan: Plan) -> Text:
    backup = plan.backup
    if backup is None and plan.stakes.act is Act.NOTHING:
        return text("nothing", "なし")
    if backup is None:
        return text("unknown: the plan names no backup", "不明 (計画にバックアップの指定がありません)")
    moment = backup.snapshot_at.strftime("%Y-%m-%d %H:%M UTC")
    what = f"{backup.name} ({size(backup.size)})"
    whose = _whose(backup, plan.target)
    english = f"the backup {what} of {moment}, {whose['en']}, in {backup.place}"
    japanese = f"バックアップ {what} {moment} 時点、{whose['ja']}、保管先 {backup.place}"
    if not backup.manifest:
        english += "; it has no manifest, so fewer checks were possible"
        japanese += " (マニフェストなし: 検査は一部のみ)"
    return text(english, japanese)


def _whose(backup: BackupIdentity, target: str) -> Text:
    if not backup.site:
        return text("nobody knows of which site", "どの拠点のデータかは不明")
    if backup.site == target:
        return text(f"data of {target}", f"{target} のデータ")
    return text(f"data of {backup.site}, not of {target}", f"{backup.site} のデータ ({target} のデータではありません)")


def _approvals(dialog: VoteDialog) -> Text:
    if dialog.requester_included:
        return text(
            f"{dialog.have} of {dialog.need}, the requester may be one of them",
            f"{dialog.have}/{dialog.need} (依頼者を含められます)",
        )
    return text(f"{dialog.have} of {dialog.need}", f"{dialog.have}/{dialog.need}")
