"""Two people act at the same moment on one PostgreSQL: what the second decides follows from what the first has done.

Somebody else holds the end of the ledger until both are under way; so each has read what it reads before it waits.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.site.alert_groups import AlertGroup, Answer
from drbot.core.site.alerts import Alert
from drbot.store.base.database import Database
from drbot.store.base.schema import head
from drbot.store.records import alerts, drills
from tests.integration.commands.test_roster import propose
from tests.integration.commands.verb_fixture import VerbFixture, build
from tests.waiting import PATIENCE, wait_for

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def url(fresh_postgres_url: str) -> str:
    """Of a database that only this test knows."""
    return fresh_postgres_url


@pytest.fixture
def people(url: str, tmp_path: Path) -> Iterator[VerbFixture]:
    made = build(tmp_path)
    made.database.close()
    database = Database(url, busy_seconds=PATIENCE)
    database.migrate()
    yield replace(made, context=replace(made.context, database=database))
    database.close()


def waiting(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text(WAITING)).scalar_one())


def at_once(people: VerbFixture, url: str, *said: tuple[str, str]) -> list[str]:
    """What each hears who says this, in the order in which they come."""
    heard: dict[int, str] = {}

    def say(number: int, who: str, words: str) -> None:
        try:
            heard[number] = people.say(who, words).text
        except UserError as error:
            heard[number] = str(error)

    threads = [threading.Thread(target=say, args=(number, *one)) for number, one in enumerate(said)]
    with psycopg.connect(url) as somebody:
        somebody.execute(f"SELECT * FROM {head.name} FOR UPDATE".encode())
        for number, thread in enumerate(threads, 1):
            thread.start()
            wait_for(lambda count=number: waiting(people.database) >= count, PATIENCE, "the next one to wait")  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE)
    return [heard[number] for number in range(len(said))]


def test_the_second_yes_to_a_roster_brings_it_into_force(people: VerbFixture, url: str, tmp_path: Path) -> None:
    seal = propose(people, tmp_path)

    answers = at_once(people, url, ("ben", f"roster accept {seal}"), ("chika", f"roster accept {seal}"))

    assert ["1 of 2" in answers[0], "In force now" in answers[1]] == [True, True], answers
    assert len(people.recorded(EventKind.ROSTER_ACCEPTED)) == 2  # the first one at installation
    assert people.context.roster.person("eve") is not None


def test_one_drill_begins_whoever_asks_meanwhile(people: VerbFixture, url: str) -> None:
    answers = at_once(people, url, ("ben", "drill level2 rehearsed"), ("chika", "drill level2 rehearsed"))

    assert ["begins" in answers[0], "is going on" in answers[1]] == [True, True], answers
    with people.database.read() as connection:
        assert len(drills.list_of(connection)) == 1


def test_no_drill_begins_beside_an_incident_that_is_declared_meanwhile(people: VerbFixture, url: str) -> None:
    answers = at_once(people, url, ("aiko", "declare level2 It broke"), ("chika", "drill level2 rehearsed"))

    assert "an incident comes first" in answers[1], answers
    with people.database.read() as connection:
        assert drills.list_of(connection) == []


def test_what_two_people_declare_is_one_incident(people: VerbFixture, url: str) -> None:
    at_once(people, url, ("aiko", "declare level2 It broke"), ("ben", "declare level2 It does not answer"))

    assert len(people.incidents()) == 1


def test_what_two_people_ask_for_again_is_one_recovery(people: VerbFixture, url: str) -> None:
    people.say("aiko", "declare level2 It broke")

    at_once(people, url, ("aiko", "recover DR-1"), ("ben", "recover DR-1"))

    assert len([run for run in people.runs() if not run.is_over and run.stop_requested is None]) == 1


def fired(people: VerbFixture) -> AlertGroup:
    """An alert that everybody sees."""
    fires = Alert(
        fingerprint="f", name="AuthServiceDown", labels={"service": "auth"}, summary="", starts_at=datetime.now(UTC)
    )
    with people.database.write() as tx:
        [group] = alerts.take(tx, "key", [fires])
    return group


def test_an_alert_that_two_people_tap_is_one_incident(people: VerbFixture, url: str) -> None:
    group = fired(people)

    at_once(people, url, ("aiko", f"alert {group.id} declare"), ("ben", f"alert {group.id} declare"))

    assert len(people.incidents()) == 1


def test_what_is_told_as_seen_is_not_taken_from_who_declared_it(people: VerbFixture, url: str) -> None:
    group = fired(people)

    at_once(people, url, ("aiko", f"alert {group.id} declare"), ("ben", f"alert {group.id} silence 2h"))

    with people.database.read() as connection:
        now = alerts.get(connection, group.id)
    assert (now.answer, now.silent_until) == (Answer.DECLARED, None)


def test_who_vanishes_in_the_middle_of_it_keeps_the_others_waiting_for_a_minute_at_most(people: VerbFixture) -> None:
    with people.context.database.write() as tx:
        assert tx.connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "1min"
