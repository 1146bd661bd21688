"""While data changes places nothing is started, and nothing on data that is half in place: whatever rows, other
names of a site or the order of a runbook of one's own say.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.run import Run, RunState
from drbot.runners.contract.action import Outcome, StepContext
from drbot.runners.execution.places import STARTING, held, is_unsettled
from drbot.runners.execution.run_context import idle_run_context
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base.schema import locks
from tests.integration.runners.harmless import Hold
from tests.integration.runners.test_edited_files import BEFORE_START, own, planned
from tests.integration.runners.test_kept import kept_volumes
from tests.integration.runners.test_rows_over_time import approved, of, rows
from tests.integration.runners.worker_fixture import SECONDS, WorkerFixture, title, with_registry
from tests.waiting import wait_for


def swapping(worker_fixture: WorkerFixture) -> tuple[Run, Hold]:
    """A run whose swap has looked whether the volumes are cold, and begins."""
    run = approved(worker_fixture)
    hold = worker_fixture.target.hold("volume.swap")
    worker_fixture.begin(run)
    assert hold.reached.wait(SECONDS)
    return run, hold


def restarting(worker_fixture: WorkerFixture, run: Run, site: str = "production") -> tuple[WorkerFixture, Run]:
    """`/dr restart` asks nobody. `site`: the name by which its worker knows production."""
    worker_fixture = replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, site_name=site))
    return worker_fixture, worker_fixture.queue(run.incident, "restart-services")


def watching(worker_fixture: WorkerFixture) -> tuple[WorkerFixture, list[int]]:
    """The same, and how often data had changed places at each start of services."""
    started: list[int] = []
    act = worker_fixture.target.registry.actions["compose.start"]

    def start(context: StepContext, given: Mapping[str, Any]) -> Outcome:
        started.append(worker_fixture.target.moves)
        return act(context, given)

    return with_registry(worker_fixture, actions={"compose.start": start}), started


@pytest.mark.parametrize("how", ["the lock's row is taken out", "another name of the site"])
def test_nothing_is_started_while_data_changes_places(guarded: WorkerFixture, how: str) -> None:
    known = guarded.worker_context.configuration
    both = known.model_copy(update={"sites": {**known.sites, "twin": known.sites["production"]}})
    worker_fixture, started = watching(
        replace(guarded, worker_context=replace(guarded.worker_context, configuration=both))
    )
    run, hold = swapping(worker_fixture)
    if how.startswith("the lock"):
        rows(worker_fixture, delete(locks))
    other, restart = restarting(worker_fixture, run, "twin" if how.startswith("another") else "production")
    other.begin(restart)
    wait_for(lambda: other.run(restart).plan is not None, SECONDS, "the other run to be planned")
    other.wait_for_state(restart, RunState.RUNNING)
    claimed = other.run(restart)
    assert claimed.plan is not None
    run_context, step = idle_run_context(other.worker_context, claimed, claimed.plan), claimed.plan.step("start-apps")
    with pytest.raises(TemporaryError, match="moves data now, so nothing is started"), held(run_context, step):
        pass
    assert started == []

    hold.go_on.set()
    worker_fixture.ended()

    assert started and set(started) == {1}


def test_a_run_whose_rows_were_edited_ends_when_its_swap_has_ended(guarded: WorkerFixture) -> None:
    """Its end says how things are, and the old data is listed."""
    worker_fixture, started = watching(guarded)
    run, hold = swapping(worker_fixture)
    rows(worker_fixture, of(run, "restore-beside").values(facts={"x": 1}))
    _, restart = restarting(worker_fixture, run)

    parked = worker_fixture.go(restart)
    assert (parked.state, started) == (RunState.WAITING, [])
    hold.go_on.set()
    worker_fixture.ended()

    ended = worker_fixture.run(run)
    assert ended.state is RunState.FAILED
    assert "what restore-beside found out was changed" in str(ended.outcome)
    assert "The data was replaced" in str(ended.outcome)
    assert kept_volumes(worker_fixture) == [f"postgres_data_before_{run.id}"]


def half(context: StepContext, given: Mapping[str, Any], worker_fixture: WorkerFixture, new: str) -> Any:
    volumes = worker_fixture.target.volumes
    volumes[given[new]], volumes[given["volume"]] = volumes[given["volume"]], "gone"
    raise PermanentError("the engine went away between the two renames")


def test_nothing_is_started_on_data_that_is_half_in_place(guarded: WorkerFixture) -> None:
    """PostgreSQL would make an empty database in the empty volume, and users would fill it."""
    run = approved(guarded)
    worker_fixture = with_registry(
        guarded, actions={"volume.swap": lambda context, given: half(context, given, guarded, "keeper")}
    )
    assert worker_fixture.go(run).state is RunState.NEEDS_DECISION
    rows(worker_fixture, delete(locks))

    _, restart = restarting(worker_fixture, run)
    other = worker_fixture.go(restart)

    assert "postgres" not in worker_fixture.target.running
    assert other.state is RunState.FAILED
    assert f"postgres_data may be only half replaced since {run.id}/swap: it is at: between" in str(other.outcome)


def test_nothing_is_started_on_data_that_is_half_taken_back(guarded: WorkerFixture) -> None:
    run = approved(guarded)
    worker_fixture = with_registry(
        guarded, actions={"volume.swap_back": lambda context, given: half(context, given, guarded, "replacement")}
    )
    worker_fixture.target.errors["health.wait"] = [PermanentError("no rows")]
    assert f"Not taken back: {title(run, 'swap')}" in str(worker_fixture.go(run).outcome)

    _, restart = restarting(worker_fixture, run)
    other = worker_fixture.go(restart)

    assert "postgres" not in worker_fixture.target.running
    assert "may be only half replaced" in str(other.outcome)


def test_what_turns_out_to_be_whole_may_be_started(guarded: WorkerFixture) -> None:
    """A swap that failed before it had touched anything keeps nobody from starting the services."""
    run = approved(guarded)
    guarded.target.errors["volume.swap"] = [PermanentError("the volume is in use")]
    assert guarded.go(run).state is RunState.NEEDS_DECISION
    rows(guarded, delete(locks))

    _, restart = restarting(guarded, run)

    assert guarded.go(restart).state is RunState.SUCCEEDED
    assert {"auth", "postgres"} <= guarded.target.running


def test_no_data_is_moved_while_something_is_started(guarded: WorkerFixture) -> None:
    worker_fixture, _ = watching(guarded)
    run = approved(worker_fixture)
    assert run.plan is not None
    run_context, swap = idle_run_context(worker_fixture.worker_context, run, run.plan), run.plan.step("swap")
    with worker_fixture.worker_context.own.held(STARTING):  # as another run does, while it starts something
        with pytest.raises(TemporaryError, match="so no data is moved"), held(run_context, swap):
            pass
        worker_fixture.begin(run)
        wait_for(
            lambda: worker_fixture.states(run)["stop-postgres"] == "succeeded", SECONDS, "the services to be stopped"
        )
        assert worker_fixture.target.moves == 0 and worker_fixture.states(run)["swap"] == "pending"
    worker_fixture.wait_for_state(run, RunState.WAITING)

    assert worker_fixture.target.moves == 1


def test_no_step_of_the_same_run_stands_beside_a_swap(guarded: WorkerFixture) -> None:
    opens = """  - id: opens
    title: {en: Start}
    do: compose.start
    with: {services: ["${postgres.service}", "${services.apps}"]}
    after: [stop-postgres]
    effect: change
    again: safe
    limits: {time: 5m}
    drill: redirect

"""
    start = ("after: [swap]", "after: [swap, opens]")
    _, run = planned(guarded, own("level2-postgres", (BEFORE_START, f"{opens}{BEFORE_START}"), start))

    assert run.state is RunState.FAILED
    assert "opens may run while swap moves data" in str(run.outcome)


def test_what_a_step_does_is_known_until_its_end(guarded: WorkerFixture) -> None:
    run, hold = swapping(guarded)
    own_record = guarded.worker_context.own
    begun = own_record.run(run.id)
    assert begun is not None and is_unsettled(begun.steps["swap"])
    hold.go_on.set()
    guarded.ended()

    ended = own_record.run(run.id)
    assert ended is not None and not is_unsettled(ended.steps["swap"])
    assert ended.steps["swap"].given["keeper"] == f"postgres_data_before_{run.id}"
    assert not is_unsettled(OwnStep(state=ended.steps["stop-apps"].state, does="compose.stop"))
