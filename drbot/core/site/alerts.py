"""Alerts of a monitoring system, and what they propose: which level, where, for which service. Pure.

An alert never declares anything by itself unless dr.yml names it. No word of an alert proposes that data is replaced:
level 2 and above need the label that says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from drbot.core.site.data_kinds import DataKind
from drbot.core.site.level import Level
from drbot.core.site.site import Configuration, Site

SERVICE_LABELS = ("drbot_service", "service", "job", "container", "app")
"""Where monitoring systems say what is broken, the most certain first."""

LEVEL_LABEL, SITE_LABEL, SEVERITY_LABEL = "drbot_level", "drbot_site", "severity"
READ_LABELS = (SITE_LABEL, LEVEL_LABEL, SEVERITY_LABEL, *SERVICE_LABELS)
"""All that drbot looks at; what else an alert carries is not kept."""

ONLY_TOLD = frozenset({"info", "none"})
"""Severities that break nothing."""

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
    heard_at: datetime | None = None  # its sender said something new about it, or said the same again

    @property
    def fires(self) -> bool:
        return self.ends_at is None

    @property
    def likeness(self) -> tuple[str, ...]:
        """The same for alerts that can propose nothing else than each other."""
        return (self.name, *(self.labels.get(label, "") for label in READ_LABELS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What could be declared. `level` None: the alert does not say; a person chooses."""

    site: str
    level: Level | None
    service: str | None
    data: DataKind | None = None  # of level 2; None: the survey looks what is broken


def proposal_of(
    configuration: Configuration, alerts: Iterable[Alert], highest: Mapping[str, Level] | None = None
) -> Proposal:
    """Of alerts that belong together: the highest level that one of them proposes. `highest`: by an alert's name, what
    its labels may reach at most.
    """
    limits = highest or {}
    found = [_of_one(configuration, alert, limits.get(alert.name, max(Level))) for alert in alerts]
    known = [one for one in found if one.level is not None]
    if not known:
        return Proposal(site=found[0].site if found else configuration.default_site, level=None, service=None)
    return max(known, key=lambda one: one.level.value if one.level is not None else 0)


def at_level(configuration: Configuration, alerts: Iterable[Alert], level: Level) -> Proposal:
    """The same at the level that a person names; None where level 1 lacks a service."""
    site = proposal_of(configuration, alerts).site
    named = [replace(one, labels={**one.labels, LEVEL_LABEL: str(int(level))}) for one in alerts]
    found = [_of_one(configuration, one, level) for one in named]
    nothing = Proposal(site=site, level=None if level is Level.SERVICE else level, service=None)
    return next((one for one in found if one.site == site and (one.service or one.data)), nothing)


def _of_one(configuration: Configuration, alert: Alert, highest: Level) -> Proposal:
    said = alert.labels.get(SITE_LABEL, "")
    name = said if said in configuration.sites else configuration.default_site
    site = configuration.site(name)
    service = service_of(site, alert)
    labelled = _labelled(alert)
    level = min(labelled, highest) if labelled is not None else None
    if level is None and alert.labels.get(SEVERITY_LABEL, "").lower() not in ONLY_TOLD:
        level = Level.SERVICE
    if level is Level.SERVICE:
        return Proposal(site=name, level=level if service else None, service=service)
    return Proposal(
        site=name, level=level, service=None, data=_data_of(site, service) if level is Level.DATABASE else None
    )


def _data_of(site: Site, service: str | None) -> DataKind | None:
    stores = {DataKind.POSTGRES: site.postgres, DataKind.REDIS: site.redis}
    return next((kind for kind, store in stores.items() if store is not None and store.service == service), None)


def _labelled(alert: Alert) -> Level | None:
    """A label of drbot's own says it: no other system writes that one for a purpose of its own."""
    return {str(level.value): level for level in Level}.get(alert.labels.get(LEVEL_LABEL, ""))


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
