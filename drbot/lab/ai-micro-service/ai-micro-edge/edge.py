"""HTTPS before the user front end. The certificate is read anew for each connection, so a renewed one is used at once;
without one there is no handshake."""

import signal
import ssl
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket

FRONT = "http://front-user:8000"
TIMEOUT_SECONDS = 10


class Server(ThreadingHTTPServer):
    """Shakes hands in the thread of the request: a slow client holds up nobody."""

    def finish_request(self, request: socket, client_address: object) -> None:
        request.settimeout(TIMEOUT_SECONDS)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/certificates/fullchain.pem", "/certificates/privkey.pem")
        with context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)
            with suppress(OSError):
                secured.unwrap()

    def handle_error(self, request: object, client_address: object) -> None:
        print(f"edge: {sys.exc_info()[1]}", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """GET only."""

    def do_GET(self) -> None:
        try:
            with urllib.request.urlopen(FRONT + self.path, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  (http only)
                status, kind, body = answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as error:
            status, kind, body = error.code, error.headers["Content-Type"], error.read()
        except OSError as error:
            status, kind, body = 502, "text/plain", str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Health checks would drown the log."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", 8443), Handler).serve_forever()
