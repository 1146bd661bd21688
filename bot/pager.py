"""Approval requests also go to a pager (approvals.md rule 9): a webhook that wakes people while Slack is away.

`PAGER_WEBHOOK_URL` gets a JSON document; its keys `text`, `incident`, `request` suit what pagers and gateways take.
"""

import os
import threading
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import structlog

from bot.slack import LOCAL
from commands.context import CommandContext
from core.approval import ApprovalRequest
from core.errors import DrbotError
from core.events import Event, EventKind
from core.plan import short_seal
from core.words import clock
from store import requests, schedules
from store.database import Transaction
from store.schedules import Schedule

log = structlog.get_logger(__name__)

TRIES = 5
AGAIN_SECONDS = 30.0
ANSWER_SECONDS = 10.0

WORDS: Mapping[EventKind, str] = {
    EventKind.REQUEST_OPENED: "Approval needed",
    EventKind.REQUEST_HELD: "BREAK-GLASS, one no stops it",
}


def pager_url() -> str:
    """Where to; empty = nobody is paged."""
    return os.environ.get("PAGER_WEBHOOK_URL", "").strip()


def plan_page(tx: Transaction, event: Event) -> None:
    """Once per event: the row is written with the cursor that remembers the event."""
    if pager_url() and event.incident is not None:
        _put(tx, event.kind, str(event.payload["request"]), event.incident, attempt=1, seconds=0.0)


def page(context: CommandContext, tx: Transaction, schedule: Schedule) -> None:
    """Called when the row is due; the pager is asked after the commit and beside the ticker."""
    _, kind, request_id, attempt = schedule.key.split("|")
    request = requests.get(tx.connection, request_id)
    document = document_of(EventKind(kind), request, context.configuration.system)
    again = (context, EventKind(kind), request, int(attempt))

    def work() -> None:
        try:
            send(pager_url(), document)
        except httpx.HTTPError as error:
            _failed(*again, error)

    tx.after_commit(lambda: threading.Thread(target=work, name="pager", daemon=True).start())


def document_of(kind: EventKind, request: ApprovalRequest, system: str) -> dict[str, str]:
    """What somebody who is woken needs: what, until when, and how to decide without Slack."""
    name, seal = f"DR-{request.incident}", short_seal(request.seal)
    return {
        "text": f"{WORDS[kind]}: {system}, {request.target}, {name}, until {clock(request.expires_at)}. "
        f"In Slack, or at a terminal: drbot dr approve {name}. "
        f"By phone: drbot dr key code {request.id} {seal} approve",
        "kind": kind.value,
        "incident": name,
        "request": request.id,
        "seal": seal,
        "target": request.target,
        "expires_at": request.expires_at.isoformat(),
    }


def send(url: str, document: Mapping[str, str]) -> None:
    """Raises httpx.HTTPError when the pager does not take it."""
    outside = urlsplit(url).hostname not in LOCAL
    httpx.post(url, json=dict(document), timeout=ANSWER_SECONDS, trust_env=outside).raise_for_status()


def _put(tx: Transaction, kind: EventKind, request: str, incident: int, *, attempt: int, seconds: float) -> None:
    schedules.put(
        tx,
        Schedule(
            key=f"page|{kind.value}|{request}|{attempt}",
            kind="page",
            incident=incident,
            request=request,
            next_at=tx.now + timedelta(seconds=seconds),
        ),
    )


def _failed(
    context: CommandContext, kind: EventKind, request: ApprovalRequest, attempt: int, error: httpx.HTTPError
) -> None:
    """Again in half a minute, a few times; then everybody is told. The address is a secret, so it is not shown."""
    why = type(error).__name__
    log.warning("The pager does not answer.", request=request.id, attempt=attempt, error=why)
    try:
        with context.database.write() as tx:
            if attempt < TRIES:
                _put(tx, kind, request.id, request.incident, attempt=attempt + 1, seconds=AGAIN_SECONDS)
                return
            tx.record(
                EventKind.CONTROL_FAILED,
                incident=request.incident,
                what="I wanted to page the approvers.",
                why=f"The pager did not take it: {why}.",
                todo="Call them.",
            )
    except DrbotError as busy:
        log.warning("That could not be recorded.", request=request.id, error=str(busy))
