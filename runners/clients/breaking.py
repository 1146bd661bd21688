"""Breaking a system for real, for drills. Each act touches nothing on an engine that is not a drill's own."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Service
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.sandbox import is_of_drill
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.foundation.watching import Cancelled

# What a failing disk does first: the file without which the server does not start.
SPOIL = "dd if=/dev/urandom of=$(find /broken -name pg_control | head -1) bs=8192 count=1 conv=notrunc && sync"
ALL, COMPOSE_FILES = ("find", "/broken", "-mindepth", "1"), ("find", "/broken", "-maxdepth", "2", "-name", "*.y*ml")
"""What of a place is deleted."""
AS_IT_IS: Any = {"Name": "no"}  # the stubs forgot "no"
DOWN_SECONDS = 60.0
_PAUSE = threading.Event()


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaker:
    engine: DockerEngine
    labels: Mapping[str, str]
    cancelled: Cancelled

    def stop(self, service: Service) -> None:
        """Its containers are stopped. Raises PermanentError, TemporaryError."""
        self._require_drill()
        for container in self.engine.containers(service):
            with docker_errors(phrase("Stop a container of the copy")):
                self.engine.client.api.stop(container.id, timeout=3)

    def spoil(self, service: Service, volume: str, image: str) -> None:
        """PostgreSQL is killed, its control file overwritten, and started again, which fails."""
        self._require_drill()
        api, containers = self.engine.client.api, self.engine.containers(service)
        with docker_errors(phrase("Kill PostgreSQL in the copy")):
            for container in containers:
                api.update_container(container.id, restart_policy=AS_IT_IS)  # a loop of restarts tells nothing
                api.stop(container.id, timeout=0)
        self._do(("sh", "-c", SPOIL), volume, image)
        with docker_errors(phrase("Start the broken PostgreSQL of the copy")):
            for container in containers:
                api.start(container.id)
        self._wait_until_down(service)

    def wipe(self, source: str, what: Sequence[str], service: Service | None = None) -> None:
        """Delete this of a volume or a folder; the service that has it is killed before, and started again."""
        self._require_drill()
        containers = self.engine.containers(service) if service else ()
        with docker_errors(phrase("Stop a container of the copy")):
            for container in containers:
                self.engine.client.api.stop(container.id, timeout=0)
        self._do((*what, "-delete"), source, tools_image(self.engine))
        with docker_errors(phrase("Start a container of the copy")):
            for container in containers:
                self.engine.client.api.start(container.id)

    def _do(self, command: tuple[str, ...], source: str, image: str) -> None:
        order = HelperOrder(
            image=image, labels=self.labels, entrypoint=command, user="root",
            mounts=(Mount(source=source, target="/broken"),),
        )  # fmt: skip
        done = helper.run(self.engine, order, self.cancelled, 60)
        if done.code != 0:
            raise PermanentError(phrase("The copy could not be broken: {why}", why=done.output))

    def _wait_until_down(self, service: Service) -> None:
        deadline = time.monotonic() + DOWN_SECONDS
        while any(container.is_running for container in self.engine.containers(service)):
            if time.monotonic() > deadline:
                raise PermanentError(phrase("PostgreSQL in the copy still runs, although it was broken"))
            _PAUSE.wait(0.2)

    def _require_drill(self) -> None:
        if not is_of_drill(self.engine):
            raise PermanentError(phrase("This is no engine of a drill; nothing was touched"))
