"""Runs: one claimer wins, a fenced worker writes nothing, and no wake-up is lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from drbot.core.base.errors import FencedError, UserError
from drbot.core.runs.plan import seal_of
from drbot.core.runs.run import Run, RunState, StopKind
from drbot.store.base import waking
from drbot.store.base.database import Database, Transaction
from drbot.store.records import leases, requests, steps
from drbot.store.runs import chores, runs
from tests.integration.store import store_fixture


def state_of(database: Database, run_id: str) -> RunState:
    with database.read() as connection:
        return runs.get(connection, run_id).state


def test_of_two_claimers_one_wins(database: Database) -> None:
    run = store_fixture.queued(database)

    def claim(owner: str) -> Run | None:
        with database.write() as tx:
            return runs.claim(tx, run.id, owner, 10)

    answers = store_fixture.at_once(lambda: claim("first"), lambda: claim("second"))

    winners = [answer for answer in answers if answer is not None]
    assert [winner.epoch for winner in winners] == [1]
    with database.read() as connection:
        assert runs.get(connection, run.id).owner == winners[0].owner
    assert store_fixture.kinds(database).count("run.claimed") == 1


def test_a_worker_whose_run_has_ended_writes_nothing_more(database: Database) -> None:
    run = store_fixture.queued(database)
    with database.write() as tx:
        claimed = runs.claim(tx, run.id, "worker", 10)
        assert claimed is not None
        runs.finish(tx, claimed, RunState.SUCCEEDED, "Every check passed.")

    with pytest.raises(FencedError), database.write() as tx:
        runs.finish(tx, claimed, RunState.FAILED, "No, it was not.")
    assert state_of(database, run.id) is RunState.SUCCEEDED


def test_two_runs_of_one_second_get_two_names(database: Database) -> None:
    first = store_fixture.queued(database)

    def again() -> str:
        with database.write() as tx:
            run = runs.queue(
                tx,
                incident=first.incident,
                site="production",
                kind=first.kind,
                runbook="level2-postgres",
                arguments={},
                person="ben",
            )
        return run.id

    names = store_fixture.at_once(again, again, again)

    assert len({first.id, *names}) == 4
    with database.read() as connection:
        assert set(runs.claimable(connection, "production")) == {first.id, *names}
        assert runs.claimable(connection, "elsewhere") == {}


def test_a_plan_comes_back_with_the_same_seal_and_a_row_for_every_step(database: Database) -> None:
    run = store_fixture.claimed(database, store_fixture.queued(database).id)
    plan = store_fixture.plan_of(run)

    with database.write() as tx:
        run = runs.planned(tx, run, plan)

    assert run.plan is not None
    assert seal_of(run.plan) == seal_of(plan)
    with database.read() as connection:
        records = steps.of_run(connection, run.id)
    assert [record.id for record in records] == [step.id for step in store_fixture.STEPS]
    assert {record.state.value for record in records} == {"pending"}


WRITES: dict[str, Callable[[Transaction, Run], object]] = {
    "renew": lambda tx, run: runs.renew(tx, run.id, run.epoch, 10),
    "plan": lambda tx, run: runs.planned(tx, run, store_fixture.plan_of(run)),
    "park": lambda tx, run: runs.park(tx, run, RunState.WAITING, seen_wakes=0, step="approval"),
    "finish": lambda tx, run: runs.finish(tx, run, RunState.SUCCEEDED, "done"),
    "hand over": lambda tx, run: runs.hand_over(tx, run, "worker"),
    "start": lambda tx, run: steps.start(tx, run, "copy", title="copy"),
    "succeed": lambda tx, run: steps.succeed(tx, run, "copy", summary="done"),
    "use": lambda tx, run: requests.use(tx, run, "any", "swap"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_worker_that_lost_its_run_can_write_nothing(database: Database, write: str) -> None:
    old = store_fixture.running(database, lease_seconds=-1)
    with database.write() as tx:
        assert leases.expire_leases(tx) == [old.id]
    new = store_fixture.claimed(database, old.id, owner="another")
    before = store_fixture.kinds(database)

    with pytest.raises(FencedError), database.write() as tx:
        WRITES[write](tx, old)

    assert store_fixture.kinds(database) == before
    with database.read() as connection:
        now = runs.get(connection, old.id)
    assert (now.epoch, now.owner, now.lease_until) == (new.epoch, "another", new.lease_until)


def test_a_wake_before_parking_keeps_the_worker_at_work(database: Database) -> None:
    run = store_fixture.running(database)
    with database.read() as connection:
        seen = waking.wakes(connection, run.id)
    with database.write() as tx:
        waking.wake(tx, run.id, "a vote")

    with database.write() as tx:
        assert runs.park(tx, run, RunState.WAITING, seen_wakes=seen, step="approval") is False

    assert state_of(database, run.id) is RunState.RUNNING
    assert "run.waiting" not in store_fixture.kinds(database)


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED])
def test_a_wake_after_parking_queues_the_run(database: Database, state: RunState) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        assert runs.park(tx, run, state, seen_wakes=0, step="approval")
    assert state_of(database, run.id) is state

    with database.write() as tx:
        waking.wake(tx, run.id, "a vote")

    assert state_of(database, run.id) is RunState.QUEUED
    assert store_fixture.kinds(database)[-2:] == [f"run.{state.value}", "run.resumed"]


def test_no_wake_is_lost_when_parking_and_waking_meet(database: Database) -> None:
    for _ in range(5):
        run = store_fixture.running(database)

        def park(run: Run = run) -> bool:
            with database.write() as tx:
                return runs.park(tx, run, RunState.WAITING, seen_wakes=0, step="approval")

        def wake(run: Run = run) -> bool:
            with database.write() as tx:
                waking.wake(tx, run.id, "a vote")
            return True

        parked, _ = store_fixture.at_once(park, wake)

        assert state_of(database, run.id) is (RunState.QUEUED if parked else RunState.RUNNING)


def test_stop_ends_a_run_that_nobody_runs_together_with_its_request(database: Database) -> None:
    run = store_fixture.running(database)
    request = store_fixture.opened(database, run)
    with database.write() as tx:
        steps.wait(tx, run, "approval")
        runs.park(tx, run, RunState.WAITING, seen_wakes=0, step="approval")

    with database.write() as tx:
        assert runs.request_stop(tx, run.id, "ben", "wrong backup", kind=StopKind.PERSON) is RunState.STOPPED

    with database.read() as connection:
        assert requests.get(connection, request.id).state.value == "stopped"
        assert steps.get(connection, run.id, "approval").state.value == "stopped"
    assert {"run.stop_requested", "run.stopped", "request.stopped", "step.stopped"} <= set(
        store_fixture.kinds(database)
    )
    with pytest.raises(UserError, match="was stopped"), database.write() as tx:
        runs.request_stop(tx, run.id, "ben", "again", kind=StopKind.PERSON)


def test_the_worker_of_a_running_run_reads_the_stop_and_cannot_park(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        assert waking.stop_reason(tx.connection, run.id) is None

    with database.write() as tx:
        assert runs.request_stop(tx, run.id, "ben", "wrong backup", kind=StopKind.PERSON) is RunState.RUNNING

    with database.write() as tx:
        runs.renew(tx, run.id, run.epoch, 10)  # so that the step that runs may end
        assert waking.stop_reason(tx.connection, run.id) == "wrong backup"
        assert runs.park(tx, run, RunState.WAITING, seen_wakes=0) is False


def test_a_run_that_ends_takes_its_open_request_with_it(database: Database) -> None:
    run = store_fixture.running(database)
    request = store_fixture.opened(database, run)

    with database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, "The copy is damaged.", step="copy", todo="Choose another backup.")

    with database.read() as connection:
        assert requests.get(connection, request.id).state.value == "void"
        ended = runs.get(connection, run.id)
    assert (ended.is_over, ended.outcome) == (True, "The copy is damaged.")


def test_a_handed_over_run_goes_on_with_another_worker(database: Database) -> None:
    run = store_fixture.running(database)

    with database.write() as tx:
        runs.hand_over(tx, run, "worker")

    again = store_fixture.claimed(database, run.id, owner="another")
    assert (again.epoch, again.started_at) == (2, run.started_at)
    assert again.plan == run.plan


def test_a_bell_that_nobody_heard_is_found(database: Database) -> None:
    run = store_fixture.queued(database)

    with database.read() as connection:
        assert chores.unclaimed(connection, run.created_at) == []
        found = chores.unclaimed(connection, run.created_at + timedelta(seconds=1))
    assert [item.id for item in found] == [run.id]


def test_the_current_run_is_the_newest_that_is_not_over(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        second = runs.queue(
            tx,
            incident=run.incident,
            site="production",
            kind=run.kind,
            runbook="x",
            arguments={},
            person="ben",
        )
        runs.request_stop(tx, second.id, "ben", "not this one", kind=StopKind.PERSON)

    with database.read() as connection:
        current = runs.current(connection, run.incident)
        assert current is not None
        assert current.id == run.id
        assert runs.current(connection, 999) is None
