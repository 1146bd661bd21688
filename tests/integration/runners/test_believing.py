"""What a person's "done" is worth: never more than the step's own check where data is replaced or proven, and
elsewhere, against the check, two people's word. What was said before is what happens.
"""

import threading

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Run, RunState, StepState, StopKind
from drbot.runners.contract.action import Finding
from tests.integration.runners.test_kept import kept_volumes
from tests.integration.runners.test_settling import dead_in_the_swap, sick_services
from tests.integration.runners.test_workers import dead_in_the_restore, die_in
from tests.integration.runners.worker_fixture import WorkerFixture, title, with_registry


def killed_before_the_swap(worker_fixture: WorkerFixture) -> tuple[Run, threading.Event]:
    """The worker died within `swap`, before anything of it was there."""
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    return worker_fixture.run(run_id), go_on


def killed_in_the_restore(worker_fixture: WorkerFixture, *, finished: bool) -> Run:
    """The worker died while it restored beside; the copy is half there, or whole."""
    run, go_on = dead_in_the_restore(worker_fixture)
    go_on.set()
    worker_fixture.ended()
    worker_fixture.target.volumes[f"postgres_data_{run.id}"] = "good" if finished else "half"
    worker_fixture.upkeep()
    return worker_fixture.run(run)


def said(worker_fixture: WorkerFixture, run: Run) -> str:
    """Everything that people read of it."""
    return f"{[event.payload for event in worker_fixture.events(run)]} {worker_fixture.run(run).outcome}"


@pytest.mark.parametrize("people", [["aiko"], ["aiko", "ben", "chika"]], ids=["one", "three"])
def test_a_swap_that_never_began_is_not_believed_whoever_says_so(
    worker_fixture: WorkerFixture, people: list[str]
) -> None:
    run, go_on = killed_before_the_swap(worker_fixture)
    worker_fixture.upkeep()

    for person in people:
        assert worker_fixture.settle(run, "swap", "done", person)
        run = worker_fixture.go(run)
        assert run.state is RunState.NEEDS_DECISION

    assert worker_fixture.step(run, "swap").state is StepState.UNSURE
    assert worker_fixture.events(run, "step.doubted")[-1].payload["finding"].startswith("Its check does not pass")
    assert kept_volumes(worker_fixture) == []
    worker_fixture.stop(run)
    assert "was replaced" not in said(worker_fixture, run)
    go_on.set()


def test_done_is_offered_when_the_check_agrees(worker_fixture: WorkerFixture) -> None:
    run, go_on = dead_in_the_swap(worker_fixture)
    go_on.set()
    worker_fixture.ended()
    worker_fixture.upkeep()
    assert worker_fixture.events(run, "run.needs_decision")[-1].payload["choices"] == ["retry", "done", "undo", "stop"]

    worker_fixture.settle(run, "swap", "done")
    run = worker_fixture.go(run)

    assert worker_fixture.states(run)["confirm"] == "waiting"
    assert kept_volumes(worker_fixture) == [f"postgres_data_before_{run.id}"]


def test_old_data_that_is_not_there_is_not_said_to_be_kept(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    gone = {"volume.exists": lambda context, given: Finding(passed=False, sentence="No such volume.")}
    worker_fixture = with_registry(worker_fixture, probes=gone)
    run = worker_fixture.go(run)

    assert worker_fixture.step(run, "swap").state is StepState.SUCCEEDED
    assert kept_volumes(worker_fixture) == []


def test_against_its_check_a_step_is_done_when_two_people_say_so(worker_fixture: WorkerFixture) -> None:
    run = sick_services(worker_fixture)

    assert not worker_fixture.settle(run, "health", "done", "aiko")
    assert worker_fixture.run(run).state is RunState.NEEDS_DECISION
    assert worker_fixture.events(run, "step.vouched")[-1].person == "aiko"
    with pytest.raises(UserError, match="needs a second person"):
        worker_fixture.settle(run, "health", "done", "aiko")
    assert worker_fixture.settle(run, "health", "done", "ben")
    run = worker_fixture.go(run)

    record = worker_fixture.step(run, "health")
    assert (record.state, record.vouched_by, record.settled_by) == (StepState.SUCCEEDED, "aiko", "ben")
    assert record.summary == "Aiko and Ben say that it is done; its check does not."
    assert worker_fixture.states(run)["confirm"] == "waiting"


def test_two_peoples_word_does_not_make_drbot_say_that_every_check_passed(worker_fixture: WorkerFixture) -> None:
    run = sick_services(worker_fixture)
    worker_fixture.settle(run, "health", "done", "aiko")
    worker_fixture.settle(run, "health", "done", "ben")
    run = worker_fixture.go(run)
    worker_fixture.answer(run)
    run = worker_fixture.go(run)

    assert worker_fixture.incident(run).state is IncidentState.RECOVERING
    assert worker_fixture.events(run, "incident.recovered") == []
    assert run.outcome == f"Done, but not everything passed: {title(run, 'health')}."


def test_a_first_word_is_forgotten_with_another_decision(worker_fixture: WorkerFixture) -> None:
    run = sick_services(worker_fixture)
    worker_fixture.settle(run, "health", "done", "aiko")
    worker_fixture.settle(run, "health", "retry", "ben")
    run = worker_fixture.go(run)
    assert run.state is RunState.NEEDS_DECISION

    assert not worker_fixture.settle(run, "health", "done", "ben")


def test_a_restore_that_is_whole_counts_as_the_proof(worker_fixture: WorkerFixture) -> None:
    run = killed_in_the_restore(worker_fixture, finished=True)

    worker_fixture.settle(run, "restore-beside", "done")
    run = worker_fixture.go(run)

    assert run.state is RunState.WAITING
    assert worker_fixture.request(run).proven_at is not None


def test_a_half_restore_is_no_proof_and_can_still_be_taken_back(worker_fixture: WorkerFixture) -> None:
    run = killed_in_the_restore(worker_fixture, finished=False)
    for person in ("aiko", "ben"):
        worker_fixture.settle(run, "restore-beside", "done", person)
        run = worker_fixture.go(run)
    assert run.state is RunState.NEEDS_DECISION
    assert worker_fixture.request(run).proven_at is None

    worker_fixture.settle(run, "restore-beside", "undo")
    run = worker_fixture.go(run)

    assert set(worker_fixture.target.volumes) == {"postgres_data", "redis_data"}


def test_undo_of_a_copy_beside_production_removes_the_copy_and_offers_ways_on(worker_fixture: WorkerFixture) -> None:
    run = killed_in_the_restore(worker_fixture, finished=True)

    worker_fixture.settle(run, "restore-beside", "undo")
    run = worker_fixture.go(run)

    assert set(worker_fixture.target.volumes) == {"postgres_data", "redis_data"}
    assert worker_fixture.step(run, "restore-beside").state is StepState.UNDONE
    assert run.state is RunState.BLOCKED
    assert worker_fixture.events(run, "run.blocked")[-1].payload["why"] == (
        f'What "{title(run, "restore-beside")}" had made was removed. Nothing in production was changed.'
    )
    assert [offer.value for offer in run.offers] == ["ask_again", "another_backup", "discard"]
    assert run.next_backup == worker_fixture.target.backups[1].name


def test_a_copy_that_could_not_be_taken_back_is_named_and_goes_with_the_discard(worker_fixture: WorkerFixture) -> None:
    run = killed_in_the_restore(worker_fixture, finished=False)
    worker_fixture.target.errors["volume.remove"] = [PermanentError("it is in use by psql")]

    worker_fixture.settle(run, "restore-beside", "undo")
    run = worker_fixture.go(run)
    assert "is still there: it is in use by psql" in worker_fixture.events(run, "run.blocked")[-1].payload["why"]
    worker_fixture.stop(run, "", StopKind.DISCARDED)
    worker_fixture.worker().handle(run.id)

    assert set(worker_fixture.target.volumes) == {"postgres_data", "redis_data"}
