"""The site of drills: a copy of another site in an engine of its own, for as long as the drill takes. Pure."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from drbot.core.site.site import DRILL_SITE, Configuration, Docker, Monitoring, Service

LOOPBACK = "127.0.0.1"

Leads = Callable[[str, int], int]
"""(address, port) inside → the port on this host that leads there."""


def configuration_of_drill(
    configuration: Configuration, site: str, *, docker: str, folder: Path, leads: Leads
) -> Configuration:
    """dr.yml for the worker of a drill: production is not in it, so nothing can be meant by mistake. Backups are read
    from where they are. `folder`: for the compose projects of the copy.
    """
    copied = configuration.sites[site]
    here = copied.model_copy(
        update={
            "title": configuration.system,
            "docker": Docker(host=docker),
            "address": LOOPBACK,
            "projects": folder,
            "provision": None,
            "packages": None,
            "services": {name: _service(service, copied.address, leads) for name, service in copied.services.items()},
            "monitoring": _monitoring(copied.monitoring, copied.address, leads),
        }
    )
    return configuration.model_copy(
        update={
            "sites": {DRILL_SITE: here},
            "default_site": DRILL_SITE,
            "recovery": None,
            "certificate": None,
            "dns": None,
        }
    )


def _service(service: Service, address: str | None, leads: Leads) -> Service:
    return service.model_copy(update={"health": service.health and _led(service.health, address, leads)})


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
