"""Socket Mode: WebSockets of the app, envelopes to one of them at random, acks with payload, redelivery of events.

With a request URL the same deliveries go there by signed HTTP (http_delivery.py).
"""

import asyncio
import json
import random
import secrets
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import Any, Literal

import httpx
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.http_delivery import HttpDelivery
from drbot.slack_simulator.people import APP
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.state import State

MOST_CONNECTIONS = 10
REDELIVERY_SECONDS = (1.0, 60.0, 300.0)
"""Slack tries an event again "nearly immediately", after a minute and after five; commands and clicks never."""

Spoiling = Literal["cut", "silent", "deaf"]
"""cut: the TCP connection ends without a close frame · silent: open, but not even a ping is answered ·
deaf: pings are answered, nothing is delivered."""

log = structlog.get_logger("slack_simulator")


@dataclass(kw_only=True, slots=True)
class Envelope:
    """One delivery as tests look at it. `sent_at`: Unix time; `ack_seconds` is None as long as there is no ack."""

    id: str
    type: str
    sent_at: float
    attempt: int
    started: float
    ack_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """How it went: `acknowledged`, `timeout` or `dispatch_failed`, and what the ack carried."""

    outcome: str
    ack_seconds: float | None = None
    payload: Json | None = None


class Connections:
    """All WebSockets of the app. Everything but `envelopes` runs on the server's event loop."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self._tickets: set[str] = set()
        self._sockets: list[WebSocket] = []
        self._deaf: set[WebSocket] = set()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._records: dict[str, Envelope] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.http: HttpDelivery | None = None
        """Where deliveries go instead of the WebSockets."""

    @property
    def count(self) -> int:
        return len(self._sockets)

    def envelopes(self) -> list[Json]:
        return [asdict(record) for record in list(self._records.values())]

    def new_ticket(self) -> str:
        """The secret part of a WebSocket address; it works once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        ticket = socket.query_params.get("ticket", "")
        if self._faults.down or ticket not in self._tickets or self.count >= MOST_CONNECTIONS:
            await socket.close()
            return
        self._tickets.remove(ticket)
        await socket.accept()
        self._sockets.append(socket)
        self._state.changed("connections")
        try:
            await socket.send_json(self._hello())
            while True:
                self._acknowledge(json.loads(await socket.receive_text()))
        except (WebSocketDisconnect, RuntimeError, OSError) as gone:
            log.info("A Socket Mode connection ended.", why=str(gone))
        finally:
            self._forget(socket)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.count,
            "debug_info": {"host": "local", "build_number": 1, "approximate_connection_time": 3600},
            "connection_info": {"app_id": APP},
        }

    def _forget(self, socket: WebSocket) -> None:
        self._deaf.discard(socket)
        if socket in self._sockets:
            self._sockets.remove(socket)
            self._state.changed("connections")

    def _acknowledge(self, answer: Json) -> None:
        record = self._records.get(str(answer.get("envelope_id")))
        if record is None:
            return
        if record.ack_seconds is None:
            record.ack_seconds = time.monotonic() - record.started
        waiting = self._waiting.get(record.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload") or {})

    async def deliver(self, kind: str, payload: Json, *, attempt: int = 0) -> Delivery:
        """Send one envelope and wait for its ack, three seconds unless the faults say otherwise."""
        if not self._sockets and self.http is None:
            return Delivery(outcome="dispatch_failed")
        record = Envelope(
            id=secrets.token_hex(16), type=kind, sent_at=time.time(), attempt=attempt, started=time.monotonic()
        )
        self._records[record.id] = record
        if self.http is not None:
            return await self._posted(self.http, record, payload)
        envelope = {
            "type": kind,
            "envelope_id": record.id,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        waiting = self._waiting[record.id] = asyncio.get_running_loop().create_future()
        copies = 2 if self._faults.duplicate_envelopes else 1
        for _ in range(copies):
            self.in_background(self._send(envelope, self._faults.late_envelope_seconds))
        try:
            answer = await asyncio.wait_for(waiting, self._faults.ack_seconds)
        except TimeoutError:
            return Delivery(outcome="timeout")
        finally:
            del self._waiting[record.id]
        return Delivery(outcome="acknowledged", ack_seconds=record.ack_seconds, payload=answer)

    async def _posted(self, http: HttpDelivery, record: Envelope, payload: Json) -> Delivery:
        """The same by signed HTTP; a duplicate is signed anew, as Slack signs each of its attempts."""
        await asyncio.sleep(self._faults.late_envelope_seconds)
        try:
            answer = await http.post(record.type, payload, self._faults.ack_seconds, record.attempt)
            if self._faults.duplicate_envelopes:
                await http.post(record.type, payload, self._faults.ack_seconds, record.attempt + 1)
        except httpx.TimeoutException:
            return Delivery(outcome="timeout")
        except httpx.TransportError as error:
            log.info("The app was not reached.", why=str(error))
            return Delivery(outcome="dispatch_failed")
        if answer is None:
            return Delivery(outcome="dispatch_failed")
        record.ack_seconds = time.monotonic() - record.started
        return Delivery(outcome="acknowledged", ack_seconds=record.ack_seconds, payload=answer)

    async def _send(self, envelope: Json, late_seconds: float) -> None:
        if late_seconds:
            await asyncio.sleep(late_seconds)
        if not self._sockets:
            return
        socket = random.choice(self._sockets)  # noqa: S311 - not a secret
        if socket in self._deaf:
            return
        try:
            await socket.send_json(envelope)
        except (WebSocketDisconnect, RuntimeError, OSError):
            self._forget(socket)

    async def deliver_event(self, payload: Json) -> None:
        """An event, tried again until it is acknowledged or Slack would give up."""
        for attempt, wait_seconds in enumerate((0.0, *REDELIVERY_SECONDS)):
            await asyncio.sleep(wait_seconds)
            delivery = await self.deliver("events_api", payload, attempt=attempt)
            if delivery.outcome == "acknowledged":
                return
        log.warning("The app never acknowledged an event.", event_type=payload["event"]["type"])

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it on the loop, and keep it from being collected."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drop(self, *, politely: bool = False) -> int:
        """Cut all connections; `politely` = ask for a refresh first, as Slack does about once an hour."""
        sockets = list(self._sockets)
        for socket in sockets:
            if politely:
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
            else:
                self._forget(socket)
                await socket.close(code=1011)
        return len(sockets)

    def spoil(self, how: Spoiling) -> int:
        """What no close frame tells the app: `cut`, `silent` or `deaf` connections. Those made later are good."""
        sockets = list(self._sockets)
        for socket in sockets:
            if how == "deaf":
                self._deaf.add(socket)
                continue
            transport = socket.scope["slack_simulator.transport"]()
            if how == "cut":
                transport.abort()
            else:
                transport.pause_reading()
            self._forget(socket)
        return len(sockets)
