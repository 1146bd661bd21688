"""One answer over HTTP, of whomever it comes from: no longer and no larger than drbot waits for it."""

import time
from collections.abc import Callable
from contextlib import closing
from threading import Timer

import httpx

from drbot.core.text.messages import phrase

MOST_BYTES = 1 << 20


def answered(
    client: httpx.Client,
    request: httpx.Request,
    seconds: float,
    opened: Callable[[httpx.Response], object] = lambda answer: None,
) -> tuple[httpx.Response, str]:
    """The answer, and what of its text came within `seconds`. A read has a limit of its own, and a server that sends a
    letter now and then never reaches it: after twice that time the client is closed. `opened` is called when the
    headers are there and the connection is open still. Raises httpx.HTTPError.
    """
    request.headers["accept-encoding"] = "identity"  # what came is what is kept in memory
    ends = time.monotonic() + seconds
    late = Timer(2 * seconds, client.close)
    late.daemon = True
    late.start()
    try:
        with closing(client.send(request, stream=True)) as answer:
            opened(answer)
            return answer, _text(answer, _read(answer, ends))
    except httpx.HTTPError as error:
        if client.is_closed:
            raise httpx.ReadTimeout(phrase("no whole answer within {count} s", count=int(2 * seconds))) from error
        raise
    finally:
        late.cancel()


def _read(answer: httpx.Response, ends: float) -> bytes:
    """What comes until then; the rest is nobody's."""
    body = b""
    for piece in answer.iter_raw():
        body += piece
        if len(body) > MOST_BYTES or time.monotonic() > ends:
            break
    return body[:MOST_BYTES]


def _text(answer: httpx.Response, body: bytes) -> str:
    try:
        return body.decode(answer.encoding or "utf-8", "replace")
    except (LookupError, UnicodeError):  # the service names a charset that is none of text
        return body.decode("utf-8", "replace")
