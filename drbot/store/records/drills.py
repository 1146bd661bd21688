"""Drills: asked for, held by one worker at a time, and what they measured."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import ENDS, Drill, DrillEnd, DrillState
from drbot.core.site.level import Level
from drbot.store.base.database import Transaction
from drbot.store.base.schema import drills


def ask(tx: Transaction, drill: Drill) -> None:
    """One that a worker will find."""
    tx.connection.execute(insert(drills).values(**_values(drill)))


def get(connection: Connection, incident: int) -> Drill | None:
    """The drill that this incident is."""
    row = connection.execute(select(drills).where(drills.c.incident == incident)).mappings().first()
    return None if row is None else _drill_of(row)


def list_of(connection: Connection, limit: int = 50) -> list[Drill]:
    """The newest first."""
    query = select(drills).order_by(drills.c.incident.desc()).limit(limit)
    return [_drill_of(row) for row in connection.execute(query).mappings()]


def going_on(connection: Connection) -> Drill | None:
    """The one that is not over; the oldest, should there be two."""
    query = select(drills).where(drills.c.state != DrillState.ENDED.value).order_by(drills.c.incident).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _drill_of(row)


def take(tx: Transaction, drill: Drill, owner: str, seconds: float) -> bool:
    """True for exactly one worker, and again for whoever has it: it holds the drill for so long."""
    free = or_(drills.c.owner.is_(None), drills.c.owner == owner, drills.c.lease_until < tx.now)
    mine = (drills.c.incident == drill.incident, drills.c.state != DrillState.ENDED.value, free)
    lease = {"owner": owner, "lease_until": tx.now + timedelta(seconds=seconds)}
    return tx.connection.execute(update(drills).where(*mine).values(**lease)).rowcount == 1


def change(tx: Transaction, incident: int, **values: Any) -> None:
    """What is known by now."""
    plain = {name: value.value if isinstance(value, DrillState | DrillEnd) else value for name, value in values.items()}
    tx.connection.execute(update(drills).where(drills.c.incident == incident).values(**plain))


def end(tx: Transaction, drill: Drill) -> None:
    """Nothing goes on any more; the ledger has what was measured."""
    values = {name: value for name, value in _values(drill).items() if name != "incident"}
    ended: dict[str, Any] = {"state": DrillState.ENDED.value, "ended_at": tx.now, "owner": None, "lease_until": None}
    tx.connection.execute(update(drills).where(drills.c.incident == drill.incident).values(**(values | ended)))
    measured: dict[str, Any] = {"rto_seconds": drill.rto_seconds, "rpo_seconds": drill.rpo_seconds}
    how = ENDS[drill.end] if drill.end is not None else ""
    tx.record(EventKind.DRILL_ENDED, incident=drill.incident, end=how, why=drill.why or "", **measured)


def newest_end(connection: Connection, level: Level) -> datetime | None:
    """When a drill of this level passed last."""
    query = select(drills.c.ended_at).where(drills.c.level == int(level), drills.c.end == DrillEnd.PASSED.value)
    return connection.execute(query.order_by(drills.c.incident.desc()).limit(1)).scalar()


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
        "production_changes": tuple(row["production_changes"]),
        "leftovers": tuple(row["leftovers"]),
    }
    return Drill(**(dict(row) | read))
