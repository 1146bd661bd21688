"""What made a step fail decides what people are offered, and stays known when what the step had made is taken back."""

from collections.abc import Mapping
from typing import Any

import pytest

from drbot.commands.facts.runbook_selection import again
from drbot.core.base.errors import BackupError, CancelledError, Cause, PermanentError
from drbot.core.runs.run import Offer, RunState, StepState
from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind
from drbot.runners.contract.action import Outcome, StepContext
from drbot.runners.foundation.own_proofs import OwnProofs
from drbot.store.records import proofs
from tests.integration.runners.test_edited_files import own
from tests.integration.runners.test_rows_over_time import with_runbook
from tests.integration.runners.worker_fixture import WorkerFixture, with_registry
from tests.waiting import PATIENCE, wait_for

OTHERS = {
    Cause.DISK: PermanentError("no room", cause=Cause.DISK),
    Cause.MEMORY: PermanentError("killed", cause=Cause.MEMORY),
    Cause.TIME: CancelledError("it took longer than 1 h"),
    Cause.ENGINE: PermanentError("it does not answer", cause=Cause.ENGINE),
    Cause.OTHER: PermanentError("who knows"),
}


@pytest.mark.parametrize("cause", OTHERS)
def test_what_is_no_fault_of_the_backup_is_tried_again_with_the_same(
    worker_fixture: WorkerFixture, cause: Cause
) -> None:
    worker_fixture.target.errors["postgres.restore_beside"] = [OTHERS[cause]]

    run = worker_fixture.go(worker_fixture.declare())

    step = worker_fixture.step(run, "restore-beside")
    (blocked,) = worker_fixture.events(run, "run.blocked")
    assert run.state is RunState.BLOCKED
    assert run.offers == (Offer.ASK_AGAIN, Offer.ANOTHER_BACKUP, Offer.DISCARD)
    assert "next" not in blocked.payload
    assert ("The backup is not the cause." in blocked.payload["why"]) is (cause is not Cause.OTHER)
    assert (step.state, step.cause, step.summary) == (StepState.UNDONE, cause, str(OTHERS[cause]))
    assert step.taken_back == "volume.remove is done."


def test_a_bad_backup_is_followed_by_the_next_good_one(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.errors["postgres.restore_beside"] = [BackupError("it is cut off")]

    run = worker_fixture.go(worker_fixture.declare())

    (blocked,) = worker_fixture.events(run, "run.blocked")
    assert run.offers == (Offer.ANOTHER_BACKUP, Offer.ASK_AGAIN, Offer.DISCARD)
    assert blocked.payload["next"]["name"] == worker_fixture.target.backups[1].name
    assert "it is cut off" in blocked.payload["why"] and "not the cause" not in blocked.payload["why"]


def failures(worker_fixture: WorkerFixture) -> list[BackupProof]:
    """What is known of backups that could not be restored, by the database and by this host itself: the same."""
    with worker_fixture.worker_context.database.read() as connection:
        told = proofs.list_of(connection, "production")
    assert told == OwnProofs(worker_fixture.worker_context.home).failures()
    return told


def test_a_backup_that_did_not_come_back_is_known_as_one_whose_proof_failed(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.errors["postgres.restore_beside"] = [BackupError("it is cut off")]

    run = worker_fixture.go(worker_fixture.declare())

    backup = worker_fixture.target.backups[0]
    (failed,) = failures(worker_fixture)
    assert (failed.kind, failed.name, failed.place, failed.mark) == (
        BackupKind.POSTGRES,
        backup.name,
        "memory",
        "mark 1",
    )
    assert (failed.result, failed.fault) == (ProofResult.FAILED, "it is cut off")
    assert again(worker_fixture.incident(run), run) == f"recover DR-{run.incident} backup {backup.name}"


def test_what_is_no_fault_of_the_backup_says_nothing_about_it(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.errors["postgres.restore_beside"] = [OTHERS[Cause.DISK]]

    run = worker_fixture.go(worker_fixture.declare())

    assert failures(worker_fixture) == []
    assert again(worker_fixture.incident(run), run) == f"recover DR-{run.incident}"


def test_the_same_again_succeeds_once_there_is_room(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.errors["postgres.restore_beside"] = [OTHERS[Cause.DISK]]
    run = worker_fixture.go(worker_fixture.declare())

    again = worker_fixture.go(worker_fixture.queue(run.incident, run.runbook))

    assert again.plan is not None and run.plan is not None
    assert again.plan.backup == run.plan.backup
    assert worker_fixture.step(again, "restore-beside").cause is None


def test_what_cannot_be_taken_back_is_a_command_that_people_can_type(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    worker_fixture.target.errors["volume.swap"] = [OTHERS[Cause.DISK]]
    worker_fixture.go(run)
    worker_fixture.target.errors["compose.start"] = [OTHERS[Cause.DISK], OTHERS[Cause.DISK]]

    worker_fixture.settle(run, "swap", "undo")
    run = worker_fixture.go(run)

    projects = worker_fixture.worker_context.site.projects
    place = f"--project-directory={projects}/auth --project-name=auth"
    up = f"docker compose {place} up --detach --no-recreate auth"
    assert up in str(run.outcome)
    assert "compose.start" not in str(run.outcome) and "within" not in str(run.outcome)
    assert "The disk is full: make room on it" in str(run.outcome)
    assert Offer.RESTART in run.offers


STOPPED = CancelledError("Stopped while data was being sent")
CUT_OFF = BackupError("psql ended in the middle of it")  # its container was removed under it


@pytest.mark.parametrize("error", [STOPPED, CUT_OFF], ids=["stopped", "cut off"])
def test_a_step_that_its_limit_ended_is_no_fault_of_the_backup(worker_fixture: WorkerFixture, error: Exception) -> None:
    def until_told(context: StepContext, given: Mapping[str, Any]) -> Outcome:
        """A restore that never ends by itself."""
        wait_for(context.cancelled, PATIENCE, "the limit of the step")
        raise error

    text = own("level2-postgres", ("limits: {time: 2h, quiet: 10m, budget: 30s}", "limits: {time: 1s}"))
    slow = with_registry(with_runbook(worker_fixture, "own.yml", text), actions={"postgres.restore_beside": until_told})

    run = slow.go(slow.queue(slow.declare().incident, "own"))

    assert slow.step(run, "restore-beside").cause is Cause.TIME
    assert run.offers[0] is Offer.ASK_AGAIN
    (blocked,) = slow.events(run, "run.blocked")
    assert "longer than its limit of 1 s. The backup is not the cause." in blocked.payload["why"]
