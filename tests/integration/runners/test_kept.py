"""What an undo would lose is counted, and kept data is given up only by two, exactly that volume, and for good."""

from datetime import timedelta

import pytest

from drbot.core.incident import IncidentState
from drbot.core.run import Run, RunKind, RunState
from drbot.core.stakes import Act, LossKind, ProofKind
from drbot.store import kept
from tests.integration.runners.bench import SECONDS, Bench


def recovered(bench: Bench) -> tuple[Run, str]:
    """A recovery that is over, and where the old data is kept."""
    run = bench.go(bench.declare())
    bench.approve(run)
    run = bench.go(run)
    bench.answer(run)
    run = bench.go(run)
    return run, f"postgres_data_before_{run.id}"


def kept_volumes(bench: Bench) -> list[str]:
    with bench.database.read() as connection:
        return [one.volume for one in kept.list_of(connection)]


def test_the_plan_of_a_restore_says_what_production_holds_beyond_the_backup(bench: Bench) -> None:
    bench.target.volumes["postgres_data"] = "good"
    bench.target.written = 40

    run = bench.go(bench.declare())

    assert run.plan is not None
    stakes = run.plan.stakes
    assert (stakes.act, stakes.proof, stakes.loss.kind) == (Act.RESTORE, ProofKind.BESIDE, LossKind.SINCE_BACKUP)
    age = (bench.equipment.own.now() - bench.target.backups[0].snapshot_at).total_seconds()
    assert stakes.loss.seconds == pytest.approx(age, abs=SECONDS) and stakes.loss.rows == 40
    assert stakes.keeps.names == (f"postgres_data_before_{run.id}",)


def test_rows_beyond_a_backup_without_a_manifest_are_not_said_to_be_all_of_them(bench: Bench) -> None:
    bench.target.volumes["postgres_data"] = "good"
    bench.target.backups = [one.model_copy(update={"manifest": False, "rows": {}}) for one in bench.target.backups]

    run = bench.go(bench.declare())

    assert run.plan is not None
    assert (run.plan.stakes.loss.rows, run.plan.stakes.loss.uncounted) == (None, "the backup has no manifest")


def test_a_production_that_does_not_answer_is_said_to_be_uncounted(bench: Bench) -> None:
    run = bench.go(bench.declare())

    assert run.plan is not None
    assert run.plan.stakes.loss.rows is None
    assert run.plan.stakes.loss.uncounted == "PostgreSQL does not answer"


def test_the_plan_of_an_undo_counts_what_was_written_since_the_swap(bench: Bench) -> None:
    done, keeper = recovered(bench)
    bench.target.written = 412

    undo = bench.go(bench.queue(done.incident, "level2-undo", RunKind.UNDO, keeper=keeper))

    assert undo.plan is not None
    stakes = undo.plan.stakes
    assert (stakes.act, stakes.proof) == (Act.UNDO, ProofKind.KEPT)
    assert stakes.loss.kind is LossKind.SINCE_SWAP
    assert (stakes.loss.rows, stakes.loss.bytes, stakes.loss.removed) == (412, 41_200, 0)
    assert stakes.kept is not None and (stakes.kept.volume, stakes.kept.made_at) == (keeper, "day 1")


def test_kept_data_is_deleted_when_two_agree_and_nothing_else_is(bench: Bench) -> None:
    done, keeper = recovered(bench)
    before = dict(bench.target.volumes)

    run = bench.go(bench.queue(done.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))

    assert run.state is RunState.WAITING and keeper in bench.target.volumes
    assert run.plan is not None
    assert (run.plan.stakes.act, bool(run.plan.keeps)) == (Act.GIVE_UP, False)
    bench.approve(run)
    run = bench.go(run)

    assert run.state is RunState.SUCCEEDED
    assert bench.target.volumes == {name: data for name, data in before.items() if name != keeper}
    assert kept_volumes(bench) == []
    assert bench.incident(run).state is IncidentState.RECOVERED


def test_a_sick_production_keeps_its_old_data_whatever_two_people_say(bench: Bench) -> None:
    done, keeper = recovered(bench)
    bench.target.running.discard("auth")

    run = bench.go(bench.queue(done.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))

    assert run.state is RunState.FAILED
    assert keeper in bench.target.volumes and kept_volumes(bench) == [keeper]


def test_no_plan_is_made_about_kept_data_that_nobody_remembers(bench: Bench) -> None:
    done, _ = recovered(bench)

    for runbook, kind in (("level2-undo", RunKind.UNDO), ("kept-give-up", RunKind.GIVE_UP)):
        run = bench.go(bench.queue(done.incident, runbook, kind, keeper="postgres_data"))
        assert run.state is RunState.FAILED and run.plan is None
        assert "not there any more" in str(run.outcome)


def test_giving_up_keeps_the_clocks_and_the_incident_as_they_are(bench: Bench) -> None:
    done, keeper = recovered(bench)
    before = bench.incident(done)

    run = bench.go(bench.queue(done.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))
    bench.approve(run)
    bench.go(run)

    assert bench.incident(done) == before
    assert before.recovered_at is not None and before.recovered_at - before.started_at > timedelta(0)
