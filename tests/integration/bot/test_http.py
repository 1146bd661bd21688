"""HTTP mode: the same bot behind signed requests; what is replayed, altered, old or unsigned is 401, no state."""

import time
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import func, select

from drbot.bot.http_mode import LARGEST_BYTES, OLDEST_SECONDS
from drbot.bot.settings import BotSettings
from drbot.core.approvals.approval import RequestState
from drbot.core.base.errors import UserError
from drbot.listening.listener import address_of
from drbot.slack_simulator import payloads
from drbot.slack_simulator.http_delivery import Signed, signed
from drbot.slack_simulator.records import Json
from drbot.store.base.schema import served
from drbot.store.records import incidents, requests
from tests.integration.bot.conftest import Scene
from tests.integration.bot.http_scene import by_http, post
from tests.integration.bot.test_approval import card, open_dialog, shown, submit
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened

__all__ = ["by_http"]


def a_declaration(scene: Scene) -> Json:
    """What Slack would post for `/dr declare level2`."""
    context = scene.simulator.context
    channel = scene.simulator.state.channel("dr-ops")
    assert channel is not None
    return payloads.command(context, scene.simulator.state.people["U00AIKO"], channel, "/dr", "declare level2 by hand")


def test_two_people_approve_by_http_as_they_do_by_socket(by_http: tuple[Scene, str]) -> None:
    scene, _ = by_http
    incident = scene.declare()
    request = opened(scene.database, planned(scene.database, incident))
    asking = card(scene, incident, "Approval needed")

    for user, said in (("U00BEN", "1 of 2"), ("U00CHIKA", "2/2")):
        submit(scene, user, open_dialog(scene, user, asking), target="production", reason="I read it")
        shown(scene, user, said)

    with scene.database.read() as connection:
        assert requests.get(connection, request.id).state is RequestState.GRANTED
    assert scene.people.connections == 0


def test_altered_old_future_foreign_and_unsigned_bodies_are_401_and_change_nothing(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    good = signed("slash_commands", a_declaration(scene))
    before = scene.events()
    now = time.time()

    bad = {
        "altered": replace(good, body=good.body.replace(b"level2", b"level1")),
        "longer": replace(good, body=good.body + b"&x=1"),
        "old": signed("slash_commands", a_declaration(scene), at=now - 301),
        "of the future": signed("slash_commands", a_declaration(scene), at=now + 400),
        "another secret": signed("slash_commands", a_declaration(scene), secret="another"),
        "a newer time on an old signature": replace(
            good, headers=good.headers | {"X-Slack-Request-Timestamp": str(int(now) + 1)}
        ),
        "no signature": replace(good, headers={"Content-Type": good.headers["Content-Type"]}),
        "no number as time": replace(good, headers=good.headers | {"X-Slack-Request-Timestamp": "now"}),
        "no text": Signed(body=b"\xff\xfe\x00", headers=good.headers),
        "a check that nobody signs": Signed(body=b"ssl_check=1&token=x", headers={}),
    }

    assert {name: post(url, request) for name, request in bad.items()} == dict.fromkeys(bad, 401)
    assert scene.events() == before
    with scene.database.read() as connection:
        assert incidents.recent(connection) == []


def test_a_signature_that_is_not_ascii_is_401(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    good = signed("slash_commands", a_declaration(scene))
    headers = {name.encode(): value.encode() for name, value in good.headers.items()}

    forged = httpx.post(url, content=good.body, headers=headers | {b"X-Slack-Signature": b"v0=\xe9"}, trust_env=False)

    assert forged.status_code == 401
    with scene.database.read() as connection:
        assert incidents.recent(connection) == []


def test_a_good_body_works_once_and_its_replay_is_401(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    good = signed("slash_commands", a_declaration(scene))

    assert [post(url, good) for _ in range(3)] == [200, 401, 401]

    scene.opened()
    with scene.database.read() as connection:
        assert len(incidents.recent(connection)) == 1


def test_the_same_command_signed_twice_is_done_once(by_http: tuple[Scene, str]) -> None:
    """Slack signs each attempt of its own anew; what is the same in both is the trigger."""
    scene, url = by_http
    body, now = a_declaration(scene), time.time()

    assert [post(url, signed("slash_commands", body, at=now - ago)) for ago in (2, 1, 0)] == [200, 200, 200]

    scene.opened()
    with scene.database.read() as connection:
        assert len(incidents.recent(connection)) == 1


def test_no_link_decides_anything_and_a_huge_body_is_not_read(by_http: tuple[Scene, str]) -> None:
    scene, url = by_http
    before = scene.events()

    assert httpx.get(url, params={"command": "/dr", "text": "approve DR-1"}, trust_env=False).status_code == 405
    assert httpx.get(url.replace("/slack/events", "/"), trust_env=False).status_code == 404
    huge = Signed(body=b"x" * (LARGEST_BYTES + 1), headers={})
    assert post(url, huge) == 413
    assert scene.events() == before


def test_http_mode_needs_the_signing_secret_and_no_app_token() -> None:
    with pytest.raises(UserError, match="SLACK_SIGNING_SECRET is missing"):
        BotSettings.from_environment({"SLACK_BOT_TOKEN": "xoxb-1"}, http="8080")
    found = BotSettings.from_environment({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}, http="8080")

    assert (found.http, found.signing_secret, found.app_token) == ("8080", "s", "")
    assert "xoxb" not in repr(found) and "'s'" not in repr(found)
    assert address_of("8080", "--http") == ("127.0.0.1", 8080)
    assert address_of("0.0.0.0:80", "--http") == ("0.0.0.0", 80)
    assert address_of("[::1]:80", "--http") == ("::1", 80)
    for wrong in ("", "http", "1:2:x", "70000"):
        with pytest.raises(UserError, match="is not a port"):
            address_of(wrong, "--http")


def test_a_body_is_remembered_as_long_as_its_signature_could_be_believed(by_http: tuple[Scene, str]) -> None:
    """Of a sender whose clock is ahead by all that it may be, that is ten minutes."""
    scene, url = by_http
    began = time.time()

    assert post(url, signed("slash_commands", a_declaration(scene), at=began + OLDEST_SECONDS - 5)) == 200

    with scene.database.read() as connection:
        until = connection.execute(select(func.max(served.c.expires_at))).scalar_one()
    assert until.timestamp() >= began + 2 * OLDEST_SECONDS - 5
