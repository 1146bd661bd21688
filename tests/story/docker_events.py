"""Docker's own event stream, recorded live: what really happened to production, whoever did it.

"Nothing happened" is only believed of a recorder that is known to hear: it must hear a container of its own first.
"""

import threading
from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container

from drbot.lab.engine import connect
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.ownership import LABEL
from drbot.lab.system import Lab
from tests.waiting import PATIENCE, wait_for

LOOKS = ("exec_", "health_status", "top", "archive-path")
"""Events of what changes nothing; what a command inside does is asked of the data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerEvent:
    """One event on a container or a volume."""

    at: float  # Unix seconds
    kind: str  # "container" | "volume"
    name: str
    action: str
    labels: dict[str, str]


class EventRecorder:
    """Records from `start` until `stop`; the engine itself remembers only the last 256."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._client = connect(lab.host)
        self._stream = self._client.events(decode=True)
        self._events: list[DockerEvent] = []
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._thread.start()
        self._hear()

    def stop(self) -> None:
        """Ends the recording, once everything has been heard that happened until now."""
        self._hear()
        self._stream.close()
        self._thread.join(PATIENCE)
        self._client.close()

    def _hear(self) -> None:
        """Until a container that was made now is in the record."""
        labels = {LABEL: self._lab.label, "drbot.run": "recorder"}
        made: Container = self._client.containers.create(SERVICE_IMAGE, labels=labels)
        made.remove()
        wait_for(lambda: self._has(made, "destroy"), PATIENCE, "the recorder to hear")

    def _has(self, container: Container, action: str) -> bool:
        return any((event.name, event.action) == (container.name, action) for event in list(self._events))

    def _record(self) -> None:
        for event in self._stream:
            if event.get("Type") in ("container", "volume"):
                self._events.append(_event_of(event))

    def on_production(self, before: float) -> list[DockerEvent]:
        """Events on the lab's own containers and on the volumes it began with.

        Left out: Docker's health checks, and looks through a read-only mount (survey and evidence).
        """
        readers = {e.labels.get("container") for e in self._events if e.labels.get("read/write") == "false"}
        return [
            event
            for event in self._events
            if event.at < before
            and self._is_production(event)
            and not (event.action in ("mount", "unmount") and event.labels.get("container") in readers)
        ]

    def _is_production(self, event: DockerEvent) -> bool:
        if event.kind == "volume":
            return event.name in {f"{self._lab.prefix}postgres_data", f"{self._lab.prefix}redis_data"}
        is_ours = event.labels.get(LABEL) == self._lab.label and "drbot.run" not in event.labels
        return is_ours and not event.action.startswith(LOOKS)


def _event_of(event: dict[str, Any]) -> DockerEvent:
    actor = event["Actor"]
    labels = dict(actor.get("Attributes") or {})
    name = labels.get("name", actor["ID"]) if event["Type"] == "container" else actor["ID"]
    return DockerEvent(at=event["timeNano"] / 1e9, kind=event["Type"], name=name, action=event["Action"], labels=labels)
