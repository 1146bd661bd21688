"""Keeps animals: each lives on an engine under a name of its own, and goes without a trace."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import httpx
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from drbot.lab import ports
from drbot.lab.compose import compose
from drbot.lab.engine import connect
from tests.waiting import PATIENCE, wait_for
from tests.zoo.animals import Animal

PROJECT, SERVICE, NUMBER = (f"com.docker.compose.{key}" for key in ("project", "service", "container-number"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One animal on one engine. Its files are copied into `home`, below the animal's whole name."""

    animal: Animal
    home: Path
    host: str
    prefix: str  # of all names; ends with a dash
    ports: tuple[int, int]

    @property
    def name(self) -> str:
        """What its people call it, made unique on the engine: of its project, its volumes, its containers."""
        return self.prefix + self.animal.name

    @property
    def folder(self) -> Path:
        return self.home / self.name

    @property
    def projects(self) -> Path:
        """The folder with a folder for each of its compose projects."""
        return self.folder / "projects"

    @property
    def outside(self) -> Path:
        """Where its absolute bind mounts are."""
        return self.folder / "outside"

    def project(self, part: str) -> Path:
        return self.projects / (self.name if part == "project" else f"{self.name}-{part}")

    def client(self) -> closing[docker.DockerClient]:
        return closing(connect(self.host))

    def settle(self) -> None:
        """Copy its files, with the names and ports that it has here."""
        self.copy_projects(self.projects)
        self.outside.mkdir(parents=True, exist_ok=True)
        _copy(self.animal.folder / "outside", self.outside, self.words)

    def copy_projects(self, target: Path) -> None:
        """As they are before anything was started, with what lies beside them."""
        for part in self.animal.projects:
            _copy(self.animal.folder / part, target / self.project(part).name, self.words)
        _copy(self.animal.folder / "beside", target, self.words)

    @property
    def words(self) -> Mapping[str, str]:
        return {
            "@name@": self.name,
            "@home@": str(self.outside),
            "@port1@": str(self.ports[0]),
            "@port2@": str(self.ports[1]),
            "@socket@": self.host.removeprefix("unix://"),
        }

    def compose(self, part: str, *arguments: str) -> str:
        """As its people type it. Raises UserError."""
        return compose(self.host, self.project(part), *self.animal.options, *arguments)

    def up(self, *, writers: bool = True) -> None:
        """Make what they made by hand, then start everything (or all but what writes); it may not work yet."""
        with self.client() as client:
            for volume in self.animal.external_volumes:
                client.volumes.create(self.name + volume)
            for network in self.animal.external_networks:
                if not client.networks.list(names=[self.name + network]):
                    client.networks.create(self.name + network)
        for part in self.animal.projects:
            self._start(part, () if writers else self.animal.writers)

    def _start(self, part: str, left_out: tuple[str, ...], *words: str) -> None:
        services = set(self.compose(part, "config", "--services").split()) - set(left_out) if left_out else ()
        if left_out:
            self.compose(part, "create")
        self.compose(part, "up", "-d", *words, *sorted(services))

    def down(self) -> None:
        """What its people do before a reboot: containers and networks go, data stays."""
        for part in reversed(self.animal.projects):
            self.compose(part, "down")

    def renew(self) -> None:
        """New containers for the same data; what writes is not started."""
        if self.animal.keeps_over_down:
            self.down()
            self.up(writers=False)
        else:
            for part in self.animal.projects:
                self._start(part, self.animal.writers, "--force-recreate")

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing writes."""
        self.stop_writers()
        yield
        for name in self.animal.writers:
            self._each(name, lambda one: one.start())

    def stop_writers(self) -> None:
        for name in self.animal.writers:
            self._each(name, lambda one: one.stop())

    def _each(self, service: str, act: Callable[[Container], None]) -> None:
        with self.client() as client:
            for one in containers(client, self, service):
                act(one)

    def wait_until_well(self) -> None:
        """Every container runs (or has done its work), is healthy where it says so, and every page is there."""
        wait_for(lambda: not self.faults(), PATIENCE, f"{self.name} to work: {self.faults()}")

    def faults(self) -> list[str]:
        """What does not work."""
        with self.client() as client:
            found = [one for one in containers(client, self) if one.status != "created"]
            return [f"{one.name}: {fault}" for one in found if (fault := fault_of(one))] or (
                [] if found else ["nothing"]
            )

    def inside(self, service: str, *command: str, stdin: str = "") -> str:
        """What a command says in the first container of a service, as its root. Raises AssertionError."""
        with self.client() as client:
            container = containers(client, self, service)[0]
        words = ["docker", "-H", self.host, "exec", "-i", "-u", "0", str(container.name), *command]
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name} {service} {command[0]}: {done.stdout[-500:]} {done.stderr[-1000:]}"
        return done.stdout

    def remove(self) -> None:
        """Everything of it and of whatever was made for it, and its files."""
        self.remove_things()
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_things(self) -> None:
        """The same, but no file."""
        with self.client() as client:
            for container in client.containers.list(all=True, ignore_removed=True):
                if self._is_of_it(str(container.name), container.labels.get(PROJECT)):
                    with suppress(NotFound, APIError):  # another process may be removing it
                        container.remove(force=True, v=True)
            for found in (client.volumes.list(), client.networks.list()):
                for one in found:
                    labels = one.attrs.get("Labels") or {}
                    if self._is_of_it(str(one.name), labels.get(PROJECT)):
                        with suppress(NotFound, APIError):
                            one.remove()
            for image in client.images.list():
                for tag in image.tags:
                    if tag.startswith(self.name):
                        client.images.remove(tag, force=True)

    def _is_of_it(self, name: str, project: str | None) -> bool:
        whole = re.compile(rf"{re.escape(self.name)}(?![a-z0-9])")
        return bool(whole.match(name) or (project and whole.match(project)))


def containers(client: docker.DockerClient, kept: Kept, service: str = "") -> list[Container]:
    """Its containers, running or not, in the order of their names."""
    found = client.containers.list(all=True, filters={"label": PROJECT}, ignore_removed=True)
    projects = {kept.name, *(kept.project(part).name for part in kept.animal.projects)}
    ours = (one for one in found if one.labels[PROJECT] in projects and service in ("", one.labels[SERVICE]))
    return sorted(ours, key=lambda one: str(one.name))


def fault_of(container: Container) -> str:
    """Why it does not do what it is there for; empty when it does."""
    state: Mapping[str, Any] = container.attrs["State"]
    restart = container.attrs["HostConfig"]["RestartPolicy"]["Name"]
    if state["Status"] == "exited" and state["ExitCode"] == 0 and restart in ("", "no", "on-failure"):
        return ""
    if state["Status"] != "running":
        return f"{state['Status']} {state['ExitCode']}"
    if (state.get("Health") or {}).get("Status", "healthy") != "healthy":
        return "not healthy"
    for address in container.attrs["NetworkSettings"]["Ports"].get("8000/tcp") or ():
        try:
            answer = httpx.get(f"http://127.0.0.1:{address['HostPort']}/health", timeout=10)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        if answer.status_code != httpx.codes.OK:
            return answer.text
    return ""


def _copy(source: Path, target: Path, words: Mapping[str, str]) -> None:
    """Nothing where there is no such folder."""
    for path in (one for one in sorted(source.rglob("*")) if one.is_file()):
        there = target / filled(str(path.relative_to(source)), words)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(filled(path.read_text(), words))
        there.chmod(path.stat().st_mode)


def filled(text: str, words: Mapping[str, str]) -> str:
    """With the names and ports that it has here."""
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def two_ports() -> tuple[int, int]:
    first = ports.choose(None, set())
    return first, ports.choose(None, {first})
