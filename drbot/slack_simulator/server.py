"""The local Slack: Web API, Socket Mode, control API and page on one loopback port, in a thread of its own."""

import asyncio
import json
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from drbot.slack_simulator import payloads
from drbot.slack_simulator.acting import Acting
from drbot.slack_simulator.app import read_manifest
from drbot.slack_simulator.completions import Completion
from drbot.slack_simulator.control import Control
from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.feed import Feed
from drbot.slack_simulator.interacting import Interacting
from drbot.slack_simulator.looking import Looking
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.methods.chat import answer_by_url
from drbot.slack_simulator.page_words import script_of
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError
from drbot.slack_simulator.socket_mode import Connections
from drbot.slack_simulator.state import State
from drbot.slack_simulator.tickets import Tickets
from drbot.slack_simulator.web_api import WebApi

PAGE = Path(__file__).parent / "page"
HOST = "127.0.0.1"
START_SECONDS = 20.0
UNKEPT = {"cache-control": "no-store"}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SlackSimulator:
    """Start it, point `SLACK_API_URL` at `api_url`, stop it. Port and key are its own from the beginning, and kept over
    restarts. Every program of this host reaches the port; only who was told the address has the key in it.
    """

    def __init__(
        self,
        manifest: Path,
        state: State | None = None,
        faults: Faults | None = None,
        *,
        tickets: Tickets | None = None,
        completions: Sequence[Completion] = (),
    ) -> None:
        self.state = state or State()
        self.faults = faults or Faults()
        self._held: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._held.bind((HOST, 0))
        self._port: int = self._held.getsockname()[1]
        self._key = secrets.token_urlsafe(16)
        self._once: set[str] = set()
        self.connections = Connections(self.state, self.faults)
        app = read_manifest(manifest)
        self.context = MethodContext(
            state=self.state,
            app=app,
            tickets=tickets or Tickets(),
            announce=self._announce,
            new_socket_url=lambda: f"ws://{HOST}:{self._port}/link?ticket={self.connections.new_ticket()}",
            url=self.url,
        )
        self.web_api = WebApi(self.context, self.faults)
        self.control = Control(
            state=self.state,
            faults=self.faults,
            connections=self.connections,
            web_api=self.web_api,
            looking=Looking(context=self.context),
            acting=Acting(self.context, self.connections),
            interacting=Interacting(self.context, self.connections),
            feed=Feed(self.state, app, self.connections, completions),
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The page and the control API."""
        return f"http://{HOST}:{self._port}/{self._key}"

    def url_once(self) -> str:
        """The page for a browser that is started, whose arguments everybody on this host may read: good once."""
        self._once.add(once := secrets.token_urlsafe(16))
        return f"http://{HOST}:{self._port}/{once}/"

    @property
    def api_url(self) -> str:
        """What `SLACK_API_URL` is set to."""
        return f"{self.url}/api/"

    def start(self) -> None:
        """Listen; returns when requests are answered. Raises OSError, TimeoutError."""
        self.control.feed.closing = False
        listener, self._held = self._held or socket.socket(socket.AF_INET, socket.SOCK_STREAM), None
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not listener.getsockname()[1]:
            listener.bind((HOST, self._port))
        config = uvicorn.Config(
            _CutOnDemand(self._application(), self._port, self._key, self._once),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="slack_simulator", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise TimeoutError("the Slack simulator did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Cut everything off; from then on connections are refused."""
        if self._server is not None and self._thread is not None:
            self.control.feed.closing = True
            self._server.should_exit = True
            self._thread.join(timeout=10)
            self._server = self._thread = None

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/{method}", self.web_api.serve, methods=["GET", "POST"]),
                Route("/response/{token}", self._response_url, methods=["POST"]),
                Route("/upload/{file_id}", self._upload, methods=["POST"]),
                WebSocketRoute("/link", self.connections.serve),
                Route("/archives/{channel}/{message}", _permalink),
                *self.control.routes(),
                Route("/js/said.js", self._said),
                Mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False)),
            ]
        )

    def _announce(self, kind: str, fields: Json) -> None:
        """An event to the app, if its manifest asks for it; called on the server's loop only."""
        if kind in self.context.app.events:
            payload = payloads.event(kind, fields, self.state.new_ts())
            self.connections.in_background(self.connections.deliver_event(payload))

    async def _response_url(self, request: Request) -> Response:
        body = json.loads(await request.body())
        await asyncio.sleep(self.faults.delay_seconds("response_url"))
        if self.faults.down:
            return Response("upstream connect error", 503)
        try:
            answer_by_url(self.context, request.path_params["token"], body)
        except SlackError as refusal:
            return JSONResponse({"ok": False, "error": refusal.code} | refusal.details, 404)
        return Response("ok")

    async def _said(self, request: Request) -> Response:
        return Response(script_of(self.state), media_type="text/javascript", headers=UNKEPT)

    async def _upload(self, request: Request) -> Response:
        file = self.state.files.get(request.path_params["file_id"])
        if file is None or file.content is not None:
            return Response("no such upload", 404)
        file.content = await request.body()
        file.size = len(file.content)
        return Response(f"OK - {file.size}")


async def _permalink(request: Request) -> Response:
    message = request.path_params["message"].removeprefix("p")
    place = f"channel={request.path_params['channel']}&message={message[:-6]}.{message[-6:]}"
    return RedirectResponse(f"/?{place}")


class _CutOnDemand:
    """Gives every request its own connection, to cut it: the fault "done, but the answer is lost", and for sockets. Who
    has no key, or comes from a page from elsewhere in the same browser, may not act as people of this Slack.
    """

    def __init__(self, application: Starlette, port: int, key: str, once: set[str]) -> None:
        self._application = application
        self._port = port
        self._key = key
        self._once = once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. uvicorn's `receive` is a method of the object that owns the transport."""
        if scope["type"] == "http" and (answer := self._answer(scope, Request(scope))):
            await answer(scope, receive, send)
            return
        scope["slack_simulator.transport"] = lambda: receive.__self__.transport  # type: ignore[attr-defined]
        await self._application(scope, receive, send)

    def _answer(self, scope: Scope, request: Request) -> Response | None:
        """None = it is served, without the key in its path. The page keeps the key as a cookie, out of what is seen."""
        first, _, rest = str(scope["path"])[1:].partition("/")
        name, opens = f"key-{self._port}", not rest and (self._is_key(first) or first in self._once)
        if not (opens or self._is_key(first) or self._is_key(request.cookies.get(name, ""))):
            return Response("only by the address that drbot has told", 403)
        if self._is_from_elsewhere(request.headers):
            return Response("only this machine's own page", 403)
        if opens:
            self._once.discard(first)
            page = RedirectResponse(f"/?{scope['query_string'].decode()}")
            page.set_cookie(name, self._key, httponly=True, samesite="lax")
            return page
        if self._is_key(first):
            scope["path"], scope["raw_path"] = f"/{rest}", f"/{rest}".encode()
        return None

    def _is_key(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._key.encode())

    def _is_from_elsewhere(self, headers: Headers) -> bool:
        """By the page that asks, and by the name it was asked under, which another machine's name server may give."""
        names = {f"{HOST}:{self._port}", f"localhost:{self._port}"}
        origins = {f"http://{name}" for name in names}
        return headers.get("host") not in names or not {headers.get("origin")} <= {None, *origins}
