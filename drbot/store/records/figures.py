"""What drbot is doing, as numbers: for whoever watches it. Read in one look, changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from drbot.core.runs.drill import Drill
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.core.site.level import Level
from drbot.core.site.proofs import BackupProof
from drbot.store.base.reading import readable
from drbot.store.base.schema import cursors, events, readiness, runs, steps
from drbot.store.records import drills, incidents, proofs, routines
from drbot.store.records.routines import Routine


@dataclass(frozen=True, kw_only=True, slots=True)
class Took:
    """How often a step was done, and the seconds of all of them together."""

    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Of the whole state. Moments are UTC."""

    runs: Mapping[tuple[str, str, str], int]  # site, runbook, state
    steps: Mapping[tuple[str, str], Took]  # runbook, step
    queued_since: Mapping[str, datetime]  # site → its oldest run that no worker has taken
    open_incidents: tuple[Incident, ...]
    readiness: Mapping[tuple[str, str], int]  # who looked, colour → lines
    routines: tuple[Routine, ...]
    proofs: tuple[BackupProof, ...]  # of backups, the newest first
    drills: tuple[Drill, ...]  # the last of each level that went to its end
    passed: tuple[Drill, ...]  # the last of each level that recovered in time
    unshown: int  # records of the ledger that the publisher has not shown yet
    unshown_since: datetime | None  # the oldest of them


def figures(connection: Connection, publisher: str) -> Figures:
    """`publisher`: the name of its cursor."""
    unshown, unshown_since = behind(connection, publisher)
    return Figures(
        runs={(row.site, row.runbook, row.state): row[3] for row in connection.execute(_RUNS)},
        steps={(row.runbook, row.id): Took(count=row[2], seconds=row[3]) for row in connection.execute(_STEPS)},
        queued_since=dict(readable(connection.execute(_QUEUED), runs, lambda row: (row["site"], row["queued_at"]))),
        open_incidents=tuple(
            one for one in incidents.recent(connection, open_only=True, limit=100) if not one.is_drill
        ),
        readiness={(row.source, row.colour): row[2] for row in connection.execute(_READINESS)},
        routines=tuple(routines.list_of(connection)),
        proofs=tuple(proofs.list_of(connection)),
        drills=tuple(one for level in Level if (one := drills.newest_of(connection, level)) is not None),
        passed=tuple(drills.passed(connection).values()),
        unshown=unshown,
        unshown_since=unshown_since,
    )


def behind(connection: Connection, publisher: str) -> tuple[int, datetime | None]:
    """How many records it has not shown yet, and the moment of the oldest of them."""
    shown = select(func.coalesce(func.max(cursors.c.seq), 0)).where(cursors.c.name == publisher).scalar_subquery()
    count = connection.execute(select(func.count()).select_from(events).where(events.c.seq > shown)).scalar_one()
    query = select(events.c.at).where(events.c.seq > shown).order_by(events.c.seq).limit(100)
    return count, next(readable(connection.execute(query), events, lambda row: row["at"]), None)


_RUNS = select(runs.c.site, runs.c.runbook, runs.c.state, func.count()).group_by(
    runs.c.site, runs.c.runbook, runs.c.state
)
_STEPS = (
    select(runs.c.runbook, steps.c.id, func.count(), func.sum(steps.c.seconds))
    .join(runs, runs.c.id == steps.c.run)
    .where(steps.c.seconds.is_not(None))
    .group_by(runs.c.runbook, steps.c.id)
)
_READINESS = select(readiness.c.source, readiness.c.colour, func.count()).group_by(
    readiness.c.source, readiness.c.colour
)
_QUEUED = (
    select(runs.c.site, runs.c.queued_at)
    .where(runs.c.state == RunState.QUEUED.value)
    .order_by(runs.c.queued_at.desc())  # of a site the oldest comes last
)
