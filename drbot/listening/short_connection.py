"""A connection that has to say soon and whole what it wants. uvicorn alone waits for ever, and for everybody.

Each connection carries one request. When there are too many, the one that has waited longest for the rest of its
request makes room: whoever holds hundreds open with half a request keeps nobody else out.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

READ_SECONDS = 3.0
"""For head and body together, from the first moment. Slack itself waits three seconds for the answer."""
MOST_OPEN = 256


class ShortConnection(H11Protocol):
    """One request, in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock, and makes room."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._deadline = self.loop.call_later(READ_SECONDS, self._end_unless_read)
        if len(self.connections) > MOST_OPEN:
            others = [one for one in self.connections if isinstance(one, ShortConnection) and one.is_reading]
            if others:
                min(others, key=lambda one: one._since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    @property
    def is_reading(self) -> bool:
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing()

    def _end_unless_read(self) -> None:
        if self.is_reading:
            self.transport.abort()
