"""HTTP mode under strangers: hundreds of half requests keep nobody out, and no process serves a replay."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from drbot.bot.http_mode import NOT_RECORDED, PATH, RequestGuard
from drbot.listening.short_connection import MOST_OPEN, READ_SECONDS
from drbot.slack_simulator.http_delivery import SIGNING_SECRET, signed
from drbot.store.base.database import Database
from drbot.store.base.schema import served as table
from drbot.store.records import incidents, served
from tests.integration.bot.conftest import PATIENCE, Scene
from tests.integration.bot.http_scene import by_http, post
from tests.integration.bot.test_http import a_declaration
from tests.waiting import wait_for

__all__ = ["by_http"]

HELD = 300


def half_requests(url: str) -> Sequence[bytes]:
    """What strangers begin and do not end: an unsigned body, one that only looks signed, and half a head."""
    host = urlsplit(url).netloc
    begin = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\n"
    body = "Content-Length: 1000\r\n\r\npayload="
    claimed = f"X-Slack-Request-Timestamp: {time.time():.0f}\r\nX-Slack-Signature: v0={'0' * 64}\r\n"
    return [text.encode() for text in (begin + body, begin + claimed + body, begin + "X-Slow: ")]


@contextmanager
def held_open(url: str, beginnings: Sequence[bytes]) -> Iterator[list[socket.socket]]:
    """Connections that wait with half a request."""
    parts = urlsplit(url)
    with ExitStack() as stack:
        connections = []
        for beginning in beginnings:
            connection = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
            connection.sendall(beginning)
            connections.append(connection)
        yield connections


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while piece := connection.recv(4096):
            assert piece.startswith(b"HTTP/1.1 4") or b"HTTP" not in piece
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def test_300_half_requests_keep_no_signed_one_out_and_are_gone_soon(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    kinds = half_requests(url)

    with held_open(url, [kinds[number % 3] for number in range(HELD)]) as connections:
        started = time.monotonic()
        status = post(url, signed("slash_commands", a_declaration(scene)))
        took = time.monotonic() - started
        wait_for(lambda: all(is_closed(one) for one in connections), PATIENCE, "the half requests to be closed")

    assert status == 200
    assert took < 3
    scene.opened()


def test_more_than_may_be_open_make_room_for_a_signed_one(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    _, looks_signed, _ = half_requests(url)

    with held_open(url, [looks_signed] * (MOST_OPEN + 100)) as connections:
        started = time.monotonic()
        status = post(url, signed("slash_commands", a_declaration(scene)))
        took = time.monotonic() - started
        first = [is_closed(one) for one in connections[:50]]

    assert (status, all(first)) == (200, True)
    assert took < 3


def test_a_body_that_drips_is_cut_although_something_comes_all_the_time(by_http: tuple[Scene, str]) -> None:
    _, url = by_http
    _, looks_signed, _ = half_requests(url)
    stop = threading.Event()

    with held_open(url, [looks_signed]) as (connection,):
        started = time.monotonic()
        while time.monotonic() - started < 10 * READ_SECONDS:
            try:
                connection.sendall(b"x")
            except ConnectionError:
                break
            stop.wait(0.05)
        held = time.monotonic() - started

    assert held < 5 * READ_SECONDS


def test_an_unsigned_body_is_refused_before_it_is_sent(by_http: tuple[Scene, str]) -> None:
    _, url = by_http
    unsigned, _, _ = half_requests(url)

    with held_open(url, [unsigned]) as (connection,):
        connection.settimeout(PATIENCE)
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 401")


def test_a_body_that_one_process_served_is_served_by_no_other_and_after_no_restart(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    good = signed("slash_commands", a_declaration(scene))
    assert post(url, good) == 200
    scene.opened()
    headers = {name.lower(): value for name, value in good.headers.items()}

    database = Database(f"sqlite:///{scene.process.home / 'state.db'}")
    elsewhere = RequestGuard(SIGNING_SECRET, database)  # a second bot, or this one started again
    said = elsewhere.refusal(good.body, headers)
    database.close()

    assert said == "served already"
    with scene.database.read() as connection:
        assert len(incidents.recent(connection)) == 1


@pytest.mark.parametrize("busy_seconds", [0.5])
def test_who_types_while_the_database_is_locked_is_told_that_nothing_was_recorded(
    by_http: tuple[Scene, str], busy_seconds: float
) -> None:
    scene, url = by_http
    command, click = signed("slash_commands", a_declaration(scene)), signed("interactive", {"type": "block_actions"})

    with scene.database.write():
        told = httpx.post(url, content=command.body, headers=command.headers, trust_env=False, timeout=30)
        failed = post(url, click)

    assert (told.status_code, told.text, failed) == (200, NOT_RECORDED, 503)
    assert post(url, command) == 200  # it was not served, so it may come again


def test_what_was_served_is_forgotten_when_its_age_alone_refuses_it(scene: Scene) -> None:
    with scene.database.write() as tx:
        first = served.is_first(tx, "v0=1", timedelta(seconds=-1))
        again = served.is_first(tx, "v0=2", timedelta(minutes=10))
        assert (first, again) == (True, True)
        assert not served.is_first(tx, "v0=2", timedelta(minutes=10))
        assert tx.connection.execute(select(func.count()).select_from(table)).scalar_one() == 1
