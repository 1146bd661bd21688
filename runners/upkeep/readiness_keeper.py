"""Looks again and again whether a recovery would work tonight, and writes it down for `/dr readiness`: the same
lines as `drbot check` prints, as this site's worker sees them.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.core.base.repeating import repeat
from drbot.core.site.readiness import EVERY_SECONDS, Line
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.upkeep.readiness_rows import Look, lines_of
from drbot.store.base.database import Database
from drbot.store.records import inventories, readiness, stored_backups

EVERY = timedelta(seconds=EVERY_SECONDS)
NOTICED_SECONDS = 10.0


def keep_looking(worker_context: WorkerContext, stop: threading.Event, own_state: Callable[[], Line]) -> None:
    """Until `stop`; the first look at once. `own_state`: says how drbot's own state stands."""
    looking = Looking(database=worker_context.database, look=lambda: look(worker_context, own_state))
    repeat(looking.look_if_due, NOTICED_SECONDS, stop, "readiness")


@dataclass(kw_only=True)
class Looking:
    """When it is time: every five minutes, and soon after something ended that changes what would be found."""

    database: Database
    look: Callable[[], object]
    looked_at: datetime | None = None

    def look_if_due(self) -> None:
        """Raises what the look raises; the next one is due as if it had gone well."""
        with self.database.read() as connection:
            now, happened = self.database.now(connection), readiness.happened_at(connection)
        before = self.looked_at
        if before is None or now - before >= EVERY or (happened is not None and before < happened <= now):
            self.looked_at = now
            self.look()


def look(worker_context: WorkerContext, own_state: Callable[[], Line] | None = None) -> None:
    """Once. Raises TemporaryError when the state does not answer."""
    site = worker_context.site_name
    with worker_context.database.read() as connection:
        roster = worker_context.roster_now(connection)
    looking = Look(
        configuration=worker_context.configuration, home=worker_context.home, roster=roster,
        approvals=worker_context.approvals, database=worker_context.database, own_state=own_state,
    )  # fmt: skip
    lines = [_masked(worker_context, line) for line in lines_of(looking, [site])]
    with worker_context.database.write() as tx:
        readiness.saw(tx, site, lines)
        stored_backups.saw(tx, site, looking.backups)
        for of_site, inventory in looking.inventories:
            inventories.saw(tx, of_site, inventory)


def _masked(worker_context: WorkerContext, line: Line) -> Line:
    """Errors of programs and servers are quoted in it."""
    hide = worker_context.redact
    return Line(what=line.what, colour=line.colour, reason=hide(line.reason), remedy=line.remedy)
