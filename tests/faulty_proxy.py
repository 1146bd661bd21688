"""A proxy before the bucket that fails on command: refusals, errors, slowness, and cuts in the middle of a download.

For tests; runs in a thread of the test. Signatures survive, because the Host header is passed on as it came.
"""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.web_servers import serving

PIECE_BYTES = 64 * 1024
ERRORS = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass(slots=True)
class Faults:
    """What goes wrong now; change it while the proxy runs."""

    status: int | None = None  # answer every request with this error
    bytes_per_second: float | None = None  # downloads are no faster
    cut_after: int | None = None  # bytes of a body after which the connection is cut …
    cuts: int = 0  # … this many times more
    methods: tuple[str, ...] = ("GET", "PUT", "POST", "DELETE", "HEAD")  # only these fail
    lost: tuple[str, ...] = ()  # what is asked with one of these words is done, and its answer never comes
    seen: list[str] = field(default_factory=list)  # "GET /key bytes=0-99" of every request

    def cut(self, method: str) -> int | None:
        """Where to cut this answer, if at all."""
        if self.cuts < 1 or method not in self.methods:
            return None
        self.cuts -= 1
        return self.cut_after


@contextmanager
def faulty_proxy(endpoint: str) -> Iterator[tuple[str, Faults]]:
    """URL of a proxy to `endpoint`, and the faults to set."""
    faults = Faults()
    target = urlsplit(endpoint).netloc

    class Handler(BaseHTTPRequestHandler):
        """One request, passed on or failed."""

        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            faults.seen.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
            if faults.status and self.command in faults.methods:
                refuse(self, faults.status)
                return
            upstream = http.client.HTTPConnection(target, timeout=60)
            try:
                upstream.request(self.command, self.path, body, dict(self.headers.items()))
                if any(word.encode() in body for word in faults.lost):
                    upstream.getresponse().read()
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                pass_on(self, upstream.getresponse(), faults)
            finally:
                upstream.close()

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815  (the names are http.server's)

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}", faults


def refuse(request: BaseHTTPRequestHandler, status: int) -> None:
    """An error as S3 words it."""
    code = ERRORS.get(status, "InternalError")
    body = f"<Error><Code>{code}</Code><Message>The lab says {code}</Message></Error>".encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/xml")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def pass_on(request: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, faults: Faults) -> None:
    """The answer, slowed down or cut."""
    request.send_response(answer.status)
    chunked = answer.headers.get("Content-Length") is None
    body = answer.read() if chunked else b""
    for name, value in answer.headers.items():
        if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
            request.send_header(name, value)
    if chunked:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if chunked:
        request.wfile.write(body)
        return
    pump(request, answer, faults)


def pump(request: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, faults: Faults) -> None:
    """Copy the body in pieces."""
    cut = faults.cut(request.command)
    sent = 0
    while piece := answer.read(PIECE_BYTES if cut is None else min(PIECE_BYTES, cut - sent)):
        request.wfile.write(piece)
        sent += len(piece)
        if sent == cut:
            request.close_connection = True
            request.wfile.flush()
            request.connection.shutdown(2)
            return
        if faults.bytes_per_second and request.command in faults.methods:
            time.sleep(len(piece) / faults.bytes_per_second)
