"""Nothing in a drill gets what production's own container of that service does not have: a drill asks nobody, and who
may edit a compose file is not who may say what runs with rights. Even so its engine has none on production's host
(runners/clients/shut_in.py).
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Service, Site
from drbot.core.text.messages import phrase
from drbot.runners.clients.compose import Compose, Document, by_project
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.rights import Asked, beyond_production
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.watching import Cancelled

PROCESSORS = frozenset({"cpus", "cpu_rt_period", "cpu_rt_runtime"})


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillRights:
    """Of what the compose files of a site say, in its projects or in a drill's copy of them."""

    production: DockerEngine
    site: Site
    compose: Compose
    cancelled: Cancelled
    looked: threading.Event = field(default_factory=threading.Event)
    looking: threading.Lock = field(default_factory=threading.Lock)

    def hold(self) -> None:
        """From now on nothing is made of these files that asks for more, whoever has put them there since."""
        self.compose.guard = self._require

    def require_all(self, compose: Compose | None = None) -> None:
        """Raises PermanentError with the first service that asks for more, and what that is. `compose`: as the one who
        asks knows the projects.
        """
        projects = self.site.compose_projects()
        documents = at_once(partial(self._described, compose or self.compose), projects)
        for project, document in zip(projects, documents, strict=True):
            self._require_of(project, document, self._started(project))

    def _described(self, compose: Compose, project: str) -> Mapping[str, Any]:
        return compose.described(project, self._started(project), self.cancelled)

    def _started(self, project: str) -> Sequence[str]:
        """Of the monitoring all is started."""
        if self.site.monitoring is not None and self.site.monitoring.project == project:
            return ()
        return by_project(self.site.services.values()).get(project, ())

    def _require(self, compose: Compose, project: str, document: Document, services: Sequence[str]) -> Document:
        """Before the first of them is started all are looked at. Returns it for the drill's engine."""
        with self.looking:
            if not self.looked.is_set():
                self.require_all(compose)
                self.looked.set()
        self._require_of(project, document, services)
        return without_processors(document)

    def _require_of(self, project: str, document: Mapping[str, Any], services: Sequence[str]) -> None:
        known = document.get("services") or {}
        for name in services or known:
            if name not in known:
                raise PermanentError(
                    phrase("The project {project} describes no service {service}", project=project, service=name)
                )
            asked = Asked(document=document, service=name, own=Path(self.site.projects))
            said = beyond_production(asked, self.production, Service(project=project, service=name, role="app"))
            if said:
                raise PermanentError(said)


def without_processors(document: Document) -> Document:
    """It refuses to limit those of one container, for it may not change control groups; the drill as a whole is limited
    from outside.
    """
    services = {name: _without_processors(one) for name, one in (document.get("services") or {}).items()}
    return {**document, "services": services}


def _without_processors(service: Mapping[str, Any]) -> dict[str, Any]:
    left = {key: value for key, value in service.items() if key not in PROCESSORS}
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    if "cpus" in limits:
        resources = {**service["deploy"]["resources"], "limits": {key: limits[key] for key in limits if key != "cpus"}}
        left["deploy"] = {**service["deploy"], "resources": resources}
    return left
