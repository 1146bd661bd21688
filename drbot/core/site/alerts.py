"""Alerts of a monitoring system, and what they propose: which level, where, for which service. Pure.

An alert never declares anything by itself unless dr.yml names it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from drbot.core.site.data_kinds import DataKind
from drbot.core.site.level import Level
from drbot.core.site.site import Configuration, Site

SERVICE_LABELS = ("drbot_service", "service", "job", "container", "app")
"""Where monitoring systems say what is broken, the most certain first."""

LEVEL_LABELS = ("drbot_level", "level")
_ENDING = re.compile(r"(service)?[-_]?(down|unhealthy|unavailable|missing|absent|crash\w*|error\w*)$")
SHORTEST = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One alert from when it began to fire; one that fires again later is another. Moments are UTC."""

    fingerprint: str  # by which its sender knows it
    name: str
    labels: Mapping[str, str]
    summary: str
    starts_at: datetime
    ends_at: datetime | None = None  # None: it fires

    @property
    def fires(self) -> bool:
        return self.ends_at is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What could be declared. `level` None: the alert does not say; a person chooses."""

    site: str
    level: Level | None
    service: str | None
    data: DataKind | None = None  # of level 2; None: the survey looks what is broken


def proposal_of(configuration: Configuration, alerts: Iterable[Alert]) -> Proposal:
    """Of alerts that belong together: the highest level that one of them proposes."""
    found = [_of_one(configuration, alert) for alert in alerts]
    known = [one for one in found if one.level is not None]
    if not known:
        return Proposal(site=found[0].site if found else configuration.default_site, level=None, service=None)
    return max(known, key=lambda one: one.level.value if one.level is not None else 0)


def _of_one(configuration: Configuration, alert: Alert) -> Proposal:
    site = alert.labels.get("drbot_site", "")
    name = site if site in configuration.sites else configuration.default_site
    service = service_of(configuration.site(name), alert)
    level = _level_of(alert) or _level_for(configuration.site(name), service)
    data = _data_of(configuration.site(name), service) if level is Level.DATABASE else None
    return Proposal(site=name, level=level, service=service if level is Level.SERVICE else None, data=data)


def _data_of(site: Site, service: str | None) -> DataKind | None:
    stores = {DataKind.POSTGRES: site.postgres, DataKind.REDIS: site.redis}
    return next((kind for kind, store in stores.items() if store is not None and store.service == service), None)


def _level_of(alert: Alert) -> Level | None:
    known = {str(level.value): level for level in Level}
    return next((known[given] for name in LEVEL_LABELS if (given := alert.labels.get(name, "")) in known), None)


def _level_for(site: Site, service: str | None) -> Level | None:
    if service is None:
        return None
    is_database = site.postgres is not None and service == site.postgres.service
    return Level.DATABASE if is_database else Level.SERVICE


def service_of(site: Site, alert: Alert) -> str | None:
    """Of dr.yml, by a label or by the alert's name (PostgreSQLDown); None: no service of this site."""
    said = [alert.labels.get(label, "") for label in SERVICE_LABELS]
    stem = _ENDING.sub("", alert.name.lower())
    for word in filter(None, (*said, stem)):
        for name, service in site.services.items():
            if word.lower() in {name.lower(), service.project.lower(), service.service.lower(), service.title.lower()}:
                return name
    near = [name for name in site.services if len(name) >= SHORTEST and stem.startswith(name.lower())]
    return max(near, key=len, default=None)
