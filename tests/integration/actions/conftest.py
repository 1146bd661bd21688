"""One lab with a backup for all tests of actions, and the context a step gets."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Backups, Configuration, Docker
from drbot.lab.system import Lab
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.volume_mover import root_of
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.target import Search
from drbot.runners.foundation.permit import Permit, emptied, volume
from drbot.runners.foundation.permit import services as named
from drbot.runners.foundation.settings import RunnerSettings
from tests.engine_proxy import EngineProxy, engine_proxy
from tests.labs import LabFactory
from tests.permits import own as own_work
from tests.permits import permit
from tests.step_contexts import step_context

if TYPE_CHECKING:
    from tests.integration.actions.machine import Machine


def own(run: str) -> str:
    """The id of a run of this process: others may be at work on the same engine."""
    return f"{run}-{os.getpid()}"


@dataclass
class WorkerFixture:
    """A lab, its clients, one good backup, and contexts to run steps in."""

    lab: Lab
    configuration: Configuration
    clients: Clients
    backup: BackupIdentity
    hands: str  # id of a container with the folder of all volumes
    lines: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    on_progress: Callable[[float], None] = lambda done: None

    @property
    def volume(self) -> str:
        """Production's."""
        postgres = self.configuration.site().postgres
        assert postgres is not None
        return postgres.volume

    def context(self, step: str = "restore-beside", run: str = "r1", **changes: Any) -> StepContext:
        """A step of a run with the good backup sealed into its plan."""
        allowed = changes.pop("permit", None) or self.permit(run)
        run = own(run)
        return step_context(
            run, Step(id=step, title={"en": step}, do="evidence.collect"), "production", self.configuration,
            changes.pop("clients", self.clients), plan={"backup": changes.pop("backup", self.backup)},
            cancelled=self.stop.is_set, progress=lambda done, total, unit: self.on_progress(done),
            log=self.lines.append, permit=allowed, own=own_work(run),
        )  # fmt: skip

    def permit(self, run: str) -> Permit:
        """What two people would have let this run take away."""
        mine = (f"{self.volume}_{run}", f"{self.volume}_before_{run}", f"{self.volume}_r")
        services = (
            subject
            for one in self.configuration.site().services.values()
            for subject in named(one.project, [one.service])
        )
        volumes = (self.volume, f"{self.volume}_v")
        return permit(*services, *map(volume, volumes), *map(emptied, mine), run=own(run))

    def containers(self, run: str) -> tuple[str, ...]:
        """Ids of the containers of this run on the engine now."""
        return self.clients.docker.labelled({"drbot.run": own(run)})

    def shell(self, volume: str, script: str) -> str:
        """Output of a shell script with this volume at /x."""
        data = f"/volumes/{volume}/_data"
        words = ["sh", "-c", f"rm -f /x; ln -s {data} /x; {script}"]
        done = self.clients.docker.execute(self.hands, words, seconds=60)
        assert done.code == 0, done.output
        return done.output

    def write(self, volume: str, text: str) -> None:
        """Put a file into a volume."""
        self.shell(volume, f"echo {text} > /x/content")

    def read(self, volume: str) -> str:
        """The file's content."""
        return self.shell(volume, "cat /x/content")

    def with_backups(self, folder: Path) -> Clients:
        """The same clients with another folder of backups."""
        changed = self.configuration.model_copy(update={"backups": Backups(directory=folder)})
        return replace(
            self.clients, backups=clients_of(self.configuration.site(), changed, self.clients.settings).backups
        )


@pytest.fixture(scope="module")
def shared(lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerFixture]:
    """A lab that is up, and a backup of it."""
    lab = lab_factory("actions")
    configuration = load_configuration(lab.configuration).configuration
    settings = RunnerSettings(home=tmp_path_factory.mktemp("home"), docker_host=None)
    clients = clients_of(configuration.site(), configuration, settings)
    back_up_postgres(configuration, "production", clients=clients)
    target = SiteTarget(configuration.site(), configuration, clients)
    chosen = target.choose_backup(Search(site="production"))
    assert not chosen.refused
    with hands(clients) as container:
        yield WorkerFixture(
            lab=lab, configuration=configuration, clients=clients, backup=chosen.backup, hands=container
        )


@contextmanager
def hands(clients: Clients) -> Iterator[str]:
    """A container that reaches into every volume: starting one for each look takes half a second."""
    postgres = clients.docker.volume(clients.postgres.settings.volume)
    assert postgres is not None
    order = HelperOrder(
        image=clients.postgres.recipe(lambda: False).image,
        name=None,
        labels={},
        entrypoint=("sleep", "infinity"),
        mounts=(Mount(source=root_of(postgres), target="/volumes"),),
        user="root",
    )
    with helper.helper(clients.docker, order) as container:
        helper.start(clients.docker, container)
        yield container


@pytest.fixture
def worker_fixture(shared: WorkerFixture) -> WorkerFixture:
    """The shared lab with fresh ears and no STOP."""
    return replace(shared, lines=[], stop=threading.Event(), on_progress=lambda done: None)


@pytest.fixture
def proxy(worker_fixture: WorkerFixture) -> Iterator[EngineProxy]:
    with engine_proxy(worker_fixture.lab.host) as proxy:
        yield proxy


@pytest.fixture
def through(worker_fixture: WorkerFixture, proxy: EngineProxy) -> Iterator[Clients]:
    """The lab's clients, through the proxy."""
    site = worker_fixture.configuration.site().model_copy(update={"docker": Docker(host=proxy.host)})
    clients = clients_of(site, worker_fixture.configuration, worker_fixture.clients.settings)
    yield clients
    clients.close()


@pytest.fixture
def machine(worker_fixture: WorkerFixture, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator["Machine"]:
    """An empty host."""
    from tests.integration.actions.machine import Machine  # it needs `WorkerFixture`

    name = f"occ{os.getpid()}-{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"
    postgres = worker_fixture.clients.postgres.container()
    assert postgres is not None
    machine = Machine(
        worker_fixture=worker_fixture,
        docker=worker_fixture.clients.docker,
        name=name,
        folder=tmp_path / "projects",
        image=postgres.image,
    )
    yield machine
    machine.clean()
