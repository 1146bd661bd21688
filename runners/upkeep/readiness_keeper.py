"""Looks again and again whether a recovery would work tonight, and writes it down for `/dr readiness`: the same
lines as `drbot check` prints, as this site's worker sees them.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.core.base.repeating import repeat
from drbot.core.site.inventory import Inventory
from drbot.core.site.readiness import EVERY_SECONDS, Line, approvers_line
from drbot.core.site.site import Configuration
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.action_readiness import action_lines
from drbot.runners.upkeep.backup_readiness import Looked, look_at_backups, proof_lines
from drbot.runners.upkeep.key_watch import key_line
from drbot.runners.upkeep.outside_readiness import lines_about_all, lines_about_outside
from drbot.runners.upkeep.readiness import (
    confirmed_lines,
    rented_and_open,
    rented_lines,
    second_factor_line,
    site_lines,
)
from drbot.runners.upkeep.routine_readiness import routine_lines
from drbot.runners.upkeep.scheduled_drills import drill_lines
from drbot.store.base.database import Database
from drbot.store.records import inventories, proofs, readiness, routines, stored_backups

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
        if before is None or now - before >= EVERY or (happened is not None and happened > before):
            self.looked_at = now
            self.look()


def look(worker_context: WorkerContext, own_state: Callable[[], Line] | None = None) -> None:
    """Once. Raises TemporaryError when the state does not answer."""
    configuration, site = worker_context.configuration, worker_context.site_name
    looked = look_at_backups(configuration) if site == configuration.default_site else Looked()
    with worker_context.database.read() as connection:
        proven = proof_lines(configuration, looked.found, proofs.list_of(connection))
    known: list[Inventory] = []
    found = [*_lines(worker_context, known.append), *looked.lines, *proven]
    if own_state is not None and site == configuration.default_site:
        found.append(own_state())
    lines = [_masked(worker_context, line) for line in found]
    with worker_context.database.write() as tx:
        readiness.saw(tx, site, lines)
        stored_backups.saw(tx, site, looked.found)
        for inventory in known:
            inventories.saw(tx, site, inventory)


def _lines(worker_context: WorkerContext, note: Callable[[Inventory], object]) -> Iterator[Line]:
    configuration, site = worker_context.configuration, worker_context.site_name
    about_key = key_line(worker_context)
    yield from (about_key,) if about_key is not None else ()
    yield from site_lines(configuration, site, RunnerSettings.from_environment(worker_context.home), note)
    if site == configuration.default_site:
        with worker_context.database.read() as connection:
            yield approvers_line(worker_context.roster_now(connection), worker_context.approvals)
            due, now = routines.list_of(connection), worker_context.database.now(connection)
            yield from drill_lines(connection, configuration, now)
            yield from action_lines(connection, configuration, worker_context.roster_now(connection), now)
            yield from confirmed_lines(worker_context.roster_now(connection), connection)
        yield from routine_lines(due, now)
        yield from lines_about_all(configuration)
        factor = second_factor_line(worker_context.roster, TotpSecrets(worker_context.home))
        yield from (factor,) if factor is not None else ()
    if site == _renting(configuration):
        with worker_context.database.read() as connection:
            known, going_on = rented_and_open(connection)
        yield from rented_lines(configuration, known, going_on)
        yield from lines_about_outside(configuration)


def _renting(configuration: Configuration) -> str:
    """Whose worker has the keys of whoever rents machines."""
    control = configuration.recovery.control if configuration.recovery is not None else None
    return control or configuration.default_site


def _masked(worker_context: WorkerContext, line: Line) -> Line:
    """Errors of programs and servers are quoted in it."""
    hide = worker_context.redact
    return Line(what=line.what, colour=line.colour, reason=hide(line.reason), remedy=line.remedy)
