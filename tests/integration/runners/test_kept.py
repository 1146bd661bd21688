"""What an undo would lose is counted, and kept data is given up only by two, exactly that volume, and for good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Run, RunKind, RunState, StepState
from drbot.core.runs.stakes import Act, LossKind, ProofKind
from drbot.core.runs.stakes_words import loss_text
from drbot.store.records import kept
from tests.integration.runners.test_edited_files import own
from tests.integration.runners.test_rows_over_time import with_runbook
from tests.integration.runners.worker_fixture import SECONDS, WorkerFixture


def recovered(worker_fixture: WorkerFixture) -> tuple[Run, str]:
    """A recovery that is over, and where the old data is kept."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    worker_fixture.answer(run)
    run = worker_fixture.go(run)
    return run, f"postgres_data_before_{run.id}"


def kept_volumes(worker_fixture: WorkerFixture) -> list[str]:
    with worker_fixture.database.read() as connection:
        return [one.volume for one in kept.list_of(connection)]


def test_the_plan_of_a_restore_says_what_production_holds_beyond_the_backup(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.written = 40

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    stakes = run.plan.stakes
    assert (stakes.act, stakes.proof, stakes.loss.kind) == (Act.RESTORE, ProofKind.BESIDE, LossKind.SINCE_BACKUP)
    age = (worker_fixture.worker_context.own.now() - worker_fixture.target.backups[0].snapshot_at).total_seconds()
    assert stakes.loss.seconds == pytest.approx(age, abs=SECONDS) and stakes.loss.rows == 40
    assert stakes.keeps.names == (f"postgres_data_before_{run.id}",)


def test_rows_beyond_a_backup_without_a_manifest_are_not_said_to_be_all_of_them(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.backups = [
        one.model_copy(update={"manifest": False, "rows": {}}) for one in worker_fixture.target.backups
    ]

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert (run.plan.stakes.loss.rows, run.plan.stakes.loss.uncounted) == (None, "the backup has no manifest")


def test_a_production_that_does_not_answer_is_said_to_be_uncounted(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert run.plan.stakes.loss.rows is None
    assert run.plan.stakes.loss.uncounted == "PostgreSQL does not answer"


def test_the_plan_of_an_undo_counts_what_was_written_since_the_swap(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    worker_fixture.target.written = 412

    undo = worker_fixture.go(worker_fixture.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))

    assert undo.plan is not None
    stakes = undo.plan.stakes
    assert (stakes.act, stakes.proof) == (Act.UNDO, ProofKind.KEPT)
    assert stakes.loss.kind is LossKind.SINCE_SWAP
    assert (stakes.loss.rows, stakes.loss.bytes, stakes.loss.removed) == (412, 41_200, 0)
    assert stakes.kept is not None and (stakes.kept.volume, stakes.kept.made_at) == (keeper, "day 1")


@pytest.mark.parametrize("works", [True, False])
def test_the_plan_of_an_undo_says_whether_anybody_saw_the_old_data_work(
    worker_fixture: WorkerFixture, works: bool
) -> None:
    if works:
        worker_fixture.target.volumes["postgres_data"] = "good"
    done, keeper = recovered(worker_fixture)
    assert done.plan is not None and bool(done.plan.stakes.sound) is works

    undo = worker_fixture.go(worker_fixture.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))

    assert undo.plan is not None
    warning = f"The data in {keeper} was not seen to work when it was put aside."
    assert (warning in undo.plan.warnings) is not works


@pytest.mark.parametrize("run", ["", "../../etc/passwd", "a b"])
def test_a_volume_whose_label_names_no_run_can_be_brought_back_all_the_same(
    worker_fixture: WorkerFixture, run: str
) -> None:
    done, keeper = recovered(worker_fixture)
    labelled = worker_fixture.target.keepers[keeper]
    worker_fixture.target.keepers[keeper] = replace(labelled, run=run)

    undo = worker_fixture.go(worker_fixture.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))

    assert undo.plan is not None, undo.outcome
    assert f"The data in {keeper} was not seen to work when it was put aside." in undo.plan.warnings


def test_of_redis_and_files_nobody_is_told_of_rows(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    there = worker_fixture.target.keepers[keeper]
    worker_fixture.target.keepers[keeper] = replace(there, original="redis_data")

    undo = worker_fixture.go(worker_fixture.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))

    assert undo.plan is not None
    said = loss_text(undo.plan.stakes.loss)
    assert said.startswith("everything written since the swap (") and "row" not in said


def test_an_undo_of_settings_names_each_file_that_changes(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    there, projects = worker_fixture.target.keepers[keeper], str(worker_fixture.worker_context.site.projects)
    worker_fixture.target.keepers[keeper] = replace(there, original=projects)
    worker_fixture.target.settings = ("auth/.env", "user/.env")

    undo = worker_fixture.go(worker_fixture.queue(done.incident, "level2-undo-files", RunKind.UNDO, keeper=keeper))

    assert undo.plan is not None, undo.outcome
    assert undo.plan.replaces == (f"in the folder {projects}, each of these files: auth/.env, user/.env",)


def test_kept_data_is_deleted_when_two_agree_and_nothing_else_is(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    before = dict(worker_fixture.target.volumes)

    run = worker_fixture.go(worker_fixture.queue(done.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))

    assert run.state is RunState.WAITING and keeper in worker_fixture.target.volumes
    assert run.plan is not None
    assert (run.plan.stakes.act, bool(run.plan.keeps)) == (Act.GIVE_UP, False)
    worker_fixture.approve(run)
    run = worker_fixture.go(run)

    assert run.state is RunState.SUCCEEDED
    assert worker_fixture.target.volumes == {name: data for name, data in before.items() if name != keeper}
    assert kept_volumes(worker_fixture) == []
    assert worker_fixture.incident(run).state is IncidentState.RECOVERED


def test_a_sick_production_keeps_its_old_data_whatever_two_people_say(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    worker_fixture.target.running.discard("auth")

    run = worker_fixture.go(worker_fixture.queue(done.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))

    assert run.state is RunState.FAILED
    assert keeper in worker_fixture.target.volumes and kept_volumes(worker_fixture) == [keeper]


def test_no_plan_is_made_about_kept_data_that_nobody_remembers(worker_fixture: WorkerFixture) -> None:
    done, _ = recovered(worker_fixture)

    for runbook, kind in (("level2-undo", RunKind.UNDO), ("kept-give-up", RunKind.GIVE_UP)):
        run = worker_fixture.go(worker_fixture.queue(done.incident, runbook, kind, keeper="postgres_data"))
        assert run.state is RunState.FAILED and run.plan is None
        assert "not there any more" in str(run.outcome)


def test_giving_up_keeps_the_clocks_and_the_incident_as_they_are(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    before = worker_fixture.incident(done)

    run = worker_fixture.go(worker_fixture.queue(done.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))
    worker_fixture.approve(run)
    worker_fixture.go(run)

    assert worker_fixture.incident(done) == before
    assert before.recovered_at is not None and before.recovered_at - before.started_at > timedelta(0)


def test_kept_data_that_somebody_deleted_by_hand_is_listed_no_more(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    del worker_fixture.target.volumes[keeper]

    worker_fixture.target.engine = "another engine"
    worker_fixture.upkeep()
    assert kept_volumes(worker_fixture) == [keeper]  # which knows nothing about it

    worker_fixture.target.engine = "engine-1"
    worker_fixture.upkeep()

    assert kept_volumes(worker_fixture) == []
    note = worker_fixture.events(done, "incident.note")[-1].payload["text"]
    assert str(note) == f"{keeper}: it is not there any more, and drbot did not delete it"


def test_an_undo_that_is_taken_back_lists_what_is_kept_then(worker_fixture: WorkerFixture) -> None:
    done, keeper = recovered(worker_fixture)
    verify = ("after: [start-apps]", "after: [start-store]")
    start = (
        "after: [start-store]\n    effect: change\n    again: safe\n    limits: {time: 5m, budget: 4s}\n    if_fails",
        "after: [verify]\n    effect: change\n    again: safe\n    limits: {time: 5m, budget: 4s}\n    if_fails",
    )
    text = own("level2-undo", start, verify, ("if_fails: stop", "if_fails: undo"))
    worker_fixture = with_runbook(worker_fixture, "own.yml", text)
    undo = worker_fixture.go(worker_fixture.queue(done.incident, "own", RunKind.UNDO, keeper=keeper))
    worker_fixture.approve(undo)

    undo = worker_fixture.go(undo)

    assert worker_fixture.step(undo, "swap-back").state is StepState.UNDONE, undo.outcome
    assert kept_volumes(worker_fixture) == [keeper]
    assert worker_fixture.target.volumes["postgres_data"] == "good"
