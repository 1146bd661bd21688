"""A webhook that remembers the alerts posted to it: GET /alerts lists them."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

arrived = []


class Handler(BaseHTTPRequestHandler):
    """POST adds what Alertmanager sends (version 4), GET shows all of it."""

    def do_POST(self) -> None:
        arrived.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(arrived).encode())

    def log_message(self, *_: object) -> None:
        """What arrived is in /alerts."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
