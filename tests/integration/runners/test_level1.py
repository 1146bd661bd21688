"""Level 1: the mildest cure that helps, and level 2 proposed when PostgreSQL is the culprit."""

from drbot.core.incident import IncidentState
from drbot.core.run import RunState
from tests.integration.runners.bench import Bench


def test_a_service_that_is_down_is_healed_by_a_restart_and_nothing_more(bench: Bench) -> None:
    bench.target.volumes["postgres_data"] = "good"
    bench.target.running.discard("auth")

    run = bench.go(bench.declare(1, "auth"))

    assert bench.incident(run).state is IncidentState.RECOVERED
    assert bench.target.calls == ["evidence", "restart", "health", "verify"]
    assert bench.states(run)["recreate"] == "skipped"
    assert bench.states(run)["dependencies"] == "skipped"


def test_a_crash_loop_is_healed_by_a_fresh_container(bench: Bench) -> None:
    bench.target.volumes["postgres_data"] = "good"
    bench.target.crash_looping.add("auth")

    run = bench.go(bench.declare(1, "auth"))

    assert bench.states(run)["health"] == "failed"
    assert bench.states(run)["recreate"] == "succeeded"
    assert bench.incident(run).state is IncidentState.RECOVERED


def test_a_broken_postgresql_ends_level_1_and_proposes_level_2(bench: Bench) -> None:
    run = bench.go(bench.declare(1, "auth"))

    assert run.state is RunState.FAILED
    (proposed,) = bench.events(run, "level.proposed")
    assert proposed.payload["level"] == 2
    assert run.outcome == f"{proposed.payload['why']}. Nothing was replaced."
    assert "volume.swap" not in bench.target.calls


def test_without_a_named_service_every_app_and_front_is_looked_at(bench: Bench) -> None:
    bench.target.volumes["postgres_data"] = "good"
    bench.target.running -= {"user", "front-admin"}

    run = bench.go(bench.declare(1))

    assert bench.incident(run).state is IncidentState.RECOVERED
    assert {"user", "front-admin"} <= bench.target.running
