"""The default site's worker makes the backups that `backups.schedule` of dr.yml asks for, as `drbot backup` does."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from drbot.core.text.messages import phrase
from drbot.runners.backups.make_dump import back_up_postgres, copy_again
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


def scheduled_backups(worker_context: WorkerContext, document: Path | None) -> Iterator[Work]:
    """Nothing at another site. `document`: dr.yml itself. What an earlier try has made, and only some place did not
    take, is not made once more: that would push older backups out.
    """
    configuration, site = worker_context.configuration, worker_context.site_name
    if site != configuration.default_site:
        return
    schedule, clients = configuration.backups.schedule, worker_context.target.clients

    def dump(cancelled: Cancelled, since: datetime) -> None:
        if not copy_again(configuration, site, since, cancelled):
            back_up_postgres(configuration, site, clients=clients, cancelled=cancelled)

    def full(cancelled: Cancelled, since: datetime) -> None:
        if not copy_full_again(configuration, site, since, clients=clients, cancelled=cancelled):
            back_up_full(configuration, site, clients=clients, document=document, cancelled=cancelled)

    for key, expression, act in ((DUMP, schedule.postgres, dump), (FULL, schedule.full, full)):
        yield Work(key=key, name=NAMES[key], calendar=configuration.calendar(expression), act=act)
