"""The WebSocket to Slack: made again when it is cut, and when it is open but lets nothing through.

The SDK looks only every four pings and believes pongs alone, so its own reconnecting is off (all but Slack's hourly
refresh, for which it opens the new socket before it closes the old one).
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from slack_sdk.socket_mode.builtin import SocketModeClient

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
PING_SECONDS = 1.0
CUT_SECONDS = 2.0
"""Without a pong. Slack answers a ping in a fraction of a second."""
QUIET_SECONDS = 7.0
"""Without a delivery: drbot makes one itself (bot/outbound/pulse.py)."""
DEAF_SECONDS = 22.0
"""Without any, its own included: three of them were lost, and the connection with them."""
LONGEST_PATIENCE_SECONDS = 600.0
AGAIN_SECONDS = 1.0


class Watch:
    """What one connection showed of itself lately. Counts looks, so that a host that stands still accuses nobody.

    A new connection that stays deaf may have nothing to hear (no home channel): the next one is given twice the time.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._session: str | None = None
        self._pong: float | None = None
        self._looks = 0
        self._patience = DEAF_SECONDS
        self._heard_at = self._beat_at = now()

    def heard(self, message: str) -> None:
        """Called by the SDK for every message; Slack's hello is none of the deliveries that show that it delivers."""
        self._heard_at = self._now()
        if "envelope_id" in json.loads(message or "{}"):
            self._patience = DEAF_SECONDS

    def fault(self, session: str | None, pong: float | None) -> str:
        """Why this connection is worth nothing, or nothing. `pong`: anything that changes with every pong."""
        if session != self._session:
            self._session, self._pong, self._looks = session, None, 0
            self._heard_at = self._beat_at = self._now()
        self._looks = 0 if pong != self._pong else self._looks + 1
        self._pong = pong
        if self._looks * LOOK_SECONDS >= CUT_SECONDS:
            return "it answers no ping"
        if self._now() - self._heard_at >= self._patience:
            self._patience = min(2 * self._patience, LONGEST_PATIENCE_SECONDS)
            return "it delivers nothing"
        return ""

    def wants_a_beat(self) -> bool:
        """Whether it was quiet for so long that drbot should make something to deliver; asked once per beat."""
        now = self._now()
        if now - max(self._heard_at, self._beat_at) < QUIET_SECONDS:
            return False
        self._beat_at = now
        return True


def keep_connected(client: SocketModeClient, beat: Callable[[], None], stop: threading.Event) -> None:
    """Until `stop`. `beat` makes Slack deliver something, and returns at once."""
    watch = Watch()
    client.on_message_listeners.append(watch.heard)
    told: bool | None = None
    again_at = 0.0
    while not stop.wait(LOOK_SECONDS if told is not None else 0.0):
        if client.is_connected():
            _look(client, watch, beat)
        if client.is_connected() or time.monotonic() < again_at:
            continue
        error = _connected_again(client)
        again_at = time.monotonic() + AGAIN_SECONDS
        if error and told is not False:
            log.warning("Slack is not reached; trying again. The terminal works: drbot dr help", error=error)
        elif not error:
            log.info("Connected to Slack.")
        told = not error


def _look(client: SocketModeClient, watch: Watch, beat: Callable[[], None]) -> None:
    session = client.current_session
    why = watch.fault(client.session_id(), session.last_ping_pong_time if session else None)
    if why:
        log.warning("The connection to Slack is given up; a new one is made.", why=why)
        hang_up(client)
    elif watch.wants_a_beat():
        beat()


def hang_up(client: SocketModeClient) -> None:
    """Close the connection now. The SDK alone would wait until a read that hangs gives up, three seconds."""
    session = client.current_session
    sock = session.sock if session else None
    if session is None or sock is None:
        return
    with suppress(OSError):  # it may be gone already
        sock.shutdown(socket.SHUT_RDWR)
    session.disconnect()


def leave(client: SocketModeClient) -> None:
    """Close it for good, at once: the SDK's thread for messages is woken, which alone looks once a second."""
    hang_up(client)
    client.closed = True
    client.message_queue.put(None)
    client.close()


def _connected_again(client: SocketModeClient) -> str:
    """Why not, or nothing."""
    try:
        client.connect_to_new_endpoint()
    except Exception as error:  # noqa: BLE001 - the SDK lets through whatever the network did; the loop must go on
        return str(error) or type(error).__name__
    return "" if client.is_connected() else "no connection"
