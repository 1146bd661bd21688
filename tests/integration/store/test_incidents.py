"""Incidents move along their table, and every move is told."""

from datetime import timedelta

import pytest

from drbot.core.base.errors import UserError
from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.site.level import Level
from drbot.store.base.database import Database
from drbot.store.records import incidents
from tests.integration.store import store_fixture


def declare(database: Database, service: str | None = None) -> Incident:
    with database.write() as tx:
        return incidents.declare(
            tx,
            site="production",
            level=Level.SERVICE,
            title="認証が落ちた",
            person="aiko",
            started_at=tx.now - timedelta(minutes=5),
            service=service,
        )


def test_an_incident_is_recovered_confirmed_and_resolved(database: Database) -> None:
    incident = declare(database)

    with database.write() as tx:
        incidents.open_channel(tx, incident.id, "C1", "dr-1")
        incidents.change_level(tx, incident.id, Level.DATABASE, "ben", "PostgreSQL is the culprit")
        incidents.recovering(tx, incident.id, "r1")
        incidents.recovering(tx, incident.id, "r1")
        incidents.recovered(tx, incident.id, run="r1", rto_seconds=60, rpo_seconds=None, outage_seconds=4.5)
        incidents.users_say(tx, incident.id, UsersSay.YES, "ben")
        incidents.resolve(tx, incident.id, "ben", "Restored.")

    with database.read() as connection:
        found = incidents.of_channel(connection, "C1")
        assert incidents.repair_times(connection, Level.DATABASE) == [60]
        assert incidents.repair_times(connection, Level.HOST) == []
    assert found is not None
    assert (found.title, found.level, found.state) == ("認証が落ちた", Level.DATABASE, IncidentState.RESOLVED)
    assert (found.rto_seconds, found.rpo_seconds, found.outage_seconds) == (60, None, 4.5)
    assert found.confirmed_at is not None
    assert found.declared_at - found.started_at == timedelta(minutes=5)
    assert store_fixture.kinds(database) == [
        "incident.declared",
        "incident.channel_opened",
        "incident.level_changed",
        "incident.recovering",
        "incident.recovered",
        "incident.confirmed",
        "incident.resolved",
    ]


def test_a_no_takes_the_recovery_back_until_the_next_one(database: Database) -> None:
    incident = declare(database)
    with database.write() as tx:
        incidents.recovered(tx, incident.id, run="r1", rto_seconds=60, rpo_seconds=None, outage_seconds=4.5)
        incidents.users_say(tx, incident.id, UsersSay.NO, "ben", "r1")
        incidents.users_say(tx, incident.id, UsersSay.NO, "chika")  # two people may say so

    with database.read() as connection:
        denied = incidents.get(connection, incident.id)
    assert (denied.state, denied.users_say) == (IncidentState.RECOVERING, UsersSay.NO)
    assert (denied.recovered_at, denied.rto_seconds, denied.outage_seconds) == (None, None, None)
    with database.write() as tx:
        incidents.recovering(tx, incident.id, "r2")
    with database.read() as connection:
        assert incidents.get(connection, incident.id).users_say is None
    assert store_fixture.kinds(database)[-3:] == [
        "incident.not_recovered",
        "incident.not_recovered",
        "incident.recovering",
    ]


def test_nothing_more_happens_to_a_resolved_incident(database: Database) -> None:
    incident = declare(database)
    with database.write() as tx:
        incidents.resolve(tx, incident.id, "ben", "False alarm.")
    before = store_fixture.kinds(database)

    with pytest.raises(UserError, match="already resolved"), database.write() as tx:
        incidents.resolve(tx, incident.id, "chika", "again")
    with pytest.raises(UserError, match="already resolved"), database.write() as tx:
        incidents.recovering(tx, incident.id, "r1")
    with pytest.raises(UserError, match="already resolved"), database.write() as tx:
        incidents.change_level(tx, incident.id, Level.HOST, "chika", "worse")

    assert store_fixture.kinds(database) == before


def test_a_second_recovery_starts_the_clocks_again(database: Database) -> None:
    incident = declare(database)
    with database.write() as tx:
        incidents.recovered(tx, incident.id, run="r1", rto_seconds=60, rpo_seconds=1, outage_seconds=1)

    with database.write() as tx:
        incidents.recovering(tx, incident.id, "r2")

    with database.read() as connection:
        again = incidents.get(connection, incident.id)
    assert (again.state, again.recovered_at, again.rto_seconds) == (IncidentState.RECOVERING, None, None)


def test_the_same_alarm_twice_is_recognised(database: Database) -> None:
    first = declare(database, "auth")
    since = first.declared_at - timedelta(minutes=10)

    with database.read() as connection:
        same = incidents.similar(connection, site="production", level=Level.SERVICE, service="auth", since=since)
        others = [
            incidents.similar(connection, site="production", level=Level.SERVICE, service=None, since=since),
            incidents.similar(connection, site="drill", level=Level.SERVICE, service="auth", since=since),
            incidents.similar(
                connection, site="production", level=Level.SERVICE, service="auth", since=first.declared_at
            ),
        ]
    assert same == first
    assert others == [None, None, None]


def test_recent_incidents_come_newest_first(database: Database) -> None:
    first, second = declare(database), declare(database)
    with database.write() as tx:
        incidents.resolve(tx, first.id, "ben", "done")

    with database.read() as connection:
        assert [item.id for item in incidents.recent(connection)] == [second.id, first.id]
        assert [item.id for item in incidents.recent(connection, open_only=True)] == [second.id]
        with pytest.raises(UserError, match="no such incident"):
            incidents.get(connection, 99)
