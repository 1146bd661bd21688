"""A drill that no worker takes up ends and says so: the next one may begin."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.bot.blocks.board import board
from drbot.bot.scheduled.forgotten_drills import end_forgotten
from drbot.core.runs.drill import TAKEN_UP_WITHIN as WAITS
from drbot.core.runs.drill import DrillState
from drbot.core.text.messages import say
from drbot.store.base.schema import drills as rows
from drbot.store.records import drills
from tests.integration.commands.verb_fixture import VerbFixture, build


def asked(verb_fixture: VerbFixture, ago: timedelta) -> None:
    assert verb_fixture.say("ben", "drill level1 auth rehearsed").ok
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(rows).values(asked_at=datetime.now(UTC) - ago))


def test_a_drill_that_no_worker_takes_up_ends_and_the_next_one_begins(tmp_path: Path) -> None:
    people = build(tmp_path)
    asked(people, WAITS + timedelta(seconds=1))
    assert "DRILL-1 is going on." in say(people.say("ben", "drill level2 rehearsed").text, "en")

    end_forgotten(people.context)

    with people.database.read() as connection:
        ended = drills.get(connection, 1)
    assert ended is not None and ended.state is DrillState.ENDED
    assert "No worker of production took it up" in say(ended.why or "", "en")
    assert "broken off. No worker" in told(people) and "died" not in told(people)
    assert not people.incident().is_open
    assert people.say("ben", "drill level2 rehearsed").ok


def test_until_then_its_channel_says_that_nobody_has_begun_and_no_word_of_a_recovery(tmp_path: Path) -> None:
    people = build(tmp_path)
    asked(people, timedelta(minutes=1))

    shown = told(people)

    assert "No worker of production has begun it yet; it ends 10 min after it was asked for." in shown
    assert "by hand" not in shown and "drbot cannot do this" not in shown


def test_a_drill_whose_worker_died_says_so_until_another_clears_it_away(tmp_path: Path) -> None:
    people = build(tmp_path)
    asked(people, timedelta(minutes=1))
    with people.database.write() as tx:
        drill = drills.going_on(tx.connection)
        assert drill is not None and drills.take(tx, drill, "worker", 60)
        drills.change(tx, 1, state=DrillState.PREPARING)
    assert "The copy is being made" in told(people)

    with people.database.write() as tx:
        tx.connection.execute(update(rows).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))

    assert "Its worker has not been heard of since" in told(people)
    assert "has not been heard of" in say(str(people.say("ben", "status DRILL-1").tables), "en")


@pytest.mark.parametrize("state", [DrillState.ASKED, DrillState.PREPARING])
def test_a_drill_whose_copy_is_being_made_is_stopped_by_whoever_types_stop(tmp_path: Path, state: DrillState) -> None:
    people = build(tmp_path)
    asked(people, timedelta(minutes=1))
    with people.database.write() as tx:
        drills.change(tx, 1, state=state)

    reply = people.say("ben", "stop DRILL-1 wrong evening")

    assert reply.ok and "DRILL-1: stopping. Its worker removes the copy." in say(reply.text, "en")
    assert not people.incident().is_open and people.incident().summary == "wrong evening"
    with people.database.read() as connection:  # which is the worker's to end, that sees it resolved
        going = drills.going_on(connection)
    assert going is not None and going.state is state
    assert not people.say("ben", "stop DRILL-1").ok


def told(people: VerbFixture) -> str:
    """All that the pinned message of its channel says."""
    return say(str(board(people.view())), "en")


def test_one_that_was_just_asked_for_waits_and_one_that_a_worker_has_goes_on(tmp_path: Path) -> None:
    people = build(tmp_path)
    asked(people, timedelta(minutes=1))
    end_forgotten(people.context)
    with people.database.write() as tx:
        tx.connection.execute(update(rows).values(asked_at=datetime.now(UTC) - 2 * WAITS))
        drill = drills.going_on(tx.connection)
        assert drill is not None and drills.take(tx, drill, "worker", 60)

    end_forgotten(people.context)

    with people.database.read() as connection:
        assert drills.going_on(connection) is not None
