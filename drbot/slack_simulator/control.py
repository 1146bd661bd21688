"""The control API over HTTP: reads bodies, finds the right act, and turns refusals into 400 (`control.md`)."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drbot.slack_simulator.acting import Acting
from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.feed import Feed
from drbot.slack_simulator.interacting import Interacting
from drbot.slack_simulator.looking import Looking, RefusedError
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.socket_mode import Connections, Spoiling
from drbot.slack_simulator.state import State
from drbot.slack_simulator.web_api import WebApi

Act = Callable[[Json], Awaitable[Json]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    state: State
    faults: Faults
    connections: Connections
    web_api: WebApi
    looking: Looking
    acting: Acting
    interacting: Interacting
    feed: Feed

    def routes(self) -> list[Route]:
        """The reads, and one POST route per act."""
        acts: dict[str, tuple[Act, str]] = {
            # path: act, fields it cannot do without
            "command": (self._command, "user channel text"),
            "message": (self._message, "user channel text"),
            "click": (self._click, "user action_id"),
            "submit": (self._submit, "user view_id"),
            "close_view": (self._close_view, "user view_id"),
            "home": (self._home, "user"),
            "reaction": (self._reaction, "user channel ts name"),
            "shortcut": (self._shortcut, "user callback_id"),
            "join": (self._join, "user channel"),
            "archive": (self._archive, "user channel"),
            "faults": (self._faults, ""),
            "drop_sockets": (self._drop_sockets, ""),
            "spoil_sockets": (self._spoil_sockets, "how"),
        }
        return [
            Route("/control/state", self._state),
            Route("/control/feed", self._feed),
            Route("/control/channel", self._channel),
            Route("/control/files/{file_id}", self._file),
            Route("/control/calls", self._calls),
            Route("/control/envelopes", self._envelopes),
            *(
                Route(f"/control/{name}", _posting(act, required.split()), methods=["POST"])
                for name, (act, required) in acts.items()
            ),
        ]

    # reads

    async def _state(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        if user and user not in self.state.people:
            return _refused(RefusedError("user_not_found", f"There is no user {user}."))
        with_messages = request.query_params.get("messages") != "no"
        return _answer(self.feed.whole(user, with_messages=with_messages))

    async def _feed(self, request: Request) -> Response:
        asked = request.query_params
        seconds = float(asked.get("seconds", "20"))
        return _answer(await self.feed.after(int(asked.get("after", "0")), asked.get("user", ""), seconds))

    async def _channel(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        try:
            channel = self.looking.channel(request.query_params.get("channel", ""), user)
        except RefusedError as refusal:
            return _refused(refusal)
        return _answer({"seq": self.state.seq, "channel": self.feed.channel(channel, user)})

    async def _file(self, request: Request) -> Response:
        file = self.state.files.get(request.path_params["file_id"])
        if file is None or file.content is None:
            return _refused(RefusedError("file_not_found", "There is no such file."))
        return Response(file.content, media_type=file.mimetype)

    async def _calls(self, request: Request) -> Response:
        return _answer({"calls": self.web_api.calls()})

    async def _envelopes(self, request: Request) -> Response:
        return _answer({"envelopes": self.connections.envelopes()})

    # acts

    async def _command(self, asked: Json) -> Json:
        return await self.acting.command(asked["user"], asked["channel"], asked["text"], asked.get("thread_ts", ""))

    async def _message(self, asked: Json) -> Json:
        message = self.acting.say(asked["user"], asked["channel"], asked["text"], asked.get("thread_ts", ""))
        return {"message": message.as_seen()}

    async def _click(self, asked: Json) -> Json:
        if "view_id" not in asked and not {"channel", "ts"} <= set(asked):
            raise RefusedError("missing_field", "The body lacks view_id, or channel and ts.")
        return await self.interacting.click(asked)

    async def _submit(self, asked: Json) -> Json:
        return await self.interacting.submit(asked["user"], asked["view_id"], asked.get("values", {}))

    async def _close_view(self, asked: Json) -> Json:
        self.interacting.close_view(asked["user"], asked["view_id"])
        return {"views": []}

    async def _home(self, asked: Json) -> Json:
        return await self.interacting.open_home(asked["user"])

    async def _reaction(self, asked: Json) -> Json:
        remove = bool(asked.get("remove"))
        message = self.acting.react(asked["user"], asked["channel"], asked["ts"], asked["name"], remove=remove)
        return {"message": message.as_seen()}

    async def _shortcut(self, asked: Json) -> Json:
        return await self.interacting.shortcut(
            asked["user"], asked["callback_id"], asked.get("channel", ""), asked.get("ts", "")
        )

    async def _join(self, asked: Json) -> Json:
        channel = self.acting.join(asked["user"], asked["channel"])
        return {"channel": self.feed.channel(channel, asked["user"])}

    async def _archive(self, asked: Json) -> Json:
        channel = self.acting.archive(asked["user"], asked["channel"])
        return {"channel": self.feed.channel(channel, asked["user"])}

    async def _faults(self, asked: Json) -> Json:
        try:
            self.faults.change(asked)
        except ValueError as error:
            raise RefusedError("unknown_fault", str(error)) from error
        if self.faults.down:
            await self.connections.drop()
        return {"faults": self.faults.as_seen()}

    async def _drop_sockets(self, asked: Json) -> Json:
        return {"dropped": await self.connections.drop(politely=bool(asked.get("politely")))}

    async def _spoil_sockets(self, asked: Json) -> Json:
        if asked["how"] not in get_args(Spoiling):
            raise RefusedError("unknown_fault", f"how: {', '.join(get_args(Spoiling))}")
        return {"spoiled": self.connections.spoil(asked["how"])}


def _answer(content: Json) -> Response:
    return JSONResponse({"ok": True} | content)


def _refused(refusal: RefusedError) -> Response:
    return JSONResponse({"ok": False, "error": refusal.code, "message": str(refusal)}, 400)


def _posting(act: Act, required: list[str]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked: Json = json.loads(await request.body() or b"{}")
        missing = [name for name in required if name not in asked]
        if missing:
            return _refused(RefusedError("missing_field", f"The body lacks {', '.join(missing)}."))
        try:
            return _answer(await act(asked))
        except RefusedError as refusal:
            return _refused(refusal)

    return endpoint
