"""A host with a compose project of its own name, and everything a test puts on it: real containers and volumes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.occupants import Occupant
from core.plan import Holds
from core.site import Service, Site
from runners.action import StepContext
from runners.actions import giving_up, putting_back, setting_aside
from runners.actions import host as hosts
from runners.clients.clients import Clients, clients_of
from runners.target import Target
from tests.integration.actions.conftest import Bench, own
from tests.permits import permit
from tests.waiting import wait_for

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


@dataclass
class Machine:
    """A host with a compose project of its own name, and everything a test puts on it."""

    bench: Bench
    name: str
    folder: Path
    image: str
    mounts: tuple[str, ...] = ()  # what the backup tells that its compose files mount
    expected: set[str] = field(default_factory=set)  # names of all that must be put aside
    refused: str = ""  # what must be said instead

    @property
    def clients(self) -> Clients:
        """Those of this site."""
        return clients_of(self.site, self.bench.configuration, self.bench.clients.settings)

    @property
    def api(self) -> Any:
        """Docker's own client."""
        return self.bench.clients.docker.client

    @property
    def site(self) -> Site:
        """One service, one volume with files."""
        service = Service(project=self.name, service="app", role="app")
        docker = self.bench.configuration.site().docker
        return Site(docker=docker, projects=self.folder, services={"app": service}, files=(f"{self.name}_data",))

    def volume(self, key: str, files: Mapping[str, str], **labels: str) -> str:
        """A volume with files in it."""
        name = f"{self.name}_{key}"
        self.bench.clients.docker.create_volume(name, labels)
        script = "".join(f"printf %s '{text}' > '/v/{path}'; " for path, text in files.items())
        self.api.containers.run(
            self.image, ["-c", script], entrypoint="sh", remove=True, user="0", volumes={name: {"bind": "/v"}}
        )
        return name

    def container(
        self, service: str = "app", *, wrote: str = "", started: bool = True, project: str = "", **made: Any
    ) -> str:
        """A container of the project, with something in its own layer."""
        labels = {"project": project or self.name, "service": service, "oneoff": "False"}
        container = self.api.containers.create(
            self.image, SLEEP[1:], entrypoint=SLEEP[0], name=f"{project or self.name}-{service}-1", user="0",
            labels={f"com.docker.compose.{key}": value for key, value in labels.items()}, **made,
        )  # fmt: skip
        if wrote or started:
            container.start()
        if wrote:
            assert container.exec_run(["sh", "-c", f"printf %s '{wrote}' > /root/written"]).exit_code == 0
        if not started:
            container.stop(timeout=5)
        return str(container.name)

    def files(self, files: Mapping[str, str]) -> None:
        """In the folder of the projects."""
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

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
        context = replace(self.bench.context("aside", run=run), site=self.site, clients=self.clients)
        assert context.plan.backup is not None
        backup = context.plan.backup.model_copy(update={"holds": holds or Holds(mounts=self.mounts)})
        plan = context.plan.model_copy(update={"occupants": occupants, "aside": aside, "backup": backup})
        subjects = map(setting_aside.subject_of, occupants)
        return replace(context, plan=plan, permit=permit(*subjects, run=own(run)))

    def survey(self, run: str) -> tuple[Occupant, ...]:
        """What a plan of this run would name."""
        suffix = f"_before_{own(run)}"
        target = Target(self.site, self.bench.configuration, self.clients)
        return target.occupants(own(run), suffix, self.mounts)

    def put_aside(self, run: str) -> tuple[Occupant, ...]:
        """As two people agreed."""
        found = self.survey(run)
        context = self.context(run, found)
        setting_aside.set_aside(context, {"services": ["app"], "keeper": f"_before_{own(run)}"})
        assert hosts.empty(context, {}).passed
        return found

    def put_back(self, run: str, of: str) -> None:
        """By another run, what `of` put aside."""
        aside = Target(self.site, self.bench.configuration, self.clients).put_aside(own(of))
        context = self.context(run, aside=aside)
        putting_back.put_back(context, {"aside": own(of)})
        assert putting_back.back(context, {"aside": own(of)}).passed

    def give_up(self, run: str, of: str) -> None:
        """As two people agreed."""
        aside = Target(self.site, self.bench.configuration, self.clients).put_aside(own(of))
        context = self.context(run, aside=aside)
        allowed = permit(*giving_up.subjects(context, {"aside": own(of)}), run=own(run))
        giving_up.give_up(replace(context, permit=allowed), {"aside": own(of)})
        assert giving_up.given_up(context, {"aside": own(of)}).passed

    def picture(self) -> dict[str, Any]:
        """Everything on the host that a recovery could touch, byte by byte."""
        return {
            "folder": tree(self.folder),
            "volumes": {one.name: self._volume(one.name) for one in self._volumes()},
            "containers": {one.name: self._container(one) for one in self._containers()},
        }

    def _volumes(self) -> list[Any]:
        return [one for one in self.api.volumes.list() if one.name.startswith(self.name) and "_before_" not in one.name]

    def _containers(self) -> list[Any]:
        return list(self.api.containers.list(all=True, filters={"name": f"^/?{self.name}"}, ignore_removed=True))

    def _volume(self, name: str) -> str:
        script = "cd /v && find . -printf '%P %y %m %u %l %T@\\n' | sort && find . -type f -exec md5sum {} + | sort"
        said = self.api.containers.run(
            self.image,
            ["-c", script],
            entrypoint="sh",
            remove=True,
            user="0",
            volumes={name: {"bind": "/v", "mode": "ro"}},
        )
        return str(said.decode())

    def _container(self, one: Any) -> dict[str, Any]:
        inspected = one.attrs
        diff = [change["Path"] for change in one.diff() or () if change["Path"].startswith("/root")]
        wrote = one.get_archive("/root/written")[0] if "/root/written" in diff or _has(one, "/root/written") else ()
        kept = ("Cmd", "Entrypoint", "Env", "User", "WorkingDir")
        return {
            "running": inspected["State"]["Running"],
            "mounts": sorted((m["Destination"], m.get("Name") or m["Source"], m["RW"]) for m in inspected["Mounts"]),
            "networks": sorted(inspected["NetworkSettings"]["Networks"]),
            "restart": inspected["HostConfig"]["RestartPolicy"]["Name"],
            "made of": {key: inspected["Config"].get(key) for key in kept},
            "wrote": hashlib.sha256(b"".join(wrote)[512:1024]).hexdigest(),
            "compose": {k: v for k, v in inspected["Config"]["Labels"].items() if k.startswith("com.docker.compose")},
        }

    def clean(self) -> None:
        """Nothing of it stays on the engine."""
        for container in self._containers():
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


def _has(container: Any, path: str) -> bool:
    try:
        container.get_archive(path)
    except Exception:  # noqa: BLE001 - Docker's word for "no such file"
        return False
    return True


def tree(folder: Path) -> dict[str, str]:
    """Path → kind, mode, content."""
    if folder.is_symlink():
        return {"": f"link to {folder.readlink()}"}
    found = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        state = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else hashed(path) if path.is_file() else ""
        found[str(path.relative_to(folder))] = f"{state.st_mode:o} {state.st_uid} {content}"
    return found


def hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
