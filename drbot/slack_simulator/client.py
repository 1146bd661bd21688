"""A typed client of the control API: what tests and the demo do and see as people of the simulator."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from drbot.slack_simulator.records import Json
from drbot.slack_simulator.socket_mode import Spoiling

REQUEST_SECONDS = 30.0
KEPT_SECONDS = 1.0  # a connection without a request: shorter than the server keeps it
PATIENCE_SECONDS = 120.0  # for what will come anyway; the machine may be busy
LOOK_SECONDS = 0.05
GONE = "action_not_found"
"""Code of the error when what was pressed is not in the message any more: the app has drawn it anew meanwhile."""


class PeopleError(Exception):
    """The simulator refused what a person tried; the message is its sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """How an act went: `acknowledged`, `timeout`, `dispatch_failed` or `invalid`; what the app's ack showed."""

    outcome: str
    ack_seconds: float | None
    error: str
    text: str = ""
    blocks: tuple[Json, ...] = ()
    response_action: str = ""
    errors: Mapping[str, str]
    views: tuple[Json, ...] = ()

    @property
    def acknowledged(self) -> bool:
        return self.outcome == "acknowledged"


class People:
    """Everybody at once: each call says who acts. `channel` is an id or a name."""

    def __init__(self, url: str) -> None:
        kept = httpx.Limits(keepalive_expiry=KEPT_SECONDS)
        self._http = httpx.Client(base_url=url, timeout=REQUEST_SECONDS, trust_env=False, limits=kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _read(self, path: str, **parameters: str) -> Json:
        return _content(self._http.get(f"/control/{path}", params=parameters))

    def _do(self, path: str, **body: Any) -> Json:
        return _content(self._http.post(f"/control/{path}", json=body))

    # act

    def command(self, user: str, channel: str, text: str) -> Answer:
        """Type "/dr …" in a channel."""
        return _answer(self._do("command", user=user, channel=channel, text=text))

    def say(self, user: str, channel: str, text: str, thread_ts: str = "") -> Json:
        message: Json = self._do("message", user=user, channel=channel, text=text, thread_ts=thread_ts)["message"]
        return message

    def click(
        self,
        user: str,
        message: Json,
        action_id: str,
        value: Any = None,
        *,
        block_id: str = "",
    ) -> Answer:
        """Press a button of a message. `value`: the one that was seen, so that no other is pressed that has come into
        its place. Raises PeopleError `GONE` where it is there no more.
        """
        place = {"channel": message["channel"], "ts": message["ts"], "block_id": block_id}
        return _answer(self._do("click", user=user, action_id=action_id, value=value, **place))

    def submit(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]] | None = None) -> Answer:
        """Press the submit button of a modal; `values`: {block_id: {action_id: value}}."""
        return _answer(self._do("submit", user=user, view_id=view_id, values=values or {}))

    def close_view(self, user: str, view_id: str) -> None:
        self._do("close_view", user=user, view_id=view_id)

    def open_home(self, user: str) -> Answer:
        return _answer(self._do("home", user=user))

    def react(self, user: str, message: Json, name: str) -> None:
        self._do("reaction", user=user, channel=message["channel"], ts=message["ts"], name=name)

    def shortcut(self, user: str, callback_id: str, message: Json | None = None) -> Answer:
        place = {"channel": message["channel"], "ts": message["ts"]} if message else {}
        return _answer(self._do("shortcut", user=user, callback_id=callback_id, **place))

    def archive(self, user: str, channel: str) -> None:
        self._do("archive", user=user, channel=channel)

    def set_faults(self, **fields: Any) -> None:
        """Make Slack misbehave; fields of `faults.py`."""
        self._do("faults", **fields)

    def drop_sockets(self, *, politely: bool = False) -> int:
        """Cut the app's connections; how many there were."""
        return int(self._do("drop_sockets", politely=politely)["dropped"])

    def spoil_sockets(self, how: Spoiling) -> int:
        """Break the app's connections without telling it; how many there were."""
        return int(self._do("spoil_sockets", how=how)["spoiled"])

    # see

    def state(self, user: str = "") -> Json:
        """Everything this person sees (everybody's, without a user)."""
        return self._read("state", user=user)

    def _outline(self, user: str = "") -> Json:
        return self._read("state", user=user, messages="no")

    def views(self, user: str) -> list[Json]:
        """The person's open modals; the last one is on top."""
        views: list[Json] = self._outline(user)["views"]
        return views

    def home(self, user: str) -> Json | None:
        home: Json | None = self._outline(user)["home"]
        return home

    def channels(self, user: str = "") -> list[Json]:
        channels: list[Json] = self.state(user)["channels"]
        return channels

    def channel(self, channel: str, user: str = "") -> Json:
        """The channel by id or name. Raises PeopleError."""
        found: Json = self._read("channel", channel=channel, user=user)["channel"]
        return found

    def messages(self, channel: str, user: str = "") -> list[Json]:
        """All messages, oldest first, replies too, and what only `user` sees."""
        messages: list[Json] = self.channel(channel, user)["messages"]
        return messages

    def thread(self, channel: str, ts: str) -> list[Json]:
        return [each for each in self.messages(channel) if ts in (each["ts"], each.get("thread_ts"))]

    def file(self, file: Json) -> bytes:
        return self._http.get(file["url"]).raise_for_status().content

    def calls(self, method: str = "") -> list[Json]:
        return [call for call in self._read("calls")["calls"] if method in ("", call["method"])]

    def envelopes(self) -> list[Json]:
        """The deliveries to the app so far, with `ack_seconds`."""
        envelopes: list[Json] = self._read("envelopes")["envelopes"]
        return envelopes

    @property
    def connections(self) -> int:
        return int(self._outline()["app"]["connections"])

    # wait

    def wait_for_message(self, channel: str, predicate: Callable[[Json], object], user: str = "") -> Json:
        """The newest message that fits. Raises TimeoutError with what was there instead."""

        def newest() -> Json | None:
            fitting = [message for message in self._messages_if_any(channel, user) if predicate(message)]
            return fitting[-1] if fitting else None

        def there() -> str:
            return " | ".join(message["text"] for message in self._messages_if_any(channel, user)[-10:]) or "nothing"

        return _wait(newest, PATIENCE_SECONDS, f"a message in {channel}", there)

    def _messages_if_any(self, channel: str, user: str) -> list[Json]:
        try:
            return self.messages(channel, user)
        except PeopleError:
            return []

    def wait_for_view(
        self, user: str, predicate: Callable[[Json], object] = bool, seconds: float = PATIENCE_SECONDS
    ) -> Json:
        """The top modal of a person, once it fits. Raises TimeoutError."""

        def top() -> Json | None:
            views = self.views(user)
            return views[-1] if views and predicate(views[-1]) else None

        return _wait(
            top, seconds, f"a modal of {user}", lambda: str([view["callback_id"] for view in self.views(user)])
        )

    def wait_for_connection(self) -> None:
        """Until the app is connected; after a killed server the SDK takes up to a minute."""

        def connected() -> Json | None:
            return {"connections": self.connections} if self.connections else None

        _wait(connected, PATIENCE_SECONDS, "the app", lambda: "")


def _wait(look: Callable[[], Json | None], seconds: float, what: str, there: Callable[[], str]) -> Json:
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}; there was: {there()}")
        time.sleep(LOOK_SECONDS)


def _content(response: httpx.Response) -> Json:
    content: Json = response.json()
    if not content.get("ok"):
        raise PeopleError(str(content.get("error")), str(content.get("message")))
    return content


def _answer(content: Json) -> Answer:
    return Answer(
        outcome=content["outcome"],
        ack_seconds=content["ack_seconds"],
        error=content["error"],
        text=content.get("text", ""),
        blocks=tuple(content.get("blocks", ())),
        response_action=content.get("response_action", ""),
        errors=content.get("errors", {}),
        views=tuple(content.get("views", ())),
    )
