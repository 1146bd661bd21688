"""Shown nothing but the table of card and dialog, a reader can answer what an approver has to know."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from drbot.commands.speech.messages import Table
from drbot.commands.views.vote_dialog import dialog_from, table_of
from drbot.core.approvals.approval import LIVE, ApprovalRequest, EntryPoint, RequestState, Vote
from drbot.core.base.errors import Cause
from drbot.core.ledger.attestation import Attestation, Proof
from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.replaced import replaced
from drbot.core.runs.run import StepState
from drbot.core.runs.stakes import ACT_OF, Act, KeepKind, Keeps, KeptData, Loss, LossKind, ProofKind, Stakes
from drbot.core.runs.stakes_words import APPROVE
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.text.messages import say
from drbot.core.text.words import clock
from tests.unit.bot.situations import (
    NOW,
    backup,
    configuration,
    lost_by_undo,
    plan,
    record,
    request,
    run,
    situation,
    step,
    vote,
)

BACKUP = backup("all_databases_20261126_020000.sql.gz", NOW - timedelta(hours=2))
STEPS = (
    step("copy", "Copy", do="x", check=[{"probe": "postgres.beside_rows"}] * 3),
    step("approval", "Approval", gate={"for": ["swap"], "proof": ["copy"]}),
    step("swap", "Swap", do="y"),
)


def shown(
    asked: ApprovalRequest,
    *,
    rows: int | None = 12,
    state: StepState = StepState.SUCCEEDED,
    stakes: Stakes | None = None,
    votes: tuple[Vote, ...] = (),
    notes: object = None,
    missed: Sequence[str] = (),
    backup: BackupIdentity | None = BACKUP,
    later: timedelta = timedelta(0),
    incident: Mapping[str, Any] = MappingProxyType({}),
    copied: Mapping[str, int] | None = None,
    changed: tuple[str, ...] = (),
    cause: Cause | None = None,
) -> Table:
    sealed = plan(
        changed=changed,
        steps=STEPS, backup=backup, target="production", replaces=("volume pgdata of ai-micro-postgres",),
        stakes=stakes or Stakes(
            act=Act.RESTORE, proof=ProofKind.BESIDE, keeps=Keeps(kind=KeepKind.VOLUME, names=("pgdata_before",)),
            loss=Loss(
                kind=LossKind.SINCE_BACKUP, since=BACKUP.snapshot_at, seconds=5400.0, rows=rows, counted_at=NOW
            ),
        ),
    )  # fmt: skip
    now = situation(run=run(of=sealed), request=asked, now=NOW + later)
    facts = {"notes": notes, "missed": missed, "rows": copied}
    return table_of(
        dialog_from(
            incident=replace(now.incident, **incident),
            plan=sealed,
            request=asked,
            votes=votes,
            steps={"copy": replace(record("copy", state), facts=facts, cause=cause)},
            roster=now.roster,
            clocks=now.clocks,
        )
    )


def asked() -> ApprovalRequest:
    return replace(request(), gate="approval", proven_at=NOW - timedelta(minutes=4))


@pytest.mark.parametrize(
    ("question", "english", "japanese"),
    [
        ("what is replaced", "Will be replaced: volume pgdata of ai-micro-postgres", "置き換えるもの: volume pgdata"),
        ("where", "Where: production", "対象: production"),
        ("what is asked", "What is asked: restore from a backup", "依頼の内容: バックアップからの復元"),
        ("who asks, and why", "Asked by: Aiko. Declared: PostgreSQL does not start", "依頼者: Aiko (宣言: PostgreSQL"),
        ("by what", "By: the backup all_databases_20261126_020000.sql.gz", "置き換え後: バックアップ all_databases"),
        ("whose is it", "data of production", "production のデータ"),
        ("of when is it", "of 2026-11-26 01:12 UTC", "2026-11-26 01:12 UTC 時点"),
        (
            "what is the proof",
            "PROVEN: restored beside production at 03:08:00 UTC, 3 checks passed",
            "検証済み: 03:08:00",
        ),
        (
            "what is lost",
            "LOST: everything written after 2026-11-26 01:12:00 UTC (1 h 30 min before this plan was made); "
            "the tables that grew held 12 rows more than in the backup, counted at 03:12:00 UTC",
            "2026-11-26 01:12:00 UTC (計画作成の 1 時間 30 分前) より後に書き込まれたすべて。"
            "本番は、行が増えたテーブルの合計でバックアップより 12 行多い",
        ),
        (
            "what is kept",
            "Kept to undo with: the old data is kept in pgdata_before",
            "元のデータを pgdata_before に保管",
        ),
        ("until when", f"Decide by: {clock(request().expires_at)}", f"承認期限: {clock(request().expires_at)}"),
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


def test_the_proof_says_what_was_compared_and_not_only_that_something_passed() -> None:
    copied = {"auth.public.users": 12_000, "auth.public.roles": 1_000}

    assert answers(shown(asked(), copied=copied), "en")["Proof"].endswith(
        "3 checks passed: 13,000 rows in 2 tables, the same number as in the backup"
    )
    assert "13,000" not in answers(shown(asked(), copied=copied, missed=["rows"]), "en")["Proof"]


def test_rows_that_cannot_be_counted_are_not_passed_over() -> None:
    assert "were not counted" in answers(shown(asked(), rows=None), "en")["Data that will be LOST"]
    dead = Loss(kind=LossKind.SINCE_SWAP, since=NOW, uncounted="PostgreSQL is not running")

    said = answers(shown(asked(), stakes=Stakes(act=Act.UNDO, loss=dead)), "en")["Data that will be LOST"]
    assert said == (
        "everything written since the swap (2026-11-26 03:12:00 UTC); rows could not be counted: "
        "PostgreSQL is not running"
    )


def test_what_nobody_counted_is_not_nothing() -> None:
    own = Stakes(act=Act.OTHER, loss=Loss(kind=LossKind.UNKNOWN))

    assert "unknown" in answers(shown(asked(), stakes=own), "en")["Data that will be LOST"]
    assert "不明" in answers(shown(asked(), stakes=own), "ja")["失われるデータ"]


def test_a_new_place_where_two_people_overruled_a_check_is_not_called_proven() -> None:
    proof = answers(shown(asked(), stakes=NAMES, missed=["health"]), "en")["Proof"]

    assert "NOT everything passed: health" in proof and "PROVEN" not in proof
    assert "wo people" not in proof  # a runbook of one's own may go on without anybody


def test_checks_of_a_proof_that_was_left_out_are_not_counted() -> None:
    assert "no check was run" in answers(shown(asked(), state=StepState.SKIPPED), "en")["Proof"]


@pytest.mark.parametrize("state", [state for state in RequestState if state is not RequestState.OPEN])
def test_only_an_open_request_has_a_time_to_decide_and_no_proof_is_called_running_that_may_not_be(
    state: RequestState,
) -> None:
    said = answers(shown(replace(asked(), state=state, proven_at=None), state=StepState.UNSURE), "en")

    assert "Decide by" not in said
    begins = "⏳ NOT PROVEN YET: 0 of 1" if state in LIVE else "NOT PROVEN: 0 of 1 steps of the proof were done when"
    assert said["Proof"].startswith(begins) and "running" not in said["Proof"]


def test_a_no_to_what_is_proven_does_not_make_it_unproven() -> None:
    denied = replace(asked(), proven_at=None, state=RequestState.DENIED)

    proof = answers(shown(denied, state=StepState.SUCCEEDED), "en")["Proof"]

    assert proof == "Each step of the proof was done when this ended"


def test_of_kept_data_no_proof_is_promised() -> None:
    looked = Stakes(act=Act.UNDO, proof=ProofKind.KEPT, loss=Loss(kind=LossKind.SINCE_SWAP, since=NOW))

    proof = answers(shown(replace(asked(), proven_at=None), stakes=looked, state=StepState.PENDING), "en")["Proof"]

    assert proof.startswith("⏳ Not looked yet") and "PROVEN" not in proof


def test_a_proof_that_failed_stays_failed_when_its_copy_is_removed() -> None:
    """With the cause of its failure; a copy that was discarded has none."""
    failed, discarded = (
        answers(
            shown(replace(asked(), proven_at=None, state=RequestState.VOID), state=StepState.UNDONE, cause=one), "en"
        )
        for one in (Cause.BACKUP, None)
    )

    assert failed["Proof"].startswith("❌ The proof FAILED")
    assert discarded["Proof"].startswith("NOT PROVEN: 0 of 1")


def test_a_time_of_day_that_is_over_is_not_shown_as_one_to_come() -> None:
    late, back, given_up = (
        answers(table, "en")
        for table in (
            shown(asked(), later=timedelta(hours=20)),
            shown(asked(), incident={"recovered_at": NOW}),
            shown(asked(), stakes=GIVEN_UP),
        )
    )

    assert late["RTO"] == "MISSED: it was 06:00:00 UTC, 4 h 00 min after it began"
    assert "RTO" not in back and "RTO" not in given_up


def test_what_comes_without_a_backup_is_not_called_nothing() -> None:
    own = Stakes(act=Act.OTHER, loss=Loss(kind=LossKind.UNKNOWN))

    assert answers(shown(asked(), stakes=own, backup=None), "en")["By"].startswith("unknown")
    assert "不明" in answers(shown(asked(), stakes=own, backup=None), "ja")["置き換え後"]


ON_A_HOST = (
    Occupant(kind=OccupantKind.CONTAINER, name="auth-1", identity="1", keeper="k1", size=12_000_000, is_running=True),
    Occupant(kind=OccupantKind.CONTAINER, name="job-1", identity="2", keeper="k2", size=0),
    Occupant(kind=OccupantKind.VOLUME, name="pgdata", identity="3", keeper="k3"),
    Occupant(kind=OccupantKind.FOLDER, name="/srv/system", identity="4", keeper="k4", size=3_000),
)


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            [
                "containers, with what each wrote into its own layer: auth-1 (12.0 MB), job-1 (stopped, 0 B)",
                "volumes: pgdata (size unknown)",
                "folder: /srv/system (3.0 kB)",
            ],
        ),
        (
            "ja",
            [
                "コンテナ (括弧内は各コンテナ自身が書き込んだ量): auth-1 (12.0 MB)、job-1 (停止中、0 B)",
                "ボリューム: pgdata (サイズ不明)",
                "フォルダー: /srv/system (3.0 kB)",
            ],
        ),
    ],
)
def test_everything_that_lies_on_a_host_is_named_with_its_size(language: str, lines: list[str]) -> None:
    away = step("away", do="host.set_aside", effect="destroy")

    assert [say(one, language) for one in replaced([away], configuration(), "production", Stakes(), ON_A_HOST)] == lines


def test_a_host_is_promised_to_come_back_only_while_undo_is_offered() -> None:
    assert "while the incident is open, /dr undo" in answers(shown(asked(), stakes=HOST), "en")["Kept to undo with"]


def test_old_records_are_not_said_to_be_those_of_now_and_what_does_not_come_back_with_them_is_said() -> None:
    said = answers(shown(asked(), stakes=NAMES), "en")["Kept to undo with"]

    assert "/dr lead-back points DNS back at any time, when two people approve" in said
    assert "data written in the meantime does not move with it" in said
    assert said.endswith("DNS before the change: www.example.com → 192.0.2.1")


def test_a_deletion_that_cannot_be_counted_is_said() -> None:
    uncounted = UNDO.model_copy(update={"loss": UNDO.loss.model_copy(update={"removed": None})})

    assert "deletions could not be counted" in answers(shown(asked(), stakes=uncounted), "en")["Data that will be LOST"]


KEPT = KeptData(
    volume="pgdata_before_r5", original="pgdata", incident=5, made_at="day 1", since=NOW - timedelta(hours=4),
    size=13_400_000,
)  # fmt: skip
UNDO = Stakes(
    act=Act.UNDO,
    proof=ProofKind.KEPT,
    loss=lost_by_undo(NOW - timedelta(minutes=12)),
    keeps=Keeps(kind=KeepKind.IN_PLACE, names=("pgdata_undone_r7",)),
    kept=KEPT,
)
HOST = Stakes(
    act=Act.REPLACE_HOST,
    proof=ProofKind.DOWNLOADED,
    loss=Loss(kind=LossKind.SINCE_BACKUP, since=NOW - timedelta(hours=2), seconds=5400),
    keeps=Keeps(kind=KeepKind.ASIDE, names=("pgdata_before_r7", "redis_before_r7")),
)
NAMES = Stakes(
    act=Act.CHANGE_DNS,
    proof=ProofKind.RAISED,
    loss=Loss(kind=LossKind.SINCE_BACKUP, since=NOW - timedelta(hours=2), seconds=5400),
    keeps=Keeps(kind=KeepKind.RECORDS, names=("www.example.com → 192.0.2.1",)),
)
GIVEN_UP = Stakes(
    act=Act.GIVE_UP, proof=ProofKind.HEALTHY, loss=Loss(kind=LossKind.KEPT_DATA, bytes=13_400_000), kept=KEPT
)


def answers(table: Table, language: str) -> dict[str, str]:
    return {say(row[0], language): say(row[1], language) for row in table.rows}


def test_an_undo_says_what_comes_back_what_was_written_since_and_that_nothing_is_proven_of_it() -> None:
    english, japanese = (answers(shown(asked(), stakes=UNDO), language) for language in ("en", "ja"))

    assert english["What is asked"] == "undo, back to the kept data"
    assert english["By"] == (
        "the data kept in pgdata_before_r5 since 2026-11-25 23:12:00 UTC (DR-5), put aside from pgdata, 13.4 MB"
    )
    assert english["Data that will be LOST"] == (
        "everything written since the swap (2026-11-26 03:00:00 UTC): 412 rows (1.3 MB), counted at 03:12:00 UTC, "
        "and what is written after that; changes or deletions of 3 rows that existed before"
    )
    assert "PROVEN" not in english["Proof"] and "may be the earlier, damaged data" in english["Proof"]
    assert "pgdata_undone_r7" in english["Kept to undo with"]
    assert "412 行" in japanese["失われるデータ"] and "検証済み" not in japanese["検証"]


def test_an_occupied_host_is_not_called_proven_and_not_without_loss() -> None:
    english, japanese = (answers(shown(asked(), stakes=HOST), language) for language in ("en", "ja"))

    assert "NOT restored yet" in english["Proof"] and "PROVEN" not in english["Proof"]
    assert english["Data that will be LOST"].startswith("everything written after 2026-11-26 01:12:00 UTC")
    assert "pgdata_before_r7, redis_before_r7" in english["Kept to undo with"]
    assert "検証済み" not in japanese["検証"] and "退避" in japanese["検証"]


@pytest.mark.parametrize(
    ("site", "english", "japanese"),
    [
        ("staging", "data of staging, not of production", "staging のデータ (production のデータではありません)"),
        ("", "of an unknown site", "どの拠点のデータかは不明"),
    ],
)
def test_data_of_another_site_is_not_taken_for_this_ones(site: str, english: str, japanese: str) -> None:
    backup = BACKUP.model_copy(update={"site": site})
    said = {language: answers(shown(asked(), backup=backup), language) for language in ("en", "ja")}

    assert english in said["en"]["By"]
    assert japanese in said["ja"]["置き換え後"]


def test_what_does_not_come_back_is_named_last_so_that_a_long_list_hides_nothing() -> None:
    loss = HOST.loss.model_copy(update={"gone": ("redis_data", "uploads")})
    said = [answers(shown(asked(), stakes=HOST.model_copy(update={"loss": loss})), one) for one in ("en", "ja")]
    english, japanese = said[0]["Data that will be LOST"], said[1]["失われるデータ"]

    assert english.startswith("everything written after 2026-11-26 01:12:00 UTC")
    assert english.endswith(
        "; and ALL of these, which no step of this plan is known to bring back: redis_data, uploads"
    )
    assert japanese.endswith("。加えて、この計画に戻す手順が見当たらない、次のものすべて: redis_data、uploads")


def test_moving_users_and_giving_up_kept_data_say_their_own_truth() -> None:
    names, given_up = (answers(shown(asked(), stakes=stakes), "en") for stakes in (NAMES, GIVEN_UP))

    assert "By" not in names and names["Data at the new site"].startswith("the backup")
    assert "Will be changed" in names and "brought up at the new site" in names["Proof"]
    assert "www.example.com → 192.0.2.1" in names["Kept to undo with"]
    assert "Will be DELETED for good" in given_up and given_up["In its place"] == "nothing"
    assert given_up["Kept to undo with"] == "nothing" and "for good" in given_up["Data that will be LOST"]


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_buttons_and_titles_name_the_act_and_fit(act: Act, language: str) -> None:
    assert len(say(APPROVE[act].button, language)) <= 75 and len(say(APPROVE[act].title, language)) <= 24
    assert act is Act.NOTHING or say(APPROVE[act].button, language) not in {"Approve…", "承認…"}


def test_every_destroying_action_has_a_name_for_people() -> None:
    assert {name for name, declared in ACTIONS.items() if declared.effect == "destroy" or declared.asks} == set(ACT_OF)


BY_KEY = Attestation(proof=Proof.KEY, signature="s")


def typed_at(person: str, terminal: str, **fields: object) -> Vote:
    return replace(vote(person), entry_point=EntryPoint.TERMINAL, terminal=terminal, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "is_said"),
    [
        (typed_at("ben", "root@dr"), typed_at("chika", "root@dr"), True),
        (typed_at("ben", "root@dr"), typed_at("chika", "chika@dr"), False),
        (typed_at("ben", "root@dr"), vote("chika"), False),
        (typed_at("ben", "root@dr"), typed_at("ben", "root@dr"), False),
        (
            typed_at("ben", "root@dr"),
            typed_at("chika", "root@dr", attestation=BY_KEY),
            False,
        ),
    ],
)
def test_one_login_that_votes_for_two_without_keys_is_named(first: Vote, second: Vote, is_said: bool) -> None:
    said = answers(shown(asked(), votes=(first, second)), "en")

    assert ("WARNING" in said) is is_said
    assert not is_said or "root@dr" in said["WARNING"]


def test_what_the_proof_found_beside_the_rows_is_told_before_anybody_agrees() -> None:
    note = "Superusers in the backup besides postgres: mallory."
    told = [say(row[1], "en") for row in shown(asked(), notes=[note]).rows if say(row[0], "en") == "Note"]

    assert told == [note]
