"""Incidents: declared, recovering, recovered, resolved; each move writes its event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, insert, select, update

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.clocks import counted_from, rpo_seconds
from drbot.core.runs.incident import INCIDENT_TRANSITIONS, Incident, IncidentState, UsersSay
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.state_words import INCIDENT
from drbot.core.site.level import Level
from drbot.core.site.site import DRILL_SITE
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import every, first, is_number, readable
from drbot.store.base.rows import incident_of, sources
from drbot.store.base.schema import incidents

_SAID: Mapping[UsersSay, EventKind] = {
    UsersSay.YES: EventKind.INCIDENT_CONFIRMED,
    UsersSay.NO: EventKind.INCIDENT_NOT_RECOVERED,
    UsersSay.NOTHING: EventKind.INCIDENT_UNCONFIRMED,
}
_OPEN = [state.value for state in IncidentState if state is not IncidentState.RESOLVED]


def declare(
    tx: Transaction,
    *,
    site: str,
    level: Level,
    title: str,
    person: str,
    started_at: datetime | None = None,
    service: str | None = None,
) -> Incident:
    """Open an incident. `started_at` is the start of the outage as reported; else it is now."""
    values = {
        "site": site,
        "level": int(level),
        "title": title,
        "state": IncidentState.DECLARED.value,
        "declared_by": person,
        "declared_at": tx.now,
        "started_at": started_at or tx.now,
        "service": service,
    }
    number = tx.connection.execute(insert(incidents).values(**values).returning(incidents.c.id)).scalar_one()
    tx.record(
        EventKind.INCIDENT_DECLARED,
        incident=number,
        person=person,
        site=site,
        level=int(level),
        title=title,
        service=service,
        reported_at=started_at,
    )
    return get(tx.connection, number)


def get(connection: Connection, incident: int) -> Incident:
    """The incident. Raises UserError if there is none."""
    found = first(connection.execute(select(incidents).where(incidents.c.id == incident)), incidents, incident_of)
    if found is None:
        raise UserError(
            phrase("You asked for DR-{incident}.", incident=incident),
            phrase("There is no such incident."),
            phrase("See: /dr list"),
        )
    return found


def of_channel(connection: Connection, channel: str) -> Incident | None:
    """The newest incident that has this channel."""
    query = select(incidents).where(incidents.c.channel == channel).order_by(incidents.c.id.desc()).limit(1)
    return next(readable(connection.execute(query), incidents, incident_of), None)


def recent(
    connection: Connection, *, open_only: bool = False, limit: int = 20, all_of_them: bool = False
) -> list[Incident]:
    """Newest first. `all_of_them`: raises UnreadableError where one cannot be read, instead of leaving it out."""
    query = select(incidents).order_by(incidents.c.id.desc()).limit(limit)
    if open_only:
        query = query.where(incidents.c.state.in_(_OPEN))
    return list((every if all_of_them else readable)(connection.execute(query), incidents, incident_of))


def repair_times(connection: Connection, level: Level) -> list[float]:
    """RTO of every incident of this level that was recovered, oldest first. Seconds; their mean is the MTTR."""
    real = (incidents.c.level == int(level), incidents.c.site != DRILL_SITE)
    query = select(incidents.c.rto_seconds).where(*real, incidents.c.rto_seconds.is_not(None))
    times = connection.execute(query.order_by(incidents.c.id)).scalars()
    return [seconds for seconds in times if is_number(seconds)]


def similar(
    connection: Connection, *, site: str, level: Level, service: str | None, since: datetime
) -> Incident | None:
    """An open incident that says the same and was declared after `since`: probably the same alarm twice."""
    query = (
        select(incidents)
        .where(
            incidents.c.site == site,
            incidents.c.level == int(level),
            incidents.c.service.is_(None) if service is None else incidents.c.service == service,
            incidents.c.declared_at > since,
            incidents.c.state.in_(_OPEN),
        )
        .order_by(incidents.c.id.desc())
        .limit(1)
    )
    return next(readable(connection.execute(query), incidents, incident_of), None)


def change_level(
    tx: Transaction, incident: int, level: Level, person: str, why: str, *, service: str | None = None
) -> None:
    """`service`: what it is about from now on; None = as before."""
    old = get(tx.connection, incident).level
    asked = phrase("You asked to change the level of DR-{incident}.", incident=incident)
    _change_open(tx, incident, asked, level=int(level), **({"service": service} if service else {}))
    tx.record(EventKind.INCIDENT_LEVEL_CHANGED, incident=incident, person=person, old=int(old), new=int(level), why=why)


def correct_start(
    tx: Transaction, incident: int, started_at: datetime, person: str, why: str, *, snapshot_at: datetime | None
) -> None:
    """When the outage began, as people know it now, with the figures that count from there. `snapshot_at`: of the
    backup that is in place; None: none is.
    """
    old = get(tx.connection, incident)
    figures = counted_from(old, started_at, snapshot_at)
    tx.connection.execute(update(incidents).where(incidents.c.id == incident).values(started_at=started_at, **figures))
    tx.record(EventKind.INCIDENT_START_CORRECTED, incident=incident, person=person, before=old.started_at,
              since=started_at, why=why)  # fmt: skip


def open_channel(tx: Transaction, incident: int, channel: str, name: str) -> None:
    """Remember the Slack channel (id and name)."""
    statement = update(incidents).where(incidents.c.id == incident).values(channel=channel, channel_name=name)
    tx.connection.execute(statement)
    tx.record(EventKind.INCIDENT_CHANNEL_OPENED, incident=incident, channel=channel, name=name)


def begin_outage(tx: Transaction, incident: int) -> None:
    """Of a drill, whose copy was whole until now."""
    tx.connection.execute(update(incidents).where(incidents.c.id == incident).values(started_at=tx.now))


def recovering(tx: Transaction, incident: int, run: str, site: str = "") -> None:
    """A run is about to touch production. Nothing happens when that is known already."""
    now = get(tx.connection, incident)
    if now.state is IncidentState.RECOVERING and now.users_say is None:
        return
    _back_to_work(tx, now, phrase("drbot was about to start the recovery."), users_say=None)
    tx.record(EventKind.INCIDENT_RECOVERING, incident=incident, run=run, drill=now.is_drill, site=site)


def recovered(
    tx: Transaction,
    incident: int,
    *,
    run: str,
    rto_seconds: float,
    rpo_seconds: float | None,
    outage_seconds: float | None,
) -> None:
    """Every check passed: the RTO clock stops. Nothing happens when it has stopped already."""
    if get(tx.connection, incident).state is IncidentState.RECOVERED:
        return
    figures: dict[str, Any] = {"rto_seconds": rto_seconds, "rpo_seconds": rpo_seconds, "outage_seconds": outage_seconds}
    tried = phrase("drbot was about to call DR-{incident} recovered.", incident=incident)
    _move(tx, incident, IncidentState.RECOVERED, tried, recovered_at=tx.now, **figures)
    tx.record(EventKind.INCIDENT_RECOVERED, incident=incident, run=run, **figures)


def recovered_at_last(tx: Transaction, incident: int, *, run: str, backup: BackupIdentity | None) -> None:
    """Of a drill whose run has succeeded: at level 4 the step that tells it is one of those that a drill leaves out."""
    now = get(tx.connection, incident)
    recovered(
        tx,
        incident,
        run=run,
        rto_seconds=max((tx.now - now.started_at).total_seconds(), 0.001),
        rpo_seconds=rpo_seconds(backup.snapshot_at, now.started_at) if backup else None,
        outage_seconds=None,
    )


def users_say(tx: Transaction, incident: int, say: UsersSay, person: str | None, run: str | None = None) -> None:
    """What people answered about the users. "no": it is not recovered, whatever the checks said, and the RTO clock runs
    on. Raises UserError for a resolved incident.
    """
    about: dict[str, Any] = {"incident": incident, "run": run, "person": person}
    tried = phrase("You said whether users can work again in DR-{incident}.", incident=incident)
    now = get(tx.connection, incident)
    if say is UsersSay.NO and now.state is IncidentState.RECOVERED:
        _back_to_work(tx, now, tried, users_say=say.value)
    else:
        confirmed = {"confirmed_at": tx.now} if say is UsersSay.YES else {}
        _change_open(tx, incident, tried, users_say=say.value, **confirmed)
    tx.record(_SAID[say], **about)


def _back_to_work(tx: Transaction, now: Incident, tried: str, **values: Any) -> None:
    # The figures so far were not the end: the clocks run on.
    ended = dict.fromkeys(("recovered_at", "confirmed_at", "rto_seconds", "rpo_seconds", "outage_seconds"), None)
    if now.state is IncidentState.RECOVERING:
        _change_open(tx, now.id, tried, **ended, **values)
    else:
        _move(tx, now.id, IncidentState.RECOVERING, tried, **ended, **values)


def resolve(tx: Transaction, incident: int, person: str, summary: str) -> None:
    tried = phrase("You asked to resolve DR-{incident}.", incident=incident)
    _move(tx, incident, IncidentState.RESOLVED, tried, resolved_at=tx.now, summary=summary)
    repaired = not get(tx.connection, incident).is_given_up
    tx.record(EventKind.INCIDENT_RESOLVED, incident=incident, person=person, summary=summary, repaired=repaired)


def note(tx: Transaction, incident: int, person: str | None, text: str) -> None:
    tx.record(EventKind.INCIDENT_NOTE, incident=incident, person=person, text=text)


def _move(tx: Transaction, incident: int, target: IncidentState, tried: str, **values: Any) -> None:
    statement = (
        update(incidents)
        .where(incidents.c.id == incident, incidents.c.state.in_(sources(INCIDENT_TRANSITIONS, target)))
        .values(state=target.value, **values)
    )
    _done(tx, statement, incident, tried, phrase("See: /dr status"))


def _change_open(tx: Transaction, incident: int, tried: str, **values: Any) -> None:
    statement = update(incidents).where(incidents.c.id == incident, incidents.c.state.in_(_OPEN)).values(**values)
    _done(tx, statement, incident, tried, phrase("Declare a new incident."))


def _done(tx: Transaction, statement: Update, incident: int, tried: str, todo: str) -> None:
    """Raises UserError where the incident is in another state than it asks for."""
    if tx.connection.execute(statement).rowcount == 0:
        state = INCIDENT[get(tx.connection, incident).state]
        raise UserError(tried, phrase("DR-{incident} is already {state}.", incident=incident, state=state), todo)
