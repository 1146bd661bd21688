"""`/dr moments`: the site's worker is asked, and whoever asked alone gets its answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.site.wal import NOT_RECEIVED
from drbot.core.site.wal_timeline import Event, Timeline, What
from drbot.store.records import surveys
from tests.integration.commands.conftest import Build
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture
from tests.waiting import wait_for

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
DROP = Event(
    at=NINE + timedelta(seconds=7.5), what=What.DROP, moment=NINE + timedelta(seconds=7), names=("shop/16393",)
)
FOUND = Timeline(since=NINE - timedelta(hours=6), until=NINE + timedelta(minutes=1), minutes={NINE: 7}, events=(DROP,))


@pytest.fixture
def followed(built: Build) -> VerbFixture:
    """A site whose PostgreSQL is received from."""
    return built(DR_YML.replace("databases: [authdb]}", "databases: [authdb], continuous: {}}"))


@contextmanager
def answering(
    verb_fixture: VerbFixture, timeline: Timeline | None, refusal: str = ""
) -> Iterator[list[surveys.Survey]]:
    """A worker that answers the first question."""
    asked: list[surveys.Survey] = []

    def look() -> None:
        def waiting() -> list[surveys.Survey]:
            with verb_fixture.database.read() as connection:
                return surveys.waiting(connection, "production", datetime.now(UTC))

        asked.extend(wait_for(waiting, 30, "a question"))
        with verb_fixture.database.write() as tx:
            assert surveys.take(tx, asked[0].id)
            surveys.answer(tx, asked[0].id, found="", refusal=refusal, timeline=timeline)

    thread = threading.Thread(target=look)
    thread.start()
    yield asked
    thread.join()


@pytest.mark.parametrize(("words", "seconds"), [("", "21600"), (" 90m", "5400"), (" 2d site=production", "172800")])
def test_what_the_worker_has_found_is_shown_to_who_asked(followed: VerbFixture, words: str, seconds: str) -> None:
    with answering(followed, FOUND) as asked:
        reply = followed.say("emi", f"moments{words}")

    assert (asked[0].runbook, asked[0].arguments) == (surveys.MOMENTS, {"since": seconds})
    assert reply.ok and not reply.in_channel and "shop/16393" in str(reply.tables)
    (choice,) = reply.choices
    assert choice.command.endswith("level2 to 2026-03-02T09:00:07Z")
    assert followed.incidents() == []


def test_why_nothing_was_found_is_the_answer(followed: VerbFixture) -> None:
    with answering(followed, None, "There is no base backup yet."):
        reply = followed.say("emi", "moments")

    assert (reply.ok, reply.text) == (False, "There is no base backup yet.")


def test_a_length_that_is_none_and_a_site_that_is_not_received_from_are_refused(
    followed: VerbFixture, verb_fixture: VerbFixture
) -> None:
    assert '"soon" is not a time.' in followed.say("emi", "moments soon").text
    assert NOT_RECEIVED in verb_fixture.say("emi", "moments").text
    assert "needs the role" in followed.say("dan", "moments").text
