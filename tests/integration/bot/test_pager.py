"""Approval requests wake people by a webhook; one that does not answer is asked again, and nobody sees its address."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.due import FIRE, plan_events
from bot.pager import TRIES
from core.events import EventKind
from core.plan import short_seal
from store import schedules
from tests.integration.commands.stage import Stage, build
from tests.waiting import wait_for


@dataclass
class Pager:
    """A webhook on this machine."""

    status: int = 200
    documents: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pager]:
    pager = Pager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            pager.documents.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(pager.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    pager.url = f"http://127.0.0.1:{server.server_port}/secret-token"
    monkeypatch.setenv("PAGER_WEBHOOK_URL", pager.url)
    yield pager
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = build(tmp_path)
    yield stage
    stage.database.close()


def fire(stage: Stage, minutes: float = 0) -> int:
    """What is due by then."""
    with stage.database.read() as conn:
        due = [one for one in schedules.due(conn, datetime.now(UTC) + timedelta(minutes=minutes)) if one.kind == "page"]
    for schedule in due:
        with stage.database.write() as tx:
            assert schedules.take(tx, schedule)
            FIRE["page"](stage.context, tx, schedule)
    return len(due)


def test_a_request_pages_once_with_everything_that_is_needed_without_slack(stage: Stage, pager: Pager) -> None:
    _, asked = stage.asked()

    for _ in range(2):
        plan_events(stage.context)
        fire(stage)
    wait_for(lambda: pager.documents, 20, "the page")

    (document,) = pager.documents
    assert document["incident"] == "DR-1" and document["request"] == asked.id
    assert document["seal"] == short_seal(asked.seal)
    assert "drbot dr approve DR-1" in document["text"] and f"key code {asked.id}" in document["text"]


def test_a_pager_that_fails_is_tried_again_and_then_everybody_is_told_to_call(stage: Stage, pager: Pager) -> None:
    pager.status = 500
    stage.asked()
    plan_events(stage.context)

    for number in range(1, TRIES + 1):
        wait_for(lambda: fire(stage, minutes=5), 20, "the next try")
        wait_for(lambda n=number: len(pager.documents) == n, 20, "the pager to be asked")  # type: ignore[misc]
    wait_for(lambda: stage.events(EventKind.CONTROL_FAILED), 20, "the note")

    (told,) = stage.events(EventKind.CONTROL_FAILED)
    assert told.payload["todo"] == "Call them."
    assert "secret-token" not in json.dumps(dict(told.payload))


def test_without_an_address_nobody_is_paged(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGER_WEBHOOK_URL", raising=False)
    stage.asked()
    plan_events(stage.context)

    assert fire(stage, minutes=5) == 0
