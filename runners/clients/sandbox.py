"""An engine of its own inside one container without a network: where a drill happens.

What runs in it has its own names, volumes and ports, sees no file of the host but the drill's copy, has no link that
leads out, and no right on the host (runners/clients/shut_in.py). With the container and its volume everything goes that
the drill has made.
"""

import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from docker.errors import APIError, NotFound
from docker.types import Mount

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.text.messages import listed, phrase
from drbot.core.text.words import size
from drbot.runners.clients import shut_in
from drbot.runners.clients.container_labels import NO_PROJECT, PROJECT
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.tools_image import Ingredients, image_of
from drbot.runners.foundation.watching import Cancelled
from drbot.store.base.file_modes import PRIVATE_FOLDER

DRILL_LABEL, INSTANCE_LABEL = "drbot.drill", "drbot.instance"
DRILL_NAME, INSTANCE = re.compile(r"drill-[0-9]{1,9}"), re.compile(r"[0-9a-f]{8}")
READY_SECONDS = 90.0
# Users come first: a quarter of what a container gets otherwise, and where memory runs out the drill ends.
CPU_SHARES, OOM_SCORE = 256, 500
OUT_NO_ROUTES = "OutNoRoutes"
INSIDE = re.compile(r"lo$|docker0$|br-|veth")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IN_MEMORY = ("/run", "/tmp")  # noqa: S108 - of the container: what runc needs is not in an image of programs
_PAUSE = threading.Event()
# Alpine's images have a nc; here bash plays it: what comes from one side goes to the other until one of them ends.
NC = """#!/usr/bin/bash
exec 3<>"/dev/tcp/$1/$2" 4<&0 || exit 1
cat <&3 & cat <&4 >&3 & wait -n; kill %1 %2 2> /dev/null
"""
OWN_ENGINE = Ingredients(
    repository="drbot-drill-engine",
    programs=("dockerd", "containerd", "containerd-shim-runc-v2", "runc", "docker-proxy", "iptables", "ip6tables",
              "sh", "bash", "cat", "rm", "timeout", *shut_in.PROGRAMS),
    scripts={"usr/bin/nc": NC},
)  # fmt: skip


def is_of_drill(engine: DockerEngine) -> bool:
    """Whether it is the engine inside of a sandbox: as it says itself."""
    with docker_errors(phrase("Ask the Docker engine what it is for")):
        labels = engine.client.info().get("Labels") or ()
    return any(label.partition("=")[0] == DRILL_LABEL for label in labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """The sandbox of one drill, on production's engine."""

    engine: DockerEngine
    drill: str  # "drill-7"
    instance: str  # eight digits of its own: several drbots may share an engine

    def __post_init__(self) -> None:
        """What a row says becomes a folder that is removed: it is a number and eight digits, or nothing is touched."""
        if not (DRILL_NAME.fullmatch(self.drill) and INSTANCE.fullmatch(self.instance)):
            raise PermanentError(phrase("{name} is no name of a drill; nothing was touched", name=f"{self.instance!r}"))

    @property
    def name(self) -> str:
        """Of its container and of its volume."""
        return f"drbot-{self.drill}-{self.instance}"

    @property
    def folder(self) -> Path:
        """Of everything on this host; only root gets below. It is short, for a socket's path is."""
        return Path(tempfile.gettempdir()) / self.name

    @property
    def copy(self) -> Path:
        """Where the copy of the system is, outside and inside under the same path."""
        return self.folder / "copy"

    @property
    def home(self) -> Path:
        """Of the drill's workers: what they remember is not shared."""
        return self.folder / "drbot"

    @property
    def shared(self) -> tuple[Path, ...]:
        """What containers inside can be given: the copy, what was fetched for it, and programs."""
        return (self.copy, self.home / "recoveries", self.home / "tools")

    @property
    def socket(self) -> Path:
        return self.folder / shut_in.SOCKETS / "docker.sock"

    @property
    def host(self) -> str:
        """URL of the engine inside."""
        return f"unix://{self.socket}"

    @property
    def labels(self) -> Mapping[str, str]:
        """Of everything that it puts on production's engine."""
        return {DRILL_LABEL: self.drill, INSTANCE_LABEL: self.instance, PROJECT: NO_PROJECT}

    @property
    def docker(self) -> tuple[str, ...]:
        return ("docker", *(("-H", self.engine.host) if self.engine.host else ()))

    def start(self, image: str | None, cancelled: Cancelled) -> None:
        """Until the engine inside answers. `image`: none = made of this host's programs. Raises PermanentError,
        TemporaryError, CancelledError.
        """
        try:
            for path in (self.folder, self.socket.parent, self.home, *self.shared):
                path.mkdir(mode=PRIVATE_FOLDER)
        except OSError as error:  # also where somebody else has one of this name
            raise PermanentError(phrase("{folder}: {why}", folder=self.folder, why=error.strerror)) from error
        self.hand_over()
        with docker_errors(phrase("Start an engine for the drill")):
            self.engine.client.api.create_volume(self.name, labels=dict(self.labels))
            self.engine.client.containers.run(
                self._image(image),
                shut_in.command(self.folder, self.shared, "dockerd", "--iptables=false", "--ip6tables=false",
                                f"--label={DRILL_LABEL}={self.drill}"),
                entrypoint=["sh"],
                name=self.name,
                labels=dict(self.labels),
                cap_drop=["ALL"],
                cap_add=list(shut_in.CAPABILITIES),
                security_opt=list(shut_in.UNCONFINED),
                init=True,
                network_mode="none",
                environment={"DOCKER_TLS_CERTDIR": "", "PATH": PATH, "INSIDE": shut_in.INSIDE},
                tmpfs=dict.fromkeys(IN_MEMORY, ""),
                mounts=[
                    Mount(shut_in.STATE, self.name, "volume"),
                    Mount(str(self.folder), str(self.folder), "bind"),
                ],
                detach=True,
                cpu_shares=CPU_SHARES,
                oom_score_adj=OOM_SCORE,
            )  # fmt: skip
        self._wait(cancelled)

    def hand_over(self) -> None:
        """What the drill's workers have written there belongs to the users inside from now on."""
        for path in self.shared:
            shut_in.hand_over(path)

    def _image(self, image: str | None) -> str:
        if image is None:
            folders = tuple(path for path in Path("/usr/lib").glob("*/xtables") if path.is_dir())
            return image_of(self.engine, replace(OWN_ENGINE, folders=folders))
        if not self.engine.has_image(image):
            self.engine.client.images.pull(image)
        return image

    def _wait(self, cancelled: Cancelled) -> None:
        inside, deadline = DockerEngine(self.host, patience_seconds=READY_SECONDS), time.monotonic() + READY_SECONDS
        try:
            while not self._answers(inside):
                if cancelled():
                    raise CancelledError(phrase("The drill was stopped"))
                found = self.engine.find(self.name)
                if found is None or not found["State"]["Running"] or time.monotonic() > deadline:
                    said = self.engine.logs(self.name, 3) if found else ""
                    raise PermanentError(phrase("The drill's engine does not start: {said}", said=said))
                _PAUSE.wait(0.2)
        finally:
            inside.close()

    def _answers(self, inside: DockerEngine) -> bool:
        if not self.socket.exists():
            return False
        return bool(inside.id())

    def require_room(self, need: int) -> None:
        """Raises PermanentError where the engine's disk, as far as it is seen from here, has less. Bytes."""
        root = Path(self.engine.root_folder())
        free = shutil.disk_usage(root).free if root.is_dir() else need
        if free < need:
            raise PermanentError(
                phrase("A drill needs {need} on the disk of Docker; {free} is free", need=size(need), free=size(free))
            )

    def carry(self, images: Sequence[str], cancelled: Cancelled) -> None:
        """Copy these images in: nothing in there can pull one. Raises PermanentError, CancelledError."""
        if not images:
            return
        quiet = subprocess.DEVNULL
        with tempfile.TemporaryFile() as said:
            saving = subprocess.Popen([*self.docker, "save", *images], stdin=quiet, stdout=subprocess.PIPE, stderr=said)
            load = ["docker", "-H", self.host, "load", "--quiet"]
            loading = subprocess.Popen(load, stdin=saving.stdout, stdout=quiet, stderr=said)
            with saving, loading:
                while loading.poll() is None:
                    if cancelled():
                        saving.kill()
                        loading.kill()
                        raise CancelledError(phrase("The drill was stopped"))
                    _PAUSE.wait(0.2)
                saving.kill()  # who loads has ended, so nobody listens to it any more
            said.seek(0)
            if loading.returncode:
                why = said.read().decode(errors="replace").strip()
                raise PermanentError(
                    phrase("{images} could not be copied for the drill: {why}", images=listed(images), why=why)
                )

    def execute(self, command: Sequence[str]) -> str:
        """In the network of the engine inside."""
        return self.engine.execute(self.name, self.within(*command), seconds=60).output

    def within(self, *command: str) -> tuple[str, ...]:
        """The same, for whoever calls docker."""
        return shut_in.within(*command)

    def lost_packets(self) -> int | None:
        """How many were sent in there to where no link leads, as the kernel counts them; None = it does not say."""
        lines = [line.split() for line in self.execute(["cat", "/proc/net/snmp"]).splitlines() if line[:3] == "Ip:"]
        return int(lines[1][lines[0].index(OUT_NO_ROUTES)]) if len(lines) == 2 else None

    def ways_out(self) -> tuple[str, ...]:
        """Links of its network that are neither its own bridges nor what hangs on them: none, while nobody adds one."""
        names = [line.partition(":")[0].strip() for line in self.execute(["cat", "/proc/net/dev"]).splitlines()[2:]]
        return tuple(name for name in names if not INSIDE.match(name))

    def remove(self) -> None:
        """Everything of it; also what a killed worker left half made. Raises TemporaryError."""
        found = self.engine.find(self.name)
        if found is not None and found["State"]["Running"]:  # what was written there may belong to root
            clear = ["sh", "-c", 'rm -rf "$1"/*', "sh", str(self.folder)]
            self.engine.execute(self.name, clear, seconds=60)
        api = self.engine.client.api
        with docker_errors(phrase("Remove the drill's engine")):
            with suppress(NotFound):
                api.remove_container(self.name, force=True, v=True)
            with suppress(NotFound):
                api.remove_volume(self.name)
            for image in api.images(OWN_ENGINE.repository):
                with suppress(APIError):  # another drill's
                    api.remove_image(image["Id"])
        shutil.rmtree(self.folder, ignore_errors=True)

    def leftovers(self) -> tuple[str, ...]:
        """What of any drill of this drbot is still there."""
        engine, labels = self.engine, {DRILL_LABEL: self.drill, INSTANCE_LABEL: self.instance}
        there = [*(one[:12] for one in engine.labelled(labels)), *engine.volumes_labelled(labels)]
        return (*there, *((str(self.folder),) if self.folder.exists() else ()))
