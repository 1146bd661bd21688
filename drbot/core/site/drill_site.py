"""The site of drills: a copy of another site in an engine of its own, for as long as the drill takes. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from drbot.core.site.level import Level
from drbot.core.site.own_checks import OwnCheck
from drbot.core.site.site import (
    DRILL_CONTROL,
    DRILL_SITE,
    ComposeFiles,
    Configuration,
    Docker,
    Monitoring,
    Recovery,
    Service,
    Site,
)

LOOPBACK = "127.0.0.1"

Leads = Callable[[str, int], int]
"""(address, port) inside → the port on this host that leads there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillPlace:
    docker: str  # URL of its engine
    folder: Path  # for the compose projects of the copy
    leads: Leads
    compose: Mapping[str, ComposeFiles] = field(default_factory=dict)  # where the copied projects lie in it


def configuration_of_drill(configuration: Configuration, level: Level, place: DrillPlace) -> Configuration:
    """dr.yml for the workers of a drill: production is not in it, so nothing can be meant by mistake. Backups are read
    from where they are; at level 4 from off-site alone.
    """
    copied, inside = configuration.site(), Docker(host=place.docker)
    recovery = configuration.recovery if level is Level.DATACENTRE else None
    placed = copied.placed(place.folder)
    here = placed.model_copy(
        update={
            "title": configuration.system,
            "docker": inside,
            "address": LOOPBACK,
            "compose": dict(place.compose),
            "provision": configuration.sites[recovery.site].provision if recovery else None,
            "packages": None,
            "postgres": placed.postgres and placed.postgres.model_copy(update={"continuous": None}),
            "services": {name: _service(one, copied.address, place.leads) for name, one in copied.services.items()},
            "monitoring": _monitoring(copied.monitoring, copied.address, place.leads),
        }
    )
    checks = (_own_check(one, copied.address, place.leads) for one in configuration.proof.checks)
    without: dict[str, Any] = {"dns": None, "certificate": None, "recovery": None}
    if level < Level.HOST:  # all of the copy comes from where its data comes from
        without["repository"] = None
    outside: dict[str, Any] = {
        "recovery": Recovery(site=DRILL_SITE, control=DRILL_CONTROL),
        "backups": configuration.backups.model_copy(update={"directory": place.folder.parent / "no-backups"}),
    }
    control = {DRILL_CONTROL: Site(projects=place.folder, docker=inside)} if recovery else {}
    return configuration.model_copy(
        update={
            "sites": {DRILL_SITE: here, **control},
            "default_site": DRILL_SITE,
            "proof": configuration.proof.model_copy(update={"checks": tuple(checks)}),
            **(outside if recovery else without),
        }
    )


def _service(service: Service, address: str | None, leads: Leads) -> Service:
    return service.model_copy(update={"health": service.health and _led(service.health, address, leads)})


def _own_check(check: OwnCheck, address: str | None, leads: Leads) -> OwnCheck:
    """Called as it is in dr.yml, wherever it leads."""
    if check.http is None:
        return check
    return check.model_copy(update={"title": check.name, "http": _led(check.http, address, leads)})


def _monitoring(monitoring: Monitoring | None, address: str | None, leads: Leads) -> Monitoring | None:
    if monitoring is None:
        return None
    urls = {name: getattr(monitoring, name) for name in ("prometheus", "alertmanager", "receiver")}
    return monitoring.model_copy(update={name: _led(url, address, leads) for name, url in urls.items() if url})


def _led(url: str, address: str | None, leads: Leads) -> str:
    """The same URL, by way of a port of this host. Inside the system's own address is the loopback."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    there = LOOPBACK if parts.hostname in (None, "localhost", address) else str(parts.hostname)
    return urlunsplit(parts._replace(netloc=f"{LOOPBACK}:{leads(there, port)}"))
