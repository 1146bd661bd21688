"""`drill` and `drills`: one at a time, an incident comes first, and what was proven is said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drbot.commands.verb.drill_skip import skip_command
from drbot.core.base.cron import Calendar
from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import Drill, DrillEnd, routine_of
from drbot.core.site.level import Level
from drbot.core.text.messages import say
from drbot.store.base import ledger
from drbot.store.records import drills, incidents, routines, schedules
from drbot.store.records.routines import Routine
from tests.integration.commands.conftest import Build
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture

WITH_MORE = DR_YML.replace(
    "    postgres: {v", "    files: [avatars, Uploads]\n    redis: {volume: redisdata}\n    postgres: {v"
)


def asked(verb_fixture: VerbFixture) -> Drill:
    with verb_fixture.database.read() as connection:
        found = drills.going_on(connection)
    assert found is not None
    return found


def over(verb_fixture: VerbFixture, **measured: object) -> None:
    """A worker has done it."""
    with verb_fixture.database.write() as tx:
        drill = asked(verb_fixture)
        drills.end(tx, replace(drill, **measured))  # type: ignore[arg-type]  # of any column
        incidents.resolve(tx, drill.incident, drill.asked_by, "done")


def test_a_drill_is_no_incident_of_production(verb_fixture: VerbFixture) -> None:
    reply = verb_fixture.say("emi", "drill level2 rehearsed")

    drill = asked(verb_fixture)
    with verb_fixture.database.read() as connection:
        incident = incidents.get(connection, drill.incident)
        due = schedules.due(connection, incident.declared_at.replace(year=2100))
    assert reply.ok
    assert incident.name == f"DRILL-{incident.id}"
    assert (incident.site, drill.site, drill.runbook, drill.rehearsed) == (
        "drill",
        "production",
        "level2-postgres",
        True,
    )
    assert due == []


def test_its_title_is_said_in_the_readers_language(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("emi", "drill level2 rehearsed")

    assert "レベル 2 の訓練" in say(verb_fixture.say("aiko", "status").text, "ja")


def test_level_1_practises_a_service(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("emi", "drill level1 user")

    assert asked(verb_fixture).service == "user"


def test_level_2_practises_what_the_site_has(built: Build) -> None:
    without = built(DR_YML.replace("    postgres: {volume: pgdata, databases: [authdb]}\n", "    files: [uploads]\n"))

    without.say("emi", "drill level2 rehearsed")

    assert asked(without).runbook == "level2-files"


@pytest.mark.parametrize(
    ("words", "runbook", "files"),
    [
        ("level2", "level2-postgres", None),
        ("level2 redis", "level2-redis", None),
        ("level2 files Uploads rehearsed", "level2-files", "Uploads"),
        ("level2 settings", "level2-settings", None),
    ],
)
def test_level_2_practises_the_data_that_is_named(built: Build, words: str, runbook: str, files: str | None) -> None:
    site = built(WITH_MORE)

    assert site.say("emi", f"drill {words}").ok

    assert (asked(site).runbook, asked(site).files) == (runbook, files)


def test_which_files_are_practised_is_asked_where_there_are_several(built: Build) -> None:
    site = built(WITH_MORE)

    reply = site.say("emi", "drill level2 files")

    assert [one.command for one in reply.choices] == ["drill level2 files avatars", "drill level2 files Uploads"]


@pytest.mark.parametrize(
    ("before", "why"), [("drill level2", "is going on"), ("declare level2 broken", "an incident comes first")]
)
def test_it_waits_for_nothing_else(verb_fixture: VerbFixture, before: str, why: str) -> None:
    assert verb_fixture.say("aiko", before).ok

    reply = verb_fixture.say("emi", "drill level2")

    assert not reply.ok
    assert why in reply.text


@pytest.mark.parametrize(
    ("words", "unknown"),
    [("level2 foo", "foo"), ("level2 rehersed", "rehersed"), ("level1 user foo", "foo"), ("level3 rehearsed x", "x")],
)
def test_a_word_that_is_not_understood_wakes_nobody(verb_fixture: VerbFixture, words: str, unknown: str) -> None:
    reply = verb_fixture.say("emi", f"drill {words}")

    with verb_fixture.database.read() as connection:
        assert drills.going_on(connection) is None
    assert not reply.ok
    assert f'No drill was started. "{unknown}" was not understood.' in reply.text
    assert "/dr drill level2 rehearsed" in reply.text


def test_a_level_that_is_asked_for_keeps_what_was_said(verb_fixture: VerbFixture) -> None:
    reply = verb_fixture.say("emi", "drill rehearsed")

    assert [choice.command for choice in reply.choices] == [f"drill level{level} rehearsed" for level in range(1, 5)]


def test_who_only_reads_starts_none(verb_fixture: VerbFixture) -> None:
    assert not verb_fixture.say("dan", "drill level2").ok


def test_drills_says_when_each_level_was_proven(verb_fixture: VerbFixture) -> None:
    assert "No recovery was practised yet" in verb_fixture.say("dan", "drills").text
    verb_fixture.say("emi", "drill level2 rehearsed")
    over(verb_fixture, end=DrillEnd.PASSED, rto_seconds=40.0, rpo_seconds=60.0)
    verb_fixture.say("emi", "drill level1")
    over(verb_fixture, end=DrillEnd.FAILED, why="it did not start")

    reply = verb_fixture.say("dan", "drills")

    assert "Last proven: level 2" in reply.text
    assert "Never proven: level 1, 3, 4." in reply.text
    rows = reply.tables[0].rows
    assert [row[1] for row in rows] == ["1 redis", "2 postgres"]
    assert rows[0][-1] == "it did not start"
    assert rows[1][4] == "40 s"


MONTHLY = Calendar(expression="0 9 1 * *")


def planned(verb_fixture: VerbFixture) -> Routine:
    """Level 2 begins by the calendar, as its worker has planned."""
    with verb_fixture.database.write() as tx:
        routines.plan(tx, routine_of(Level.DATABASE), MONTHLY)
        found = routines.get(tx.connection, routine_of(Level.DATABASE))
    assert found is not None
    return found


def skips(verb_fixture: VerbFixture) -> list[tuple[str | None, object]]:
    with verb_fixture.database.read() as connection:
        told = [one for one in ledger.after(connection, 0) if one.kind is EventKind.DRILL_SKIPPED]
    return [(one.person, one.payload["level"]) for one in told]


def test_the_next_one_by_the_calendar_is_put_off_once_and_the_ledger_says_by_whom(verb_fixture: VerbFixture) -> None:
    due = planned(verb_fixture).due_at
    after = MONTHLY.after(due)
    assert f"By the calendar: level 2 at {due:%Y-%m-%d} 09:00 UTC." in verb_fixture.say("dan", "drills").text

    reply = verb_fixture.say("emi", "drill skip level2")

    assert f"at {due:%Y-%m-%d} 09:00 UTC is left out. The next one is due at {after:%Y-%m-%d} 09:00" in reply.text
    assert "(put off)" in verb_fixture.say("dan", "drills").text
    assert skips(verb_fixture) == [("emi", 2)]
    again = verb_fixture.say("ben", "drill skip level2")
    assert not again.ok and "Emi has put it off already" in again.text
    assert skips(verb_fixture) == [("emi", 2)]


def test_a_button_that_is_tapped_late_puts_off_no_other(verb_fixture: VerbFixture) -> None:
    due = planned(verb_fixture).due_at

    late = verb_fixture.say("emi", skip_command(Level.DATABASE, due - timedelta(days=30)))

    assert not late.ok and "no longer the next one" in late.text
    assert verb_fixture.say("emi", skip_command(Level.DATABASE, due)).ok


@pytest.mark.parametrize(
    ("who", "words", "why"),
    [
        ("emi", "drill skip", "Say which level"),
        ("emi", "drill skip level7", "not a level"),
        ("emi", "drill skip level3", "None of level 3 begins by the calendar"),
        ("dan", "drill skip level2", "It needs the role"),
    ],
)
def test_nothing_else_is_put_off(verb_fixture: VerbFixture, who: str, words: str, why: str) -> None:
    planned(verb_fixture)

    reply = verb_fixture.say(who, words)

    assert not reply.ok and why in reply.text
    assert skips(verb_fixture) == []


def test_the_trend_is_a_picture_of_what_went_to_its_end(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("emi", "drill level2 rehearsed")
    over(verb_fixture, end=DrillEnd.STOPPED)
    assert "No drill went to its end" in verb_fixture.say("dan", "drills picture").text
    verb_fixture.say("emi", "drill level2 rehearsed")
    over(verb_fixture, end=DrillEnd.PASSED, rto_seconds=40.0)

    reply = verb_fixture.say("dan", "drills picture")

    assert reply.ok and reply.picture is not None
    assert reply.picture.draw("en").startswith(b"\x89PNG")
    assert [choice.command for choice in verb_fixture.say("dan", "drills").choices] == ["drills picture"]


def test_a_level_that_was_proven_long_ago_was_proven(verb_fixture: VerbFixture) -> None:
    for level, end in ((3, DrillEnd.PASSED), *((2, DrillEnd.MISSED),) * 12):
        verb_fixture.say("emi", f"drill level{level}")
        over(verb_fixture, end=end)

    reply = verb_fixture.say("dan", "drills")

    assert len(reply.tables[0].rows) == 12
    assert "Last proven: level 3" in reply.text
    assert "Never proven: level 1, 2, 4." in reply.text
