"""A run stops with its parts, and after them, whoever holds which of the two when STOP comes."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from drbot.core.ledger.events import Event, EventKind
from drbot.core.runbooks.runbook import SubRun
from drbot.core.runs.run import Run, RunKind, RunState, StopKind
from drbot.store.base import ledger, waking
from drbot.store.base.database import Database
from drbot.store.base.schema import runs as runs_table
from drbot.store.base.schema import steps as steps_table
from drbot.store.records import leases
from drbot.store.runs import runs, sub_runs
from tests.integration.store import store_fixture

MOVED = store_fixture.step("moved", run={"runbook": "level3-host", "site": "recovery"}, after=[])


def handed_over(database: Database) -> tuple[Run, Run]:
    """A run that waits for its part, which nobody has claimed."""
    whole = store_fixture.claimed(database, store_fixture.queued(database).id)
    with database.write() as tx:
        whole = runs.planned(tx, whole, store_fixture.plan_of(whole, [MOVED]))
        asked = SubRun(runbook="level3-host", site="recovery")
        part = runs.queue(
            tx, incident=whole.incident, site="recovery", kind=RunKind.RECOVER, runbook="level3-host",
            arguments=sub_runs.arguments_of(whole, MOVED, asked), person="aiko",
        )  # fmt: skip
        sub_runs.wait_for(tx, whole, "moved", part, MOVED.title)
        seen = waking.wakes(tx.connection, whole.id)
        assert runs.park(tx, whole, RunState.WAITING, seen_wakes=seen, step="moved")
    return whole, part


def stop(database: Database, run: Run) -> RunState:
    with database.write() as tx:
        return runs.request_stop(tx, run.id, "ben", "wrong place", kind=StopKind.PERSON)


def state(database: Database, run: Run) -> RunState:
    with database.read() as connection:
        return runs.get(connection, run.id).state


def ended(database: Database) -> list[Event]:
    with database.read() as connection:
        return [event for event in ledger.after(connection, 0) if event.kind is EventKind.RUN_STOPPED]


@pytest.mark.parametrize("pressed", ["whole", "part"])
def test_what_nobody_holds_stops_at_once_the_part_first(database: Database, pressed: str) -> None:
    whole, part = handed_over(database)

    assert stop(database, {"whole": whole, "part": part}[pressed]) is RunState.STOPPED

    assert [event.run for event in ended(database)] == [part.id, whole.id]
    assert {event.payload["why"] for event in ended(database)} == {"wrong place"}
    assert "Nothing that was there before was touched." in str(ended(database)[-1].payload["safe_state"])


def test_the_whole_waits_for_the_end_of_a_part_that_is_at_work(database: Database) -> None:
    whole, part = handed_over(database)
    held = store_fixture.claimed(database, part.id)

    assert stop(database, whole) is RunState.WAITING
    assert stop(database, whole) is RunState.WAITING  # pressed twice
    with database.write() as tx:
        runs.finish(tx, held, RunState.STOPPED, "Stopped.")

    assert state(database, whole) is RunState.STOPPED


def test_a_part_that_succeeds_after_all_does_not_let_a_stopped_whole_go_on(database: Database) -> None:
    whole, part = handed_over(database)
    held = store_fixture.claimed(database, part.id)
    stop(database, whole)

    with database.write() as tx:
        runs.finish(tx, held, RunState.SUCCEEDED, "Every check passed.")

    assert state(database, whole) is RunState.STOPPED


def test_a_part_whose_worker_is_gone_is_ended_and_the_whole_with_it(database: Database) -> None:
    whole, part = handed_over(database)
    store_fixture.claimed(database, part.id, lease_seconds=-1)
    stop(database, whole)

    with database.write() as tx:
        leases.expire_leases(tx)
        long_ago = tx.now - timedelta(seconds=runs.UNHEARD_SECONDS + 1)
        tx.connection.execute(update(runs_table).values(queued_at=long_ago))
        assert runs.end_unheard(tx) == [part.id]

    assert (state(database, part), state(database, whole)) == (RunState.STOPPED, RunState.STOPPED)


def test_two_who_stop_the_whole_and_its_part_in_the_same_moment(database: Database) -> None:
    whole, part = handed_over(database)

    def press(run: Run) -> None:
        try:
            stop(database, run)
        except Exception as error:  # noqa: BLE001 - whoever comes second is told that it has stopped, or tries again
            assert "was stopped" in str(error) or "not available" in str(error), error

    store_fixture.at_once(lambda: press(whole), lambda: press(part))

    assert (state(database, part), state(database, whole)) == (RunState.STOPPED, RunState.STOPPED)


@pytest.mark.parametrize("circle", ["of itself", "of each other"])
def test_runs_that_are_part_of_each_other_stop_all_the_same(database: Database, circle: str) -> None:
    """No drbot writes such rows; whoever does shall keep nobody from stopping what runs."""
    whole, part = handed_over(database)
    of = {"of itself": {part.id: part.id}, "of each other": {whole.id: part.id, part.id: whole.id}}[circle]
    with database.write() as tx:
        for one, above in of.items():
            spoilt = {sub_runs.PART_OF: above, sub_runs.STEP: "moved"}
            tx.connection.execute(update(runs_table).where(runs_table.c.id == one).values(arguments=spoilt))
            tx.connection.execute(update(steps_table).where(steps_table.c.run == one).values(part=above))

    assert stop(database, part) is RunState.STOPPED
    with database.read() as connection:
        assert sub_runs.whole_of(connection, runs.get(connection, part.id)).id in (whole.id, part.id)
