"""Slack by HTTP instead of Socket Mode: `drbot bot --http PORT`, behind a proxy that speaks TLS.

Who does not even claim Slack's signature is refused before the body is read; signature and age of every body are
checked (SLACK_SIGNING_SECRET) before anything else looks at it, and by Bolt once more. A body that was served is not
served again, by no process and after no restart, so that nobody can replay one within the five minutes of its age. A
GET decides nothing: there is no such route.
"""

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs

import structlog
from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drbot.core.base.errors import TemporaryError
from drbot.core.text.messages import phrase, say
from drbot.store.base.database import Database
from drbot.store.records import served

log = structlog.get_logger(__name__)

PATH = "/slack/events"
LARGEST_BYTES = 1_000_000
OLDEST_SECONDS = 60 * 5
"""The age that a signature may have; a clock that is ahead may be so by the same."""
KEPT = timedelta(seconds=2 * OLDEST_SECONDS)
UNSIGNED = "not signed by Slack, or too long ago"
NOT_RECORDED: str = phrase(
    "Not recorded, nothing started and nothing stopped: drbot's own database does not answer. Try again in a moment."
)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class RequestGuard:
    """Lets a body in when Slack signed it, lately, and only once."""

    def __init__(self, secret: str, database: Database, language: str = "en") -> None:
        """`language`: of channels; whose command it is nobody knows before the body is let in."""
        self._verifier = SignatureVerifier(secret)
        self._database = database
        self.not_recorded = say(NOT_RECORDED, language)

    def refusal_before(self, headers: Mapping[str, str]) -> str:
        """Why its body is not worth reading, or nothing."""
        stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        is_lately = stamp.isascii() and stamp.isdigit() and abs(time.time() - int(stamp[:12])) <= OLDEST_SECONDS
        return "" if is_lately and _SIGNATURE.fullmatch(given) else UNSIGNED

    def refusal(self, body: bytes, headers: Mapping[str, str]) -> str:
        """Why not, or nothing. Raises TemporaryError when nobody knows whether it was served."""
        if self.refusal_before(headers):
            return UNSIGNED
        stamp, given = headers["x-slack-request-timestamp"], headers["x-slack-signature"]
        try:
            is_valid = self._verifier.is_valid(body, stamp, given)
        except (TypeError, ValueError):  # a body that is no text
            is_valid = False
        if not is_valid:
            return UNSIGNED
        with self._database.write() as tx:
            return "" if served.is_first(tx, given, KEPT) else "served already"


def application(app: App, guard: RequestGuard) -> Starlette:
    """The one route Slack posts to."""

    async def events(request: Request) -> Response:
        body = await _body(request, guard)
        if isinstance(body, Response):
            return body
        try:
            why = await run_in_threadpool(guard.refusal, body, request.headers)
        except TemporaryError as error:
            log.warning("Nothing was recorded.", error=str(error))
            return PlainTextResponse(guard.not_recorded) if b"command" in parse_qs(body) else Response(status_code=503)
        if why:
            return _refused(request, why)
        # A thread of its own per delivery: a dialog is answered with what came of it, which may take a second.
        return to_starlette_response(await run_in_threadpool(app.dispatch, to_bolt_request(request, body)))

    return Starlette(routes=[Route(PATH, events, methods=["POST"])])


async def _body(request: Request, guard: RequestGuard) -> bytes | Response:
    """What may be looked at, or the answer to what may not."""
    if _claimed_bytes(request) > LARGEST_BYTES:
        return PlainTextResponse("too large", 413)
    why = guard.refusal_before(request.headers)
    if why:
        return _refused(request, why)
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                return PlainTextResponse("too large", 413)
    except ClientDisconnect:
        return _refused(request, "it did not say in time what it wants")
    return body


def _refused(request: Request, why: str) -> Response:
    log.warning("A request was refused; nothing was done.", why=why, sender=request.client)
    return PlainTextResponse("invalid request", 401)


def _claimed_bytes(request: Request) -> int:
    claimed = request.headers.get("content-length", "0")
    return int(claimed[:12]) if claimed.isascii() and claimed.isdigit() else 0
