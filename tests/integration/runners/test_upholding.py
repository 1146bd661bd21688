"""A host that is rebooted in the middle, a process that dies: what the run has started is started again when it counts
on it, and what it has stopped stays stopped.
"""

import threading

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Run, RunState
from tests.integration.runners.harmless import Hold
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.waiting import PATIENCE

UNDO = "start-postgres"  # taken back: it is stopped again


def since_the_swap(worker_fixture: WorkerFixture) -> list[str]:
    return worker_fixture.target.calls[worker_fixture.target.calls.index("swap") + 1 :]


def verifying(worker_fixture: WorkerFixture) -> tuple[Run, Hold, threading.Thread]:
    """A run whose step after the start of PostgreSQL is at work, and waits for the test."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    hold = worker_fixture.target.hold("health.wait")
    walking = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)
    return run, hold, walking


def test_a_host_that_is_rebooted_while_a_step_looks_costs_one_more_look(worker_fixture: WorkerFixture) -> None:
    run, hold, walking = verifying(worker_fixture)

    worker_fixture.target.running.clear()
    hold.go_on.set()
    walking.join(PATIENCE)

    assert worker_fixture.run(run).state is RunState.WAITING  # for its confirmation
    assert worker_fixture.target.calls.count("start-postgres") == 2 and worker_fixture.target.calls.count("swap") == 1
    said = worker_fixture.step(run, "verify").summary or ""
    assert said.startswith("Had stopped meanwhile and was started again: postgres. ")


def test_a_job_that_has_ended_well_is_not_run_once_more(worker_fixture: WorkerFixture) -> None:
    run, hold, walking = verifying(worker_fixture)

    worker_fixture.target.running.clear()
    worker_fixture.target.ended_well = {"postgres"}
    hold.go_on.set()
    walking.join(PATIENCE)

    assert "was started again" not in (worker_fixture.step(run, "verify").summary or "")


def test_it_is_tried_once_more_and_no_oftener(worker_fixture: WorkerFixture) -> None:
    _, hold, walking = verifying(worker_fixture)

    worker_fixture.target.running.clear()
    worker_fixture.target.volumes["postgres_data"] = "corrupt"  # so it is not healthy after it was started again either
    hold.go_on.set()
    walking.join(PATIENCE)

    assert since_the_swap(worker_fixture)[:5] == ["start-postgres", "verify", "start-postgres", "verify", UNDO]


def test_what_is_at_work_when_nothing_has_stopped_fails_once(worker_fixture: WorkerFixture) -> None:
    _, hold, walking = verifying(worker_fixture)

    worker_fixture.target.volumes["postgres_data"] = "corrupt"
    hold.go_on.set()
    walking.join(PATIENCE)

    assert since_the_swap(worker_fixture)[:3] == ["start-postgres", "verify", UNDO]


def test_what_only_has_stopped_after_its_step_is_running_before_the_next(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    hold = worker_fixture.target.hold("compose.start")  # of PostgreSQL
    walking = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)
    dying = worker_fixture.target.hold("health.wait")
    hold.go_on.set()
    assert dying.reached.wait(PATIENCE)
    apps = worker_fixture.target.hold("compose.start")
    dying.go_on.set()
    assert apps.reached.wait(PATIENCE)

    worker_fixture.target.running.discard("postgres")
    health = worker_fixture.target.hold("health.wait")
    apps.go_on.set()
    assert health.reached.wait(PATIENCE)

    assert "postgres" in worker_fixture.target.running
    health.go_on.set()
    walking.join(PATIENCE)
    assert worker_fixture.run(run).state is RunState.WAITING


def test_where_it_cannot_be_started_again_people_read_why_the_step_itself_failed(worker_fixture: WorkerFixture) -> None:
    run, hold, walking = verifying(worker_fixture)

    worker_fixture.target.running.clear()
    worker_fixture.target.errors["compose.start"] = [PermanentError("it will not start")]
    hold.go_on.set()
    walking.join(PATIENCE)

    assert (worker_fixture.step(run, "verify").summary or "").startswith("Not healthy: postgres")
