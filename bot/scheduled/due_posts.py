"""What events make due later, and what happens when it is: status posts, reminders."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from drbot.bot.outbound.pager import page, plan_page
from drbot.commands.facts.context import CommandContext
from drbot.core.approvals.approval import RequestState, standing
from drbot.core.base.errors import BrokenStateError, DrbotError, TemporaryError
from drbot.core.ledger.events import Event, EventKind
from drbot.store.base import ledger
from drbot.store.base.database import Transaction
from drbot.store.records import incidents, kept, requests, schedules, surfaces
from drbot.store.records.schedules import Schedule
from drbot.store.runs import runs

log = structlog.get_logger(__name__)

CURSOR = "due"
REVIEW = timedelta(hours=24)
REMINDERS = (0.5, 0.8)  # of the time to vote


def plan_events(context: CommandContext) -> None:
    """Turn new events into rows of `schedules`, each exactly once: rows and cursor move together."""
    with context.database.read() as connection:
        if ledger.head(connection)[0] <= surfaces.cursor(connection, CURSOR):
            return
    with context.database.write() as tx:
        events = ledger.after(tx.connection, surfaces.cursor(tx.connection, CURSOR))
        for event in events:
            if event.kind in PLAN:
                _plan(context, tx, event)
        if events:
            surfaces.advance(tx, CURSOR, events[-1].seq)


def _plan(context: CommandContext, tx: Transaction, event: Event) -> None:
    """Of one whose records are gone, or are none, nothing becomes due; all others wait behind it."""
    try:
        PLAN[event.kind](context, tx, event)
    except (TemporaryError, BrokenStateError, SQLAlchemyError):
        raise
    except DrbotError as error:
        log.warning("Nothing becomes due of an event.", kind=event.kind.value, seq=event.seq, why=str(error))
    except Exception:
        log.exception("Nothing becomes due of an event.", kind=event.kind.value, seq=event.seq)


def _status(context: CommandContext, tx: Transaction, event: Event) -> None:
    """Stakeholders hear from us at the cadence of the level."""
    if event.incident is None:
        return
    incident = incidents.get(tx.connection, event.incident)
    if not incident.is_open or incident.is_drill:
        return
    every = context.configuration.cadence.of(incident.level.value)
    schedules.put(
        tx,
        Schedule(
            key=f"status/{incident.id}",
            kind="status",
            incident=incident.id,
            next_at=event.at + timedelta(seconds=every),
            every_seconds=every,
        ),
    )


def _reminders(tx: Transaction, event: Event) -> None:
    request = requests.get(tx.connection, str(event.payload["request"]))
    time_to_vote = request.expires_at - request.opened_at
    for share in REMINDERS:
        schedules.put(
            tx,
            Schedule(
                key=f"reminder/{request.id}/{share}",
                kind="reminder",
                incident=request.incident,
                request=request.id,
                next_at=request.opened_at + share * time_to_vote,
            ),
        )


def _asked(context: CommandContext, tx: Transaction, event: Event) -> None:
    _reminders(tx, event)
    plan_page(tx, event)


def _held(context: CommandContext, tx: Transaction, event: Event) -> None:
    """Break-glass wakes the approvers, and its review is due within a day."""
    plan_page(tx, event)
    schedules.put(
        tx,
        Schedule(
            key=f"review/{event.payload['request']}",
            kind=schedules.REVIEW,
            incident=event.incident,
            request=str(event.payload["request"]),
            next_at=event.at + REVIEW,
        ),
    )


def _kept(context: CommandContext, tx: Transaction, event: Event) -> None:
    """Kept data costs room and may be secret: people are asked whether they still need it, until it is gone."""
    schedules.put(
        tx,
        Schedule(
            key=f"kept/{event.payload['volume']}",
            kind=schedules.KEPT,
            volume=str(event.payload["volume"]),
            incident=event.incident,
            next_at=event.at + kept.ASK_AFTER,
            every_seconds=kept.ASK_AGAIN.total_seconds(),
        ),
    )


PLAN: Mapping[EventKind, Callable[[CommandContext, Transaction, Event], None]] = {
    EventKind.INCIDENT_DECLARED: _status,
    EventKind.INCIDENT_LEVEL_CHANGED: _status,
    EventKind.REQUEST_OPENED: _asked,
    EventKind.REQUEST_HELD: _held,
    EventKind.KEPT_CREATED: _kept,
}


# Every post promises the next one, so there is one in every state until somebody resolves the incident.
def _post_status(context: CommandContext, tx: Transaction, schedule: Schedule) -> None:
    if schedule.incident is None:
        return
    incident = incidents.get(tx.connection, schedule.incident)
    if incident.is_open:
        tx.record(EventKind.STATUS_DUE, incident=incident.id)


def _remind(context: CommandContext, tx: Transaction, schedule: Schedule) -> None:
    request = requests.get(tx.connection, schedule.request or "")
    if request.state is not RequestState.OPEN:
        return
    roster = context.rosters.look(tx.connection, runs.get(tx.connection, request.run).site)
    have = len(standing(request, requests.votes(tx.connection, request.id), roster))
    tx.record(
        EventKind.REQUEST_REMINDED,
        incident=request.incident,
        run=request.run,
        step=request.gate,
        request=request.id,
        missing=max(0, request.people - have),
        expires_at=request.expires_at,
    )


def _review(context: CommandContext, tx: Transaction, schedule: Schedule) -> None:
    tx.record(EventKind.REVIEW_DUE, incident=schedule.incident, request=schedule.request)


def _is_it_needed(context: CommandContext, tx: Transaction, schedule: Schedule) -> None:
    """Only while it is there."""
    one = next((one for one in kept.list_of(tx.connection) if one.volume == schedule.volume), None)
    if one is None:
        schedules.drop_row(tx, schedule.key)
        return
    tx.record(
        EventKind.KEPT_ASKED,
        incident=one.incident,
        run=one.run,
        kept=one.id,
        volume=one.volume,
        original=one.original,
        size=one.size_bytes,
        since=one.created_at,
    )


FIRE: Mapping[str, Callable[[CommandContext, Transaction, Schedule], None]] = {
    "status": _post_status,
    "reminder": _remind,
    schedules.REVIEW: _review,
    schedules.KEPT: _is_it_needed,
    schedules.PAGE: page,
}
