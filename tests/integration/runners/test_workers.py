"""Workers that die, leave, or wake up too late; two runs that want one site."""

import threading
from dataclasses import replace

from drbot.core.base.heart import Heart
from drbot.core.files.runbook_file import PACKAGED, load_runbook
from drbot.core.runbooks.effects import may_repeat
from drbot.core.runs.run import Run, RunState, StepState
from drbot.core.runs.state_words import OTHER_RUN, run_text
from drbot.runners.foundation.timing import Timing
from drbot.runners.upkeep.chores import Upkeep
from drbot.runners.worker import Worker
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import kept, locks
from tests.integration.runners.worker_fixture import QUICK, SECONDS, WorkerFixture, title

DYING = Timing(lease=0.3, renew=1000.0, look=0.02, tick=0.05, patience=0.0, pause=0.01, grace=10.0)
"""A worker that never renews its lease is as good as dead."""


def die_in(worker_fixture: WorkerFixture, action: str) -> tuple[str, threading.Event]:
    """A worker dies during the action of a level-2 run; the run's id and what lets the dead act go on."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    hold = worker_fixture.target.hold(action)
    worker_fixture.begin(run, worker_fixture.worker(DYING))
    assert hold.reached.wait(SECONDS)
    worker_fixture.notice(run)
    return run.id, hold.go_on


def ask_about_the_restore(worker_fixture: WorkerFixture) -> None:
    """From now on level 2 is a file of one's own, by which people are asked also about the copy."""
    folder = worker_fixture.worker_context.home / "runbooks"
    folder.mkdir(exist_ok=True)
    own = (PACKAGED / "level2-postgres.yml").read_text()
    before, restore = own.split("  - id: restore-beside", 1)
    asked = restore.replace("again: safe", "again: look_first", 1)
    (folder / "level2-postgres.yml").write_text(f"{before}  - id: restore-beside{asked}")
    known = worker_fixture.worker_context.configuration.model_copy(update={"runbooks": folder})
    worker_fixture.worker_context = replace(worker_fixture.worker_context, configuration=known)


def dead_in_the_restore(worker_fixture: WorkerFixture) -> tuple[Run, threading.Event]:
    """The worker died while it restored beside; the copy is not there, and people are asked."""
    ask_about_the_restore(worker_fixture)
    hold = worker_fixture.target.hold("postgres.restore_beside")
    run = worker_fixture.declare()
    worker_fixture.begin(run, worker_fixture.worker(DYING))
    assert hold.reached.wait(SECONDS)
    worker_fixture.notice(run)
    return run, hold.go_on


def test_a_worker_that_dies_in_the_swap_leaves_it_unsure_and_a_person_is_told_what_the_check_says(
    worker_fixture: WorkerFixture,
) -> None:
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    run = worker_fixture.run(run_id)

    assert run.state is RunState.NEEDS_DECISION
    assert worker_fixture.step(run, "swap").state is StepState.UNSURE
    worker_fixture.upkeep()
    question = worker_fixture.events(run, "run.needs_decision")[-1].payload
    assert "its check does not pass" in question["finding"].lower()
    assert question["choices"] == ["retry", "undo", "stop"]
    assert "swap" in worker_fixture.target.survivors_removed
    worker_fixture.upkeep()
    assert len(worker_fixture.events(run, "run.needs_decision")) == 2
    go_on.set()


def test_retrying_an_unsure_swap_needs_two_fresh_votes(worker_fixture: WorkerFixture) -> None:
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    worker_fixture.target.calls.clear()
    run = worker_fixture.run(run_id)

    worker_fixture.settle(run, "swap", "retry")
    run = worker_fixture.go(run)

    assert run.state is RunState.WAITING
    assert "swap" not in worker_fixture.target.calls
    assert worker_fixture.request(run).id.endswith("-q2")

    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    assert worker_fixture.states(run)["confirm"] == "waiting"
    assert worker_fixture.target.calls.count("swap") == 1
    events = len(worker_fixture.events(run))
    go_on.set()
    worker_fixture.ended()
    assert len(worker_fixture.events(run)) == events


def test_an_unsure_swap_that_was_done_goes_on_when_a_person_says_so(worker_fixture: WorkerFixture) -> None:
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    run = worker_fixture.run(run_id)
    go_on.set()
    worker_fixture.ended()
    assert worker_fixture.target.volumes["postgres_data"] == "good"

    worker_fixture.settle(run, "swap", "done")
    run = worker_fixture.go(run)

    assert worker_fixture.states(run)["health"] == "succeeded"
    with worker_fixture.database.read() as connection:
        assert len(kept.list_of(connection)) == 1


def test_a_restore_that_was_not_done_cannot_be_talked_into_a_proof(worker_fixture: WorkerFixture) -> None:
    run, go_on = dead_in_the_restore(worker_fixture)

    worker_fixture.settle(run, "restore-beside", "done")
    run = worker_fixture.go(run)

    assert run.state is RunState.NEEDS_DECISION
    assert "Its check does not pass" in (worker_fixture.step(run, "restore-beside").finding or "")
    assert worker_fixture.request(run).proven_at is None
    go_on.set()


def test_a_step_that_is_settled_or_stopped_at_once_leaves_nothing_running(worker_fixture: WorkerFixture) -> None:
    first, go_on = die_in(worker_fixture, "volume.swap")
    worker_fixture.target.survivors_removed.clear()
    worker_fixture.settle(worker_fixture.run(first), "swap", "stop")
    worker_fixture.go(worker_fixture.run(first))
    assert "swap" in worker_fixture.target.survivors_removed
    go_on.set()
    worker_fixture.ended()

    second, go_on = dead_in_the_restore(worker_fixture)
    worker_fixture.target.survivors_removed.clear()
    worker_fixture.stop(second)
    worker_fixture.worker().handle(second.id)
    assert None in worker_fixture.target.survivors_removed  # the first worker, if it still lives, tidies up its own
    note = worker_fixture.events(second, "incident.note")[-1].payload["text"]
    assert f'what "{title(worker_fixture.run(second), "restore-beside")}" made is not needed' in note
    go_on.set()


def test_an_unsure_swap_can_be_taken_back(worker_fixture: WorkerFixture) -> None:
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    run = worker_fixture.run(run_id)
    go_on.set()
    worker_fixture.ended()

    worker_fixture.settle(run, "swap", "undo")
    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    assert {"auth", "postgres"} <= worker_fixture.target.running


def test_a_step_that_may_be_repeated_is_repeated_by_another_worker_without_asking(
    worker_fixture: WorkerFixture,
) -> None:
    run_id, go_on = die_in(worker_fixture, "compose.stop")
    run = worker_fixture.run(run_id)

    assert run.state is RunState.QUEUED
    run = worker_fixture.go(run)

    assert worker_fixture.states(run)["confirm"] == "waiting"
    assert worker_fixture.step(run, "stop-apps").attempt == 2
    assert "stop-apps" in worker_fixture.target.survivors_removed
    go_on.set()


def test_a_copy_of_the_runs_own_is_made_anew_by_another_worker_without_asking(worker_fixture: WorkerFixture) -> None:
    hold = worker_fixture.target.hold("postgres.restore_beside")
    run = worker_fixture.declare()
    worker_fixture.begin(run, worker_fixture.worker(DYING))
    assert hold.reached.wait(SECONDS)
    worker_fixture.notice(run)

    run = worker_fixture.go(run)

    assert worker_fixture.events(run, "run.needs_decision") == []
    assert worker_fixture.request(run).proven_at is not None
    assert worker_fixture.step(run, "restore-beside").attempt == 2
    assert "restore-beside" in worker_fixture.target.survivors_removed
    hold.go_on.set()


def test_where_a_file_does_not_say_it_only_looks_and_own_copies_are_repeated(worker_fixture: WorkerFixture) -> None:
    written = load_runbook(PACKAGED / "level2-postgres.yml").runbook.steps
    steps = tuple(step.model_copy(update={"again": None}) for step in written)

    repeated = {step.id for step in steps if step.do is not None and may_repeat(step, steps)}

    looks = {"evidence", "check-backup", "verify", "health", "notify"}
    assert repeated == looks | {"restore-beside"}


def test_a_worker_that_is_told_to_leave_finishes_its_step_and_another_goes_on(worker_fixture: WorkerFixture) -> None:
    hold = worker_fixture.target.hold("postgres.restore_beside")
    run = worker_fixture.declare()
    leaving = threading.Event()
    thread = worker_fixture.begin(run, worker_fixture.worker(stop=leaving))
    assert hold.reached.wait(SECONDS)

    leaving.set()
    hold.go_on.set()
    thread.join(SECONDS)

    assert worker_fixture.run(run).state is RunState.QUEUED
    assert worker_fixture.step(run, "restore-beside").state is StepState.SUCCEEDED
    assert worker_fixture.rung[-1] == run.id
    run = worker_fixture.go(run)
    assert run.state is RunState.WAITING
    assert worker_fixture.target.calls.count("restore-beside") == 1


def test_a_run_that_was_taken_parked_and_woken_between_two_looks_is_rung_for_at_once(
    worker_fixture: WorkerFixture,
) -> None:
    run, upkeep = worker_fixture.declare(), Upkeep(worker_fixture.worker_context)
    upkeep.tick()
    worker_fixture.worker().handle(run.id)
    worker_fixture.approve(run)
    assert worker_fixture.run(run).state is RunState.QUEUED
    worker_fixture.rung.clear()

    upkeep.tick()

    assert worker_fixture.rung == [run.id]


def test_a_fault_of_drbot_itself_is_told_once(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    worker_fixture.worker_context = replace(worker_fixture.worker_context, target=None)  # type: ignore[arg-type]
    worker = worker_fixture.worker(DYING)

    for _ in range(2):
        worker.handle(run.id)
        worker_fixture.notice(run)

    (told,) = worker_fixture.events(run, "control.failed")
    assert told.payload["what"] == f"{run.id} cannot go on"


def test_a_second_incident_waits_says_who_holds_the_site_and_goes_on_when_it_is_free(
    worker_fixture: WorkerFixture,
) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    second = worker_fixture.go(worker_fixture.declare())

    assert second.state is RunState.WAITING
    waits = worker_fixture.events(second, "site.busy")[-1].payload
    assert (waits["holder"], waits["there"]) == (first.id, "DR-1")
    assert run_text(second) == OTHER_RUN
    assert "restore-beside" not in [event.step for event in worker_fixture.events(second, "step.started")]

    worker_fixture.stop(first)
    worker_fixture.upkeep()

    assert worker_fixture.run(second).state is RunState.QUEUED
    second = worker_fixture.go(second)
    assert worker_fixture.states(second)["restore-beside"] == "succeeded"
    with worker_fixture.database.read() as connection:
        assert locks.holder(connection, "production") == second.id


def test_a_level_1_that_asks_whether_users_can_work_keeps_no_recovery_of_data_waiting(
    worker_fixture: WorkerFixture,
) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.running.discard("auth")
    first = worker_fixture.go(worker_fixture.declare(1, "auth"))
    assert worker_fixture.states(first)["confirm"] == "waiting"

    second = worker_fixture.go(worker_fixture.declare())

    assert worker_fixture.states(second)["restore-beside"] == "succeeded"
    worker_fixture.answer(first)
    assert worker_fixture.go(first).state is RunState.SUCCEEDED


def test_a_level_1_that_lets_users_in_voids_no_recovery_that_has_moved_nothing_yet(
    worker_fixture: WorkerFixture,
) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"  # though rows are missing
    worker_fixture.target.running.discard("auth")
    service = worker_fixture.declare(1, "auth")
    hold = worker_fixture.target.hold("compose.restart")
    restarting = worker_fixture.begin(service)
    assert hold.reached.wait(SECONDS)
    data = worker_fixture.go(worker_fixture.declare())
    hold.go_on.set()
    restarting.join(SECONDS)
    assert worker_fixture.states(service)["confirm"] == "waiting"
    worker_fixture.approve(data)

    data = worker_fixture.go(data)

    assert worker_fixture.states(data)["confirm"] == "waiting", worker_fixture.events(data)[-1]


def test_a_recovery_that_moved_data_has_the_site_until_people_have_said_whether_users_can_work(
    worker_fixture: WorkerFixture,
) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(first)
    first = worker_fixture.go(first)
    assert worker_fixture.states(first)["confirm"] == "waiting"

    second = worker_fixture.go(worker_fixture.declare())

    assert "restore-beside" not in [event.step for event in worker_fixture.events(second, "step.started")]


def test_a_worker_in_service_does_a_whole_level_1_by_itself(worker_fixture: WorkerFixture) -> None:
    bell = doorbell_of(None)
    stop = threading.Event()
    worker_context = replace(
        worker_fixture.worker_context, ring=lambda run_id: bell.ring("production", run_id), timing=QUICK
    )
    serving = threading.Thread(target=Worker(worker_context, bell, stop).serve, args=(Heart(),), daemon=True)
    serving.start()
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.running.discard("auth")

    run = worker_fixture.declare(1, "auth")

    worker_fixture.wait_for_step(run, "confirm", StepState.WAITING)
    worker_fixture.wait_for_state(run, RunState.WAITING)
    worker_fixture.answer(run)
    worker_fixture.wait_for_state(run, RunState.SUCCEEDED)
    stop.set()
    serving.join(SECONDS)
    bell.stop()
    assert not serving.is_alive()
