"""Alerts as they came in, in groups that people see as messages. What a message of monitoring does to them is decided
in core/site/alert_message.py; here it is read and written.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, or_, select, tuple_, update

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.site import alert_groups as life
from drbot.core.site.alert_groups import LATE, STILL_FIRES, AlertGroup, Answer
from drbot.core.site.alert_message import heard, joined
from drbot.core.site.alerts import Alert
from drbot.core.text.messages import listed, phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.schema import alert_groups, alerts, incidents

KEPT = timedelta(days=30)
MOST_KEPT = 2000
"""Groups that are over, the newest; older ones are forgotten."""
_OF_GROUP = frozenset({"alerts", "incident_over", "id"})  # of the dataclass, and not columns to write


def take(tx: Transaction, key: str, came: Iterable[Alert], beyond: int = 0) -> list[AlertGroup]:
    """What a sender says of a group now; the groups that people see otherwise since. `beyond`: what was too much."""
    came = list(came)
    known = {group.id: group for group in _concerned(tx, key, came)}
    changed = []
    for group in heard(known.values(), key, came, tx.now, beyond):
        before = known.get(group.id)
        number = _written(tx, before, group)
        if before is None or group.version != before.version:
            changed.append(get(tx.connection, number))
        if before is not None:
            _tell_incident(tx, before, group)
    return changed


def _concerned(tx: Transaction, key: str, came: Sequence[Alert]) -> list[AlertGroup]:
    """The groups of this key that are not over in every way, and those with alerts of the same fingerprint."""
    of_key = and_(
        alert_groups.c.key == key,
        or_(
            alert_groups.c.resolved_at.is_(None),
            alert_groups.c.silent_until > tx.now,
            and_(alert_groups.c.incident.is_not(None), incidents.c.resolved_at.is_(None)),
        ),
    )
    found = {group.id: group for group in _groups(tx.connection, of_key)}
    same = select(alerts.c.group_id).where(
        alerts.c.fingerprint.in_([one.fingerprint for one in came]),
        or_(
            alerts.c.ends_at.is_(None),
            alerts.c.heard_at >= tx.now - LATE,
            alerts.c.starts_at.in_([one.starts_at for one in came]),
        ),
    )
    others = set(tx.connection.execute(same).scalars())
    found |= {group.id: group for group in some(tx.connection, others - set(found))}
    return [found[number] for number in sorted(found)]


def _tell_incident(tx: Transaction, before: AlertGroup, after: AlertGroup) -> None:
    """The incident of a group hears what joins it, and that it is resolved."""
    if after.incident is None:
        return
    if new := joined(before, after):
        since = min(one.starts_at for one in new)
        tx.record(EventKind.ALERT_JOINED, incident=after.incident, names=_names(new), since=since)
    if after.resolved_at is not None and before.resolved_at is None:
        tx.record(EventKind.ALERT_RESOLVED, incident=after.incident, names=after.names)


def _names(some: Iterable[Alert]) -> str:
    return listed(sorted({one.name for one in some}))


def _written(tx: Transaction, before: AlertGroup | None, group: AlertGroup) -> int:
    values = {name: getattr(group, name) for name in AlertGroup.__dataclass_fields__ if name not in _OF_GROUP}
    if before is None:
        digest = _digest(group)
        _forget(tx, alert_groups.c.digest == digest)
        made = insert(alert_groups).values(**values, digest=digest, shown=0).returning(alert_groups.c.id)
        number = int(tx.connection.execute(made).scalar_one())
    else:
        number = group.id
        tx.connection.execute(update(alert_groups).where(alert_groups.c.id == number).values(**values))
    _write_alerts(tx, number, before.alerts if before else (), group.alerts)
    return number


def _forget(tx: Transaction, which: ColumnElement[bool]) -> None:
    """Groups, with their alerts. What is there and was not found cannot be read."""
    tx.connection.execute(delete(alerts).where(alerts.c.group_id.in_(select(alert_groups.c.id).where(which))))
    tx.connection.execute(delete(alert_groups).where(which))


def _write_alerts(tx: Transaction, group: int, before: Iterable[Alert], after: Iterable[Alert]) -> None:
    known = {(one.fingerprint, one.starts_at): one for one in before}
    new = [one for one in after if (one.fingerprint, one.starts_at) not in known]
    if new:
        names = tuple_(alerts.c.fingerprint, alerts.c.starts_at)
        tx.connection.execute(delete(alerts).where(names.in_([(one.fingerprint, one.starts_at) for one in new])))
        tx.connection.execute(insert(alerts), [{**_row(one), "group_id": group} for one in new])
    for one in after:
        if one != known.get((one.fingerprint, one.starts_at), one):
            row = _row(one)
            same = and_(alerts.c.fingerprint == row.pop("fingerprint"), alerts.c.starts_at == row.pop("starts_at"))
            tx.connection.execute(update(alerts).where(same).values(**row))


def _row(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in Alert.__dataclass_fields__} | {"labels": dict(alert.labels)}


def _digest(group: AlertGroup) -> str:
    """Unique: of two who say the same at the same time one is refused, and says it again."""
    first = min(group.alerts, key=lambda one: (one.starts_at, one.fingerprint))
    said = f"{group.key}|{first.fingerprint}|{first.starts_at.isoformat()}"
    return hashlib.sha256(said.encode()).hexdigest()


def plain_since(connection: Connection, key: str, now: datetime, repeats: timedelta) -> datetime | None:
    """For a sender that does not say since when: when what it means began. None: it begins now. Where somebody has
    answered and nothing was heard for longer than `repeats`, its `resolved` may have been lost.
    """
    firing = [group for group in _groups(connection, alert_groups.c.key == key) if group.firing]
    for group in reversed(firing):
        newest = max((one.heard_at or group.opened_at for one in group.firing), default=group.opened_at)
        if group.answer is Answer.NONE or now - newest <= repeats:
            return group.began
    return None


def due(tx: Transaction) -> None:
    """Groups whose answer no longer holds ring again: the silence has ended, or the incident is over."""
    for group in _groups(tx.connection, _may_be_due(tx.now)):
        if life.must_ring(group, tx.now):
            _written(tx, group, life.rung(group))


def is_due(connection: Connection, now: datetime) -> bool:
    return any(life.must_ring(group, now) for group in _groups(connection, _may_be_due(now)))


def _may_be_due(now: datetime) -> ColumnElement[bool]:
    over = and_(alert_groups.c.incident.is_not(None), incidents.c.resolved_at <= now - STILL_FIRES)
    silent = and_(alert_groups.c.answer == Answer.SILENCED.value, alert_groups.c.silent_until <= now)
    return and_(alert_groups.c.resolved_at.is_(None), or_(over, silent))


def get(connection: Connection, group: int) -> AlertGroup:
    """Raises UserError when there is none of this number."""
    for found in _groups(connection, alert_groups.c.id == group):
        return found
    raise UserError(
        phrase("You asked for alert {number}.", number=group),
        phrase("There is no such alert."),
        phrase("See: /dr alerts"),
    )


def some(connection: Connection, numbers: Iterable[int]) -> list[AlertGroup]:
    """Those of these that there still are."""
    return _groups(connection, alert_groups.c.id.in_(list(numbers)))


def list_of(connection: Connection, limit: int = 1000) -> list[AlertGroup]:
    """What fires, and then what is resolved, the newest first."""
    order = (alert_groups.c.resolved_at.is_(None).desc(), alert_groups.c.id.desc())
    ids = connection.execute(select(alert_groups.c.id).order_by(*order).limit(limit)).scalars().all()
    found = {group.id: group for group in _groups(connection, alert_groups.c.id.in_(ids))}
    return [found[one] for one in ids if one in found]


def unshown(connection: Connection) -> list[AlertGroup]:
    """Those that people see otherwise than they are, the oldest first."""
    return _groups(connection, alert_groups.c.version > alert_groups.c.shown)


def shown(tx: Transaction, group: AlertGroup) -> None:
    tx.connection.execute(
        update(alert_groups)
        .where(alert_groups.c.id == group.id, alert_groups.c.shown < group.version)
        .values(shown=group.version)
    )


def answer(tx: Transaction, group: int, said: Answer, person: str, silent_until: datetime | None = None) -> None:
    """Of all that fires in it; whoever says that it is over ends it."""
    known = get(tx.connection, group)
    if said is Answer.CLOSED:
        after = life.closed(known, person, tx.now)
        _tell_incident(tx, known, after)
    else:
        after = life.answered(known, said, person, silent_until)
    _written(tx, known, after)


def declared(tx: Transaction, group: AlertGroup, incident: int, person: str) -> None:
    """It has an incident now, which hears when it is resolved."""
    tx.connection.execute(
        update(alert_groups)
        .where(alert_groups.c.id == group.id)
        .values(
            version=alert_groups.c.version + 1, answer=Answer.DECLARED.value, answered_by=person, incident=incident,
            silent_until=None,
        )
    )  # fmt: skip
    tx.record(EventKind.ALERT_RAISED, incident=incident, person=person, names=group.names, since=group.began)
    if group.resolved_at is not None:
        tx.record(EventKind.ALERT_RESOLVED, incident=incident, names=group.names)


def prune(tx: Transaction) -> None:
    """Forget what has long been over."""
    over = select(alert_groups.c.id).where(alert_groups.c.resolved_at.is_not(None)).order_by(alert_groups.c.id.desc())
    too_many = tx.connection.execute(over.offset(MOST_KEPT).limit(1)).scalar() or 0
    old = and_(
        alert_groups.c.resolved_at.is_not(None),
        or_(alert_groups.c.resolved_at < tx.now - KEPT, alert_groups.c.id <= too_many),
        or_(alert_groups.c.silent_until.is_(None), alert_groups.c.silent_until < tx.now),
    )
    _forget(tx, old)


def _groups(connection: Connection, which: ColumnElement[bool]) -> list[AlertGroup]:
    """With their alerts and what became of their incidents, the oldest first."""
    query = (
        select(alert_groups, incidents.c.resolved_at.label("incident_over"))
        .outerjoin(incidents, incidents.c.id == alert_groups.c.incident)
        .where(which)
        .order_by(alert_groups.c.id)
    )
    groups = list(readable(connection.execute(query), alert_groups, _group))
    of_group: dict[int, list[Alert]] = {group.id: [] for group in groups}
    found = select(alerts).where(alerts.c.group_id.in_(list(of_group))).order_by(alerts.c.starts_at, alerts.c.name)
    for group, one in readable(connection.execute(found), alerts, lambda row: (int(row["group_id"]), _alert(row))):
        of_group[group].append(one)
    return [replace(group, alerts=tuple(of_group[group.id])) for group in groups if of_group[group.id]]


def _alert(row: RowMapping) -> Alert:
    if not isinstance(row["labels"], dict):
        raise TypeError("its labels are none")
    return Alert(**{name: value for name, value in row.items() if name != "group_id"})


def _group(row: RowMapping) -> AlertGroup:
    values = {name: row[name] for name in AlertGroup.__dataclass_fields__ if name not in ("alerts", "answer")}
    return AlertGroup(**values, answer=Answer(row["answer"]), alerts=())
