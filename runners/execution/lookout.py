"""The control site's worker looks, again and again, at what is rented and where the names lead, so that people are told
what is so and not what was done last. In a thread of its own: a cloud that does not answer delays nothing else.
"""

import threading

import structlog

from drbot.runners.contract.machine_book import look_at_machines, look_at_names
from drbot.runners.execution.run_context import WorkerContext

log = structlog.get_logger()

LOOK_SECONDS = 30.0


class Lookout:
    """Does nothing at any other site: only the control site's worker has keys for the cloud."""

    def __init__(self, worker_context: WorkerContext) -> None:
        self._worker_context = worker_context
        self._woken = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; at once, at every wake, and every half a minute."""
        recovery = self._worker_context.configuration.recovery
        if recovery is None or recovery.control != self._worker_context.site_name:
            return
        while not stop.is_set():
            self.look()
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()

    def wake(self) -> None:
        """Something has just changed there, or it is time to end."""
        self._woken.set()

    def look(self) -> None:
        """Once. Never raises."""
        for look in (look_at_machines, look_at_names):
            try:
                look(self._worker_context.database, self._worker_context.configuration)
            except Exception:
                log.exception("What is outside could not be looked at.", what=look.__name__)
