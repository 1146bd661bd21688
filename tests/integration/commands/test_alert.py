"""`/dr alerts` and `/dr alert`: what is typed is understood, or refused with what to write instead."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.commands.verb.alert import MONITORING
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import UserError
from drbot.core.runs.run import RunState
from drbot.core.site.alerts import Alert
from drbot.core.site.people import ACCESS, Person, require
from drbot.core.text.messages import say
from drbot.store.records import alerts
from drbot.store.records.alerts import Answer
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import VerbFixture


def came(verb_fixture: VerbFixture, name: str = "PostgreSQLDown", *, ago: int = 20, ended: bool = False) -> None:
    began = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=ago)
    one = Alert(
        fingerprint=name, name=name, labels={"alertname": name}, summary="no answer", starts_at=began,
        ends_at=began + timedelta(minutes=1) if ended else None,
    )  # fmt: skip
    with verb_fixture.database.write() as tx:
        alerts.take(tx, name, [one])


def test_what_fires_is_listed_with_what_can_be_done(verb_fixture: VerbFixture) -> None:
    assert "No alert has come in" in verb_fixture.say("dan", "alerts").text
    came(verb_fixture)
    came(verb_fixture, "AuthServiceDown")
    came(verb_fixture, "AuthServiceDown", ended=True)

    reply = verb_fixture.say("dan", "alerts")

    assert reply.text == "Alerts that fire: 1."
    assert [row[:2] + row[3:] for row in reply.tables[0].rows] == [
        ("1", "PostgreSQLDown", "fires", "level 2: PostgreSQL is corrupted"),
        ("2", "AuthServiceDown", "no longer fires", "level 1 for auth"),
    ]
    assert [choice.command for choice in reply.choices] == ["alert 1 declare", "alert 1 seen", "alert 1 silence 2h"]


def test_it_is_declared_as_proposed_since_the_alert_began_and_the_recovery_is_queued(verb_fixture: VerbFixture) -> None:
    came(verb_fixture)

    assert verb_fixture.say("dan", "alert 1 declare", entry_point=EntryPoint.TERMINAL).ok

    incident = verb_fixture.incident()
    assert (incident.level.value, incident.title, incident.declared_by) == (2, "PostgreSQLDown", "dan")
    assert timedelta(minutes=19) < incident.declared_at - incident.started_at < timedelta(minutes=22)
    with verb_fixture.database.read() as connection:
        assert [run.state for run in runs.of_incident(connection, incident.id)] == [RunState.QUEUED]
        assert [(group.incident, group.answer) for group in alerts.list_of(connection)] == [
            (incident.id, Answer.DECLARED)
        ]


@pytest.mark.parametrize("said", ["seen", "silence 2h"])
def test_what_has_an_incident_stays_with_it(verb_fixture: VerbFixture, said: str) -> None:
    came(verb_fixture)
    assert verb_fixture.say("dan", "alert 1 declare").ok

    reply = verb_fixture.say("emi", f"alert 1 {said}")

    assert "DR-1 was declared for it." in reply.text
    with verb_fixture.database.read() as connection:
        assert [(group.incident, group.answer) for group in alerts.list_of(connection)] == [(1, Answer.DECLARED)]


def test_a_person_names_the_level_where_the_alert_does_not(verb_fixture: VerbFixture) -> None:
    came(verb_fixture, "SomethingOdd")
    assert "Say the level: /dr alert 1 declare level2" in verb_fixture.say("dan", "alert 1 declare").text

    assert verb_fixture.say("dan", "alert 1 declare level3").ok

    assert (verb_fixture.incident().level.value, verb_fixture.incident().title) == (3, "SomethingOdd")


def test_what_somebody_declared_a_moment_ago_is_joined(verb_fixture: VerbFixture) -> None:
    came(verb_fixture)
    assert verb_fixture.say("ben", "declare level2 it does not start").ok

    reply = verb_fixture.say("dan", "alert 1 declare")

    assert reply.text == "DR-1 was declared for it: it does not start."
    assert len(verb_fixture.incidents()) == 1


def test_silence_lasts_as_long_as_it_was_asked_for(verb_fixture: VerbFixture) -> None:
    came(verb_fixture)

    assert verb_fixture.say("emi", "alert 1 silence 3h").ok

    with verb_fixture.database.read() as connection:
        [group] = alerts.list_of(connection)
    assert group.is_silent(datetime.now(UTC) + timedelta(minutes=179))
    assert not group.is_silent(datetime.now(UTC) + timedelta(minutes=181))
    assert "silent" in str(verb_fixture.say("dan", "alerts").tables[0].rows)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("alert", "Say its number."),
        ("alert postgres", '"postgres" is not the number of an alert.'),
        ("alert 7", "There is no such alert."),
        ("alert 1 delete", '"delete" cannot be done with an alert.'),
        ("alert 1 silence for ever", '"for ever" is not a time between a second and seven days.'),
        ("alert 1 silence 8d", '"8d" is not a time between a second and seven days.'),
    ],
)
def test_what_is_not_understood_is_refused_and_changes_nothing(
    verb_fixture: VerbFixture, typed: str, said: str
) -> None:
    came(verb_fixture)

    reply = verb_fixture.say("ben", typed)

    assert not reply.ok and said in say(reply.text, "en")
    with verb_fixture.database.read() as connection:
        assert [group.answer for group in alerts.list_of(connection)] == [Answer.NONE]


def test_monitoring_that_declares_is_nobody_who_may_vote_or_begin_a_run(verb_fixture: VerbFixture) -> None:
    may = [verb for verb in ACCESS if can(MONITORING, verb)]

    assert may == []
    assert MONITORING.id not in verb_fixture.context.roster.people


def can(person: Person, verb: str) -> bool:
    try:
        require(person, verb)
    except UserError:
        return False
    return True
