"""Two drbots, each with a state of its own, and one target: they are kept apart by what the target's engine keeps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from drbot.commands.context import context_of
from drbot.commands.dispatch import dispatch
from drbot.commands.messages import Reply, Request
from drbot.core.approval import Door
from drbot.core.configuration import Loaded
from drbot.core.run import Run, RunState
from drbot.core.site import Role
from drbot.runners.upkeep import Upkeep
from drbot.store import waking
from drbot.store.doorbell import doorbell_of
from drbot.store.schema import events
from tests.integration.runners.bench import Bench, bench_in
from tests.integration.runners.harmless import NOON


@pytest.fixture
def other(bench: Bench, tmp_path: Path) -> Iterator[Bench]:
    """Another drbot, whose target has the same engine."""
    folder = tmp_path / "other"
    folder.mkdir()
    made = bench_in(folder)
    made.target.locked = bench.target.locked
    yield made
    made.database.close()


def say(bench: Bench, person: str, words: str) -> Reply:
    """`drbot dr …` at this drbot's terminal."""
    equipment = bench.equipment
    context = context_of(bench.database, doorbell_of(None), Loaded(configuration=equipment.configuration))
    roles: frozenset[Role] = frozenset({"approver"}) if person == "chika" else equipment.roster.people[person].roles
    request = Request(
        verb_text=words,
        person=replace(equipment.roster.people[person], roles=roles),
        account=None,
        channel=None,
        door=Door.TERMINAL,
        at=NOON,
    )
    return dispatch(context, request)


def waits(bench: Bench) -> Run:
    """The second drbot's run, after it came too late."""
    run = bench.go(bench.declare())
    assert run.state is RunState.WAITING
    assert "restore-beside" not in [event.step for event in bench.events(run, "step.started")]
    return run


def test_the_second_drbot_waits_says_who_has_the_target_and_goes_on_when_it_is_given_back(
    bench: Bench, other: Bench
) -> None:
    first = bench.go(bench.declare())
    assert bench.target.locked[0].claim.run == first.id
    second = waits(other)

    (held,) = other.events(second, "site.held")
    assert (held.payload["owner"], held.payload["there"]) == (bench.equipment.owner, "DR-1")
    other.upkeep()
    assert other.run(second).state is RunState.WAITING
    assert len(other.events(second, "site.held")) == 1

    bench.stop(first)
    bench.worker().handle(first.id)
    assert bench.target.locked == []
    other.upkeep()
    second = other.go(second)

    assert other.states(second)["restore-beside"] == "succeeded"
    assert other.target.locked[0].claim.run == second.id


def test_only_the_commander_takes_a_target_over_and_only_from_the_holder_that_was_meant(
    bench: Bench, other: Bench
) -> None:
    first = bench.go(bench.declare())
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
    swapped = bench.target.moves
    bench.approve(first)
    first = bench.go(first)
    assert (first.state, bench.target.moves) == (RunState.WAITING, swapped)
    assert bench.events(first, "site.held")


def test_a_holder_that_came_after_the_commanders_word_is_not_taken_over(bench: Bench, other: Bench) -> None:
    first = bench.go(bench.declare())
    second = waits(other)
    say(other, "aiko", "takeover DR-1 its host burnt down")
    bench.stop(first)
    bench.worker().handle(first.id)
    again = bench.go(bench.declare())  # given back and taken anew before the other one looked

    second = other.go(second)

    assert second.state is RunState.WAITING
    assert bench.target.locked[0].claim.run == again.id


def test_a_row_that_names_the_other_drbot_takes_nothing_over_from_it(bench: Bench, other: Bench) -> None:
    """Which drbot this is stands on the worker's own host: the first record of the ledger may be anybody's."""
    first = bench.go(bench.declare())
    second = waits(other)
    with bench.database.read() as connection:
        theirs = connection.execute(select(events.c.hash).where(events.c.seq == 1)).scalar_one()
    with other.database.write() as tx:
        tx.connection.execute(update(events).where(events.c.seq == 1).values(hash=theirs))
        waking.wake(tx, second.id, "by a row")

    second = other.go(second)

    assert second.state is RunState.WAITING
    assert bench.target.locked[0].claim.run == first.id
    other.stop(second)
    other.worker().handle(second.id)
    Upkeep(other.equipment).tick()
    assert bench.target.locked[0].claim.run == first.id


def test_the_same_drbot_takes_over_from_its_own_dead_run_without_a_word(bench: Bench) -> None:
    first = bench.go(bench.declare())
    bench.stop(first)  # by the bot, while no worker was there to give the target back
    second = bench.go(bench.declare())

    assert bench.states(second)["restore-beside"] == "succeeded"
    assert bench.target.locked[0].claim.run == second.id


def test_a_worker_that_starts_gives_back_what_a_killed_one_held_for_a_run_that_is_over(
    bench: Bench, other: Bench
) -> None:
    first = bench.go(bench.declare())
    second = waits(other)
    bench.stop(first)

    bench.upkeep()
    other.upkeep()

    assert bench.target.locked == []
    assert other.run(second).state is RunState.QUEUED
