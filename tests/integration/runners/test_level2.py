"""A level-2 recovery from claim to end, with everything that may come between."""

from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import RunState, StepState
from drbot.store.records import kept, locks
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.waiting import PATIENCE


def test_a_recovery_waits_for_two_people_then_swaps_and_ends_well(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())

    assert run.state is RunState.WAITING
    assert worker_fixture.target.running >= {"auth", "postgres"}
    assert worker_fixture.target.calls == ["evidence", "check-backup", "restore-beside"] or set(
        worker_fixture.target.calls
    ) == {
        "evidence",
        "check-backup",
        "restore-beside",
    }

    worker_fixture.approve(run)
    run = worker_fixture.go(run)

    assert run.state is RunState.WAITING
    assert worker_fixture.incident(run).state is IncidentState.RECOVERED
    assert worker_fixture.target.calls[3:] == [
        "stop-apps",
        "stop-postgres",
        "swap",
        "start-postgres",
        "verify",
        "start-apps",
        "health",
    ]

    worker_fixture.answer(run)
    run = worker_fixture.go(run)

    incident = worker_fixture.incident(run)
    assert run.state is RunState.SUCCEEDED
    assert run.outcome == "Every check passed."
    assert incident.confirmed_at is not None
    assert incident.outage_seconds is not None and incident.outage_seconds > 0
    assert incident.rpo_seconds == 3600
    with worker_fixture.database.read() as connection:
        assert [row.volume for row in kept.list_of(connection)] == [f"postgres_data_before_{run.id}"]
        assert locks.holder(connection, "production") is None
    assert worker_fixture.target.volumes["postgres_data"] == "good"


def test_votes_given_while_the_copy_is_restored_open_the_gate_only_with_the_proof(
    worker_fixture: WorkerFixture,
) -> None:
    hold = worker_fixture.target.hold("postgres.restore_beside")
    run = worker_fixture.declare()
    worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)

    worker_fixture.approve(run)

    assert worker_fixture.request(run).start_by is None
    assert "stop-apps" not in worker_fixture.target.calls
    hold.go_on.set()
    worker_fixture.wait_for_step(run, "confirm", StepState.WAITING)
    assert [event.kind.value for event in worker_fixture.events(run) if event.kind.value.startswith("request.")] == [
        "request.opened",
        "request.granted",
        "request.proven",
        "request.used",
    ]
