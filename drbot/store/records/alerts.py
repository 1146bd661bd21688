"""Alerts as they came in, in groups that people see as one post. What comes twice, late or in another order changes
nothing: an alert is known by its fingerprint and by when it began, and what is resolved stays resolved.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, select, update

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.site.alerts import Alert
from drbot.core.text.messages import listed, phrase
from drbot.store.base.database import Transaction
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import alert_groups, alerts


class Answer(StrEnum):
    NONE = "none"
    SEEN = "seen"  # not now
    SILENCED = "silenced"  # neither this nor a new one of the same key, until `silent_until`
    DECLARED = "declared"  # it has an incident


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertGroup:
    """Alerts that came under one key, from the first that fired until all are resolved."""

    id: int
    key: str  # the sender's
    opened_at: datetime
    resolved_at: datetime | None
    answer: Answer
    answered_by: str | None
    silent_until: datetime | None
    incident: int | None
    version: int  # counts what people would see differently
    alerts: tuple[Alert, ...]

    @property
    def began(self) -> datetime:
        """The first of what fires, or did."""
        return min(one.starts_at for one in self.firing or self.alerts)

    @property
    def firing(self) -> tuple[Alert, ...]:
        return tuple(one for one in self.alerts if one.fires)

    @property
    def names(self) -> str:
        return listed(sorted({one.name for one in self.alerts}))

    def is_silent(self, now: datetime) -> bool:
        return self.silent_until is not None and now < self.silent_until


def take(tx: Transaction, key: str, came: Iterable[Alert]) -> AlertGroup | None:
    """What a sender says of a group now; None where that is nothing new."""
    news = [alert for alert in came if _is_news(tx.connection, alert)]
    if not news:
        return None
    group = _open_group(tx.connection, key)
    firing = [alert for alert in news if alert.fires]
    if group is None and firing:
        group = _begin(tx, key, firing)
    if group is None:
        return None
    for alert in news:
        _put(tx, group, alert)
    _changed(tx, group)
    now = get(tx.connection, group)
    if not now.firing:
        _resolve(tx, now)
    return get(tx.connection, group)


def _is_news(connection: Connection, alert: Alert) -> bool:
    known = connection.execute(
        select(alerts.c.ends_at).where(alerts.c.fingerprint == alert.fingerprint, alerts.c.starts_at == alert.starts_at)
    ).first()
    if known is None:
        return alert.fires  # resolved before anybody heard of it
    return known.ends_at is None and not alert.fires


def since(connection: Connection, key: str) -> datetime | None:
    """When the first alert of this key that still fires began."""
    group = _open_group(connection, key)
    if group is None:
        return None
    query = select(alerts.c.starts_at).where(alerts.c.group_id == group, alerts.c.ends_at.is_(None))
    return connection.execute(query.order_by(alerts.c.starts_at)).scalar()


def _open_group(connection: Connection, key: str) -> int | None:
    query = select(alert_groups.c.id).where(alert_groups.c.key == key, alert_groups.c.resolved_at.is_(None))
    return connection.execute(query.order_by(alert_groups.c.id.desc())).scalar()


def _begin(tx: Transaction, key: str, firing: Sequence[Alert]) -> int:
    """The digest is unique: of two who say the same at the same time one is refused, and says it again."""
    first = min(alert.starts_at for alert in firing)
    digest = hashlib.sha256(f"{key}|{first.isoformat()}".encode()).hexdigest()
    silent = tx.connection.execute(
        select(alert_groups.c.silent_until, alert_groups.c.answered_by).where(
            alert_groups.c.key == key, alert_groups.c.silent_until > tx.now
        )
    ).first()
    values = {
        "digest": digest, "key": key, "opened_at": tx.now, "version": 0, "shown": 0,
        "silent_until": silent[0] if silent else None, "answered_by": silent[1] if silent else None,
        "answer": (Answer.SILENCED if silent else Answer.NONE).value,
    }  # fmt: skip
    made = tx.connection.execute(insert(alert_groups).values(**values).returning(alert_groups.c.id))
    return int(made.scalar_one())


def _put(tx: Transaction, group: int, alert: Alert) -> None:
    if not alert.fires:
        tx.connection.execute(
            update(alerts)
            .where(alerts.c.fingerprint == alert.fingerprint, alerts.c.starts_at == alert.starts_at)
            .values(ends_at=alert.ends_at)
        )
        return
    values = {
        "fingerprint": alert.fingerprint, "starts_at": alert.starts_at, "group_id": group, "name": alert.name,
        "labels": dict(alert.labels), "summary": alert.summary,
    }  # fmt: skip
    insert_or(tx, alerts, values, replace=False)


def _changed(tx: Transaction, group: int, **values: object) -> None:
    tx.connection.execute(
        update(alert_groups).where(alert_groups.c.id == group).values(version=alert_groups.c.version + 1, **values)
    )


def _resolve(tx: Transaction, group: AlertGroup) -> None:
    _changed(tx, group.id, resolved_at=tx.now)
    if group.incident is not None:
        tx.record(EventKind.ALERT_RESOLVED, incident=group.incident, names=group.names)


def get(connection: Connection, group: int) -> AlertGroup:
    """Raises UserError when there is none of this number."""
    row = connection.execute(select(alert_groups).where(alert_groups.c.id == group)).mappings().first()
    if row is None:
        raise UserError(
            phrase("You asked for alert {number}.", number=group),
            phrase("There is no such alert."),
            phrase("See: /dr alerts"),
        )
    return _group(connection, row)


def list_of(connection: Connection, limit: int = 20) -> list[AlertGroup]:
    """What fires, and then what is resolved, the newest first."""
    order = (alert_groups.c.resolved_at.is_(None).desc(), alert_groups.c.id.desc())
    rows = connection.execute(select(alert_groups).order_by(*order).limit(limit)).mappings()
    return [_group(connection, row) for row in rows]


def unshown(connection: Connection) -> list[AlertGroup]:
    """Those that people see otherwise than they are, the oldest first."""
    query = select(alert_groups).where(alert_groups.c.version > alert_groups.c.shown).order_by(alert_groups.c.id)
    return [_group(connection, row) for row in connection.execute(query).mappings()]


def shown(tx: Transaction, group: AlertGroup) -> None:
    tx.connection.execute(
        update(alert_groups)
        .where(alert_groups.c.id == group.id, alert_groups.c.shown < group.version)
        .values(shown=group.version)
    )


def answer(tx: Transaction, group: int, said: Answer, person: str, silent_until: datetime | None = None) -> None:
    _changed(tx, group, answer=said.value, answered_by=person, silent_until=silent_until)


def declared(tx: Transaction, group: AlertGroup, incident: int, person: str) -> None:
    """It has an incident now, which hears when it is resolved."""
    _changed(tx, group.id, answer=Answer.DECLARED.value, answered_by=person, incident=incident)
    tx.record(EventKind.ALERT_RAISED, incident=incident, person=person, names=group.names, since=group.began)
    if group.resolved_at is not None:
        tx.record(EventKind.ALERT_RESOLVED, incident=incident, names=group.names)


def _group(connection: Connection, row: RowMapping) -> AlertGroup:
    found = connection.execute(
        select(alerts).where(alerts.c.group_id == row["id"]).order_by(alerts.c.starts_at, alerts.c.name)
    ).mappings()
    of_group = tuple(Alert(**{name: value for name, value in one.items() if name != "group_id"}) for one in found)
    values = {name: row[name] for name in AlertGroup.__dataclass_fields__ if name not in ("alerts", "answer")}
    return AlertGroup(**values, answer=Answer(row["answer"]), alerts=of_group)
