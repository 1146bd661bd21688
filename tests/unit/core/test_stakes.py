"""What the gates of a plan prove: each gate before what is destroyed, and no other."""

from datetime import UTC, datetime

import pytest

from drbot.core.runbooks.runbook import Gate, Step
from drbot.core.runs.stakes import Act, Loss, LossKind, ProofKind, proof_of
from drbot.core.runs.stakes_words import loss_text

COPY = Step(id="copy", title={"en": "Copy"}, do="postgres.restore_beside")
SWAP = Step(id="swap", title={"en": "Swap"}, do="volume.swap", effect="destroy")
FETCH = Step(id="fetch", title={"en": "Fetch"}, do="backup.fetch")


def gate(name: str, before: str, *proofs: str) -> Step:
    return Step(id=name, title={"en": name}, gate=Gate.model_validate({"for": (before,), "proof": proofs}))


@pytest.mark.parametrize(
    ("gates", "proven"),
    [
        ([gate("approval", "swap", "copy")], ProofKind.BESIDE),
        ([gate("about-dr-yml", "fetch"), gate("approval", "swap", "copy")], ProofKind.BESIDE),
        ([gate("about-dr-yml", "fetch", "fetch"), gate("approval", "swap", "copy")], ProofKind.BESIDE),
        ([gate("approval", "swap", "copy"), gate("another", "swap", "fetch")], ProofKind.CHECKED),
        ([gate("approval", "swap", "copy"), gate("another", "swap")], ProofKind.NONE),
        ([gate("about-dr-yml", "fetch", "copy"), gate("approval", "swap")], ProofKind.NONE),
        ([gate("about-dr-yml", "fetch", "copy")], ProofKind.NONE),
    ],
)
def test_only_gates_before_what_is_destroyed_count_and_all_of_them(gates: list[Step], proven: ProofKind) -> None:
    assert proof_of((COPY, FETCH, SWAP, *gates), Act.RESTORE, (), ()) is proven


@pytest.mark.parametrize("do", ["redis.restore_beside", "files.restore_beside", "settings.restore_beside"])
def test_whatever_is_restored_beside_is_the_proof(do: str) -> None:
    copy = COPY.model_copy(update={"do": do})

    assert proof_of((copy, SWAP, gate("approval", "swap", "copy")), Act.RESTORE, (), ()) is ProofKind.BESIDE


BACKUP = datetime(2026, 11, 26, 2, tzinfo=UTC)
SINCE = "everything written after 2026-11-26 02:00:00 UTC (5 min before this plan was made)"


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (
            Loss(kind=LossKind.KEYS_SINCE_BACKUP, keys=7, keys_then=500, counted_at=BACKUP),
            f"{SINCE}; Redis held 7 keys, the backup holds 500, counted at 02:00:00 UTC",
        ),
        (
            Loss(kind=LossKind.KEYS_SINCE_BACKUP, keys_then=500, uncounted="Redis is not running"),
            f"{SINCE}; the backup holds 500 keys, those of now could not be counted: Redis is not running",
        ),
        (
            Loss(kind=LossKind.KEYS_SINCE_BACKUP, uncounted="Redis is not running"),
            f"{SINCE}; the backup holds ? keys, those of now could not be counted: Redis is not running",
        ),
        (Loss(kind=LossKind.FILES_SINCE_BACKUP), f"{SINCE}, in these files"),
    ],
)
def test_what_of_redis_and_files_is_lost_is_said_with_both_numbers(loss: Loss, said: str) -> None:
    assert loss_text(loss.model_copy(update={"since": BACKUP, "seconds": 300.0})) == said


@pytest.mark.parametrize(
    ("removed", "said"),
    [(None, "deletions could not be counted"), (0, "no row so far"), (2, "changes or deletions of 2")],
)
def test_that_no_row_was_written_is_only_said_where_deletions_were_counted_too(removed: int | None, said: str) -> None:
    loss = Loss(kind=LossKind.SINCE_SWAP, rows=0, bytes=0, removed=removed)

    assert said in loss_text(loss)
