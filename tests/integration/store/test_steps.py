"""Steps move along their table, and people settle what machines cannot."""

import pytest

from drbot.core.base.errors import Cause, PermanentError, UserError
from drbot.core.runs.run import Run, RunState, StopKind
from drbot.store.base.database import Database
from drbot.store.records import steps
from drbot.store.runs import runs
from tests.integration.store import store_fixture


def unsure_copy(database: Database) -> Run:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.start(tx, run, "copy", title="copy")
        steps.unsure(tx, run, "copy", "The connection broke.")
        runs.park(tx, run, RunState.NEEDS_DECISION, seen_wakes=0, step="copy", choices=["retry"])
    return run


def test_a_second_attempt_starts_clean(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        first = steps.start(tx, run, "copy", title="copy")
        steps.fail(tx, run, "copy", why="network", tail="reset by peer", seconds=1.5, log="copy.log")
    with database.write() as tx:
        steps.settle(tx, run.id, "copy", "retry", "ben")

    with database.write() as tx:
        second = steps.start(tx, run, "copy", title="copy")
        steps.succeed(tx, run, "copy", summary="copied", facts={"rows": 12}, seconds=2.5, log="copy.log")

    with database.read() as connection:
        record = steps.get(connection, run.id, "copy")
    assert (first.attempt, second.attempt, second.summary) == (1, 2, None)
    assert (record.state.value, record.facts, record.seconds) == ("succeeded", {"rows": 12}, 2.5)


def test_why_a_step_failed_stays_when_what_it_made_is_taken_back(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.start(tx, run, "copy", title="copy")
        steps.fail(tx, run, "copy", why="The disk is full.", cause=Cause.DISK)

    with database.write() as tx:
        steps.undone(tx, run, "copy", "Removed the volume.")

    with database.read() as connection:
        record = steps.get(connection, run.id, "copy")
    assert record.has_failed and record.cause is Cause.DISK
    assert record.result == "The disk is full. Removed the volume."


def test_a_step_cannot_be_started_twice(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.start(tx, run, "copy", title="copy")

    with pytest.raises(PermanentError, match="cannot become running"), database.write() as tx:
        steps.start(tx, run, "copy", title="copy")


def test_progress_is_no_event_and_ends_with_the_step(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.start(tx, run, "copy", title="copy")
    before = store_fixture.kinds(database)

    steps.progress(database, run, "copy", 10, 20, "bytes")
    with database.write() as tx:
        steps.succeed(tx, run, "copy", summary="copied")
    steps.progress(database, run, "copy", 11, 20, "bytes")

    with database.read() as connection:
        assert steps.get(connection, run.id, "copy").progress_done == 10
    assert store_fixture.kinds(database) == [*before, "step.succeeded"]


SETTLED = {"retry": "pending", "done": "unsure", "undo": "unsure", "stop": "stopped"}
"""What a worker has to look at or take back itself stays as it is until it has."""


@pytest.mark.parametrize("decision", SETTLED)
def test_a_person_settles_an_unsure_step_and_the_run_goes_on(database: Database, decision: str) -> None:
    run = unsure_copy(database)

    with database.write() as tx:
        steps.settle(tx, run.id, "copy", decision, "ben")

    with database.read() as connection:
        record, now = steps.get(connection, run.id, "copy"), runs.get(connection, run.id)
    assert (record.state.value, record.settlement, record.settled_by) == (SETTLED[decision], decision, "ben")
    assert record.facts == {}  # those are the action's own
    assert now.state is RunState.QUEUED
    assert now.stop_kind is (StopKind.SETTLED if decision == "stop" else None)


def test_of_two_settlements_the_first_counts(database: Database) -> None:
    run = unsure_copy(database)
    with database.write() as tx:
        steps.settle(tx, run.id, "copy", "done", "ben")

    with pytest.raises(UserError, match="nothing to settle"), database.write() as tx:
        steps.settle(tx, run.id, "copy", "retry", "chika")

    with pytest.raises(UserError, match="no such step"), database.write() as tx:
        steps.settle(tx, run.id, "copi", "retry", "chika")


def test_the_first_answer_counts_and_wakes_the_run(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.ask(tx, run, "confirm", "Can you sign in?", ("yes", "no"))
        runs.park(tx, run, RunState.WAITING, seen_wakes=0, step="confirm")
    with pytest.raises(UserError, match="Use yes or no"), database.write() as tx:
        steps.answer(tx, run.id, "confirm", "perhaps", "ben")

    with database.write() as tx:
        steps.answer(tx, run.id, "confirm", "yes", "ben")

    with pytest.raises(UserError, match="ben already answered yes"), database.write() as tx:
        steps.answer(tx, run.id, "confirm", "no", "chika")
    with database.read() as connection:
        record, now = steps.get(connection, run.id, "confirm"), runs.get(connection, run.id)
    assert (record.answer, record.answered_by) == ("yes", "ben")
    assert now.state is RunState.QUEUED


def test_silence_may_answer_with_its_own_word(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.ask(tx, run, "confirm", "Can you sign in?", ("yes", "no"))

    with database.write() as tx:
        steps.answer(tx, run.id, "confirm", "unconfirmed", None)

    with database.read() as connection:
        assert steps.get(connection, run.id, "confirm").answer == "unconfirmed"


def done_in(database: Database, seconds: float) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.start(tx, run, "copy", title="copy")
        steps.succeed(tx, run, "copy", summary="copied", seconds=seconds)


def test_what_a_step_usually_takes_is_known_after_three_times(database: Database) -> None:
    seen = []
    for seconds in (2.0, 30.0, 4.0, 3.0):
        done_in(database, seconds)
        with database.read() as connection:
            (runbook,) = {run.runbook for run in runs.of_incident(connection, 1)}
            seen.append(steps.usual_seconds(connection, runbook))

    assert seen == [{}, {}, {"copy": 4.0}, {"copy": 3.5}]


def test_what_no_step_can_have_taken_is_not_what_it_usually_takes(database: Database) -> None:
    """A row may say anything, and a forecast of no number at all would be in no plan."""
    for seconds in (2.0, 3.0, 4.0, -5.0, float("inf"), -1e30):
        done_in(database, seconds)

    with database.read() as connection:
        (runbook,) = {run.runbook for run in runs.of_incident(connection, 1)}
        assert steps.usual_seconds(connection, runbook) == {"copy": 3.0}
