"""Two drbots, each with a state of its own, and one target: they are kept apart by what the target's engine keeps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Reply, Request
from drbot.core.approvals.approval import EntryPoint
from drbot.core.runs.run import Run, RunState
from drbot.core.site.configuration import Loaded
from drbot.core.site.site import Role
from drbot.runners.upkeep.chores import Upkeep
from drbot.store.base import waking
from drbot.store.base.doorbell import doorbell_of
from drbot.store.base.schema import events
from tests.integration.runners.harmless import NOON
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in


@pytest.fixture
def other(worker_fixture: WorkerFixture, tmp_path: Path) -> Iterator[WorkerFixture]:
    """Another drbot, whose target has the same engine."""
    folder = tmp_path / "other"
    folder.mkdir()
    made = worker_fixture_in(folder)
    made.target.locked = worker_fixture.target.locked
    yield made
    made.database.close()


def say(worker_fixture: WorkerFixture, person: str, words: str) -> Reply:
    """`drbot dr …` at this drbot's terminal."""
    worker_context = worker_fixture.worker_context
    context = context_of(worker_fixture.database, doorbell_of(None), Loaded(configuration=worker_context.configuration))
    roles: frozenset[Role] = (
        frozenset({"approver"}) if person == "chika" else worker_context.roster.people[person].roles
    )
    request = Request(
        verb_text=words,
        person=replace(worker_context.roster.people[person], roles=roles),
        account=None,
        channel=None,
        entry_point=EntryPoint.TERMINAL,
        at=NOON,
    )
    return dispatch(context, request)


def waits(worker_fixture: WorkerFixture) -> Run:
    """The second drbot's run, after it came too late."""
    run = worker_fixture.go(worker_fixture.declare())
    assert run.state is RunState.WAITING
    assert "restore-beside" not in [event.step for event in worker_fixture.events(run, "step.started")]
    return run


def test_the_second_drbot_waits_says_who_has_the_target_and_goes_on_when_it_is_given_back(
    worker_fixture: WorkerFixture, other: WorkerFixture
) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    assert worker_fixture.target.locked[0].claim.run == first.id
    second = waits(other)

    (held,) = other.events(second, "site.held")
    assert (held.payload["owner"], held.payload["there"]) == (worker_fixture.worker_context.owner, "DR-1")
    other.upkeep()
    assert other.run(second).state is RunState.WAITING
    assert len(other.events(second, "site.held")) == 1

    worker_fixture.stop(first)
    worker_fixture.worker().handle(first.id)
    assert worker_fixture.target.locked == []
    other.upkeep()
    second = other.go(second)

    assert other.states(second)["restore-beside"] == "succeeded"
    assert other.target.locked[0].claim.run == second.id


def test_only_the_commander_takes_a_target_over_and_only_from_the_holder_that_was_meant(
    worker_fixture: WorkerFixture, other: WorkerFixture
) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    second = waits(other)

    assert "commander" in str(say(other, "chika", "takeover DR-1 its host burnt down").text)
    assert "how you know" in str(say(other, "aiko", "takeover DR-1").text)
    other.upkeep()
    assert other.run(second).state is RunState.WAITING

    assert "goes on" in str(say(other, "aiko", "takeover DR-1 its host burnt down").text)
    second = other.go(second)
    assert other.states(second)["restore-beside"] == "succeeded"
    (told,) = other.events(second, "site.taken_over")
    assert (told.person, told.payload["why"]) == ("aiko", "its host burnt down")

    # The first one was not dead after all: it changes nothing more, and waits in its turn.
    swapped = worker_fixture.target.moves
    worker_fixture.approve(first)
    first = worker_fixture.go(first)
    assert (first.state, worker_fixture.target.moves) == (RunState.WAITING, swapped)
    assert worker_fixture.events(first, "site.held")


def test_a_holder_that_came_after_the_commanders_word_is_not_taken_over(
    worker_fixture: WorkerFixture, other: WorkerFixture
) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    second = waits(other)
    say(other, "aiko", "takeover DR-1 its host burnt down")
    worker_fixture.stop(first)
    worker_fixture.worker().handle(first.id)
    again = worker_fixture.go(worker_fixture.declare())  # given back and taken anew before the other one looked

    second = other.go(second)

    assert second.state is RunState.WAITING
    assert worker_fixture.target.locked[0].claim.run == again.id


def test_a_row_that_names_the_other_drbot_takes_nothing_over_from_it(
    worker_fixture: WorkerFixture, other: WorkerFixture
) -> None:
    """Which drbot this is stands on the worker's own host: the first record of the ledger may be anybody's."""
    first = worker_fixture.go(worker_fixture.declare())
    second = waits(other)
    with worker_fixture.database.read() as connection:
        theirs = connection.execute(select(events.c.hash).where(events.c.seq == 1)).scalar_one()
    with other.database.write() as tx:
        tx.connection.execute(update(events).where(events.c.seq == 1).values(hash=theirs))
        waking.wake(tx, second.id, "by a row")

    second = other.go(second)

    assert second.state is RunState.WAITING
    assert worker_fixture.target.locked[0].claim.run == first.id
    other.stop(second)
    other.worker().handle(second.id)
    Upkeep(other.worker_context).tick()
    assert worker_fixture.target.locked[0].claim.run == first.id


def test_the_same_drbot_takes_over_from_its_own_dead_run_without_a_word(worker_fixture: WorkerFixture) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    worker_fixture.stop(first)  # by the bot, while no worker was there to give the target back
    second = worker_fixture.go(worker_fixture.declare())

    assert worker_fixture.states(second)["restore-beside"] == "succeeded"
    assert worker_fixture.target.locked[0].claim.run == second.id


def test_a_worker_that_starts_gives_back_what_a_killed_one_held_for_a_run_that_is_over(
    worker_fixture: WorkerFixture, other: WorkerFixture
) -> None:
    first = worker_fixture.go(worker_fixture.declare())
    second = waits(other)
    worker_fixture.stop(first)

    worker_fixture.upkeep()
    other.upkeep()

    assert worker_fixture.target.locked == []
    assert other.run(second).state is RunState.QUEUED
