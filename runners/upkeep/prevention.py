"""What keeps a fault from becoming a disaster, looked at on a site: whether services come back by themselves, how much
they may take, whether a copy finds room, whether clocks agree and whether anybody would be told.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drbot.core.base.errors import DrbotError
from drbot.core.site.own_alerts import Alerts
from drbot.core.site.readiness import Line, bad, good, soon
from drbot.core.site.site import Site
from drbot.core.text.messages import duration, filled, listed, phrase
from drbot.core.text.words import size
from drbot.runners.clients import monitoring
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.free_room import COPY
from drbot.runners.foundation.watching import never

APART_SECONDS = 60.0
"""Between two clocks: codes of authenticators count for half a minute, and what is lost is counted in minutes."""

Described = Mapping[str, Mapping[str, Any]]  # project → its compose file, as compose reads it


@dataclass(frozen=True, kw_only=True, slots=True)
class Prevention:
    """One site with its clients, and this host's clock."""

    name: str
    site: Site
    alerts: Alerts
    clients: Clients
    described: Described
    now: Callable[[], datetime]

    def lines(self) -> Iterator[Line]:
        """What can be seen now; what cannot, another line says."""
        yield self._about(phrase("restart policies"), restarts, phrase("Give them `restart: unless-stopped`."),
                          phrase("after a reboot these stay down: {names}"))  # fmt: skip
        yield self._about(phrase("memory and CPU limits"), is_limited, phrase("Give them `mem_limit` and `cpus`."),
                          phrase("these may take all of the host: {names}"))  # fmt: skip
        yield from self._room()
        yield self._clock()
        yield from self._alert_rules()

    def _what(self, thing: str) -> str:
        return phrase("{site}: {thing}", site=self.name, thing=thing)

    def _about(self, thing: str, holds: Callable[[Mapping[str, Any]], bool], remedy: str, fault: str) -> Line:
        """What each service's compose file should say."""
        if names := lacking(self.site, self.described, holds):
            return soon(self._what(thing), filled(fault, names=listed(names)), remedy)
        return good(self._what(thing), phrase("all {count} services have one", count=len(self.site.services)))

    def _room(self) -> Iterator[Line]:
        """For a copy beside production: without one nothing is proven before it is replaced."""
        container = self.clients.postgres.container() if self.site.postgres is not None else None
        need = round(COPY * self._sql_bytes())
        if container is None or not container.is_running or not need:
            return
        what = self._what(phrase("room for a copy"))
        folder = self.clients.postgres.recipe(never).mounted_at
        said = self.clients.docker.execute(container.id, ["df", "-Pk", folder], seconds=10)
        fields = said.output.splitlines()[-1].split() if said.code == 0 else []
        if len(fields) < 4 or not fields[3].isdigit():
            yield bad(what, phrase("it could not be read: {said}", said=said.output), phrase("Look at the disk."))
            return
        there = int(fields[3]) * 1024
        if there >= need:
            yield good(what, phrase("enough: {need} needed", need=size(need)))
            return
        told = phrase("{size} free on the target's disk, {need} needed", size=size(there), need=size(need))
        yield bad(what, told, phrase("Make room, or give it a larger disk."))

    def _sql_bytes(self) -> int:
        """Of the newest backup, as a plan counts it; 0 = there is none, which another line says."""
        try:
            found = self.clients.backups.newest_first()
        except DrbotError:
            return 0
        own = (one for one in found if not one.fault and (one.manifest is None or one.manifest.site == self.name))
        return next((one.sql_bytes for one in own), 0)

    def _clock(self) -> Line:
        what = self._what(phrase("clock"))
        apart = abs((self.clients.docker.now() - self.now()).total_seconds())
        if apart > APART_SECONDS:
            why = phrase("the engine's host and this one are {time} apart", time=duration(apart))
            return bad(what, why, phrase("Let both ask the same time server."))
        return good(what, phrase("in step with this host"))

    def _alert_rules(self) -> Iterator[Line]:
        settings = self.site.monitoring
        if settings is None:
            return
        what = self._what(phrase("alert rules"))
        try:
            names = monitoring.alert_rules(settings)
        except DrbotError as error:
            yield bad(what, str(error), phrase("Start Prometheus, or correct `monitoring` in dr.yml."))
            return
        missing = [name for name in self.alerts.declare if name not in names]
        if not names:
            yield soon(what, phrase("Prometheus has none: nobody would be told"), ADD_RULES)
        elif missing:
            why = phrase("dr.yml waits for alerts that Prometheus has no rule for: {names}", names=listed(missing))
            yield soon(what, why, ADD_RULES)
        else:
            yield good(what, phrase("{count} in Prometheus", count=len(names)))


ADD_RULES: str = phrase("Add rules to Prometheus: drbot docs watching has some.")


def lacking(site: Site, described: Described, holds: Callable[[Mapping[str, Any]], bool]) -> list[str]:
    """Services whose compose file does not say it. What runs to its end needs neither."""
    found = {
        name: described.get(service.project, {}).get("services", {}).get(service.service)
        for name, service in site.services.items()
        if not service.once
    }
    return [name for name, says in found.items() if says is not None and not holds(says)]


def restarts(service: Mapping[str, Any]) -> bool:
    """Whether Docker starts it again by itself, as its compose file says."""
    policy = (service.get("deploy") or {}).get("restart_policy") or {}
    return (service.get("restart") or policy.get("condition") or "no") not in ("no", "none")


def is_limited(service: Mapping[str, Any]) -> bool:
    """Whether it may take only so much memory and so many CPUs."""
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    memory, cpus = service.get("mem_limit") or limits.get("memory"), service.get("cpus") or limits.get("cpus")
    return bool(memory) and bool(cpus or service.get("cpu_quota"))
