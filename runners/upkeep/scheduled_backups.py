"""A site's worker makes the backups that `backups.schedule` of dr.yml asks for, as `drbot backup` does."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from drbot.core.base.cron import Calendar
from drbot.core.text.messages import phrase
from drbot.runners.backups.make_dump import IsMade, back_up_postgres, copy_again
from drbot.runners.backups.make_full import back_up_full, copy_full_again
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.watching import Cancelled
from drbot.runners.upkeep.routines import Work

DUMP, FULL = "backup.postgres", "backup.full"
NAMES: Mapping[str, str] = {
    DUMP: phrase("scheduled backup of PostgreSQL"),
    FULL: phrase("scheduled full backup"),
}
"""Routine → what people call it."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""So much may the state's clock be ahead of this host's: a backup that is begun so early is that of the due time."""


def scheduled_backups(worker_context: WorkerContext, document: Path | None) -> Iterator[Work]:
    """Nothing at a site of which dr.yml does not ask it. `document`: dr.yml itself. Each due time has one backup at
    most, as the backups themselves say and no row does: one more would push an older one out. What only some place did
    not take is copied.
    """
    configuration, site = worker_context.configuration, worker_context.site_name
    schedule, clients = configuration.backups.schedule, worker_context.target.clients
    if site not in (schedule.sites or (configuration.default_site,)):
        return

    def dump(is_made: IsMade, cancelled: Cancelled) -> None:
        if not copy_again(configuration, site, is_made, cancelled):
            back_up_postgres(configuration, site, clients=clients, cancelled=cancelled)

    def full(is_made: IsMade, cancelled: Cancelled) -> None:
        if not copy_full_again(configuration, site, is_made, cancelled):
            back_up_full(configuration, site, clients=clients, document=document, cancelled=cancelled)

    for key, expression, act in ((DUMP, schedule.postgres, dump), (FULL, schedule.full, full)):
        calendar = configuration.calendar(expression)
        key = key if site == configuration.default_site else f"{key}@{site}"
        yield Work(key=key, name=name_of(key), calendar=calendar, act=partial(act, _of_last(calendar)))


def name_of(key: str) -> str:
    """What people call it; "" for what is no backup. Another site than the default one stands in its key."""
    what, _, site = key.partition("@")
    name = NAMES.get(what, "")
    return phrase("{what}, {site}", what=name, site=site) if name and site else name


def is_of_last(calendar: Calendar, begun: datetime, now: datetime) -> bool:
    """Whether a backup that was begun then is that of the last due time: none has come since."""
    return calendar.after(begun + CLOCKS_DIFFER) > now + CLOCKS_DIFFER


def _of_last(calendar: Calendar | None) -> IsMade:
    return lambda begun: calendar is not None and is_of_last(calendar, begun, datetime.now(UTC))
