"""Drills: asked for, held by one worker at a time, and what they measured."""

from dataclasses import fields
from datetime import timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import Drill, DrillEnd, DrillState, title_of
from drbot.core.runs.incident import Incident
from drbot.core.site.level import RUNBOOK_OF, Level
from drbot.core.site.site import DRILL_SITE
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import first, readable, words_in
from drbot.store.base.schema import drills
from drbot.store.records import incidents
from drbot.store.records.leases import is_over


def ask(
    tx: Transaction,
    level: Level,
    *,
    site: str,
    service: str | None,
    person: str,
    rehearsed: bool,
    runbook: str | None = None,
    files: str | None = None,
) -> Incident:
    """An incident of its own, for a worker to find; by the level's own runbook where none is named. Raises UserError:
    one at a time, and none beside a real one.
    """
    tried, going = phrase("No drill was started."), going_on(tx.connection)
    if going is not None:
        todo = phrase("It ends by itself; /dr drills shows how far it is.")
        raise UserError(tried, phrase("DRILL-{number} is going on.", number=going.incident), todo)
    real = [one for one in incidents.recent(tx.connection, open_only=True, limit=100) if not one.is_drill]
    if real:
        why = phrase("{name} is open, and an incident comes first.", name=real[0].name)
        raise UserError(tried, why, phrase("Ask again when it is resolved."))
    title = title_of(level)
    incident = incidents.declare(tx, site=DRILL_SITE, level=level, title=title, person=person, service=service)
    drill = Drill(
        incident=incident.id, level=level, site=site, runbook=runbook or RUNBOOK_OF[level], service=service,
        files=files, asked_by=person, asked_at=tx.now, instance=token_hex(4), rehearsed=rehearsed,
    )  # fmt: skip
    tx.connection.execute(insert(drills).values(**_values(drill)))
    return incident


def get(connection: Connection, incident: int) -> Drill | None:
    return first(connection.execute(select(drills).where(drills.c.incident == incident)), drills, _drill_of)


def list_of(connection: Connection, limit: int = 50) -> list[Drill]:
    """The newest first."""
    query = select(drills).order_by(drills.c.incident.desc()).limit(limit)
    return list(readable(connection.execute(query), drills, _drill_of))


def going_on(connection: Connection) -> Drill | None:
    """The one that is not over; the oldest, should there be two."""
    query = select(drills).where(drills.c.state != DrillState.ENDED.value).order_by(drills.c.incident).limit(1)
    return next(readable(connection.execute(query), drills, _drill_of), None)


def take(tx: Transaction, drill: Drill, owner: str, seconds: float) -> bool:
    """True for exactly one worker, and again for whoever has it: it holds the drill for so long."""
    free = or_(drills.c.owner.is_(None), drills.c.owner == owner, is_over(tx, drills.c.lease_until))
    mine = (drills.c.incident == drill.incident, drills.c.state != DrillState.ENDED.value, free)
    lease = {"owner": owner, "lease_until": tx.now + timedelta(seconds=seconds)}
    return tx.connection.execute(update(drills).where(*mine).values(**lease)).rowcount == 1


def change(tx: Transaction, incident: int, **values: Any) -> None:
    plain = {name: value.value if isinstance(value, DrillState | DrillEnd) else value for name, value in values.items()}
    tx.connection.execute(update(drills).where(drills.c.incident == incident).values(**plain))


def end(tx: Transaction, drill: Drill) -> None:
    """Nothing goes on any more; the ledger has what was measured."""
    values = {name: value for name, value in _values(drill).items() if name != "incident"}
    ended: dict[str, Any] = {"state": DrillState.ENDED.value, "ended_at": tx.now, "owner": None, "lease_until": None}
    tx.connection.execute(update(drills).where(drills.c.incident == drill.incident).values(**(values | ended)))
    measured: dict[str, Any] = {"rto_seconds": drill.rto_seconds, "rpo_seconds": drill.rpo_seconds}
    tx.record(EventKind.DRILL_ENDED, incident=drill.incident, end=drill.how, why=drill.why or "", **measured)


def passed(connection: Connection) -> dict[Level, Drill]:
    """The last one of each level that recovered the system in time, however long ago."""
    query = select(drills).where(drills.c.end == DrillEnd.PASSED.value).order_by(drills.c.incident)
    found = readable(connection.execute(query), drills, _drill_of)
    return {one.level: one for one in found}


def newest_of(connection: Connection, level: Level) -> Drill | None:
    """The last one of this level that went to its end."""
    told = [DrillEnd.PASSED.value, DrillEnd.MISSED.value, DrillEnd.FAILED.value]
    query = select(drills).where(drills.c.level == int(level), drills.c.end.in_(told))
    return next(readable(connection.execute(query.order_by(drills.c.incident.desc())), drills, _drill_of), None)


def _values(drill: Drill) -> dict[str, Any]:
    values = {one.name: getattr(drill, one.name) for one in fields(drill)}
    return values | {
        "level": int(drill.level),
        "state": drill.state.value,
        "end": drill.end and drill.end.value,
        "production_changes": list(drill.production_changes),
        "leftovers": list(drill.leftovers),
        "steps": dict(drill.steps),
    }


def _drill_of(row: RowMapping) -> Drill:
    read = {
        "level": Level(row["level"]),
        "state": DrillState(row["state"]),
        "end": None if row["end"] is None else DrillEnd(row["end"]),
        "production_changes": words_in(row["production_changes"]),
        "leftovers": words_in(row["leftovers"]),
    }
    if read["state"] is DrillState.ENDED and read["end"] is None:
        raise ValueError("it has ended, and nobody says how")
    return Drill(**(dict(row) | read))
