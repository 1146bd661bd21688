"""One service of the miniature ai-micro-service: an API over one database and Redis, or a front over the APIs.

Its environment says which. /health does what a user would do, so a healthy answer means that the service works.
"""

import json
import os
import signal
import sys
import threading
import time
import urllib.request
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TIMEOUT_SECONDS = 2
SESSION_CACHE = Path("/var/cache/service/sessions.json")  # in the container's own layer: lost when it is recreated
NAME = os.environ["SERVICE"]
DATABASE = os.environ.get("DATABASE", "")
TABLE = os.environ.get("TABLE", "")
APIS = os.environ.get("APIS", "").split()


class UnhealthyError(Exception):
    """Something this service needs does not work; the message says what."""


def load_session_cache() -> dict[str, object]:
    """Sessions from before the restart. A damaged file ends the service, as it does in real life."""
    SESSION_CACHE.parent.mkdir(parents=True, exist_ok=True)
    if SESSION_CACHE.exists():
        try:
            return json.loads(SESSION_CACHE.read_text())
        except ValueError as error:
            sys.exit(f"{NAME}: {SESSION_CACHE} is damaged: {error}")
    SESSION_CACHE.write_text("{}")
    return {}


def query(statement: str) -> list[tuple[object, ...]]:
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=os.environ["POSTGRES_HOST"], dbname=DATABASE, user="app", password=os.environ["APP_PASSWORD"],
            connect_timeout=TIMEOUT_SECONDS, options=f"-c statement_timeout={TIMEOUT_SECONDS}s",
        )  # fmt: skip
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise UnhealthyError(f"PostgreSQL ({DATABASE}): {str(error).strip()}") from error


def redis_round_trip() -> None:
    import redis

    try:
        client = redis.Redis(
            host=os.environ["REDIS_HOST"], password=os.environ["REDIS_PASSWORD"],
            socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        value = uuid.uuid4().hex
        key = f"health:{NAME}:{value}"  # of this check alone: several are asked at the same time
        client.set(key, value, ex=60)
        if (client.getdel(key) or b"").decode() != value:
            raise UnhealthyError("Redis: a value just written did not come back")
    except redis.RedisError as error:
        raise UnhealthyError(f"Redis: {error}") from error


def health() -> dict[str, object]:
    """What was counted. Raises UnhealthyError."""
    if APIS:
        return {api: ask(api) for api in APIS}
    # At least one row: an empty table after a restore is not health. The bound keeps it cheap on large tables.
    rows = query(f"SELECT count(*) FROM (SELECT 1 FROM {TABLE} LIMIT 10000) AS seen")[0][0]
    if rows == 0:
        raise UnhealthyError(f"PostgreSQL ({DATABASE}): the table {TABLE} is empty")
    redis_round_trip()
    return {TABLE: rows, "redis": "ok"}


def metrics() -> str:
    """What Prometheus reads: whether this API reaches its database and Redis."""
    pool = ThreadPoolExecutor(2)
    probes = {"database": pool.submit(query, "SELECT 1"), "redis": pool.submit(redis_round_trip)}
    pool.shutdown(wait=False)
    return "".join(f'ai_micro_{name}_up{{service="{NAME}"}} {works(probe):d}\n' for name, probe in probes.items())


def works(probe: "Future[object]") -> bool:
    """Whether a probe passes soon: a scrape that waits longer would count the API itself as down."""
    try:
        probe.result(timeout=TIMEOUT_SECONDS / 2)
    except (UnhealthyError, TimeoutError):
        return False
    return True


def ask(api: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{api}:8000/health", timeout=3 * TIMEOUT_SECONDS) as answer:
            return json.load(answer)["status"]
    except (OSError, ValueError) as error:
        raise UnhealthyError(f"{api}: {error}") from error


def answer_to(path: str) -> tuple[int, str, str]:
    """Status, type and body for one path."""
    if path == "/health":
        return 200, "application/json", json.dumps({"status": "ok", "service": NAME, **health()})
    if TABLE and path == "/metrics":
        return 200, "text/plain; version=0.0.4", metrics()
    if TABLE and path == f"/{TABLE}":
        rows = query(f"SELECT row_to_json(r) FROM (SELECT * FROM {TABLE} ORDER BY id LIMIT 20) AS r")
        return 200, "application/json", json.dumps([row[0] for row in rows])
    if APIS and path == "/":
        health()
        return 200, "text/html", f"<!doctype html><title>{NAME}</title><h1>{NAME}</h1><p>Everything works.</p>"
    return 404, "application/json", json.dumps({"status": "not found"})


class Handler(BaseHTTPRequestHandler):
    """GET only; a failure is a 503 with its reason."""

    def do_GET(self) -> None:
        try:
            status, kind, body = answer_to(self.path.partition("?")[0])
        except UnhealthyError as error:
            print(f"{time.strftime('%H:%M:%S')} ERROR {NAME}: {error}", file=sys.stderr)
            body = json.dumps({"status": "unhealthy", "service": NAME, "reason": str(error)})
            status, kind = 503, "application/json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Health checks would drown the log."""


def main() -> None:
    """Serve until SIGTERM."""
    load_session_cache()
    server = ThreadingHTTPServer(("", 8000), Handler)
    # As process 1 it would ignore SIGTERM, and every stop would take ten seconds.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"{NAME} is ready")
    server.serve_forever()


if __name__ == "__main__":
    main()
