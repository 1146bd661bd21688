"""Alertmanager posts; the operations channel shows it once and proposes, and one tap declares: nothing else does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drbot.core.ledger.events import EventKind
from drbot.core.site.alert_groups import AlertGroup, Answer
from drbot.core.site.configuration import Loaded
from drbot.core.site.level import Level
from drbot.core.site.own_alerts import Alerts
from drbot.core.site.site import Postgres, Service
from drbot.listening.alerts_in import receiving
from drbot.store.records import alerts
from tests.integration.bot.conftest import Message, Scene
from tests.integration.bot.test_declare import has
from tests.listeners import listening
from tests.waiting import PATIENCE, wait_for

TOKEN = "a token of sixteen letters"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """With a database, too."""
    known = scene.process.loaded.configuration
    site = known.site()
    service = Service(project="postgres", service="postgres", role="database", title="PostgreSQL")
    with_postgres = site.model_copy(
        update={
            "services": {**site.services, "postgres": service},
            "postgres": Postgres(volume="postgres_data", databases=("authdb",)),
        }
    )
    sites = {"production": with_postgres}
    scene.process.loaded = Loaded(configuration=known.model_copy(update={"sites": sites}))
    return scene


@pytest.fixture
def monitoring(scene: Scene) -> Iterator[httpx.Client]:
    """Knows the token."""
    with listening(receiving(scene.database, TOKEN, scene.process.loaded.configuration)) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def one(name: str = "PostgreSQLDown", **changed: Any) -> dict[str, Any]:
    """An alert as Alertmanager has it; that of PostgreSQL says that data is lost."""
    lost = {"drbot_level": "2"} if name == "PostgreSQLDown" else {}
    labels = {"alertname": name, **changed.pop("labels", lost)}
    return {
        "status": "firing", "labels": labels, "annotations": {"summary": f"{name}: no answer"},
        "startsAt": NOON.isoformat(), "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus/graph",
        "fingerprint": name, **changed,
    }  # fmt: skip


def resolved(name: str = "PostgreSQLDown", **changed: Any) -> dict[str, Any]:
    return one(name, status="resolved", endsAt=(NOON + timedelta(minutes=9)).isoformat(), **changed)


def webhook(*found: dict[str, Any], key: str = '{}:{alertname="PostgreSQLDown"}') -> dict[str, Any]:
    return {
        "version": "4", "groupKey": key, "truncatedAlerts": 0, "receiver": "drbot", "status": found[0]["status"],
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager",
        "alerts": list(found),
    }  # fmt: skip


def post(client: httpx.Client, *found: dict[str, Any], **changed: Any) -> str:
    answer = client.post("/alerts", json=webhook(*found, **changed))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def groups(scene: Scene) -> list[AlertGroup]:
    with scene.database.read() as connection:
        return alerts.list_of(connection)


def posted(scene: Scene, words: str) -> Message:
    return scene.message("dr-ops", lambda message: has(message, words), words)


def press(scene: Scene, words: str, label: str) -> None:
    """Aiko looks for the message and presses its button, again where it was drawn anew in between."""

    def pressed() -> bool:
        message = posted(scene, words)
        buttons = [button for block in message["blocks"] for button in block.get("elements", [])]
        [button] = [one for one in buttons if one["text"]["text"] == label]
        return scene.people.click("U00AIKO", message, button["action_id"]).acknowledged

    wait_for(pressed, PATIENCE, label)


def test_one_tap_declares_what_an_alert_proposes_and_the_incident_hears_that_it_is_resolved(
    served: Scene, monitoring: httpx.Client
) -> None:
    assert post(monitoring, one()) == "taken"
    posted(served, "Alert 1: PostgreSQLDown, since 12:00")
    posted(served, "drbot proposes level 2")
    posted(served, "PostgreSQLDown: no answer")

    press(served, "Alert 1", "Declare level 2: PostgreSQL is corrupted")

    incident = served.opened()
    assert (incident.level, incident.site, incident.started_at) == (Level.DATABASE, "production", NOON)
    posted(served, "DR-1 was declared for it.")
    post(monitoring, resolved())
    posted(served, "Alert 1 is resolved: PostgreSQLDown")
    served.message(incident.channel, lambda message: has(message, "The alert is resolved: PostgreSQLDown."), "the word")
    kinds = [event.kind for event in served.events() if event.incident == incident.id]
    assert kinds.count(EventKind.ALERT_RAISED) == kinds.count(EventKind.ALERT_RESOLVED) == 1


def test_a_group_is_one_message_whatever_comes_twice_or_in_another_order(
    served: Scene, monitoring: httpx.Client
) -> None:
    auth = one("AuthServiceDown", labels={"service": "auth"})
    for bodies in ([one()], [one(), auth], [one()], [auth, one()]):
        post(monitoring, *bodies)
    posted(served, "AuthServiceDown, PostgreSQLDown")
    post(monitoring, resolved(), resolved("AuthServiceDown", labels={"service": "auth"}))
    posted(served, "Alert 1 is resolved")

    assert post(monitoring, one(), auth) == "known already"  # what was sent before, and comes late

    assert [key for key in served.keys("dr-ops") if "alert/" in key] == ["DR-0/alert/1"]
    assert [group.resolved_at is not None for group in groups(served)] == [True]


def test_what_fires_again_is_another(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one())
    post(monitoring, resolved())

    post(monitoring, one(startsAt=(NOON + timedelta(hours=1)).isoformat()))

    posted(served, "Alert 2: PostgreSQLDown, since 13:00")


def test_two_taps_open_one_incident(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one())
    posted(served, "Alert 1")

    for person in ("U00AIKO", "U00BEN"):
        assert served.people.command(person, "dr-ops", "/dr alert 1 declare").acknowledged

    served.opened()
    wait_for(lambda: "was declared for it" in said_to(served, "U00BEN"), PATIENCE, "the second one's answer")
    assert len([event for event in served.events() if event.kind is EventKind.INCIDENT_DECLARED]) == 1


def said_to(scene: Scene, user: str) -> str:
    return " ".join(str(one["text"]) for one in scene.people.messages("dr-ops", user))


def test_who_has_seen_it_is_said_and_silence_lets_the_next_ones_pass(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one())
    press(served, "Alert 1", "Seen, not now")
    posted(served, "Aiko has seen it: not now.")

    press(served, "Alert 1", "Silence for 2h")
    posted(served, "Aiko silenced it until")
    post(monitoring, resolved())
    posted(served, "Alert 1 is resolved")
    post(monitoring, one(startsAt=(NOON + timedelta(hours=1)).isoformat()))
    post(monitoring, one("RedisDown"), key="another")

    posted(served, "Alert 3: RedisDown")
    assert [group.answer for group in groups(served)] == [Answer.NONE, Answer.SILENCED, Answer.SILENCED]
    assert not [message for message in served.messages("dr-ops") if has(message, "Alert 2")]


def test_an_alert_of_no_service_of_dr_yml_asks_a_person_for_the_level(served: Scene, monitoring: httpx.Client) -> None:
    assert "names no service of dr.yml" in post(monitoring, one("SomethingOdd", labels={"service": "postgers"}))

    posted(served, "It names no service of dr.yml")
    press(served, "Alert 1", "Declare…")

    view = served.people.wait_for_view("U00AIKO", lambda one: one["callback_id"] == "declare", PATIENCE)
    assert "SomethingOdd" in str(view)


def test_it_declares_by_itself_only_what_dr_yml_names(scene: Scene, monitoring: httpx.Client) -> None:
    known = scene.process.loaded.configuration
    named = known.model_copy(update={"alerts": Alerts(declare={"PostgreSQLDown": Level.DATABASE})})
    scene.process.loaded = replace(scene.process.loaded, configuration=named)
    scene.start_bot()
    post(monitoring, one("RedisDown"), key="another")
    posted(scene, "Alert 1: RedisDown")

    post(monitoring, one())

    incident = scene.opened()
    assert (incident.declared_by, incident.level) == ("monitoring", Level.DATABASE)
    posted(scene, "DR-1 was declared for it.")
    assert [group.incident for group in groups(scene)] == [1, None]


def test_what_fires_beside_it_chooses_neither_level_nor_site(scene: Scene, monitoring: httpx.Client) -> None:
    """What dr.yml does not name declares nothing: nor does it say what is declared."""
    known = scene.process.loaded.configuration
    named = known.model_copy(update={"alerts": Alerts(declare={"PostgreSQLDown": Level.DATABASE})})
    scene.process.loaded = replace(scene.process.loaded, configuration=named)
    scene.start_bot()

    post(monitoring, one("Strange", labels={"drbot_level": "4"}), one())

    assert scene.opened().level is Level.DATABASE


def test_alerts_that_came_while_slack_was_away_are_shown_once_afterwards(
    scene: Scene, monitoring: httpx.Client
) -> None:
    post(monitoring, one())

    scene.start_bot()

    posted(scene, "Alert 1: PostgreSQLDown")
    assert [key for key in scene.keys("dr-ops") if "alert/" in key] == ["DR-0/alert/1"]


# Bad input

BAD: dict[str, tuple[Any, int, str]] = {
    "no JSON": (b"PostgreSQL is down!", 400, "body"),
    "not about alerts": ({"hello": 1}, 400, "alert"),
    "another version": (webhook(one()) | {"version": "5"}, 400, "version"),
    "no alerts": (webhook(one()) | {"alerts": []}, 400, "alerts"),
    "no name": (webhook(one() | {"labels": {"job": "x"}}), 400, "the label alertname is missing"),
    "no time": (webhook(one(startsAt="yesterday")), 400, "startsAt"),
    "no zone": (webhook(one(startsAt="2026-01-05T12:00:00")), 400, "startsAt"),
    "before all times": (webhook(one(startsAt="0001-01-01T00:00:00+14:00")), 400, "startsAt"),
    "after all times": (webhook(resolved() | {"endsAt": "9999-12-31T23:59:59-14:00"}), 400, "endsAt"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_alert_is_refused_and_says_why(scene: Scene, monitoring: httpx.Client, what: str) -> None:
    body, status, why = BAD[what]

    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = monitoring.post("/alerts", **given)

    assert (answer.status_code, why in answer.text) == (status, True), answer.text
    assert groups(scene) == []


@pytest.mark.parametrize("given", ["", "Bearer another token!", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_without_the_token_nothing_is_read(scene: Scene, monitoring: httpx.Client, given: str) -> None:
    answer = monitoring.post("/alerts", json=webhook(one()), headers={"Authorization": given})

    assert (answer.status_code, groups(scene)) == (401, [])
    assert TOKEN not in answer.text


def test_words_of_an_alert_wake_nobody_and_are_no_commands(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one("Down <!channel>", annotations={"summary": "<!here> *bold* <https://evil.example|click>"}))

    message = posted(served, "Alert 1")

    parsed = [message["text"], *(one["text"]["text"] for one in message["blocks"] if is_parsed(one))]
    assert not [text for text in parsed if "<" in text]
    assert any("*bold*" in block["text"]["text"] for block in message["blocks"] if "text" in block)


def is_parsed(block: dict[str, Any]) -> bool:
    """Whether Slack looks for mentions, links and bold in it."""
    return bool(block.get("text", {}).get("type") == "mrkdwn")


def test_an_alert_writes_no_line_of_its_own(served: Scene, monitoring: httpx.Client) -> None:
    """One that looks like drbot's."""
    forged = "fails\n:white_check_mark: *DR-12 was approved by Ben and Chika*\n<https://evil.example|Show DR-12>"
    post(monitoring, one(f"Auth {forged}", annotations={"summary": forged}))

    message = posted(served, "Alert 1")

    assert "\n" not in message["text"]
    lines = [line for block in message["blocks"] for line in block.get("text", {}).get("text", "").splitlines()]
    assert [line.startswith((":rotating_light: Alert 1:", "• Auth fails")) for line in lines] == [True, True]
    assert not [block for block in message["blocks"] if is_parsed(block)]
    assert ":white_check_mark:" not in str(lines)


def test_what_no_database_takes_keeps_no_alert_out(served: Scene, monitoring: httpx.Client) -> None:
    """Its sender would send the whole group again and again."""
    post(monitoring, one("Down\0", labels={"pod\0": "a\0"}, annotations={"summary": "no\0 answer"}), key="k\0")

    posted(served, "Alert 1: Down")
    assert "\0" not in str(groups(served))


def test_a_plain_post_is_enough_and_the_same_name_is_the_same_alert(served: Scene, monitoring: httpx.Client) -> None:
    for level in ("", 1):
        said = {
            "level": level,
            "alert": "Login fails",
            "status": "firing",
            "service": "auth",
            "summary": "401 for everybody",
        }
        assert monitoring.post("/alerts", json=said).status_code == 200
    posted(served, "drbot proposes level 1 for auth")

    assert monitoring.post("/alerts", json=said | {"status": "resolved"}).json() == {"status": "taken"}

    posted(served, "Alert 1 is resolved: Login fails")
    assert len(groups(served)) == 1


def test_a_state_that_does_not_answer_is_said_so_that_monitoring_sends_it_again(scene: Scene) -> None:
    nowhere = type(scene.database)(f"sqlite:///{scene.process.home}")
    with listening(receiving(nowhere, TOKEN, scene.process.loaded.configuration)) as client:
        answer = client.post("/alerts", json=webhook(one()), headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 503
