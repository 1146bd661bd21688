"""Level 1: the mildest cure that helps, and level 2 proposed when PostgreSQL is the culprit."""

from collections.abc import Mapping
from typing import Any

import pytest

from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import RunState
from drbot.runners.contract.action import Finding, Outcome, StepContext
from tests.integration.runners.worker_fixture import WorkerFixture, with_registry


def test_a_service_that_is_down_is_healed_by_a_restart_and_nothing_more(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.running.discard("auth")

    run = worker_fixture.go(worker_fixture.declare(1, "auth"))

    assert worker_fixture.incident(run).state is IncidentState.RECOVERED
    assert worker_fixture.target.calls == ["evidence", "restart", "health", "verify"]
    assert worker_fixture.states(run)["recreate"] == "skipped"
    assert worker_fixture.states(run)["dependencies"] == "skipped"


def test_a_crash_loop_is_healed_by_a_fresh_container(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.crash_looping.add("auth")

    run = worker_fixture.go(worker_fixture.declare(1, "auth"))

    assert worker_fixture.states(run)["health"] == "failed"
    assert worker_fixture.states(run)["recreate"] == "succeeded"
    assert worker_fixture.incident(run).state is IncidentState.RECOVERED


def test_a_broken_postgresql_ends_level_1_and_proposes_level_2(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare(1, "auth"))

    assert run.state is RunState.FAILED
    (proposed,) = worker_fixture.events(run, "level.proposed")
    assert proposed.payload["level"] == 2
    assert run.outcome == f"{proposed.payload['why']}. Nothing was replaced."
    assert "volume.swap" not in worker_fixture.target.calls


@pytest.mark.parametrize(("service", "said"), [("redis", "/dr level 2 redis"), ("auth", "/dr declare level1 redis")])
def test_a_broken_redis_is_restarted_first_and_then_proposed_for_level_2(
    worker_fixture: WorkerFixture, service: str, said: str
) -> None:
    def dependencies(context: StepContext, given: Mapping[str, Any]) -> Outcome:
        return Outcome(summary="Asked.", facts={"culprit": "redis"})

    def sick(context: StepContext, given: Mapping[str, Any]) -> Finding:
        return Finding(passed=False, sentence="Not healthy.")

    worker_fixture = with_registry(
        worker_fixture, actions={"dependencies.probe": dependencies}, probes={"health.services": sick}
    )
    run = worker_fixture.go(worker_fixture.declare(1, service))

    assert run.state is RunState.FAILED and said in str(run.outcome)
    assert len(worker_fixture.events(run, "level.proposed")) == (service == "redis")


def test_without_a_named_service_every_app_and_front_is_looked_at(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.running -= {"user", "front-admin"}

    run = worker_fixture.go(worker_fixture.declare(1))

    assert worker_fixture.incident(run).state is IncidentState.RECOVERED
    assert {"user", "front-admin"} <= worker_fixture.target.running
