"""What an approver reads before deciding, drawn from the *current* plan (approvals.md rule 2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from commands.messages import Cell, Table, both, text
from core.approval import ApprovalRequest, Vote, standing
from core.clocks import Clocks
from core.incident import Incident
from core.people import Roster
from core.plan import Plan, short_seal
from core.run import DONE_WITH, Run, StepRecord, StepState
from core.words import Text, ago, clock, duration, size


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteDialog:
    """The facts of the dialog; `seal` travels with the vote and is compared whole."""

    incident: int
    incident_name: str
    request: str
    run: str
    headline: Text
    target: str  # what the approver types
    replaces: tuple[str, ...]
    keeps: str
    backup: str | None  # its name and size
    backup_at: datetime | None
    backup_age_seconds: float | None
    backup_manifest: bool
    proven: bool
    proof: Text
    loss_seconds: float | None
    loss_rows: int | None
    warnings: tuple[str, ...]
    clocks: Clocks
    decide_until: datetime
    have: int
    need: int
    requester_included: bool
    needs_code: bool  # the policy asks for a one-time code with every approval
    seal: str
    short_seal: str


def dialog_from(
    *,
    incident: Incident,
    run: Run,
    plan: Plan,
    request: ApprovalRequest,
    votes: Iterable[Vote],
    steps: Mapping[str, StepRecord],
    roster: Roster,
    clocks: Clocks,
    now: datetime,
) -> VoteDialog:
    """Pure: the dialog of one request at `now`."""
    backup = plan.backup
    return VoteDialog(
        incident=incident.id,
        incident_name=incident.name,
        request=request.id,
        run=run.id,
        headline=plan.headline or both(incident.title),
        target=request.target,
        replaces=plan.replaces,
        keeps=plan.keeps,
        backup=f"{backup.name} ({size(backup.size)})" if backup else None,
        backup_at=backup.snapshot_at if backup else None,
        backup_age_seconds=ago(backup.snapshot_at, now).total_seconds() if backup else None,
        backup_manifest=backup.manifest if backup else False,
        proven=request.proven_at is not None,
        proof=proof_of(plan, request, steps, now),
        loss_seconds=plan.loss_seconds,
        loss_rows=plan.loss_rows,
        warnings=(*plan.warnings, *notes_of(plan, request, steps)),
        clocks=clocks,
        decide_until=request.expires_at,
        have=len(standing(request, tuple(votes), roster)),
        need=request.people,
        requester_included=request.requester_counts,
        needs_code=roster.second_factor == "totp",
        seal=request.seal,
        short_seal=short_seal(request.seal),
    )


def proof_of(plan: Plan, request: ApprovalRequest, steps: Mapping[str, StepRecord], now: datetime) -> Text:
    """How far the proof is: "proven 4 min ago, 14 checks passed", or "the proof is still running"."""
    gate = plan.step(request.gate).gate
    names = gate.proof if gate else ()
    if not names:
        return text(
            "⚠ NOT PROVEN: this plan has no proof beside production", "⚠ 未検証: 本番と別に確かめる手順はありません"
        )
    records = [steps[name] for name in names if name in steps]
    failed = [record.id for record in records if record.state is StepState.FAILED]
    if failed:
        return text(f"❌ The proof FAILED: {failed[0]}", f"❌ 検証に失敗しました: {failed[0]}")
    done = [record for record in records if record.state in DONE_WITH]
    if request.proven_at is None:
        return text(
            f"⏳ NOT PROVEN YET: the proof is still running, {len(done)} of {len(names)} steps done. "
            "Nothing is replaced before it passes",
            f"⏳ 検証中: {len(done)}/{len(names)} 手順完了。合格するまで何も置き換えません",
        )
    checks = sum(max(1, len(plan.step(name).check)) for name in names)
    since = ago(request.proven_at, now).total_seconds()
    return text(
        f"✅ PROVEN: restored beside production {duration(since)} ago, {checks} check{'s' * (checks != 1)} passed",
        f"✅ 検証済み: {duration(since, 'ja')}前に本番の横へ復元し、{checks} 項目合格",
    )


def notes_of(plan: Plan, request: ApprovalRequest, steps: Mapping[str, StepRecord]) -> tuple[str, ...]:
    """What the steps of the proof found that people should know: superusers in the copy, tables that are empty now."""
    gate = plan.step(request.gate).gate
    found = [steps[name].facts.get("notes") for name in (gate.proof if gate else ()) if name in steps]
    return tuple(str(note) for notes in found if isinstance(notes, list) for note in notes)


def table_of(dialog: VoteDialog) -> Table:
    """The same facts as rows, for the terminal and for cards."""
    clocks = dialog.clocks
    rows: list[tuple[Cell, ...]] = [
        (text("Will be replaced", "置き換えるもの"), "\n".join(dialog.replaces) or "-"),
        (text("Where", "対象"), dialog.target),
        (text("By this backup", "使用するバックアップ"), _backup(dialog)),
        (text("Proof", "検証"), dialog.proof),
        (text("Data that will be LOST", "失われるデータ"), loss_text(dialog.loss_seconds, dialog.loss_rows)),
        (text("Kept to undo with", "元に戻すために保管"), dialog.keeps or "-"),
        (
            text("RTO", "RTO"),
            text(
                f"{duration(clocks.rto_used)} of {duration(clocks.rto_target)} used",
                f"{duration(clocks.rto_target, 'ja')}中 {duration(clocks.rto_used, 'ja')}経過",
            ),
        ),
        (
            text("Decide until", "承認期限"),
            text(
                f"{clock(dialog.decide_until)}; after that nothing happens without a new request",
                f"{clock(dialog.decide_until)} (過ぎると新しい依頼が必要です)",
            ),
        ),
        (text("Approvals", "承認"), _approvals(dialog)),
        (text("Seal", "封印"), dialog.short_seal),
    ]
    rows += [(text("Note", "注意"), warning) for warning in dialog.warnings]
    title = {language: f"{dialog.incident_name}: {words}" for language, words in dialog.headline.items()}
    return Table(rows=tuple(rows), title=title)


def loss_text(seconds: float | None, rows: int | None) -> Text:
    """Data loss in time, and in rows where they could be counted."""
    if seconds is None:
        return text("none: nothing is taken from a backup", "なし: バックアップからの復元はありません")
    english = f"everything written in the last {duration(seconds)} before the outage"
    japanese = f"障害前 {duration(seconds, 'ja')}の間に書き込まれたすべて"
    if rows is not None:
        return text(f"{english}: {rows:,} rows", f"{japanese} ({rows:,} 行)")
    return text(f"{english} (how many rows cannot be counted)", f"{japanese} (行数は数えられません)")


def _backup(dialog: VoteDialog) -> Text:
    if dialog.backup is None or dialog.backup_at is None or dialog.backup_age_seconds is None:
        return text("none", "なし")
    moment = dialog.backup_at.strftime("%Y-%m-%d %H:%M UTC")
    english = f"{dialog.backup} of {moment}, {duration(dialog.backup_age_seconds)} old"
    japanese = f"{dialog.backup} {moment} 時点、{duration(dialog.backup_age_seconds, 'ja')}前"
    if not dialog.backup_manifest:
        english += "; it has no manifest, so fewer checks were possible"
        japanese += " (マニフェストなし: 検査は一部のみ)"
    return text(english, japanese)


def _approvals(dialog: VoteDialog) -> Text:
    if dialog.requester_included:
        return text(
            f"{dialog.have} of {dialog.need}, the requester may be one of them",
            f"{dialog.have}/{dialog.need} (依頼者を含められます)",
        )
    return text(f"{dialog.have} of {dialog.need}", f"{dialog.have}/{dialog.need}")
