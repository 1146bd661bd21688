"""`POST /alerts`: where monitoring posts. Whoever posts knows the token; what they say is written down and shown to
people, and nothing more.
"""

import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drbot.core.base.errors import DrbotError
from drbot.core.site.alert_groups import AlertGroup
from drbot.core.site.alerts import SERVICE_LABELS, Alert, proposal_of
from drbot.core.site.site import Configuration
from drbot.listening.alert_bodies import Group, PlainAlert, UnreadableError, read, said_of
from drbot.store.base.database import Database, Transaction
from drbot.store.records import alerts

log = structlog.get_logger(__name__)

PATH = "/alerts"
LARGEST_BYTES = 8_000_000
END_BYTES = 64_000
MOST_DROPPED = 200_000_000
MOST_ALERTS = 1000
REPEATS = timedelta(minutes=15)
"""A sender that says no time and is silent for longer than this means another outage when it speaks again."""


def receiving(database: Database, token: str, configuration: Configuration) -> Starlette:
    """The one route. `token`: whoever posts sends it as `Authorization: Bearer …`."""

    async def post(request: Request) -> Response:
        if not _is_known(request, token):
            log.warning("An alert was refused: no or another token.", sender=request.client)
            return _said(401, "Send the token: Authorization: Bearer …")
        try:
            body, end = await _body(request)
        except ClientDisconnect:
            return _said(400, "The body did not come")
        return await run_in_threadpool(_take, database, configuration, body, end)

    return Starlette(routes=[Route(PATH, post, methods=["POST"])])


def _is_known(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


async def _body(request: Request) -> tuple[bytes, bytes]:
    """What is kept of it, and of one that is too large the end, too. Raises ClientDisconnect."""
    body, end, came = bytearray(), b"", 0
    async for chunk in request.stream():
        came += len(chunk)
        if came > LARGEST_BYTES + MOST_DROPPED:
            break
        if len(body) < LARGEST_BYTES:
            body += chunk
        end = (end + chunk)[-END_BYTES:]
    return bytes(body), end if came > LARGEST_BYTES else b""


def _take(database: Database, configuration: Configuration, body: bytes, end: bytes) -> Response:
    try:
        said = read(body, end)
    except UnreadableError as error:
        return _said(400, str(error))
    try:
        with database.write() as tx:
            changed = _written(tx, configuration, said)
    except (DrbotError, SQLAlchemyError) as error:
        log.warning("An alert could not be written down; its sender tries again.", error=type(error).__name__)
        return _said(503, "drbot's own state does not answer; send it again")
    return _said(200, "; ".join([_taken(configuration, changed), *_not_taken(said, bool(end))]))


def _written(tx: Transaction, configuration: Configuration, said: Group | PlainAlert) -> list[AlertGroup]:
    if isinstance(said, PlainAlert):
        began = None
        if said.status == "firing" and said.since is None:
            began = alerts.plain_since(tx.connection, said.key, tx.now, REPEATS)
        return alerts.take(tx, said.key, [said.began(began or datetime.now(UTC))])
    kept = _most_important(configuration, said.alerts)
    return alerts.take(tx, said.key, kept, beyond=len(said.alerts) - len(kept))


def _most_important(configuration: Configuration, came: tuple[Alert, ...]) -> list[Alert]:
    """As many as are kept: first those that name something of dr.yml, then what is over."""
    if len(came) <= MOST_ALERTS:
        return list(came)

    def rank(one: Alert) -> int:
        return 1 if not one.fires else 0 if proposal_of(configuration, [one]).level is not None else 2

    return sorted(came, key=rank)[:MOST_ALERTS]


def _taken(configuration: Configuration, changed: Iterable[AlertGroup]) -> str:
    found = [one for group in changed for one in group.alerts]
    if not found:
        return "known already"
    is_known = proposal_of(configuration, found).level is not None
    return "taken" if is_known else f"taken; it names no service of dr.yml ({', '.join(SERVICE_LABELS)})"


def _not_taken(said: Group | PlainAlert, is_cut: bool) -> list[str]:
    if isinstance(said, PlainAlert):
        return []
    beyond = len(said.alerts) - MOST_ALERTS
    return [
        *([f"more than {LARGEST_BYTES} bytes: the first {len(said.alerts)} alerts were read"] if is_cut else []),
        *([f"{beyond} alerts above {MOST_ALERTS} were only counted"] if beyond > 0 else []),
        *([f"{len(said.faults)} could not be read: {said_of(said.faults)}"] if said.faults else []),
    ]


def _said(status: int, text: str) -> Response:
    return JSONResponse({"status": text}, status)
