"""A host that is rebooted in the middle, a process that dies: what the run has started is started again when it counts
on it, and what it has stopped stays stopped.
"""

from drbot.core.run import RunState
from tests.integration.runners.bench import Bench
from tests.waiting import PATIENCE

UNDO = "start-postgres"  # taken back: it is stopped again


def since_the_swap(bench: Bench) -> list[str]:
    return bench.target.calls[bench.target.calls.index("swap") + 1 :]


def test_a_host_that_is_rebooted_while_a_step_looks_costs_one_more_look(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold("health.wait")
    walking = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    bench.target.running.clear()
    hold.go_on.set()
    walking.join(PATIENCE)

    assert bench.run(run).state is RunState.WAITING  # for its confirmation
    assert bench.target.calls.count("start-postgres") == 2 and bench.target.calls.count("swap") == 1
    said = bench.step(run, "verify").summary or ""
    assert said.startswith("Had stopped meanwhile and was started again: postgres. ")


def test_it_is_tried_once_more_and_no_oftener(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold("health.wait")
    walking = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    bench.target.running.clear()
    bench.target.volumes["postgres_data"] = "corrupt"  # so it is not healthy after it was started again either
    hold.go_on.set()
    walking.join(PATIENCE)

    assert since_the_swap(bench)[:5] == ["start-postgres", "verify", "start-postgres", "verify", UNDO]


def test_what_is_at_work_when_nothing_has_stopped_fails_once(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold("health.wait")
    walking = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    bench.target.volumes["postgres_data"] = "corrupt"
    hold.go_on.set()
    walking.join(PATIENCE)

    assert since_the_swap(bench)[:3] == ["start-postgres", "verify", UNDO]


def test_what_only_has_stopped_after_its_step_is_running_before_the_next(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold("compose.start")  # of PostgreSQL
    walking = bench.begin(run)
    assert hold.reached.wait(PATIENCE)
    dying = bench.target.hold("health.wait")
    hold.go_on.set()
    assert dying.reached.wait(PATIENCE)
    apps = bench.target.hold("compose.start")
    dying.go_on.set()
    assert apps.reached.wait(PATIENCE)

    bench.target.running.discard("postgres")
    health = bench.target.hold("health.wait")
    apps.go_on.set()
    assert health.reached.wait(PATIENCE)

    assert "postgres" in bench.target.running
    health.go_on.set()
    walking.join(PATIENCE)
    assert bench.run(run).state is RunState.WAITING
