"""A level-2 recovery from claim to end, with everything that may come between."""

from drbot.core.incident import IncidentState
from drbot.core.run import RunState, StepState
from drbot.store import kept, locks
from tests.integration.runners.bench import Bench
from tests.waiting import PATIENCE


def test_a_recovery_waits_for_two_people_then_swaps_and_ends_well(bench: Bench) -> None:
    run = bench.go(bench.declare())

    assert run.state is RunState.WAITING
    assert bench.target.running >= {"auth", "postgres"}
    assert bench.target.calls == ["evidence", "check-backup", "restore-beside"] or set(bench.target.calls) == {
        "evidence",
        "check-backup",
        "restore-beside",
    }

    bench.approve(run)
    run = bench.go(run)

    assert run.state is RunState.WAITING
    assert bench.incident(run).state is IncidentState.RECOVERED
    assert bench.target.calls[3:] == [
        "stop-apps",
        "stop-postgres",
        "swap",
        "start-postgres",
        "verify",
        "start-apps",
        "health",
    ]

    bench.answer(run)
    run = bench.go(run)

    incident = bench.incident(run)
    assert run.state is RunState.SUCCEEDED
    assert run.outcome == "Done."
    assert incident.confirmed_at is not None
    assert incident.outage_seconds is not None and incident.outage_seconds > 0
    assert incident.rpo_seconds == 3600
    with bench.database.read() as connection:
        assert [row.volume for row in kept.list_of(connection)] == [f"postgres_data_before_{run.id}"]
        assert locks.holder(connection, "production") is None
    assert bench.target.volumes["postgres_data"] == "good"


def test_votes_given_while_the_copy_is_restored_open_the_gate_only_with_the_proof(bench: Bench) -> None:
    hold = bench.target.hold("postgres.restore_beside")
    run = bench.declare()
    bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    bench.approve(run)

    assert bench.request(run).start_by is None
    assert "stop-apps" not in bench.target.calls
    hold.go_on.set()
    bench.wait_for_step(run, "confirm", StepState.WAITING)
    assert [event.kind.value for event in bench.events(run) if event.kind.value.startswith("request.")] == [
        "request.opened",
        "request.granted",
        "request.proven",
        "request.used",
    ]
