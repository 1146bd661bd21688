"""A connection to the engine that carries a command's own bytes, from the first one on.

The SDK reads the socket below its own buffer: what came together with the engine's answer is lost there, now and then
on a busy host (docker/docker-py#3332). A command that said one word had said nothing, with the exit code 0.

Docker frames a container's output: one byte for the stream, three unused, four for the length.
"""

import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

from docker.errors import NotFound

from drbot.core.base.errors import CancelledError, Cause, PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.foundation.watching import Cancelled

LOOK_EVERY_SECONDS = 0.25
PIECE = 1 << 18
ENDS_WITHIN_SECONDS = 30  # more than it was given: the engine may be slow
KILLED = 137  # what a shell would say of a command that was ended with its container


class FrameDecoder:
    """Takes the stream apart, whatever the pieces it arrives in."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """(stream, bytes) of every frame that is whole by now."""
        self._rest += data
        position = 0
        while len(self._rest) - position >= 8:
            stream, length = struct.unpack_from(">BxxxL", self._rest, position)
            if len(self._rest) - position - 8 < length:
                break
            yield stream, bytes(self._rest[position + 8 : position + 8 + length])
            position += 8 + length
        del self._rest[:position]


class Hijacked:
    """What the SDK hands out for `socket=True`. Any: it has no type for it."""

    def __init__(self, holder: Any) -> None:
        self._holder = holder
        self._answer = getattr(holder, "_response", None)
        self._socket = getattr(holder, "_sock", holder)  # a SocketIO, or the TLS socket itself
        self._early = self._buffered()
        self._socket.settimeout(LOOK_EVERY_SECONDS)

    def _buffered(self) -> bytes:
        if self._answer is None:
            return b""
        buffer = self._answer.raw._fp.fp
        self._socket.settimeout(0)  # an empty buffer is not filled
        early: bytes = buffer.peek()
        return buffer.read1(len(early)) if early else b""

    def ready(self, *, writing: bool = False) -> tuple[bool, bool]:
        """Whether there is something to receive, and whether it takes something; waits a moment for either."""
        if self._early:
            return True, False
        readable, writable, _ = select.select([self._socket], [self._socket] if writing else [], [], LOOK_EVERY_SECONDS)
        return bool(readable), bool(writable)

    def receive(self) -> bytes:
        """What has come; b"" at the end."""
        if self._early:
            early, self._early = self._early, b""
            return early
        return bytes(self._socket.recv(PIECE))

    def frames(self, cancelled: Cancelled) -> Iterator[tuple[int, bytes]]:
        """(stream, bytes) until the end, where nothing is sent. Raises CancelledError."""
        decoder = FrameDecoder()
        while True:
            if cancelled():
                raise CancelledError(phrase("Stopped while data was being read"))
            if not self.ready()[0]:
                continue
            if not (data := self.receive()):
                return
            yield from decoder.feed(data)

    def send(self, view: memoryview) -> int:
        """How many of these bytes it took."""
        return int(self._socket.send(view[:PIECE]))

    def finish(self) -> None:
        """Nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """The answer first: closed after its socket, it would complain when it is collected (Python 3.13)."""
        if self._answer is not None:
            self._answer.close()
        self._holder.close()


def whole_output(holder: Any, seconds: float, most: int | None = None) -> bytes:
    """Everything that a command says until it ends, both streams; only the first `most` bytes. Raises PermanentError
    where it goes on for long after its `seconds`: the `timeout` that ends it is the container's own.
    """
    deadline = time.monotonic() + seconds + ENDS_WITHIN_SECONDS
    connection, said = Hijacked(holder), bytearray()
    try:
        for _, piece in connection.frames(lambda: time.monotonic() > deadline):
            said += piece if most is None else piece[: max(most - len(said), 0)]
        return bytes(said)
    except CancelledError as error:
        why = phrase("A command in a container did not end within {seconds} s", seconds=f"{seconds:g}")
        raise PermanentError(why, cause=Cause.TIME) from error
    finally:
        connection.close()


def exit_code(api: Any, execution: str) -> int:
    """Of a command that has ended. The engine forgets those of a container that has ended too: such a one was killed.
    Raises TemporaryError when the engine does not know: that is never a success.
    """
    try:
        code = api.exec_inspect(execution)["ExitCode"]
    except NotFound:
        return KILLED
    if code is None:
        raise TemporaryError(phrase("The engine does not say how a command in a container ended"), kind="busy")
    return int(code)
