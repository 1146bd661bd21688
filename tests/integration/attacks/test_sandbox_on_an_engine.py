"""A drill's engine on a real one: what runs inside, with whatever rights there, has none on production's host."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drbot.core.site.site import Service, Site
from drbot.runners.clients.compose import Compose, Document, Watch
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.sandbox import Sandbox
from drbot.runners.clients.shut_in import FIRST_ID
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.drill_rights import DrillRights
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
IMAGE = "drbot-lab/service:1"
WATCH = Watch(bounds=Bounds(cancelled=never), on_line=print)
PLANT = "[ -L /data/x ] && exec sleep 600; rmdir /data/x; ln -s {to} /data/x; exit 1"


@dataclass(frozen=True, kw_only=True)
class Inside:
    """The engine of a drill, and production's around it."""

    sandbox: Sandbox
    engine: DockerEngine
    compose: Compose

    def project(self, services: Mapping[str, Mapping[str, Any]]) -> Path:
        """One with these, in the copy."""
        folder = self.sandbox.copy / "projects" / "shop"
        folder.mkdir(parents=True)
        common = {"image": IMAGE, "network_mode": "none", "stop_grace_period": "0s"}
        document = {"services": {name: common | dict(one) for name, one in services.items()}}
        (folder / "compose.yml").write_text(json.dumps(document))
        return folder

    def up(self, *services: str) -> dict[str, str]:
        """Service → the id of its container."""
        self.compose.up("shop", services, WATCH)
        found = {name: self.engine.container(Service(project="shop", service=name, role="app")) for name in services}
        return {name: one.id for name, one in found.items() if one is not None}

    def is_again(self, container: str) -> bool:
        """Whether it runs, or the engine could not start it, after it has ended once."""
        found = self.engine.inspect(container)
        state = found["State"]
        return found["RestartCount"] > 0 and bool((state["Running"] and not state["Restarting"]) or state["Error"])

    def said(self, container: str, script: str) -> str:
        return self.engine.execute(container, ["bash", "-c", f"{{ {script}; }} 2>&1"], seconds=30).output.strip()


@pytest.fixture(scope="module")
def sandbox(engine: str) -> Iterator[Sandbox]:
    """One for all tests: its engine takes half a minute to start."""
    production = DockerEngine(engine)
    sandbox = Sandbox(engine=production, drill="drill-1", instance=os.urandom(4).hex())
    try:
        sandbox.start(None, never)
        sandbox.carry([IMAGE], never)
        yield sandbox
    finally:
        sandbox.remove()
        assert sandbox.leftovers() == ()
        production.close()


@pytest.fixture
def inside(sandbox: Sandbox) -> Iterator[Inside]:
    """Nothing runs in it, nothing is in the copy."""
    inside = DockerEngine(sandbox.host)
    compose = Compose(sandbox.copy / "projects", sandbox.host)
    compose.before_a_start = sandbox.hand_over
    site = Site(projects=sandbox.copy / "projects")
    DrillRights(production=sandbox.engine, site=site, compose=compose, cancelled=never).hold()
    yield Inside(sandbox=sandbox, engine=inside, compose=compose)
    for container in inside.client.containers.list(all=True):
        container.remove(force=True)
    inside.close()
    for path in sandbox.copy.iterdir():
        path.unlink() if path.is_symlink() else shutil.rmtree(path)


def test_links_that_are_planted_between_two_starts_lead_to_no_socket(inside: Inside) -> None:
    """By the files these are ordinary services, so nothing of them is refused."""
    sandbox = inside.sandbox
    leads = [
        "../../..",
        "../../../..",
        "/",
        "/run",
        "/var/run",
        "/tmp",
        str(sandbox.folder),
        str(sandbox.socket.parent),
    ]
    services = {f"app{number}": to for number, to in enumerate(leads)}
    folder = inside.project({
        name: {"user": "0", "restart": "always", "entrypoint": ["bash", "-c", PLANT.format(to=to)],
               "volumes": [f"./{name}:/data", f"./{name}/x:/x"]}
        for name, to in services.items()
    })  # fmt: skip
    for name in services:
        (folder / name / "x").mkdir(parents=True)

    containers = inside.up(*services)
    for name, container in containers.items():
        wait_for((folder / name / "x").is_symlink, PATIENCE, "the link to be planted")
        wait_for(partial(inside.is_again, container), PATIENCE, f"{name} to start again, or not to")

    running = [one for one in containers.values() if inside.engine.inspect(one)["State"]["Running"]]
    assert len(running) >= 3
    for container in running:
        assert inside.said(container, "find /x/ -xdev -name docker.sock") == ""
        assert inside.said(container, "find /x/ -xdev -path '*drbot/worker*'") == ""


def test_who_has_all_rights_inside_has_none_on_the_host(inside: Inside) -> None:
    """As a right that production's own container has would give them."""
    inside.compose.guard = None
    inside.project({
        "app": {"privileged": True, "pid": "host", "network_mode": "host", "user": "0", "volumes": ["/:/engine"],
                "entrypoint": ["sleep", "600"]}
    })  # fmt: skip
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()

    container = inside.up("app")["app"]

    assert inside.said(container, "cat /proc/self/uid_map").split()[1] == str(FIRST_ID)
    assert "ermission denied" in inside.said(container, "echo '|/tmp/evil' > /proc/sys/kernel/core_pattern")
    assert "ermission denied" in inside.said(container, "echo 1 > /proc/sys/vm/drop_caches")
    assert inside.said(container, "find /dev /engine/dev -type b") == ""
    assert "not permitted" in inside.said(container, "mknod /tmp/disk b 7 0")
    assert inside.said(container, "find /engine -xdev -name docker.sock") == ""
    assert inside.said(container, f"ls /engine{inside.sandbox.folder.parent}").split() == [inside.sandbox.folder.name]
    assert inside.said(container, f"ls /engine{inside.sandbox.folder}").split() == ["copy", "drbot"]
    assert Path("/proc/sys/kernel/core_pattern").read_text() == pattern


def test_what_is_started_is_what_was_looked_at(inside: Inside) -> None:
    """Compose reads its files again when it starts them; somebody was quicker."""
    folder = inside.project({"app": {"entrypoint": ["sleep", "600"]}})
    look = inside.compose.guard
    assert look is not None

    def edited(compose: Compose, project: str, document: Document, services: Sequence[str]) -> Document:
        made = look(compose, project, document, services)
        (folder / "compose.yml").write_text("services: {app: {image: none, privileged: true}}")
        return made

    inside.compose.guard = edited
    container = inside.up("app")["app"]

    assert inside.engine.inspect(container)["HostConfig"]["Privileged"] is False


def test_the_container_around_it_has_few_rights_itself(inside: Inside) -> None:
    host = inside.sandbox.engine.inspect(inside.sandbox.name)["HostConfig"]

    assert host["Privileged"] is False
    assert host["NetworkMode"] == "none"
    assert not host["Devices"]
    assert host["CapDrop"] == ["ALL"]


def test_files_of_the_copy_belong_to_the_same_users_inside(inside: Inside) -> None:
    volumes = ["./data:/data", "./one:/one"]
    limits: dict[str, Any] = {"mem_limit": "64m", "cpus": 0.5, "pids_limit": 50}  # production's, as prevention asks for
    folder = inside.project({"app": {"user": "999:7", "entrypoint": ["sleep", "600"], "volumes": volumes, **limits}})
    (folder / "data").mkdir(mode=0o700)
    (folder / "data" / "mine").write_text("mine")
    (folder / "one").write_text("of root")
    (folder / "one").chmod(0o600)
    for path in (folder / "data", folder / "data" / "mine"):
        os.chown(path, 999, 7)

    container = inside.up("app")["app"]

    assert inside.said(container, "cat /data/mine; stat -c %u:%g /data/mine /one; touch /data/more") == "mine999:7\n0:0"
    assert (folder / "data" / "more").stat().st_uid == FIRST_ID + 999


def test_what_is_handed_over_is_reached_through_no_link(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "file").write_text("")
    (inside.sandbox.copy / "link").symlink_to(tmp_path / "others")

    inside.sandbox.hand_over()

    assert {path.stat().st_uid for path in (tmp_path / "others", tmp_path / "others" / "file")} == {os.getuid()}
    assert (inside.sandbox.copy / "link").lstat().st_uid == FIRST_ID + os.getuid()
