"""Workers that die, leave, or wake up too late; two runs that want one site."""

import threading
from dataclasses import replace

from drbot.core.effects import may_repeat
from drbot.core.run import Run, RunState, StepState
from drbot.core.runbook_file import PACKAGED, load_runbook
from drbot.runners.timing import Timing
from drbot.runners.upkeep import Upkeep
from drbot.runners.worker import Worker
from drbot.store import kept, locks
from drbot.store.doorbell import doorbell_of
from tests.integration.runners.bench import QUICK, SECONDS, Bench

DYING = Timing(lease=0.3, renew=1000.0, look=0.02, tick=0.05, patience=0.0, pause=0.01, grace=10.0)
"""A worker that never renews its lease is as good as dead."""


def die_in(bench: Bench, action: str) -> tuple[str, threading.Event]:
    """A worker dies during the action of a level-2 run; the run's id and what lets the dead act go on."""
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold(action)
    bench.begin(run, bench.worker(DYING))
    assert hold.reached.wait(SECONDS)
    bench.notice(run)
    return run.id, hold.go_on


def ask_about_the_restore(bench: Bench) -> None:
    """From now on level 2 is a file of one's own, by which people are asked also about the copy."""
    folder = bench.equipment.home / "runbooks"
    folder.mkdir(exist_ok=True)
    own = (PACKAGED / "level2-postgres.yml").read_text()
    before, restore = own.split("  - id: restore-beside", 1)
    asked = restore.replace("again: safe", "again: look_first", 1)
    (folder / "level2-postgres.yml").write_text(f"{before}  - id: restore-beside{asked}")
    known = bench.equipment.configuration.model_copy(update={"runbooks": folder})
    bench.equipment = replace(bench.equipment, configuration=known)


def dead_in_the_restore(bench: Bench) -> tuple[Run, threading.Event]:
    """The worker died while it restored beside; the copy is not there, and people are asked."""
    ask_about_the_restore(bench)
    hold = bench.target.hold("postgres.restore_beside")
    run = bench.declare()
    bench.begin(run, bench.worker(DYING))
    assert hold.reached.wait(SECONDS)
    bench.notice(run)
    return run, hold.go_on


def test_a_worker_that_dies_in_the_swap_leaves_it_unsure_and_a_person_is_told_what_the_check_says(
    bench: Bench,
) -> None:
    run_id, go_on = die_in(bench, "volume.swap")
    run = bench.run(run_id)

    assert run.state is RunState.NEEDS_DECISION
    assert bench.step(run, "swap").state is StepState.UNSURE
    bench.upkeep()
    question = bench.events(run, "run.needs_decision")[-1].payload
    assert "its check does not pass" in question["finding"].lower()
    assert question["choices"] == ["retry", "undo", "stop"]
    assert "swap" in bench.target.survivors_removed
    bench.upkeep()
    assert len(bench.events(run, "run.needs_decision")) == 2
    go_on.set()


def test_retrying_an_unsure_swap_needs_two_fresh_votes(bench: Bench) -> None:
    run_id, go_on = die_in(bench, "volume.swap")
    bench.target.calls.clear()
    run = bench.run(run_id)

    bench.settle(run, "swap", "retry")
    run = bench.go(run)

    assert run.state is RunState.WAITING
    assert "swap" not in bench.target.calls
    assert bench.request(run).id.endswith("-q2")

    bench.approve(run)
    run = bench.go(run)
    assert bench.states(run)["confirm"] == "waiting"
    assert bench.target.calls.count("swap") == 1
    events = len(bench.events(run))
    go_on.set()
    bench.ended()
    assert len(bench.events(run)) == events


def test_an_unsure_swap_that_was_done_goes_on_when_a_person_says_so(bench: Bench) -> None:
    run_id, go_on = die_in(bench, "volume.swap")
    run = bench.run(run_id)
    go_on.set()
    bench.ended()
    assert bench.target.volumes["postgres_data"] == "good"

    bench.settle(run, "swap", "done")
    run = bench.go(run)

    assert bench.states(run)["health"] == "succeeded"
    with bench.database.read() as connection:
        assert len(kept.list_of(connection)) == 1


def test_a_restore_that_was_not_done_cannot_be_talked_into_a_proof(bench: Bench) -> None:
    run, go_on = dead_in_the_restore(bench)

    bench.settle(run, "restore-beside", "done")
    run = bench.go(run)

    assert run.state is RunState.NEEDS_DECISION
    assert "Its check does not pass" in (bench.step(run, "restore-beside").finding or "")
    assert bench.request(run).proven_at is None
    go_on.set()


def test_a_step_that_is_settled_or_stopped_at_once_leaves_nothing_running(bench: Bench) -> None:
    first, go_on = die_in(bench, "volume.swap")
    bench.target.survivors_removed.clear()
    bench.settle(bench.run(first), "swap", "stop")
    bench.go(bench.run(first))
    assert "swap" in bench.target.survivors_removed
    go_on.set()
    bench.ended()

    second, go_on = dead_in_the_restore(bench)
    bench.target.survivors_removed.clear()
    bench.stop(second)
    bench.worker().handle(second.id)
    assert None in bench.target.survivors_removed  # the first worker, if it still lives, tidies up its own
    assert "what restore-beside made is not needed" in bench.events(second, "incident.note")[-1].payload["text"]
    go_on.set()


def test_an_unsure_swap_can_be_taken_back(bench: Bench) -> None:
    run_id, go_on = die_in(bench, "volume.swap")
    run = bench.run(run_id)
    go_on.set()
    bench.ended()

    bench.settle(run, "swap", "undo")
    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert bench.target.volumes["postgres_data"] == "corrupt"
    assert {"auth", "postgres"} <= bench.target.running


def test_a_step_that_may_be_repeated_is_repeated_by_another_worker_without_asking(bench: Bench) -> None:
    run_id, go_on = die_in(bench, "compose.stop")
    run = bench.run(run_id)

    assert run.state is RunState.QUEUED
    run = bench.go(run)

    assert bench.states(run)["confirm"] == "waiting"
    assert bench.step(run, "stop-apps").attempt == 2
    assert "stop-apps" in bench.target.survivors_removed
    go_on.set()


def test_a_copy_of_the_runs_own_is_made_anew_by_another_worker_without_asking(bench: Bench) -> None:
    hold = bench.target.hold("postgres.restore_beside")
    run = bench.declare()
    bench.begin(run, bench.worker(DYING))
    assert hold.reached.wait(SECONDS)
    bench.notice(run)

    run = bench.go(run)

    assert bench.events(run, "run.needs_decision") == []
    assert bench.request(run).proven_at is not None
    assert bench.step(run, "restore-beside").attempt == 2
    assert "restore-beside" in bench.target.survivors_removed
    hold.go_on.set()


def test_where_a_file_does_not_say_it_only_looks_and_own_copies_are_repeated(bench: Bench) -> None:
    written = load_runbook(PACKAGED / "level2-postgres.yml").runbook.steps
    steps = tuple(step.model_copy(update={"again": None}) for step in written)

    repeated = {step.id for step in steps if step.do is not None and may_repeat(step, steps)}

    looks = {"evidence", "check-backup", "verify", "health", "notify"}
    assert repeated == looks | {"restore-beside"}


def test_a_worker_that_is_told_to_leave_finishes_its_step_and_another_goes_on(bench: Bench) -> None:
    hold = bench.target.hold("postgres.restore_beside")
    run = bench.declare()
    leaving = threading.Event()
    thread = bench.begin(run, bench.worker(stop=leaving))
    assert hold.reached.wait(SECONDS)

    leaving.set()
    hold.go_on.set()
    thread.join(SECONDS)

    assert bench.run(run).state is RunState.QUEUED
    assert bench.step(run, "restore-beside").state is StepState.SUCCEEDED
    assert bench.rung[-1] == run.id
    run = bench.go(run)
    assert run.state is RunState.WAITING
    assert bench.target.calls.count("restore-beside") == 1


def test_a_run_that_was_taken_parked_and_woken_between_two_looks_is_rung_for_at_once(bench: Bench) -> None:
    run, upkeep = bench.declare(), Upkeep(bench.equipment)
    upkeep.tick()
    bench.worker().handle(run.id)
    bench.approve(run)
    assert bench.run(run).state is RunState.QUEUED
    bench.rung.clear()

    upkeep.tick()

    assert bench.rung == [run.id]


def test_a_fault_of_drbot_itself_is_told_once(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    bench.equipment = replace(bench.equipment, world=None)  # type: ignore[arg-type]
    worker = bench.worker(DYING)

    for _ in range(2):
        worker.handle(run.id)
        bench.notice(run)

    (told,) = bench.events(run, "control.failed")
    assert told.payload["what"] == f"{run.id} cannot go on"


def test_a_second_incident_waits_says_who_holds_the_site_and_goes_on_when_it_is_free(bench: Bench) -> None:
    first = bench.go(bench.declare())
    second = bench.go(bench.declare())

    assert second.state is RunState.WAITING
    waits = bench.events(second, "run.waiting")[-1].payload
    assert waits["holder"] == first.id
    assert "restore-beside" not in [event.step for event in bench.events(second, "step.started")]

    bench.stop(first)
    bench.upkeep()

    assert bench.run(second).state is RunState.QUEUED
    second = bench.go(second)
    assert bench.states(second)["restore-beside"] == "succeeded"
    with bench.database.read() as connection:
        assert locks.holder(connection, "production") == second.id


def test_a_worker_in_service_does_a_whole_level_1_by_itself(bench: Bench) -> None:
    bell = doorbell_of(None)
    stop = threading.Event()
    equipment = replace(bench.equipment, ring=lambda run_id: bell.ring("production", run_id), timing=QUICK)
    serving = threading.Thread(target=Worker(equipment, bell, stop).serve, daemon=True)
    serving.start()
    bench.target.volumes["postgres_data"] = "good"
    bench.target.running.discard("auth")

    run = bench.declare(1, "auth")

    bench.wait_for_step(run, "confirm", StepState.WAITING)
    bench.wait_for_state(run, RunState.WAITING)
    bench.answer(run)
    bench.wait_for_state(run, RunState.SUCCEEDED)
    stop.set()
    serving.join(SECONDS)
    bell.stop()
    assert not serving.is_alive()
