"""What an alert proposes follows from its labels and its name, and from nothing else."""

from datetime import UTC, datetime

import pytest

from drbot.core.site.alerts import Alert, Proposal, at_level, proposal_of
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.level import Level
from drbot.core.site.site import Configuration

CONFIGURATION = Configuration.model_validate(
    {
        "system": "shop",
        "sites": {
            "production": {
                "projects": "/srv",
                "services": {
                    "auth": {"project": "api-auth", "service": "auth-service", "role": "app", "title": "Sign-in"},
                    "postgres": {"project": "db", "service": "postgres", "role": "database", "title": "PostgreSQL"},
                    "redis": {"project": "redis", "service": "redis", "role": "cache"},
                },
                "postgres": {"volume": "pg", "databases": ["authdb"]},
                "redis": {"volume": "redis"},
            },
            "staging": {"projects": "/srv", "services": {}},
        },
        "backups": {"directory": "/srv"},
    }
)


def alert(name: str, **labels: str) -> Alert:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    return Alert(fingerprint=name, name=name, labels={"alertname": name, **labels}, summary="", starts_at=moment)


def proposed(*alerts: Alert) -> tuple[str, Level | None, str | None]:
    found: Proposal = proposal_of(CONFIGURATION, alerts)
    return found.site, found.level, found.service


@pytest.mark.parametrize(
    ("given", "level", "service"),
    [
        (alert("PostgreSQLDown"), Level.SERVICE, "postgres"),
        (alert("PostgreSQLDown", drbot_level="2"), Level.DATABASE, None),
        (alert("PostgresqlTooManyConnections"), Level.SERVICE, "postgres"),
        (alert("BackupOfPostgresLate", job="postgres", severity="info"), None, None),
        (alert("TargetDown", job="db"), Level.SERVICE, "postgres"),
        (alert("HighCpu", level="4"), None, None),
        (alert("HighCpu", level="4", job="redis"), Level.SERVICE, "redis"),
        (alert("AuthServiceDown"), Level.SERVICE, "auth"),
        (alert("RedisDown"), Level.SERVICE, "redis"),
        (alert("redis-down"), Level.SERVICE, "redis"),
        (alert("TargetDown", job="api-auth"), Level.SERVICE, "auth"),
        (alert("TargetDown", service="Sign-in"), Level.SERVICE, "auth"),
        (alert("TargetDown", drbot_service="redis", job="api-auth"), Level.SERVICE, "redis"),
        (alert("NodeDown", drbot_level="3"), Level.HOST, None),
        (alert("NodeDown", drbot_level="4", level="3"), Level.DATACENTRE, None),
        (alert("NodeDown", drbot_level="5", level="critical"), None, None),
        (alert("NodeDown", drbot_level="1"), None, None),
        (alert("NodeDown", instance="10.0.0.9"), None, None),
        (alert("AuthorizationSlow"), Level.SERVICE, "auth"),
        (alert("Watchdog"), None, None),
    ],
    ids=lambda given: given.name if isinstance(given, Alert) else str(given),
)
def test_level_and_service_of_an_alert(given: Alert, level: Level | None, service: str | None) -> None:
    assert proposed(given) == ("production", level, service)


def test_the_worst_of_a_group_decides() -> None:
    both = (alert("AuthServiceDown"), alert("PostgreSQLDown", drbot_level="2"), alert("Watchdog"))

    assert proposed(*both) == proposed(*reversed(both)) == ("production", Level.DATABASE, None)


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (alert("PostgreSQLDown", drbot_level="2"), DataKind.POSTGRES),
        (alert("RedisLostKeys", drbot_service="redis", drbot_level="2"), DataKind.REDIS),
        (alert("FilesMissing", drbot_level="2"), None),
        (alert("RedisDown"), None),
    ],
    ids=lambda given: given.name if isinstance(given, Alert) else str(given),
)
def test_level_2_is_about_the_service_that_the_alert_names(given: Alert, data: DataKind | None) -> None:
    assert proposal_of(CONFIGURATION, [given]).data is data


@pytest.mark.parametrize(("label", "site"), [("staging", "staging"), ("elsewhere", "production"), ("", "production")])
def test_the_site_is_one_of_dr_yml(label: str, site: str) -> None:
    assert proposed(alert("NodeDown", drbot_site=label, drbot_level="3")) == (site, Level.HOST, None)


def test_a_label_reaches_no_higher_than_dr_yml_lets_it() -> None:
    given = alert("AuthServiceDown", drbot_level="4"), alert("PostgreSQLDown", drbot_level="2")

    capped = proposal_of(CONFIGURATION, given, {"AuthServiceDown": Level.SERVICE, "PostgreSQLDown": Level.SERVICE})

    assert (capped.level, capped.service) == (Level.SERVICE, "auth")


@pytest.mark.parametrize(
    ("level", "service", "data"),
    [(Level.SERVICE, "redis", None), (Level.DATABASE, None, DataKind.REDIS), (Level.HOST, None, None)],
)
def test_a_person_names_another_level_for_the_same(level: Level, service: str | None, data: DataKind | None) -> None:
    meant = at_level(CONFIGURATION, [alert("RedisDown", drbot_level="2")], level)

    assert (meant.level, meant.service, meant.data) == (level, service, data)
