"""Slack by HTTP instead of Socket Mode: `drbot bot --http PORT`, behind a proxy that speaks TLS.

Signature and age of every body are checked (SLACK_SIGNING_SECRET) before anything else looks at it, and by Bolt once
more. A body that was served is not served again, so that nobody can replay one within the five minutes of its age.
A GET decides nothing: there is no such route.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
import uvicorn
from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.errors import UserError

log = structlog.get_logger(__name__)

PATH = "/slack/events"
LARGEST_BYTES = 1_000_000
KEPT_SECONDS = 2 * 60 * 5.0
"""Twice the age that a signature may have: it may also come from a clock that is ahead."""
LOOK_SECONDS = 0.2


class Doorman:
    """Lets a body in when Slack signed it, lately, and only once."""

    def __init__(self, secret: str, now: Callable[[], float] = time.monotonic) -> None:
        self._verifier = SignatureVerifier(secret)
        self._now = now
        self._lock = threading.Lock()
        self._served: dict[str, float] = {}

    def refusal(self, body: bytes, headers: Mapping[str, str]) -> str:
        """Why not, or nothing."""
        stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        try:
            is_valid = self._verifier.is_valid(body, stamp, given)
        except (TypeError, ValueError):  # a signature that is not ASCII, a time that is no number, a body no text
            is_valid = False
        if not is_valid:
            return "not signed by Slack, or too long ago"
        return "served already" if self._is_replay(given) else ""

    def _is_replay(self, given: str) -> bool:
        now = self._now()
        with self._lock:
            for old in [one for one, at in self._served.items() if now - at > KEPT_SECONDS]:
                del self._served[old]
            known = given in self._served
            self._served.setdefault(given, now)
        return known


def application(app: App, secret: str) -> Starlette:
    """The one route Slack posts to."""
    doorman = Doorman(secret)

    async def events(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                return PlainTextResponse("too large", 413)
        why = doorman.refusal(body, request.headers)
        if why:
            log.warning("A request was refused; nothing was done.", why=why, sender=request.client)
            return PlainTextResponse("invalid request", 401)
        # A thread of its own per delivery: a dialog is answered with what came of it, which may take a second.
        return to_starlette_response(await run_in_threadpool(app.dispatch, to_bolt_request(request, body)))

    return Starlette(routes=[Route(PATH, events, methods=["POST"])])


def address_of(text: str) -> tuple[str, int]:
    """`8080` or `0.0.0.0:8080`. Raises UserError."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise UserError("You gave --http.", f'"{text}" is no port.', "Write --http 8080, or --http 0.0.0.0:8080.")
    return host.strip("[]") or "127.0.0.1", int(port)


def serve(app: App, secret: str, address: tuple[str, int], stop: threading.Event) -> None:
    """Until `stop`. Raises UserError when the port is taken."""
    server = uvicorn.Server(_quiet(application(app, secret)))
    with _listening(address) as listener:
        place = "{}:{}".format(*listener.getsockname()[:2])
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
        thread.start()
        log.info("Slack is expected by HTTP.", url=f"http://{place}{PATH}")
        while not stop.wait(LOOK_SECONDS) and thread.is_alive():
            pass
        server.should_exit = True
        thread.join(timeout=15)


def _listening(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UserError(
            "The bot was to listen for Slack.",
            f"{address[0]}:{address[1]}: {error}",
            "Choose another port with --http.",
        ) from error
    return listener


def _quiet(served: Any) -> uvicorn.Config:
    return uvicorn.Config(
        served,
        log_level=logging.WARNING,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
