"""What a proof is worth: which backups still want one, and what readiness says of the newest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.site.proofs import WELL, BackupProof, ProofResult, as_tried, proof_line, to_prove
from drbot.core.site.readiness import Colour
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.core.text.messages import say

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = 86_400.0


def dump(hours: float, fault: str = "", mark: str = "a", place: str = "file:/srv") -> StoredBackup:
    return StoredBackup(
        site="production", kind=BackupKind.POSTGRES, name=f"dump-{hours:g}", place=place, is_off_site=False,
        moment=NOW - timedelta(hours=hours), size=1, fault=fault, mark=mark,
    )  # fmt: skip


def tried(
    hours: float, result: ProofResult = ProofResult.PROVEN, ago: float = 1, mark: str = "a", place: str = "file:/srv"
) -> BackupProof:
    """The dump of this age, `ago` hours ago."""
    return BackupProof(
        site="production", kind=BackupKind.POSTGRES, name=f"dump-{hours:g}", place=place, mark=mark, sha256="",
        version="1", proven_at=NOW - timedelta(hours=ago), seconds=41.0, result=result,
        fault="" if result in WELL else "no room",
    )  # fmt: skip


SAME, FAILED, POSTPONED = ProofResult.SAME, ProofResult.FAILED, ProofResult.POSTPONED
BUCKET = "s3://shop/"


def copy(hours: float) -> StoredBackup:
    """Of the same dump, in a bucket."""
    return replace(dump(hours, place=BUCKET), is_off_site=True)


@pytest.mark.parametrize(
    ("found", "proofs", "wanted"),
    [
        ([dump(9), dump(1)], [], ["dump-1", "dump-9"]),
        ([dump(9), dump(1)], [tried(1)], ["dump-9"]),
        ([dump(1, mark="b")], [tried(1)], ["dump-1"]),
        ([dump(1, place="s3://shop")], [tried(1)], ["dump-1"]),
        ([copy(1), dump(1)], [], ["dump-1", "dump-1"]),
        ([copy(1), dump(1)], [tried(1, SAME, place=BUCKET)], ["dump-1"]),
        ([dump(1, "cut off")], [], []),
        ([dump(1)], [tried(1, ago=5)], []),
        ([dump(1), dump(9), copy(1)], [tried(1, ago=6), tried(9, ago=6), tried(1, SAME, ago=6, place=BUCKET)],
         ["dump-1"]),
        ([dump(1)], [tried(1, FAILED, ago=5)], []),
        ([dump(1)], [tried(1, FAILED, ago=6)], ["dump-1"]),
        ([dump(1)], [tried(1, POSTPONED, ago=0.2)], []),
        ([dump(1)], [tried(1, POSTPONED, ago=0.3)], ["dump-1"]),
    ],
    ids=["newest first", "proven", "replaced", "another copy", "both", "read back", "known to be no use",
         "proven hours ago", "the newest here is read again", "failed",
         "failed long ago", "postponed", "postponed for a while"],
)  # fmt: skip
def test_which_backups_want_a_proof(found: list[StoredBackup], proofs: list[BackupProof], wanted: list[str]) -> None:
    assert [one.name for one in to_prove(found, proofs, NOW)] == wanted


def test_the_copy_here_is_restored_before_those_that_have_to_be_fetched() -> None:
    found = [copy(9), copy(1), dump(1), dump(9)]

    assert to_prove(found, [], NOW) == [dump(1), copy(1), dump(9), copy(9)]


@pytest.mark.parametrize(
    ("found", "proofs", "colour", "said"),
    [
        ([dump(1)], [tried(1)], Colour.GREEN, "dump-1 in file:/srv was restored 1 h 00 min ago in 41 s"),
        ([dump(7), dump(1)], [tried(7, ago=6)], Colour.GREEN, "dump-7 in file:/srv was restored"),
        ([dump(1)], [], Colour.AMBER, "none in file:/srv was restored yet"),
        ([dump(30)], [], Colour.RED, "none in file:/srv was restored within 1 d"),
        ([dump(30)], [tried(30, ago=25)], Colour.RED, "none in file:/srv was restored within 1 d"),
        ([dump(7), dump(1)], [tried(7), tried(1, FAILED)], Colour.RED, "dump-1 in file:/srv could not be restored"),
        ([dump(7), dump(1, mark="b")], [tried(7), tried(1)], Colour.RED,
         "dump-1 in file:/srv: its file was changed since it was restored"),
        ([dump(7), dump(1)], [tried(7, FAILED), tried(1)], Colour.GREEN, "dump-1 in file:/srv was restored"),
        ([dump(7), dump(1, "cut off")], [tried(7)], Colour.GREEN, "dump-7 in file:/srv was restored"),
        ([dump(1)], [tried(1, POSTPONED)], Colour.RED, "dump-1 in file:/srv could not be tried: no room"),
        ([copy(1), dump(1)], [tried(1, FAILED)], Colour.RED, "in file:/srv could not be"),
        ([copy(1), dump(1)], [tried(1), tried(1, SAME, place=BUCKET)], Colour.GREEN,
         "dump-1 in file:/srv was restored 1 h 00 min ago in 41 s; dump-1 in s3://shop/ was read back"),
        ([copy(1), dump(1)], [tried(1)], Colour.AMBER, "none in s3://shop/ was restored yet"),
        ([copy(30), dump(1)], [tried(1), tried(30, ago=29, place=BUCKET)], Colour.RED,
         "none in s3://shop/ was restored within 1 d"),
        ([copy(7), dump(1)], [tried(1), tried(7, FAILED, place=BUCKET)], Colour.RED,
         "dump-7 in s3://shop/ could not be restored: no room. drbot backup postgres makes another one"),
        ([copy(1), dump(1)], [tried(1, POSTPONED), tried(1, FAILED, place=BUCKET)], Colour.RED, "file:/srv could not be"
         " tried: no room; dump-1 in s3://shop/ could not be restored"),
    ],
    ids=["proven", "an older one", "none yet", "none for long", "an old proof", "the newest failed",
         "the newest was changed", "an older failed",
         "one that is no use does not count", "no room", "one of two copies failed",
         "the copy was read back", "the copy was not tried yet", "the copy is stale", "a stale copy failed", "both"],
)  # fmt: skip
def test_what_readiness_says(found: list[StoredBackup], proofs: list[BackupProof], colour: Colour, said: str) -> None:
    line = proof_line(BackupKind.POSTGRES, found, proofs, DAY, NOW)

    assert line is not None
    assert (line.colour, said in line.sentence) == (colour, True), line.sentence
    assert bool(line.remedy) == (colour is not Colour.GREEN)


def test_where_no_backup_can_be_used_another_line_says_so() -> None:
    assert proof_line(BackupKind.POSTGRES, [dump(1, "cut off")], [], DAY, NOW) is None


@pytest.mark.parametrize(
    ("proofs", "fault"),
    [
        ([tried(1, FAILED)], "could not be restored on 2026-01-05 11:00 UTC: no room"),
        ([tried(1, FAILED, mark="b")], ""),
        ([tried(1, FAILED, place=BUCKET)], ""),
        ([tried(1, POSTPONED)], ""),
        ([tried(1)], ""),
        ([], ""),
    ],
    ids=["these bytes", "other bytes", "elsewhere", "not tried", "well", "never"],
)
def test_what_could_not_be_restored_cannot_be_used(proofs: list[BackupProof], fault: str) -> None:
    assert [say(one.fault, "en") for one in as_tried([dump(1)], proofs)] == [fault]
