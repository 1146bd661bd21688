"""`/dr alerts` and `/dr alert`: what is typed is understood, or refused with what to write instead."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from drbot.commands.verb.alert import MONITORING
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import UserError
from drbot.core.runs.run import RunState
from drbot.core.site.alert_groups import Answer
from drbot.core.site.alerts import Alert
from drbot.core.site.people import ACCESS, Person, require
from drbot.core.text.messages import say
from drbot.store.records import alerts
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import VerbFixture

LOST = {"drbot_level": "2"}


def came(
    verb_fixture: VerbFixture,
    name: str = "PostgreSQLDown",
    *,
    ago: int = 20,
    ended: bool = False,
    key: str = "",
    **labels: str,
) -> None:
    began = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=ago)
    said = {"alertname": name, **(labels or (LOST if name.startswith("Postgre") else {}))}
    one = Alert(
        fingerprint=name, name=name, labels=said, summary="no answer", starts_at=began,
        ends_at=began + timedelta(minutes=1) if ended else None,
    )  # fmt: skip
    with verb_fixture.database.write() as tx:
        alerts.take(tx, key or name, [one])


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
    assert [choice.command.split()[:3] for choice in reply.choices] == [
        ["alert", "1", "declare"], ["alert", "1", "seen"], ["alert", "1", "silence"],
    ]  # fmt: skip
    assert [say(choice.label, "en").split(":")[0] for choice in reply.choices] == ["Alert 1"] * 3


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


def test_a_button_does_what_was_read_or_nothing(verb_fixture: VerbFixture) -> None:
    """What fires beside it since then proposes level 4."""
    came(verb_fixture, "AuthServiceDown", key="site")
    read = verb_fixture.say("emi", "alert 1").choices
    came(verb_fixture, "Strange", key="site", drbot_level="4")

    for choice in read:
        reply = verb_fixture.say("emi", choice.command)
        assert "Nothing was done: the alert has changed since you read it." in say(reply.text, "en")

    assert verb_fixture.incidents() == []
    again = verb_fixture.say("emi", "alert 1").choices[0]
    assert "declare level4 since=" in again.command and verb_fixture.say("emi", again.command).ok
    assert verb_fixture.incident().level.value == 4


def test_a_button_says_level_service_and_since_when(verb_fixture: VerbFixture) -> None:
    came(verb_fixture, "AuthServiceDown")

    command = verb_fixture.say("dan", "alert 1").choices[0].command

    assert re.fullmatch(r"alert 1 declare level1 auth since=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ read=[0-9a-f]{12}", command)
    assert verb_fixture.say("dan", command).ok and verb_fixture.incident().service == "auth"


@pytest.mark.parametrize("quiet", ["seen", "silence 2h", "close"])
def test_who_looks_on_makes_no_alert_quiet(verb_fixture: VerbFixture, quiet: str) -> None:
    came(verb_fixture)

    reply = verb_fixture.say("dan", f"alert 1 {quiet}")

    assert not reply.ok and "It needs the role" in say(reply.text, "en")
    with verb_fixture.database.read() as connection:
        assert alerts.get(connection, 1).answer is Answer.NONE


def test_what_somebody_says_is_over_is_over_until_it_fires_again(verb_fixture: VerbFixture) -> None:
    """Its `resolved` was lost."""
    came(verb_fixture)

    assert "Emi says that it is over" in say(verb_fixture.say("emi", "alert 1 close").text, "en")
    came(verb_fixture, ago=0)

    with verb_fixture.database.read() as connection:
        assert [(one.id, bool(one.firing)) for one in alerts.list_of(connection)] == [(2, True), (1, False)]


def test_the_service_that_was_typed_is_meant(verb_fixture: VerbFixture) -> None:
    came(verb_fixture, "PostgreSQLDown")

    assert verb_fixture.say("dan", "alert 1 declare level1 redis").ok

    assert (verb_fixture.incident().level.value, verb_fixture.incident().service) == (1, "redis")


def test_what_names_data_stands_before_a_crowd_that_names_nothing_and_what_was_seen_behind_it(
    verb_fixture: VerbFixture,
) -> None:
    came(verb_fixture, "AuthServiceDown")
    came(verb_fixture)
    for number in range(20):
        came(verb_fixture, f"Alert{number}")
    assert verb_fixture.say("ben", "alert 1 seen").ok

    first, second = (verb_fixture.say("dan", words) for words in ("alerts", "alerts 2"))

    assert [row[1] for row in first.tables[0].rows[:2]] == ["PostgreSQLDown", "Alert19"]
    assert first.choices[0].command.startswith("alert 2 declare")
    assert second.tables[0].rows[-1][1] == "AuthServiceDown"


def test_every_alert_is_on_some_page(verb_fixture: VerbFixture) -> None:
    for number in range(53):
        came(verb_fixture, f"Alert{number}")

    pages = [verb_fixture.say("dan", f"alerts {page}") for page in range(1, 5)]

    assert say(pages[0].text, "en") == "Alerts that fire: 53. Page 1 of 4; the next one: /dr alerts 2"
    assert {row[0] for page in pages for row in page.tables[0].rows} == {str(number) for number in range(1, 54)}
    assert [choice.command for page in pages[:2] for choice in page.choices if choice.command.startswith("alerts")] == [
        "alerts 2", "alerts 3",
    ]  # fmt: skip


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
