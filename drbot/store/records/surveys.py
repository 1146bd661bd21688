"""Surveys that one person asks for, outside of every incident: a question to a site's worker, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from drbot.core.runs.plan import Plan, document_of
from drbot.core.site.wal_timeline import Timeline
from drbot.store.base.database import Transaction
from drbot.store.base.reading import read_of, readable
from drbot.store.base.schema import surveys

WAITED_FOR = timedelta(minutes=5)
"""After that nobody waits for it any more; asked for again, it is another."""

KEPT_FOR = timedelta(hours=1)

MOMENTS = "moments of PostgreSQL"
"""In the place of a runbook, which has no such name: what was committed when."""
_TIMELINE = TypeAdapter(Timeline)


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    id: int
    site: str
    lost: str
    runbook: str
    person: str
    asked_at: datetime
    arguments: Mapping[str, str] = field(default_factory=dict)
    taken_at: datetime | None = None
    ended_at: datetime | None = None
    found: str = ""
    plan: Plan | None = None
    refusal: str = ""
    timeline: Timeline | None = None


def ask(tx: Transaction, *, site: str, lost: str, runbook: str, arguments: Mapping[str, str], person: str) -> Survey:
    """Put it before the site's worker, or go on waiting for the same question; what is old goes."""
    tx.connection.execute(delete(surveys).where(surveys.c.asked_at < tx.now - KEPT_FOR))
    same = [
        one
        for one in _read(tx.connection, tx.now)
        if (one.site, one.lost, one.runbook, one.person) == (site, lost, runbook, person)
        and dict(one.arguments) == dict(arguments)
    ]
    if same:
        return same[-1]
    values = {"site": site, "lost": lost, "runbook": runbook, "arguments": dict(arguments), "person": person}
    statement = insert(surveys).values(**values, asked_at=tx.now).returning(surveys.c.id)
    return get(tx.connection, int(tx.connection.execute(statement).scalar_one()))


def get(connection: Connection, survey_id: int) -> Survey:
    """Raises UnreadableError."""
    row = connection.execute(select(surveys).where(surveys.c.id == survey_id)).mappings().one()
    return read_of(surveys, row, _survey_of)


def waiting(connection: Connection, site: str, now: datetime) -> list[Survey]:
    """What nobody at the site has taken up, oldest first."""
    return [one for one in _read(connection, now) if one.site == site and one.taken_at is None]


def is_busy(connection: Connection, site: str, now: datetime) -> bool:
    """Whether a worker of the site is at work on one: it takes up the next when that is done."""
    return any(one.site == site and one.taken_at is not None for one in _read(connection, now))


def take(tx: Transaction, survey_id: int) -> bool:
    """False: another worker was faster."""
    statement = update(surveys).where(surveys.c.id == survey_id, surveys.c.taken_at.is_(None))
    return tx.connection.execute(statement.values(taken_at=tx.now)).rowcount == 1


def answer(
    tx: Transaction, survey_id: int, *, found: str, plan: Plan | None = None, refusal: str = "",
    timeline: Timeline | None = None,
) -> None:  # fmt: skip
    """The plan or the timeline, or why there can be none."""
    values = {"found": found, "plan": document_of(plan) if plan else None, "refusal": refusal, "ended_at": tx.now}
    values["timeline"] = None if timeline is None else _TIMELINE.dump_python(timeline, mode="json")
    tx.connection.execute(update(surveys).where(surveys.c.id == survey_id).values(**values))


def _read(connection: Connection, now: datetime) -> list[Survey]:
    query = select(surveys).where(surveys.c.ended_at.is_(None), surveys.c.asked_at > now - WAITED_FOR)
    return list(readable(connection.execute(query.order_by(surveys.c.id)), surveys, _survey_of))


def _survey_of(row: RowMapping) -> Survey:
    read = {
        "plan": None if row["plan"] is None else Plan.model_validate(row["plan"]),
        "found": row["found"] or "",
        "refusal": row["refusal"] or "",
        "timeline": None if row["timeline"] is None else _TIMELINE.validate_python(row["timeline"]),
    }
    return Survey(**(dict(row) | read))
