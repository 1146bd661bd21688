"""Containers of compose services are started and stopped as they are, by the engine itself.

Compose takes half a second for each project, waits for a health check's next turn, and needs the project's files, which
may be what is lost.
"""

import threading
from collections.abc import Callable

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.site.site import Service
from drbot.core.text.messages import phrase
from drbot.runners.clients import kept_containers
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.service_container import COMPLETED, STOPPED, ServiceContainer
from drbot.runners.foundation.permit import Permit
from drbot.runners.foundation.permit import services as named
from drbot.runners.foundation.watching import Cancelled

LOOK_EVERY_SECONDS = 0.05
MOST_NEEDS = 50  # of one container: each is asked for


def start(engine: DockerEngine, service: Service) -> bool:
    """Whether all its containers were started. False where Compose has more to do, or knows better why not: one is
    missing, does not start, or depends on another that does not run; or there are several with the same data, which
    two servers at once would spoil.
    """
    found = engine.containers(service)
    data = [place for one in found for place in one.data]
    if not found or len(set(data)) < len(data):
        return False
    needs = {need for one in found for need in one.depends_on}
    if len(needs) > MOST_NEEDS or not all(_is_there(engine, service.project, *need) for need in needs):
        return False
    try:
        for one in found:
            kept_containers.start(engine, one.id, one.name)
    except PermanentError:
        return False
    return True


def _is_there(engine: DockerEngine, project: str, service: str, condition: str) -> bool:
    """A server that was stopped has mostly ended well too, and is not there."""
    found = engine.containers_of(project, service)
    return any(one.is_running or (one.is_done and condition == COMPLETED) for one in found)


def stop(engine: DockerEngine, service: Service, permit: Permit, cancelled: Cancelled) -> None:
    """With the signal, and within the time, that its compose file names. Raises PermanentError, CancelledError as soon
    as nobody waits any more.
    """
    permit.require(*named(service.project, [service.service]))

    def tell_to_end(container: ServiceContainer) -> None:
        engine.client.api.stop(container.id, timeout=container.stop_seconds)

    for one in engine.containers(service):
        if one.status not in STOPPED:
            _until_ended(one, tell_to_end, cancelled)


def _until_ended(container: ServiceContainer, end: Callable[[ServiceContainer], None], cancelled: Cancelled) -> None:
    """The engine answers when the container has ended, which may take minutes."""
    ended, faults = threading.Event(), list[BaseException]()

    def asked() -> None:
        try:
            with docker_errors(phrase("Stop the container {name}", name=container.name)):
                end(container)
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            faults.append(error)
        finally:
            ended.set()

    threading.Thread(target=asked, name="stop", daemon=True).start()
    while not ended.wait(LOOK_EVERY_SECONDS):
        if cancelled():
            raise CancelledError(phrase("Stopped while waiting for {names}", names=container.name))
    if faults:
        raise faults[0]
