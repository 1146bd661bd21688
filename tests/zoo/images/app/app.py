"""One service of a system of the zoo. Its first word says which: web, migrate, worker, scribe, objects, documents.

Its environment says what it needs; /health asks all of that, as a user's request would.
"""

import json
import os
import signal
import socket
import socketserver
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

DATA = Path(os.environ.get("DATA_DIR", "/data"))
OVER = threading.Event()


def database():
    import psycopg2

    if "PGPASSWORD_FILE" in os.environ:
        os.environ["PGPASSWORD"] = Path(os.environ["PGPASSWORD_FILE"]).read_text().strip()
    connection = psycopg2.connect(os.environ.get("DATABASE_URL", ""), connect_timeout=3)
    connection.autocommit = True
    return connection


def sql(statement: str, *values: object) -> None:
    connection = database()
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
    finally:
        connection.close()


def health() -> None:
    """Raises whatever is wrong."""
    if "DATABASE_URL" in os.environ or "PGHOST" in os.environ:
        sql(f"SELECT count(*) FROM {os.environ.get('TABLE', 'pg_class')}")
    if "REDIS_URL" in os.environ:
        import redis

        redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=3).ping()
    if "SQLITE_PATH" in os.environ:
        with sqlite3.connect(os.environ["SQLITE_PATH"]) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS pages (id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
    for place in os.environ.get("TCP_NEEDS", "").split():
        host, _, port = place.partition(":")
        socket.create_connection((host, int(port)), 3).close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        file = kept_at(self.path)
        if file is not None:
            self.answer(200 if file.is_file() else 404, file.read_bytes() if file.is_file() else b"")
            return
        try:
            health()
        except Exception as error:
            print(f"ERROR {error}", file=sys.stderr, flush=True)
            self.answer(503, str(error).encode())
        else:
            self.answer(200, json.dumps({"status": "ok"}).encode())

    do_HEAD = do_GET  # noqa: N815  (as the standard library calls it)

    def do_PUT(self) -> None:
        file = kept_at(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if file is None:
            self.answer(404, b"")
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        if MODE == "documents":
            body = (file.read_bytes() if file.exists() else b"") + body + b"\n"
        fresh = file.with_name(f"{file.name}.part")
        fresh.write_bytes(body)
        fresh.replace(file)
        self.answer(201, b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return "-"  # a Unix socket has none

    def log_message(self, *_: object) -> None:
        """Health checks would drown the log."""


def kept_at(path: str) -> "Path | None":
    """The file of an object (/bucket/key) or of a collection of documents."""
    if MODE not in ("objects", "documents") or path in ("/", "/health"):
        return None
    file = DATA / unquote(path.partition("?")[0]).lstrip("/")
    return file if ".." not in file.parts else None


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def web() -> None:
    if "SOCKET" in os.environ:
        Path(os.environ["SOCKET"]).unlink(missing_ok=True)
        beside = UnixServer(os.environ["SOCKET"], Handler)
        threading.Thread(target=beside.serve_forever, daemon=True).start()
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    OVER.wait()
    server.shutdown()


def migrate() -> None:
    sql("CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY)")
    sql("INSERT INTO schema_migrations VALUES ('2026-11-01'), ('2026-11-20') ON CONFLICT DO NOTHING")
    print("2 migrations are there")


def scribe() -> None:
    """Writes as long as it runs: lines into a file, or rows into a table."""
    number = 0
    while not OVER.wait(0.2):
        number += 1
        if "SCRIBE_FILE" in os.environ:
            with open(os.environ["SCRIBE_FILE"], "a") as file:
                file.write(f"reading {number}\n")
        else:
            sql("CREATE TABLE IF NOT EXISTS readings (id bigserial PRIMARY KEY, value text)")
            sql("INSERT INTO readings (value) VALUES (%s)", f"reading {number}")


MODE = sys.argv[1] if len(sys.argv) > 1 else "web"
PROGRAMS = {"web": web, "objects": web, "documents": web, "migrate": migrate, "scribe": scribe, "worker": OVER.wait}

if __name__ == "__main__":
    # As process 1 it would ignore SIGTERM, and every stop would take ten seconds.
    signal.signal(signal.SIGTERM, lambda *_: OVER.set())
    PROGRAMS[MODE]()
