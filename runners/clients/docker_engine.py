"""The target's Docker engine: services by compose labels, volumes, and containers of our own.

Every action that looks at or touches Docker comes through here. Containers of the system are addressed by project
and service, never by their names.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.utils import kwargs_from_env

from drbot.core.base.errors import Cause, PermanentError, TemporaryError
from drbot.core.base.names import is_folder
from drbot.core.site.site import Service
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.container_labels import (
    FOLDER_LABEL,
    HELPER_LABEL,
    KEPT_LABEL,
    NOT_ONE_OFF,
    PROJECT,
    RUN_LABEL,
    SERVICE,
    is_helper,
    marked_folder,
)
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.hijacked import KILLED, exit_code, whole_output
from drbot.runners.clients.patient_docker import PATIENCE_SECONDS, Patience, PatientDocker
from drbot.runners.clients.service_container import ServiceContainer, container_of, environment_of
from drbot.runners.clients.volume_users import VolumeUser, users_among
from drbot.runners.foundation.causes import cause_in
from drbot.runners.foundation.permit import OwnWork, Permit, emptied, volume
from drbot.runners.foundation.permit import container as of_container

LONGEST_LOG_BYTES = 2_000_000
STOP_SECONDS = 30
FOLDER = "folder"  # instead of a driver (runners/clients/host_folders.py)
MISSING = "missing"
GONE_WITHIN_SECONDS = 60.0
NOT_RUNNING = (404, 409)  # the engine's answer to a command for such a container


def _named(found: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    return found["Name"].lstrip("/"), found["Config"]["Labels"] or {}


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeIdentity:
    """Which volume, or folder of data, exactly: one of the same name made again has another `created_at`."""

    name: str
    created_at: str
    driver: str
    mountpoint: str
    options: Mapping[str, str]
    labels: Mapping[str, str]
    fault: str = ""  # why nothing can take its place

    def made_of(self) -> dict[str, object]:
        """What it has to be made of again."""
        return {"driver": self.driver, "options": dict(self.options), "labels": dict(self.labels)}

    @property
    def is_plain(self) -> bool:
        """A folder of the local driver, so that it can be renamed; otherwise its content must be copied."""
        is_local = self.driver == "local" and not self.options and self.mountpoint.endswith(f"/{self.name}/_data")
        return is_local or self.driver == FOLDER


@dataclass(frozen=True, kw_only=True, slots=True)
class Executed:
    """How a command ended and what it said (both streams)."""

    code: int
    output: str

    @property
    def cause(self) -> Cause:
        """Of its failure."""
        return cause_in(self.output)


class DockerEngine:
    """One engine. Connects at the first use, so that a dead engine never keeps drbot from starting."""

    def __init__(self, host: str | None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """`patience_seconds`: how long it may be away before a question fails."""
        self.host = host
        self.patience = Patience(patience_seconds)
        self._client: docker.DockerClient | None = None
        self._connecting = threading.Lock()
        self.before_a_start: Callable[[], None] = lambda: None

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client, for the other clients in this folder."""
        with self._connecting:
            if self._client is None:
                with docker_errors(
                    phrase("Connect to Docker at {host}", host=self.host or phrase("the current context"))
                ):
                    self._client = connect(self.host, self.patience)
            return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def id(self) -> str:
        """The engine's own id: another engine is another target."""
        with docker_errors(phrase("Ask the Docker engine who it is")):
            return str(self.client.info()["ID"])

    def now(self) -> datetime:
        """UTC, by the clock of the engine's host."""
        with docker_errors(phrase("Ask the Docker engine what time it is")):
            return datetime.fromisoformat(self.client.info()["SystemTime"])

    def version(self) -> str:
        with docker_errors(phrase("Ask the Docker engine for its version")):
            return str(self.client.version()["Version"])

    def root_folder(self) -> str:
        """Where the engine keeps volumes and images, on its own host."""
        with docker_errors(phrase("Ask the Docker engine where it keeps its data")):
            return str(self.client.info()["DockerRootDir"])

    def container(self, service: Service) -> ServiceContainer | None:
        """The container to ask something of this service: one that runs, where there is one."""
        found = self.containers(service)
        return next((one for one in found if one.is_running), found[0] if found else None)

    def containers(self, service: Service) -> tuple[ServiceContainer, ...]:
        """All containers of this service, running or not: there may be more than one."""
        return self.containers_of(service.project, service.service)

    def containers_of(self, project: str, service: str) -> tuple[ServiceContainer, ...]:
        labels = (f"{PROJECT}={project}", f"{SERVICE}={service}", NOT_ONE_OFF)
        return tuple(map(container_of, self.inspected(self.listing(*labels))))

    def listing(self, *labels: str) -> list[dict[str, Any]]:
        """Containers as the engine lists them, running or not, the newest first: all, or those with these labels."""
        with docker_errors(phrase("List containers")):
            found = self.client.api.containers(all=True, filters={"label": [*labels]})
        return sorted(found, key=lambda one: int(one["Created"]), reverse=True)

    def inspected(self, containers: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Those that were not removed meanwhile."""
        return filter(None, (self.find(one["Id"]) for one in containers))

    def inspect(self, container: str) -> dict[str, Any]:
        with docker_errors(phrase("Inspect a container")):
            return dict(self.client.api.inspect_container(container))

    def find(self, name: str) -> dict[str, Any] | None:
        with docker_errors(phrase("Look for the container {name}", name=name)):
            try:
                return dict(self.client.api.inspect_container(name))
            except NotFound:
                return None

    def logs(self, container: str, lines: int) -> str:
        """The end of a container's log; never follows, never more than two megabytes."""
        with docker_errors(phrase("Read a container's log")):
            output = self.client.api.logs(container, tail=lines, timestamps=True, stream=False, follow=False)
        return bytes(output)[-LONGEST_LOG_BYTES:].decode(errors="replace")

    def execute(
        self, container: str, command: Sequence[str], *, seconds: int, environment: Mapping[str, str] | None = None,
        most: int | None = None,
    ) -> Executed:  # fmt: skip
        """Run something small inside a container; `timeout` ends it there, so nothing stays behind. That the container
        has ended since somebody looked is an answer too, and no error. `most`: bytes to keep of what it says.
        """
        bounded = ["timeout", "-k", "1", str(seconds), *command]
        with docker_errors(phrase("Run {program} in a container", program=command[0])):
            api = self.client.api
            try:
                made = api.exec_create(container, bounded, environment=dict(environment or {}))
                output = whole_output(api.exec_start(made["Id"], socket=True), seconds, most)
            except APIError as error:
                if error.status_code not in NOT_RUNNING:
                    raise
                return Executed(code=KILLED, output=phrase("its container does not run"))
            code = exit_code(api, made["Id"])
        return Executed(code=code, output=output.decode(errors="replace").strip())

    def image_environment(self, image: str) -> dict[str, str]:
        """The variables an image sets, PG_MAJOR for one."""
        with docker_errors(phrase("Inspect the image {image}", image=image)):
            return environment_of(self.client.images.get(image).attrs["Config"].get("Env"))

    def image_command(self, image: str) -> tuple[str, ...]:
        """What a container of it runs where nobody says anything else."""
        with docker_errors(phrase("Inspect the image {image}", image=image)):
            return tuple(self.client.images.get(image).attrs["Config"].get("Cmd") or ())

    def image_user(self, image: str) -> str:
        """Whom it names to run as; "" = nobody, which is root, and where there is no such image."""
        with docker_errors(phrase("Inspect the image {image}", image=image)):
            try:
                return str(self.client.images.get(image).attrs["Config"].get("User") or "")
            except NotFound:
                return ""

    def volume(self, name: str) -> VolumeIdentity | None:
        with docker_errors(phrase("Inspect the volume {name}", name=name)):
            try:
                return volume_of(self.client.api.inspect_volume(name))
            except NotFound:
                return None

    def create_volume(
        self, name: str, labels: Mapping[str, str], driver: str = "local", options: Mapping[str, str] | None = None
    ) -> None:
        """Make a new volume. Raises PermanentError when there is one of this name: Docker would hand that one out."""
        if self.volume(name) is not None:
            raise PermanentError(phrase("Create the volume {name}: there is one of that name already", name=name))
        with docker_errors(phrase("Create the volume {name}", name=name)):
            self.client.api.create_volume(name, driver=driver, driver_opts=dict(options or {}), labels=dict(labels))

    def remove_volume(self, name: str, permit: Permit) -> None:
        """Remove a volume with whatever it holds; one that is gone is fine."""
        permit.require(volume(name))
        self._remove_volume(name)

    def remove_emptied_volume(self, name: str, permit: Permit) -> None:
        """Remove the name that a move has left without data."""
        permit.require(emptied(name))
        self._remove_volume(name)

    def remove_own_volume(self, name: str, own: OwnWork) -> bool:
        """Remove what this run has made, and nothing has open; False when there is none. Raises PermanentError for
        anybody else's, and for kept data.
        """
        found = self.volume(name)
        if found is None:
            return False
        if found.labels.get(RUN_LABEL) != own.run:
            raise PermanentError(
                phrase("The volume {name} was not made by {run}; nothing was touched", name=name, run=own.run)
            )
        if KEPT_LABEL in found.labels:
            raise PermanentError(phrase("The volume {name} holds kept data; deleting it needs two people", name=name))
        users = self.users_of(name)
        if users:
            raise PermanentError(
                phrase("The volume {name} is in use by {users} and is not removed", name=name, users=listed(users))
            )
        self._remove_volume(name)
        return True

    def _remove_volume(self, name: str) -> None:
        with docker_errors(phrase("Remove the volume {name}", name=name)), suppress(NotFound):
            self.client.api.remove_volume(name)

    def users_of(self, volume: str) -> tuple[str, ...]:
        """Names of the containers that have this volume open now; not of stopped ones, and not of drbot's own looks."""
        return tuple(user.name for user in self.made_with(volume) if user.is_running and not user.only_looks)

    def made_with(self, volume: str) -> tuple[VolumeUser, ...]:
        """The containers that were made with this volume, running or not, by name."""
        folder = volume
        if not is_folder(volume):
            identity = self.volume(volume)
            folder = identity.mountpoint if identity is not None else ""
        return users_among(self.listing(), volume, folder)

    def has_image(self, image: str) -> bool:
        """Whether it need not be pulled or built."""
        with docker_errors(phrase("Look for the image {image}", image=image)):
            try:
                self.client.images.get(image)
            except NotFound:
                return False
            return True

    def image_size(self, image: str) -> int:
        """Bytes of all its layers. Raises PermanentError where there is none of this name."""
        with docker_errors(phrase("Inspect the image {image}", image=image)):
            return int(self.client.images.get(image).attrs["Size"])

    def volumes_labelled(self, labels: Mapping[str, str], *names: str) -> tuple[str, ...]:
        """Their names; of a folder its path. `names`: of labels that they have, whatever these say."""
        wanted = [*names, *(f"{name}={value}" for name, value in labels.items())]
        with docker_errors(phrase("List volumes by label")):
            found = self.client.api.volumes(filters={"label": wanted})["Volumes"] or ()
            return tuple(marked_folder(one["Name"], one["Labels"] or {}) or str(one["Name"]) for one in found)

    def made_folders(self) -> tuple[str, ...]:
        """The paths of the folders of data that drbot has made."""
        return tuple(filter(is_folder, self.volumes_labelled({}, FOLDER_LABEL)))

    def has_network(self, name: str) -> bool:
        """Whether there is a network of exactly this name."""
        with docker_errors(phrase("Look for the network {name}", name=name)):
            return any(found["Name"] == name for found in self.client.api.networks(names=[name]))

    def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        with docker_errors(phrase("Create the network {name}", name=name)):
            self.client.api.create_network(name, driver="bridge", labels=dict(labels))

    def labelled(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Ids of the containers with all these labels, running or not."""
        return tuple(one["Id"] for one in self.listing(*(f"{name}={value}" for name, value in labels.items())))

    def helpers(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Ids of drbot's helpers among them."""
        found = filter(None, map(self.find, self.labelled({HELPER_LABEL: "true", **labels})))
        return tuple(one["Id"] for one in found if is_helper(*_named(one)))

    def remove_helper(self, container: str) -> None:
        """Kill and remove a helper that drbot made, with its unnamed volumes; one that is gone is fine. Raises
        PermanentError for any other container.
        """
        found = self.find(container)
        if found is None:
            self._wait_until_gone(container)
            return
        if not is_helper(*_named(found)):
            raise PermanentError(
                phrase("The container {container} is no helper of drbot; nothing was touched", container=container[:12])
            )
        self._remove_container(container, volumes=True)

    def remove_container(self, container: str, name: str, permit: Permit) -> None:
        """Any other, by exactly its id. Its unnamed volumes stay, for they hold data too."""
        permit.require(of_container(name, container))
        self._remove_container(container, volumes=False)

    def _remove_container(self, container: str, *, volumes: bool) -> None:
        with docker_errors(phrase("Remove a container")):
            try:
                self.client.api.remove_container(container, force=True, v=volumes)
            except APIError as error:
                if error.status_code not in (404, 409):  # 409: its removal is already in progress
                    raise
        self._wait_until_gone(container)

    def _wait_until_gone(self, container: str) -> None:
        """Until then it holds its volumes, and whoever removes one of them next would be refused. The engine knows
        nothing of it a moment before it stops to list it.
        """
        deadline = time.monotonic() + GONE_WITHIN_SECONDS
        while time.monotonic() < deadline:
            with docker_errors(phrase("Look whether a container is gone")):
                if not self.client.api.containers(all=True, filters={"id": container}):
                    return
            time.sleep(0.05)
        raise TemporaryError(
            phrase(
                "The container {container} is being removed for {seconds} s already",
                container=container[:12],
                seconds=round(GONE_WITHIN_SECONDS),
            )
        )


def connect(host: str | None, patience: Patience, seconds: int = 60) -> docker.DockerClient:
    """A client of this engine, else DOCKER_HOST's or the Docker context's. `seconds`: for one answer."""
    if host is None:
        host = os.environ.get("DOCKER_HOST") or context_host()
    if host is not None and host.startswith("ssh://"):
        raise PermanentError(
            phrase("{host}: drbot speaks no ssh to an engine. Forward its socket: drbot docs running", host=host)
        )
    if host is None or host == os.environ.get("DOCKER_HOST"):  # with the TLS settings beside it
        return PatientDocker(patience=patience, timeout=seconds, **kwargs_from_env())
    return PatientDocker(patience=patience, timeout=seconds, base_url=host)


def context_host() -> str | None:
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        return None


def volume_of(found: Mapping[str, Any]) -> VolumeIdentity:
    return VolumeIdentity(
        name=found["Name"],
        created_at=found.get("CreatedAt", ""),
        driver=found["Driver"],
        mountpoint=found.get("Mountpoint", ""),
        options=found.get("Options") or {},
        labels=found.get("Labels") or {},
    )
