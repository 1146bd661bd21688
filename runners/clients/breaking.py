"""Breaking a system for real, for drills. Each act touches nothing on an engine that is not a drill's own."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Service
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.sandbox import DRILL_LABEL
from drbot.runners.foundation.watching import Cancelled

# What a failing disk does first: the file without which the server does not start.
SPOIL = "dd if=/dev/urandom of=$(find /broken -name pg_control | head -1) bs=8192 count=1 conv=notrunc && sync"
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
        order = HelperOrder(
            image=image, name=None, labels=self.labels, entrypoint=("sh", "-c", SPOIL), user="root",
            mounts=(Mount(source=volume, target="/broken"),),
        )  # fmt: skip
        done = helper.run(self.engine, order, self.cancelled, 60)
        if done.code != 0:
            raise PermanentError(phrase("The copy could not be broken: {why}", why=done.output))
        with docker_errors(phrase("Start the broken PostgreSQL of the copy")):
            for container in containers:
                api.start(container.id)
        self._wait_until_down(service)

    def _wait_until_down(self, service: Service) -> None:
        deadline = time.monotonic() + DOWN_SECONDS
        while any(container.is_running for container in self.engine.containers(service)):
            if time.monotonic() > deadline:
                raise PermanentError(phrase("PostgreSQL in the copy still runs, although it was broken"))
            _PAUSE.wait(0.2)

    def _require_drill(self) -> None:
        with docker_errors(phrase("Ask the Docker engine what it is for")):
            labels = self.engine.client.info().get("Labels") or ()
        if not any(label.partition("=")[0] == DRILL_LABEL for label in labels):
            raise PermanentError(phrase("This is no engine of a drill; nothing was touched"))
