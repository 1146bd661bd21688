"""A cloud account, a name server and an ACME server on loopback, and contexts to run steps in."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import Run, RunKind
from drbot.core.site.level import Level
from drbot.core.site.site import Backups, Certificate, Configuration, Dns, Provision, Recovery, Repository, Site
from drbot.lab.certificates import CertificateAuthority
from drbot.lab.cloud import NAME, TTL_SECONDS, ZONE, Cloud
from drbot.lab.name_server import NameServer
from drbot.lab.packages import RECOVERY_PROGRAMS, on_path
from drbot.runners.actions.names import change_back_subjects, change_subjects
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.machine_book import MachineBook
from drbot.runners.foundation.invitations import Invitations
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.settings import RunnerSettings
from drbot.store.base.database import Database
from drbot.store.records import incidents
from drbot.store.runs import runs
from tests.integration.centre.moving import NEW, OLD, SECONDS, control, front, leads_to, old_front
from tests.permits import own, permit
from tests.step_contexts import step_context
from tests.waiting import wait_for

__all__ = ["NEW", "OLD", "Centre", "control", "front", "old_front"]  # the last three are fixtures

EDGE = "edge/certificates"


def led(context: StepContext) -> frozenset[str]:
    """What two people would have approved here: there and back, as far as it is known."""
    found: frozenset[str] = frozenset()
    for subjects in (change_subjects, change_back_subjects):
        with suppress(PermanentError):
            found |= subjects(context, {"site": "recovery"})
    return found


@dataclass(frozen=True)
class OnlySettings:
    """The clients of a step that needs no engine."""

    settings: RunnerSettings


@dataclass(kw_only=True)
class Centre:
    """Everything outside of every site, with a database of drbot's own."""

    cloud: Cloud
    names: NameServer
    authority: CertificateAuthority
    configuration: Configuration
    database: Database
    home: Path
    run: Run
    lines: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def context(
        self,
        *,
        facts: Mapping[str, Mapping[str, Any]] | None = None,
        fingerprint: dict[str, Any] | None = None,
        site: str = "control",
        configuration: Configuration | None = None,
        attempt: int = 1,
        counted_on: tuple[str, ...] = (),
        machines: MachineBook | None = None,
    ) -> StepContext:
        """A step of the run."""
        context = step_context(
            self.run, Step(id="step", title={"en": "step"}, do="dns.change"), site, configuration or self.configuration,
            OnlySettings(RunnerSettings(home=self.home, docker_host=None)),
            plan={"level": 4, "fingerprint": fingerprint or {}}, attempt=attempt, facts=facts or {},
            cancelled=self.stop.is_set, log=self.lines.append, labels={},
            invitations=Invitations(self.database, self.run, OwnRecord(self.home)),
            own=own(self.run.id, *counted_on), machines=machines,
        )  # fmt: skip
        return replace(context, permit=permit(*led(context), run=self.run.id))

    def with_dns(self, **changes: Any) -> Configuration:
        """dr.yml with another `dns`."""
        assert self.configuration.dns is not None
        return self.configuration.model_copy(update={"dns": self.configuration.dns.model_copy(update=changes)})

    def with_provision(self, **changes: Any) -> Configuration:
        """dr.yml whose new host is made in another way."""
        recovery = self.configuration.sites["recovery"]
        assert recovery.provision is not None
        changed = recovery.model_copy(update={"provision": recovery.provision.model_copy(update=changes)})
        return self.configuration.model_copy(update={"sites": {**self.configuration.sites, "recovery": changed}})


def configuration_in(folder: Path, cloud: Cloud, names: NameServer, authority: CertificateAuthority) -> Configuration:
    """Production is lost; recovery is to be made; control looks after both."""
    provision = Provision(image=cloud.image(), endpoint=cloud.endpoint)
    return Configuration(
        system="ai-micro-service",
        sites={
            "production": Site(projects=folder / "production", address=OLD),
            "recovery": Site(projects=folder / "recovery", address=NEW, provision=provision),
            "control": Site(),
        },
        backups=Backups(directory=folder),
        repository=Repository(url="https://git.invalid/system", commit="0" * 40),
        recovery=Recovery(site="recovery", control="control"),
        dns=Dns(
            zone=ZONE, names=(NAME,), ttl=TTL_SECONDS, endpoint=cloud.endpoint, server=names.address,
            url=f"http://{NAME}:1/health",
        ),
        certificate=Certificate(
            names=(NAME,), email="operations@example.com", directory=authority.directory,
            http_port=authority.http_port, trust=authority.trust, roots=authority.roots, install=EDGE,
        ),
    )  # fmt: skip


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, NameServer, CertificateAuthority]]:
    """Only while there are tests of this folder: the name server asks for its zone all the time, and Route 53 has to
    answer.
    """
    pytest.importorskip("moto")
    missing = [program for program in RECOVERY_PROGRAMS if not on_path(program)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {missing}")
    folder = tmp_path_factory.mktemp("outside")
    cloud = Cloud(folder=folder)
    names = NameServer(cloud=cloud)
    authority = CertificateAuthority(folder=folder, names=names.address)
    cloud.start()
    names.start()
    authority.start()
    yield cloud, names, authority
    for server in (authority, names, cloud):
        server.stop()


@pytest.fixture
def centre(
    servers: tuple[Cloud, NameServer, CertificateAuthority], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Centre]:
    """The name leads to the old place; an incident has a run."""
    cloud, names, authority = servers
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "anybody")
    cloud.point(NAME, OLD)
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    with database.write() as tx:
        incident = incidents.declare(tx, site="production", level=Level.DATACENTRE, title="Fire", person="aiko")
        run = runs.queue(
            tx, incident=incident.id, site="control", kind=RunKind.RECOVER, runbook="level4-datacentre",
            arguments={}, person="aiko",
        )  # fmt: skip
    made = Centre(
        cloud=cloud,
        names=names,
        authority=authority,
        configuration=configuration_in(tmp_path, cloud, names, authority),
        database=database,
        home=tmp_path / "home",
        run=run,
    )
    # What the test before has led elsewhere: the name server follows the zone a moment later.
    wait_for(lambda: leads_to(made) == (OLD,), SECONDS, "the name server to follow")
    yield made
    ids = cloud.machines()
    if ids:
        cloud.client("ec2").terminate_instances(InstanceIds=ids)
    database.close()
