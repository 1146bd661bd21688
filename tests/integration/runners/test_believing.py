"""What a person's "done" is worth: never more than the step's own check where data is replaced or proven, and
elsewhere, against the check, two people's word. What was said before is what happens.
"""

import threading

import pytest

from drbot.core.errors import PermanentError, UserError
from drbot.core.incident import IncidentState
from drbot.core.run import Run, RunState, StepState, StopKind
from drbot.runners.action import Finding
from tests.integration.runners.bench import Bench, with_registry
from tests.integration.runners.test_kept import kept_volumes
from tests.integration.runners.test_settling import dead_in_the_swap, sick_services
from tests.integration.runners.test_workers import dead_in_the_restore, die_in


def killed_before_the_swap(bench: Bench) -> tuple[Run, threading.Event]:
    """The worker died within `swap`, before anything of it was there."""
    run_id, go_on = die_in(bench, "volume.swap")
    return bench.run(run_id), go_on


def killed_in_the_restore(bench: Bench, *, finished: bool) -> Run:
    """The worker died while it restored beside; the copy is half there, or whole."""
    run, go_on = dead_in_the_restore(bench)
    go_on.set()
    bench.ended()
    bench.target.volumes[f"postgres_data_{run.id}"] = "good" if finished else "half"
    bench.upkeep()
    return bench.run(run)


def said(bench: Bench, run: Run) -> str:
    """Everything that people read of it."""
    return f"{[event.payload for event in bench.events(run)]} {bench.run(run).outcome}"


@pytest.mark.parametrize("people", [["aiko"], ["aiko", "ben", "chika"]], ids=["one", "three"])
def test_a_swap_that_never_began_is_not_believed_whoever_says_so(bench: Bench, people: list[str]) -> None:
    run, go_on = killed_before_the_swap(bench)
    bench.upkeep()

    for person in people:
        assert bench.settle(run, "swap", "done", person)
        run = bench.go(run)
        assert run.state is RunState.NEEDS_DECISION

    assert bench.step(run, "swap").state is StepState.UNSURE
    assert bench.events(run, "step.doubted")[-1].payload["finding"].startswith("Its check does not pass")
    assert kept_volumes(bench) == []
    bench.stop(run)
    assert "was replaced" not in said(bench, run)
    go_on.set()


def test_done_is_offered_when_the_check_agrees(bench: Bench) -> None:
    run, go_on = dead_in_the_swap(bench)
    go_on.set()
    bench.ended()
    bench.upkeep()
    assert bench.events(run, "run.needs_decision")[-1].payload["choices"] == ["retry", "done", "undo", "stop"]

    bench.settle(run, "swap", "done")
    run = bench.go(run)

    assert bench.states(run)["confirm"] == "waiting"
    assert kept_volumes(bench) == [f"postgres_data_before_{run.id}"]


def test_old_data_that_is_not_there_is_not_said_to_be_kept(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    gone = {"volume.exists": lambda context, given: Finding(passed=False, sentence="No such volume.")}
    bench = with_registry(bench, probes=gone)
    run = bench.go(run)

    assert bench.step(run, "swap").state is StepState.SUCCEEDED
    assert kept_volumes(bench) == []


def test_against_its_check_a_step_is_done_when_two_people_say_so(bench: Bench) -> None:
    run = sick_services(bench)

    assert not bench.settle(run, "health", "done", "aiko")
    assert bench.run(run).state is RunState.NEEDS_DECISION
    assert bench.events(run, "step.vouched")[-1].person == "aiko"
    with pytest.raises(UserError, match="needs a second person"):
        bench.settle(run, "health", "done", "aiko")
    assert bench.settle(run, "health", "done", "ben")
    run = bench.go(run)

    record = bench.step(run, "health")
    assert (record.state, record.vouched_by, record.settled_by) == (StepState.SUCCEEDED, "aiko", "ben")
    assert record.summary == "Aiko and Ben say that it is done; its check does not."
    assert bench.states(run)["confirm"] == "waiting"


def test_two_peoples_word_does_not_make_drbot_say_that_every_check_passed(bench: Bench) -> None:
    run = sick_services(bench)
    bench.settle(run, "health", "done", "aiko")
    bench.settle(run, "health", "done", "ben")
    run = bench.go(run)
    bench.answer(run)
    run = bench.go(run)

    assert bench.incident(run).state is IncidentState.RECOVERING
    assert bench.events(run, "incident.recovered") == []
    assert run.outcome == "Done, but not everything passed: health."


def test_a_first_word_is_forgotten_with_another_decision(bench: Bench) -> None:
    run = sick_services(bench)
    bench.settle(run, "health", "done", "aiko")
    bench.settle(run, "health", "retry", "ben")
    run = bench.go(run)
    assert run.state is RunState.NEEDS_DECISION

    assert not bench.settle(run, "health", "done", "ben")


def test_a_restore_that_is_whole_counts_as_the_proof(bench: Bench) -> None:
    run = killed_in_the_restore(bench, finished=True)

    bench.settle(run, "restore-beside", "done")
    run = bench.go(run)

    assert run.state is RunState.WAITING
    assert bench.request(run).proven_at is not None


def test_a_half_restore_is_no_proof_and_can_still_be_taken_back(bench: Bench) -> None:
    run = killed_in_the_restore(bench, finished=False)
    for person in ("aiko", "ben"):
        bench.settle(run, "restore-beside", "done", person)
        run = bench.go(run)
    assert run.state is RunState.NEEDS_DECISION
    assert bench.request(run).proven_at is None

    bench.settle(run, "restore-beside", "undo")
    run = bench.go(run)

    assert set(bench.target.volumes) == {"postgres_data", "redis_data"}


def test_undo_of_a_copy_beside_production_removes_the_copy_and_offers_ways_on(bench: Bench) -> None:
    run = killed_in_the_restore(bench, finished=True)

    bench.settle(run, "restore-beside", "undo")
    run = bench.go(run)

    assert set(bench.target.volumes) == {"postgres_data", "redis_data"}
    assert bench.step(run, "restore-beside").state is StepState.UNDONE
    assert run.state is RunState.BLOCKED
    assert bench.events(run, "run.blocked")[-1].payload["why"] == (
        "What restore-beside had made was removed. Nothing in production was changed."
    )
    assert [offer.value for offer in run.offers] == ["another_backup", "ask_again", "discard"]
    assert run.next_backup == bench.target.backups[1].name


def test_a_copy_that_could_not_be_taken_back_is_named_and_goes_with_the_discard(bench: Bench) -> None:
    run = killed_in_the_restore(bench, finished=False)
    bench.target.errors["volume.remove"] = [PermanentError("it is in use by psql")]

    bench.settle(run, "restore-beside", "undo")
    run = bench.go(run)
    assert "is still there: it is in use by psql" in bench.events(run, "run.blocked")[-1].payload["why"]
    bench.stop(run, "", StopKind.DISCARDED)
    bench.worker().handle(run.id)

    assert set(bench.target.volumes) == {"postgres_data", "redis_data"}
