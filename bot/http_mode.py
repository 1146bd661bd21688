"""Slack by HTTP instead of Socket Mode: `drbot bot --http PORT`, behind a proxy that speaks TLS.

Who does not even claim Slack's signature is refused before the body is read; signature and age of every body are
checked (SLACK_SIGNING_SECRET) before anything else looks at it, and by Bolt once more. A body that was served is not
served again, by no process and after no restart, so that nobody can replay one within the five minutes of its age. A
GET decides nothing: there is no such route.
"""

import logging
import re
import socket
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import structlog
import uvicorn
from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drbot.bot.slack_api.short_connection import ShortConnection
from drbot.core.base.errors import PermanentError, TemporaryError, UserError
from drbot.core.text.messages import phrase, say
from drbot.store.base.database import Database
from drbot.store.records import served

log = structlog.get_logger(__name__)

PATH = "/slack/events"
LARGEST_BYTES = 1_000_000
OLDEST_SECONDS = 60 * 5
"""The age that a signature may have; a clock that is ahead may be so by the same."""
KEPT = timedelta(seconds=2 * OLDEST_SECONDS)
LOOK_SECONDS = 0.2
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


def address_of(text: str) -> tuple[str, int]:
    """`8080` or `0.0.0.0:8080`. Raises UserError."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise UserError(
            phrase("You gave --http."),
            phrase('"{text}" is not a port.', text=text),
            phrase("Write --http 8080, or --http 0.0.0.0:8080."),
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def serve(app: App, guard: RequestGuard, address: tuple[str, int], stop: threading.Event) -> None:
    """Until `stop`. Raises UserError when the port is taken, PermanentError when the server ends by itself."""
    server = uvicorn.Server(_quiet(application(app, guard)))
    with _listening(address) as listener:
        place = "{}:{}".format(*listener.getsockname()[:2])
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
        thread.start()
        log.info("Slack is expected by HTTP.", url=f"http://{place}{PATH}")
        while not stop.wait(LOOK_SECONDS) and thread.is_alive():
            pass
        ended_by_itself = not stop.is_set()
        server.should_exit = True
        thread.join(timeout=15)
    if ended_by_itself:
        raise PermanentError(phrase("The Slack listener at {place} stopped by itself", place=place))


def _listening(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UserError(
            phrase("Tried to listen for Slack."),
            f"{address[0]}:{address[1]}: {error}",
            phrase("Choose another port with --http."),
        ) from error
    return listener


def _quiet(served_by: Any) -> uvicorn.Config:
    return uvicorn.Config(
        served_by,
        http=ShortConnection,
        ws="none",
        headers=[("Connection", "close")],
        log_level=logging.WARNING,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
