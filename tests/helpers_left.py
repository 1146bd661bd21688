"""drbot's helpers are gone after use; tests in other processes share the engine, whose helpers end on their own."""

from collections.abc import Mapping

from drbot.runners.clients.docker_engine import DockerEngine
from tests.waiting import PATIENCE, wait_for


def no_helper_is_left(engine: DockerEngine, labels: Mapping[str, str]) -> None:
    """One that stays for ever is a fault; one that is at work for another test is none."""
    wait_for(lambda: engine.labelled(labels) == (), PATIENCE, f"helpers with {labels} to be gone")
