"""A plan, and the card that two people read, say when exactly this backup was restored before, and how long it took."""

from datetime import UTC, datetime

from drbot.bot.blocks.plan import plan_blocks
from drbot.commands.facts.context import context_of
from drbot.commands.views.incident_view import view_of
from drbot.core.runs.run import Run
from drbot.core.site.configuration import Loaded
from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind
from drbot.runners.foundation.own_proofs import OwnCopy, OwnProof, OwnProofs
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import incidents, proofs
from tests.integration.runners.test_words_of_a_card import card
from tests.integration.runners.worker_fixture import WorkerFixture

MOMENT = datetime(2026, 1, 5, 3, 7, tzinfo=UTC)


def prove(worker_fixture: WorkerFixture, sha256: str) -> None:
    """This worker's host has seen it."""
    OwnProofs(worker_fixture.worker_context.home).note(OwnProof(sha256=sha256, proven_at=MOMENT, seconds=41.0))


def board(worker_fixture: WorkerFixture, run: Run) -> str:
    """The plan as everybody sees it."""
    loaded = Loaded(configuration=worker_fixture.worker_context.configuration)
    context = context_of(worker_fixture.database, doorbell_of(None), loaded)
    with worker_fixture.database.read() as connection:
        incident = incidents.get(connection, run.incident)
        return str(plan_blocks(view_of(connection, context, incident, datetime.now(UTC))))


def test_it_is_said_of_exactly_these_bytes(worker_fixture: WorkerFixture) -> None:
    prove(worker_fixture, worker_fixture.target.backups[0].sha256)

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert "restored on 2026-01-05 03:07 UTC in 41 s" in run.plan.backup_proof
    assert "restored on 2026-01-05 03:07 UTC in 41 s" in card(worker_fixture, run)
    assert "restored on 2026-01-05 03:07 UTC in 41 s" in board(worker_fixture, run)


BUCKET = "s3://shop/"


def prove_copy(worker_fixture: WorkerFixture, fault: str = "") -> None:
    """The plan takes its backup from a bucket, and this host has read it from there."""
    backup = worker_fixture.target.backups[0]
    worker_fixture.target.backups[0] = backup.model_copy(update={"place": f"{BUCKET}{backup.name}"})
    prove(worker_fixture, backup.sha256)
    own = OwnProofs(worker_fixture.worker_context.home)
    own.note_copy(backup.sha256, BUCKET, OwnCopy(read_at=MOMENT, fault=fault))


def test_of_a_copy_in_a_bucket_it_says_that_the_same_bytes_were_read_back_from_there(
    worker_fixture: WorkerFixture,
) -> None:
    prove_copy(worker_fixture)

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert run.plan.backup_proof == (
        "restored on 2026-01-05 03:07 UTC in 41 s; s3://shop/: read back on 2026-01-05 03:07 UTC: the same bytes as "
        "those that were restored"
    )
    assert "read back on 2026-01-05 03:07 UTC" in card(worker_fixture, run)


def test_a_copy_that_did_not_come_back_is_told_beside_the_one_that_did(worker_fixture: WorkerFixture) -> None:
    prove_copy(worker_fixture, "it is rotten")

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert "restored on 2026-01-05 03:07 UTC in 41 s; s3://shop/: could not be" in run.plan.backup_proof
    assert "it is rotten" in card(worker_fixture, run)


def test_of_other_bytes_it_is_not(worker_fixture: WorkerFixture) -> None:
    prove(worker_fixture, "0" * 64)

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert run.plan.backup_proof == ""
    assert "restored on" not in card(worker_fixture, run)
    assert "restored on" not in board(worker_fixture, run)


def test_what_only_a_row_of_the_database_says_stands_on_no_card(worker_fixture: WorkerFixture) -> None:
    backup = worker_fixture.target.backups[0]
    forged = BackupProof(
        site="production", kind=BackupKind.POSTGRES, name=backup.name, place=backup.place, mark="a",
        sha256=backup.sha256, seconds=41.0, proven_at=MOMENT, version="1", result=ProofResult.PROVEN,
    )  # fmt: skip
    with worker_fixture.database.write() as tx:
        proofs.tried(tx, forged)

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert run.plan.backup_proof == ""
    assert "restored on" not in card(worker_fixture, run)
