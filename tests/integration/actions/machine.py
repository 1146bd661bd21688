"""A host that the actions work on without a planner or people."""

from dataclasses import dataclass, field, replace

from drbot.core.runs.plan import Holds
from drbot.core.site.occupants import Moved, Occupant, returning
from drbot.core.site.site import Service, Site
from drbot.runners.actions import giving_up, putting_back, setting_aside
from drbot.runners.actions import host as hosts
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.contract.action import StepContext
from tests.hosts import Host
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit
from tests.waiting import wait_for


@dataclass(kw_only=True)
class Machine(Host):
    """Such a host, surveyed and recovered by the actions themselves."""

    worker_fixture: WorkerFixture
    plans: dict[str, tuple[Occupant, ...]] = field(default_factory=dict)  # what each run was to put aside, as it began
    folders: tuple[str, ...] = ()  # of files, beside the volume

    @property
    def clients(self) -> Clients:
        """Those of this site."""
        return clients_of(self.site, self.worker_fixture.configuration, self.worker_fixture.clients.settings)

    @property
    def site(self) -> Site:
        """One service, one volume with files."""
        service = Service(project=self.name, service="app", role="app")
        docker = self.worker_fixture.configuration.site().docker
        files = (self.volume_name("data"), *self.folders)
        site = Site(docker=docker, projects=self.folder, services={"app": service})
        return site.model_copy(update={"files": files})  # a test's folder may lie where dr.yml takes none

    @property
    def target(self) -> SiteTarget:
        """As the planner sees it."""
        return SiteTarget(self.site, self.worker_fixture.configuration, self.clients)

    def shell(self, volume: str, script: str) -> str:
        """Through the container that sees all volumes but those whose data lies elsewhere."""
        found = self.docker.volume(volume)
        if found is None or not found.is_plain:
            return super().shell(volume, script)
        return self.worker_fixture.shell(volume, f"cd /x/; {script}")

    def wait_for_the_next_second(self) -> None:
        """The engine tells when a volume was made to the second."""
        said = self.api.info()["SystemTime"][:19]
        wait_for(lambda: self.api.info()["SystemTime"][:19] > said, 30, "the engine's clock to go on")

    def context(
        self,
        run: str,
        occupants: tuple[Occupant, ...] = (),
        aside: tuple[Occupant, ...] = (),
        holds: Holds | None = None,
    ) -> StepContext:
        """A step of this run with a plan that names these."""
        context = replace(self.worker_fixture.context("aside", run=run), site=self.site, clients=self.clients)
        assert context.plan.backup is not None
        backup = context.plan.backup.model_copy(update={"holds": holds or Holds(mounts=self.mounts)})
        plan = context.plan.model_copy(update={"occupants": occupants, "aside": aside, "backup": backup})
        context = replace(context, plan=plan)
        subjects = setting_aside.subjects(context, {}) | putting_back.subjects(context, {})
        return replace(context, permit=permit(*subjects, run=own(run)))

    def survey(self, run: str) -> tuple[Occupant, ...]:
        """What a plan of this run would name."""
        suffix = f"_before_{own(run)}"
        found = self.target.occupants(own(run), suffix, self.mounts)
        self.plans[run] = found
        return found

    def put_aside(self, run: str) -> tuple[Occupant, ...]:
        """As two people agreed."""
        found = self.survey(run)
        context = self.context(run, found)
        setting_aside.set_aside(context, {"services": ["app"], "keeper": f"_before_{own(run)}"})
        assert hosts.empty(context, {}).passed
        return found

    def put_back(self, run: str, of: str) -> None:
        """By another run, what `of` put aside."""
        aside = self.target.put_aside(own(of))
        context = self.context(run, aside=aside)
        putting_back.put_back(context, {"aside": own(of)})
        assert putting_back.back(context, {"aside": own(of)}).passed

    def undo(self, run: str, of: str) -> None:
        """What is there now is put aside, and what was there before `of` comes back, as the planner has it."""
        context = self.undo_of(run, of)
        assert putting_back.kept(context, {"aside": own(of)}).passed
        setting_aside.set_aside(context, {"services": ["app"], "keeper": f"_before_{own(run)}"})
        putting_back.put_back(context, {"aside": own(of)})
        assert putting_back.back(context, {"aside": own(of)}).passed

    def undo_of(self, run: str, of: str) -> StepContext:
        """A step of such an undo."""
        others = [self._moved(other) for other in self.plans if other not in (of, run)]
        there = self.survey(run)
        return self.context(run, there, returning(self._moved(of), others, there))

    def _moved(self, run: str) -> Moved:
        return Moved(meant=self.plans[run], kept=self.target.put_aside(own(run)))

    def give_up(self, run: str, of: str) -> None:
        """As two people agreed."""
        aside = self.target.put_aside(own(of))
        context = self.context(run, aside=aside)
        allowed = permit(*giving_up.subjects(context, {"aside": own(of)}), run=own(run))
        giving_up.give_up(replace(context, permit=allowed), {"aside": own(of)})
        assert giving_up.given_up(context, {"aside": own(of)}).passed

    def clean(self) -> None:
        """Nothing of it stays on the engine."""
        for container in self.containers():
            container.remove(force=True, v=True)
        for volume in self.api.volumes.list():
            if volume.name.startswith(self.name):
                volume.remove(force=True)
        for image in self.api.images.list(name="drbot-kept"):
            for tag in image.tags:
                if tag.startswith(f"drbot-kept:{self.name}"):
                    self.api.images.remove(tag, force=True)
        for network in self.api.networks.list():
            if network.name.startswith(self.name):
                network.remove()
