"""Drills by the calendar, and whether each level was proven lately: what was practised long ago, or by another runbook,
proves nothing about tonight.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from drbot.core.base.errors import PermanentError
from drbot.core.runs.drill import Drill, DrillEnd, needs_password, routine_of, service_for
from drbot.core.site.data_kinds import first_files, runbook_of
from drbot.core.site.level import Level
from drbot.core.site.readiness import Line, bad, good, soon
from drbot.core.site.site import Configuration
from drbot.core.text.messages import duration, phrase, sentences
from drbot.runners.clients.full_store import password
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.watching import Cancelled
from drbot.runners.upkeep.routines import Work
from drbot.store.records import drills

QUARTER = timedelta(days=92)
DRBOT = "drbot"
DRILL_NAMES: Mapping[str, str] = {
    routine_of(level): phrase("scheduled drill of level {level}", level=int(level)) for level in Level
}
"""Routine → what people call it."""


def scheduled_drills(worker_context: WorkerContext) -> Iterator[Work]:
    """Nothing at another site."""
    configuration, site = worker_context.configuration, worker_context.site_name
    if site != configuration.default_site:
        return

    def begin(level: Level) -> None:
        require_verifiable(level, configuration)
        here = configuration.site()
        service, runbook = service_for(level, here), runbook_of(level, here)
        files = first_files(here) if level is Level.DATABASE else None
        with worker_context.database.write() as tx:
            drills.ask(
                tx, level, site=site, service=service, person=DRBOT, rehearsed=True, runbook=runbook, files=files
            )

    for level in Level:

        def act(cancelled: Cancelled, level: Level = level) -> None:
            begin(level)

        calendar = configuration.calendar(configuration.drills.schedule.of(level))
        key = routine_of(level)
        yield Work(key=key, name=DRILL_NAMES[key], calendar=calendar, act=act)


def require_verifiable(level: Level, configuration: Configuration) -> None:
    """Raises PermanentError where backups are not encrypted, and should be."""
    store = configuration.object_store
    if store is not None and needs_password(level, configuration) and not password():
        raise PermanentError(
            phrase(
                "Without RESTIC_PASSWORD whoever can write in {bucket} says what a drill of level {level} starts on "
                "this host, so none begins by itself. Set it, or begin it: drbot drill level{level}",
                bucket=f"s3://{store.bucket}/",
                level=int(level),
            )
        )


def drill_lines(connection: Connection, configuration: Configuration, now: datetime) -> Iterator[Line]:
    """One for each level that this dr.yml can recover: level 4 alone needs another place."""
    for level in Level:
        if level is Level.DATACENTRE and configuration.recovery is None:
            continue
        yield _line(level, drills.newest_of(connection, level), now)


def _line(level: Level, last: Drill | None, now: datetime) -> Line:
    what = phrase("drill of level {level}", level=int(level))
    todo = phrase("Practise it: drbot drill level{level}", level=int(level))
    if last is None or last.ended_at is None:
        return soon(what, phrase("it was never practised"), todo)
    said = phrase("{time} ago: {how}", time=duration(last.age(now).total_seconds()), how=last.how)
    if last.end is DrillEnd.FAILED:
        why = phrase("See why: drbot dr report {drill}.", drill=last.name)
        return bad(what, said, sentences(why, todo))
    if last.end is DrillEnd.MISSED or now - last.ended_at > QUARTER:
        return soon(what, said, todo)
    return good(what, said)
