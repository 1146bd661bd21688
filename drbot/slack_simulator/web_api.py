"""The Web API: reads a call as slack_sdk sends it, applies the rules and the faults, and hands it to its method."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.methods import chat, conversations, directory, files, surfaces, views
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN
from drbot.slack_simulator.rates import Rates
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import METHODS, SlackError, check_arguments, check_scope

Handler = Callable[[MethodContext, Json], Json]

HANDLERS: Mapping[str, Handler] = {
    "auth.test": directory.auth_test,
    "apps.connections.open": directory.open_connection,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.getPermalink": chat.get_permalink,
    "conversations.create": conversations.create,
    "conversations.invite": conversations.invite,
    "conversations.list": conversations.list_channels,
    "conversations.info": conversations.info,
    "conversations.members": conversations.members,
    "conversations.history": conversations.history,
    "conversations.replies": conversations.replies,
    "conversations.setTopic": conversations.set_topic,
    "conversations.open": conversations.open_direct,
    "users.info": directory.user_info,
    "views.open": views.open_view,
    "views.update": views.update_view,
    "views.publish": views.publish,
    "pins.add": surfaces.add_pin,
    "bookmarks.add": surfaces.add_bookmark,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.completeUploadExternal": files.complete_upload,
    "reactions.add": surfaces.add_reaction,
    "reactions.remove": surfaces.remove_reaction,
}

JSON_ARGUMENTS = ("attachments", "blocks", "files", "metadata", "view")
"""Arguments that are JSON in a form."""

log = structlog.get_logger("slack_simulator")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRecord:
    """One call as tests look at it. `at`: Unix time."""

    method: str
    ok: bool
    error: str
    channel: str
    at: float
    seconds: float


class WebApi:
    """Serves `/api/<method>`."""

    def __init__(self, context: MethodContext, faults: Faults) -> None:
        self._context = context
        self._faults = faults
        self._rates = Rates()
        self._lock = threading.Lock()
        self._calls: list[CallRecord] = []

    def calls(self) -> list[Json]:
        with self._lock:
            return [asdict(call) for call in self._calls]

    async def serve(self, request: Request) -> Response:
        started = time.monotonic()
        name = request.path_params["method"]
        arguments, token = await read_call(request)
        await asyncio.sleep(self._faults.delay_seconds(name))
        response, error = self._answer(name, arguments, token)
        record = CallRecord(
            method=name,
            ok=not error,
            error=error,
            channel=str(arguments.get("channel") or ""),
            at=time.time(),
            seconds=time.monotonic() - started,
        )
        with self._lock:
            self._calls.append(record)
        if self._faults.loses_answer(name):
            request.scope["slack_simulator.transport"]().abort()
            await asyncio.sleep(0.05)  # the server must notice that nobody is there before it gets the answer
        return response

    def _answer(self, name: str, arguments: Json, token: str) -> tuple[Response, str]:
        if self._faults.down:
            return Response("upstream connect error", 503), "down"
        error = self._faults.next_error(name)
        if error is not None and error["status"] != 429:
            return Response("server error", error["status"]), f"http_{error['status']}"
        if error is not None:
            return _rate_limited(error.get("retry_after", 1)), "ratelimited"
        try:
            wait_seconds = self._check(name, arguments, token)
            if wait_seconds:
                return _rate_limited(wait_seconds), "ratelimited"
            content = {"ok": True} | HANDLERS[name](self._context, arguments)
            scopes = ",".join(sorted(self._context.app.scopes))
            return JSONResponse(content, headers={"X-OAuth-Scopes": scopes}), ""
        except SlackError as refusal:
            log.info("A call was refused.", method=name, error=refusal.code, **refusal.details)
            return JSONResponse({"ok": False, "error": refusal.code} | refusal.details), refusal.code

    def _check(self, name: str, arguments: Json, token: str) -> int:
        """All rules that hold for every method; the seconds to wait. Raises SlackError."""
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        if token not in (BOT_TOKEN, APP_TOKEN):
            raise SlackError("invalid_auth" if token else "not_authed")
        if token != method.token:
            raise SlackError("not_allowed_token_type")
        check_scope(method.scopes, self._context.app.scopes)
        if self._faults.rate_limits:
            wait_seconds = self._rates.wait_seconds(name, method.per_minute, str(arguments.get("channel") or ""))
            if wait_seconds:
                return wait_seconds
        check_arguments(name, arguments)
        self._refuse_on_demand(name, arguments)
        return 0

    def _refuse_on_demand(self, name: str, arguments: Json) -> None:
        given = str(arguments.get("channel") or arguments.get("channel_id") or "")
        found = self._context.state.channel(given) or self._context.state.channels.get(given)
        places = frozenset({given, found.id, found.name} if found else {given})
        shown = [arguments.get("blocks") or [], arguments.get("text") or "", arguments.get("metadata") or {}]
        code = self._faults.refusal(name, places, json.dumps(shown, ensure_ascii=False))
        if code:
            raise SlackError(code)


def _rate_limited(seconds: int) -> Response:
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": str(seconds)})


async def read_call(request: Request) -> tuple[Json, str]:
    """Arguments and token, from JSON, a form, or the query."""
    arguments: Json = dict(request.query_params)
    body = (await request.body()).decode("utf-8")
    if request.headers.get("content-type", "").startswith("application/json"):
        arguments |= json.loads(body or "{}")
    else:
        arguments |= dict(parse_qsl(body, keep_blank_values=True))
    for name in JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str) and arguments[name][:1] in ("[", "{"):
            arguments[name] = json.loads(arguments[name])
    token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return arguments, str(arguments.pop("token", "") or token)
