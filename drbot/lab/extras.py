"""What levels 3 and 4 add to the lab's compose projects: HTTPS for users, and monitoring that really alerts."""

import shutil
from dataclasses import dataclass
from typing import Any

import httpx

from drbot.core.base.errors import UserError
from drbot.core.site.site import Monitoring, Service
from drbot.core.text.messages import listed, phrase
from drbot.lab.compose import compose, read_env, write_env
from drbot.lab.daemon import wait_until
from drbot.lab.images import ALERTMANAGER_IMAGE, PROMETHEUS_IMAGE, SERVICE_IMAGE
from drbot.lab.ports import choose
from drbot.lab.system import TEMPLATES, Lab

STARTED: str = phrase("Started the lab's monitoring.")
EDGE = "ai-micro-edge"
MONITORING = "ai-micro-monitoring"
JOBS = ("auth-service", "user-service", "admin-service")
PORTS = {EDGE: ("PORT",), MONITORING: ("PROMETHEUS_PORT", "ALERTMANAGER_PORT", "RECEIVER_PORT")}
IMAGES = {
    EDGE: {"IMAGE": SERVICE_IMAGE},
    MONITORING: {
        "IMAGE": SERVICE_IMAGE,
        "PROMETHEUS_IMAGE": PROMETHEUS_IMAGE,
        "ALERTMANAGER_IMAGE": ALERTMANAGER_IMAGE,
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Extras:
    """HTTPS and monitoring of one lab, where it runs now (`Lab.moved_to`)."""

    lab: Lab

    def write(self) -> None:
        """Their folders and .env files; ports of an earlier time stay."""
        taken: set[int] = set()
        for folder, names in PORTS.items():
            project = self.lab.projects / (self.lab.prefix + folder)
            shutil.copytree(TEMPLATES / folder, project, dirs_exist_ok=True)
            known = read_env(project)
            for name in names:
                known.setdefault(name, str(choose(None, taken)))
                taken.add(int(known[name]))
            own = {"LAB": self.lab.label, "NETWORK": f"{self.lab.prefix}network"}
            write_env(project, own | IMAGES[folder] | {name: known[name] for name in names})

    def start(self) -> None:
        """Run them and wait until alerts can pass and Prometheus scrapes all APIs. Raises UserError."""
        for folder in PORTS:
            project = self.lab.projects / (self.lab.prefix + folder)
            compose(self.lab.host, project, "up", "-d", address=self.lab.address)
        if not wait_until(self.alerts_pass, 60):
            raise UserError(STARTED, phrase("Alertmanager or its webhook does not answer."))
        if not wait_until(lambda: self.jobs_up() == set(JOBS), 60):
            jobs = listed(sorted(self.jobs_up())) or phrase("nothing")
            raise UserError(STARTED, phrase("Prometheus only sees {jobs} up.", jobs=jobs))

    def port(self, folder: str, name: str = "PORT") -> int:
        return int(read_env(self.lab.projects / (self.lab.prefix + folder))[name])

    def url(self, name: str) -> str:
        """URL of "PROMETHEUS", "ALERTMANAGER" or "RECEIVER"."""
        return f"http://{self.lab.address}:{self.port(MONITORING, f'{name}_PORT')}"

    def jobs_up(self) -> set[str]:
        found = fetch(f"{self.url('PROMETHEUS')}/api/v1/query?query=up==1")
        return {one["metric"]["job"] for one in found["data"]["result"]} if found else set()

    def alerts_pass(self) -> bool:
        return (
            bool(fetch(f"{self.url('ALERTMANAGER')}/api/v2/status")) and fetch(f"{self.url('RECEIVER')}/") is not None
        )

    def arrived(self) -> list[dict[str, Any]]:
        return list(fetch(f"{self.url('RECEIVER')}/alerts") or [])

    def describe_monitoring(self, address: str) -> Monitoring:
        urls = {
            name: f"http://{address}:{self.port(MONITORING, f'{name.upper()}_PORT')}"
            for name in ("prometheus", "alertmanager", "receiver")
        }
        return Monitoring(
            project=self.lab.prefix + MONITORING,
            prometheus=urls["prometheus"],
            alertmanager=urls["alertmanager"],
            receiver=f"{urls['receiver']}/alerts",
            jobs=JOBS,
        )

    def describe_edge(self) -> Service:
        title = "HTTPS"
        return Service(project=self.lab.prefix + EDGE, service="edge", role="front", needs=("front-user",), title=title)


def fetch(url: str) -> Any:  # whatever JSON it is
    """The JSON at a URL; None when nothing answers."""
    try:
        return httpx.get(url, timeout=10).raise_for_status().json()
    except httpx.HTTPError:
        return None
