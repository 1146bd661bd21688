"""`drill` and `drills`: one at a time, an incident comes first, and what was proven is said."""

from dataclasses import replace

import pytest

from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.site.level import Level
from drbot.store.records import drills, incidents, schedules
from tests.integration.commands.verb_fixture import VerbFixture


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


def test_level_1_practises_a_service(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("emi", "drill level1 user")

    assert asked(verb_fixture).service == "user"


@pytest.mark.parametrize(
    ("before", "why"), [("drill level2", "is going on"), ("declare level2 broken", "an incident comes first")]
)
def test_it_waits_for_nothing_else(verb_fixture: VerbFixture, before: str, why: str) -> None:
    assert verb_fixture.say("aiko", before).ok

    reply = verb_fixture.say("emi", "drill level2")

    assert not reply.ok
    assert why in reply.text


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
    assert [row[1] for row in rows] == [str(int(Level.SERVICE)), str(int(Level.DATABASE))]
    assert rows[0][-1] == "it did not start"
    assert rows[1][4] == "40 s"
