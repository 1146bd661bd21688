"""Shown nothing but the table of card and dialog, a reader can answer what an approver has to know."""

from dataclasses import replace
from datetime import timedelta

import pytest

from commands.messages import Table
from commands.vote_dialog import dialog_from, table_of
from core.approval import ApprovalRequest
from core.plan import BackupIdentity
from core.run import StepState
from core.words import clock, say
from tests.unit.bot.situations import NOW, plan, record, request, run, situation, step

BACKUP = BackupIdentity(
    place="file:/backups",
    name="all_databases_20261126_020000.sql.gz",
    size=13_400_000,
    sha256="0" * 64,
    snapshot_at=NOW - timedelta(hours=2),
    manifest=True,
)
STEPS = (
    step("copy", "Copy", do="x", check=[{"probe": "postgres.beside_rows"}] * 3),
    step("approval", "Approval", gate={"for": ["swap"], "proof": ["copy"]}),
    step("swap", "Swap", do="y"),
)


def shown(
    asked: ApprovalRequest, *, rows: int | None = 12, state: StepState = StepState.SUCCEEDED, notes: object = None
) -> Table:
    sealed = plan(
        steps=STEPS, backup=BACKUP, loss_seconds=5400.0, loss_rows=rows, keeps="pgdata_before", target="production",
        replaces=("volume pgdata of ai-micro-postgres",),
    )  # fmt: skip
    now = situation(run=run(of=sealed), request=asked)
    return table_of(
        dialog_from(
            incident=now.incident,
            run=run(of=sealed),
            plan=sealed,
            request=asked,
            votes=(),
            steps={"copy": replace(record("copy", state), facts={"notes": notes})},
            roster=now.roster,
            clocks=now.clocks,
            now=NOW,
        )
    )


def asked() -> ApprovalRequest:
    return replace(request(), gate="approval", proven_at=NOW - timedelta(minutes=4))


@pytest.mark.parametrize(
    ("question", "english", "japanese"),
    [
        ("what is replaced", "Will be replaced: volume pgdata of ai-micro-postgres", "置き換えるもの: volume pgdata"),
        ("where", "Where: production", "対象: production"),
        ("by what", "By this backup: all_databases_20261126_020000.sql.gz", "使用するバックアップ: all_databases"),
        ("how old is it", "2 h 00 min old", "2 時間 00 分前"),
        ("what is the proof", "PROVEN: restored beside production 4 min ago, 3 checks passed", "検証済み: 4 分"),
        ("what is lost", "LOST: everything written in the last 1 h 30 min before the outage: 12 rows", "12 行"),
        ("what is kept", "Kept to undo with: pgdata_before", "元に戻すために保管: pgdata_before"),
        ("until when", f"Decide until: {clock(request().expires_at)}", f"承認期限: {clock(request().expires_at)}"),
    ],
)
def test_a_reader_can_answer(question: str, english: str, japanese: str) -> None:
    for language, answer in (("en", english), ("ja", japanese)):
        lines = [": ".join(say(cell, language) for cell in row) for row in shown(asked()).rows]

        assert any(answer in line for line in lines), (question, lines)


@pytest.mark.parametrize(
    ("proven", "state", "said"),
    [
        (False, StepState.RUNNING, "NOT PROVEN YET"),
        (False, StepState.FAILED, "FAILED"),
        (True, StepState.SUCCEEDED, "✅"),
    ],
)
def test_a_proof_that_is_not_there_cannot_be_taken_for_one(proven: bool, state: StepState, said: str) -> None:
    here = asked() if proven else replace(asked(), proven_at=None)
    (proof,) = [say(row[1], "en") for row in shown(here, state=state).rows if say(row[0], "en") == "Proof"]

    assert said in proof
    assert ("✅" in proof) is proven


def test_rows_that_cannot_be_counted_are_not_passed_over() -> None:
    assert any("cannot be counted" in say(row[1], "en") for row in shown(asked(), rows=None).rows)


def test_what_the_proof_found_beside_the_rows_is_told_before_anybody_agrees() -> None:
    note = "Superusers in the backup beside postgres: mallory."
    told = [say(row[1], "en") for row in shown(asked(), notes=[note]).rows if say(row[0], "en") == "Note"]

    assert told == [note]
