"""Approval requests wake people by a webhook; one that does not answer is asked again, and nobody sees its address."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from drbot.bot.outbound.pager import AGAIN_SECONDS, TRIES
from drbot.bot.scheduled.due_posts import FIRE, plan_events
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import short_seal
from drbot.store.base import schema
from drbot.store.records import requests, schedules
from drbot.store.records.schedules import Schedule
from tests.integration.commands.verb_fixture import VerbFixture, build
from tests.waiting import wait_for
from tests.web_servers import serving


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

    with serving(Handler) as port:
        pager.url = f"http://127.0.0.1:{port}/secret-token"
        monkeypatch.setenv("PAGER_WEBHOOK_URL", pager.url)
        yield pager


@pytest.fixture
def verb_fixture(tmp_path: Path) -> Iterator[VerbFixture]:
    verb_fixture = build(tmp_path)
    yield verb_fixture
    verb_fixture.database.close()


def pages(verb_fixture: VerbFixture, minutes: float = 60) -> list[Schedule]:
    with verb_fixture.database.read() as conn:
        return [
            one for one in schedules.due(conn, datetime.now(UTC) + timedelta(minutes=minutes)) if one.kind == "page"
        ]


def fire(verb_fixture: VerbFixture, minutes: float = 0) -> int:
    """What is due by then."""
    due = pages(verb_fixture, minutes)
    for schedule in due:
        with verb_fixture.database.write() as tx:
            assert schedules.take(tx, schedule)
            FIRE["page"](verb_fixture.context, tx, schedule)
    return len(due)


def tries_end() -> None:
    wait_for(lambda: not [one for one in threading.enumerate() if one.name == "pager"], 20, "the tries to end")


def test_a_request_pages_once_with_everything_that_is_needed_without_slack(
    verb_fixture: VerbFixture, pager: Pager
) -> None:
    _, asked = verb_fixture.asked()

    for _ in range(2):
        plan_events(verb_fixture.context)
        fire(verb_fixture)
    wait_for(lambda: pager.documents, 20, "the page")

    (document,) = pager.documents
    assert document["incident"] == "DR-1" and document["request"] == asked.id
    assert document["seal"] == short_seal(asked.seal)
    assert "drbot dr approve DR-1" in document["text"] and f"key code {asked.id}" in document["text"]


def test_a_page_about_rows_that_are_not_the_plan_says_not_to_vote(verb_fixture: VerbFixture, pager: Pager) -> None:
    verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(schema.requests).values(target="staging"))

    plan_events(verb_fixture.context)
    fire(verb_fixture)
    wait_for(lambda: pager.documents, 20, "the page")

    (document,) = pager.documents
    assert "Do not vote" in document["text"] and "staging" not in str(document)
    assert "seal" not in document


def test_a_pager_that_fails_is_tried_again_and_then_everybody_is_told_to_call(
    verb_fixture: VerbFixture, pager: Pager
) -> None:
    pager.status = 500
    verb_fixture.asked()
    plan_events(verb_fixture.context)

    for number in range(1, TRIES + 1):
        wait_for(lambda: fire(verb_fixture, minutes=5), 20, "the next try")
        wait_for(lambda n=number: len(pager.documents) == n, 20, "the pager to be asked")  # type: ignore[misc]
    assert fire(verb_fixture, minutes=5) == 1

    (told,) = verb_fixture.events(EventKind.CONTROL_FAILED)
    assert told.payload["todo"] == "Call them."
    assert "secret-token" not in json.dumps(dict(told.payload))
    assert pages(verb_fixture) == [] and len(pager.documents) == TRIES


def test_the_next_try_is_there_before_this_one_begins_and_goes_when_it_arrives(
    verb_fixture: VerbFixture, pager: Pager
) -> None:
    """A bot that dies while it asks the pager leaves it to the next."""
    verb_fixture.asked()
    plan_events(verb_fixture.context)
    (first,) = pages(verb_fixture)

    with verb_fixture.database.write() as tx:
        assert schedules.take(tx, first)
        FIRE["page"](verb_fixture.context, tx, first)
        left = [one for one in schedules.due(tx.connection, tx.now + timedelta(hours=1)) if one.kind == "page"]
        assert [one.next_at - tx.now for one in left] == [timedelta(seconds=AGAIN_SECONDS)]
        assert pager.documents == []

    wait_for(lambda: pages(verb_fixture) == [], 20, "the next try to be called off")
    assert len(pager.documents) == 1


@pytest.mark.parametrize("state", [RequestState.DENIED, RequestState.EXPIRED, RequestState.WITHDRAWN])
def test_nobody_is_woken_for_a_request_that_is_over(
    verb_fixture: VerbFixture, pager: Pager, state: RequestState
) -> None:
    pager.status = 500
    _, asked = verb_fixture.asked()
    plan_events(verb_fixture.context)
    fire(verb_fixture)
    wait_for(lambda: pager.documents, 20, "the first try")

    with verb_fixture.database.write() as tx:
        assert requests.close(tx, asked.id, state)

    wait_for(lambda: fire(verb_fixture, minutes=5), 20, "the second try to be due")
    tries_end()
    assert pages(verb_fixture) == [] and len(pager.documents) == 1


@pytest.mark.parametrize("address", ["https://pager.example:x1/secret-token", "pager.example", "http://[::1/x"])
def test_an_address_that_is_none_is_told_after_the_last_try(
    verb_fixture: VerbFixture, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    monkeypatch.setenv("PAGER_WEBHOOK_URL", address)
    verb_fixture.asked()
    plan_events(verb_fixture.context)

    for _ in range(TRIES + 1):
        assert fire(verb_fixture, minutes=5) == 1
    tries_end()

    assert [one.payload["todo"] for one in verb_fixture.events(EventKind.CONTROL_FAILED)] == ["Call them."]
    written = "".join(capsys.readouterr())
    assert "secret-token" not in written and "Traceback" not in written


def test_without_an_address_nobody_is_paged(verb_fixture: VerbFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGER_WEBHOOK_URL", raising=False)
    verb_fixture.asked()
    plan_events(verb_fixture.context)

    assert fire(verb_fixture, minutes=5) == 0
