"""Approval requests also go to a pager: a webhook that wakes people while Slack is away.

`PAGER_WEBHOOK_URL` gets a JSON document; its keys `text`, `incident`, `request` suit what pagers and gateways take.
"""

import os
import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import httpx
import structlog

from drbot.bot.outbound.calls import ASKING
from drbot.bot.slack_api.slack import LOCAL
from drbot.commands.facts.context import CommandContext
from drbot.core.approvals.approval import ApprovalRequest
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.plan import short_seal
from drbot.core.text.messages import filled, phrase, say, sentences
from drbot.core.text.words import clock
from drbot.store.base.database import Transaction
from drbot.store.records import requests, schedules
from drbot.store.records.as_sealed import reads_as_sealed
from drbot.store.records.schedules import Schedule
from drbot.store.runs import runs

log = structlog.get_logger(__name__)

TRIES = 5
AGAIN_SECONDS = 30.0
ANSWER_SECONDS = 10.0

WORDS: Mapping[EventKind, str] = {
    EventKind.REQUEST_OPENED: phrase("Approval needed: {system}, {target}, {name}, by {until}."),
    EventKind.REQUEST_HELD: phrase("BREAK-GLASS, one denial stops it: {system}, {target}, {name}, until {until}."),
}
HOW: str = phrase(
    "In Slack, or at a terminal: drbot dr approve {name}. By phone: drbot dr key code {request} {seal} approve"
)


def pager_url() -> str:
    """Where to; empty = nobody is paged."""
    return os.environ.get("PAGER_WEBHOOK_URL", "").strip()


def plan_page(tx: Transaction, event: Event) -> None:
    """Once per event: the row is written with the cursor that remembers the event."""
    if pager_url() and event.incident is not None:
        _put(tx, event.kind, str(event.payload["request"]), event.incident, attempt=1, seconds=0.0)


def page(context: CommandContext, tx: Transaction, schedule: Schedule) -> None:
    """Called when the row is due; the pager is asked after the commit and beside the ticker.

    The row of the next try is there before this one begins, so that a bot that dies meanwhile loses no page.
    """
    request, what, number = requests.get(tx.connection, schedule.request or ""), schedule.about, schedule.attempt
    if what is None or number is None:
        return
    if request.state not in ASKING[what]:
        return
    if number > TRIES:
        _tell(tx, request)
        return
    _put(tx, what, request.id, request.incident, attempt=number + 1, seconds=AGAIN_SECONDS)
    system, language = context.configuration.system, context.configuration.language
    worker_key = context.rosters.workers.key(tx.connection, runs.get(tx.connection, request.run).site)
    as_sealed = reads_as_sealed(tx.connection, request, worker_key)
    document = document_of(what, request, system, language, as_sealed=as_sealed)
    work = partial(_try, context, what, request, number, document)
    tx.after_commit(lambda: threading.Thread(target=work, name="pager", daemon=True).start())


def document_of(
    kind: EventKind, request: ApprovalRequest, system: str, language: str, *, as_sealed: bool
) -> dict[str, str]:
    """What somebody who is woken needs: what, until when, and how to decide without Slack."""
    name, seal = f"DR-{request.incident}", short_seal(request.seal)
    until = clock(request.expires_at)
    what = filled(WORDS[kind], system=system, target=request.target, name=name, until=until)
    how = filled(HOW, name=name, request=request.id, seal=seal)
    words = (what, how) if as_sealed else (f"{name}.", REFUSALS["not_as_sealed"])
    return {
        "text": say(sentences(*words), language),
        "kind": kind.value,
        "incident": name,
        "request": request.id,
        "expires_at": request.expires_at.isoformat(),
    } | ({"seal": seal, "target": request.target} if as_sealed else {})


def send(url: str, document: Mapping[str, str]) -> None:
    """Raises httpx.HTTPError when the pager does not take it, httpx.InvalidURL and others when the address is none."""
    outside = urlsplit(url).hostname not in LOCAL
    httpx.post(url, json=dict(document), timeout=ANSWER_SECONDS, trust_env=outside).raise_for_status()


def _put(tx: Transaction, kind: EventKind, request: str, incident: int, *, attempt: int, seconds: float) -> None:
    schedules.put(
        tx,
        Schedule(
            key=f"page|{kind.value}|{request}|{attempt}",
            kind=schedules.PAGE,
            incident=incident,
            request=request,
            about=kind,
            attempt=attempt,
            next_at=tx.now + timedelta(seconds=seconds),
        ),
    )


def _try(
    context: CommandContext, kind: EventKind, request: ApprovalRequest, attempt: int, document: Mapping[str, str]
) -> None:
    """The next try is called off when this one arrives. The address is a secret, so no error is shown in full."""
    try:
        send(pager_url(), document)
        with context.database.write() as tx:
            schedules.drop_pages(tx, request.id, kind)
    except Exception as error:  # noqa: BLE001 - whatever it is, the row of the next try stands; a traceback has the URL
        log.warning("Paging failed.", request=request.id, attempt=attempt, error=type(error).__name__)


def _tell(tx: Transaction, request: ApprovalRequest) -> None:
    """After the last try everybody is told."""
    tx.record(
        EventKind.CONTROL_FAILED,
        incident=request.incident,
        what=phrase("I could not page the approvers."),
        why=phrase("The pager did not accept it, {tries} times; drbot's log says why.", tries=TRIES),
        todo=phrase("Call them."),
    )
