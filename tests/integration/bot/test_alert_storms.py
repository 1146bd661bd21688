"""When everything is down: storms, texts without end, Slack away or refusing. Nothing that fires is lost or late."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from drbot.core.ledger.events import EventKind
from drbot.core.site.level import Level
from drbot.core.site.own_alerts import Alerts
from drbot.listening.alerts_in import LARGEST_BYTES, MOST_ALERTS
from drbot.store.records import incidents
from tests.integration.bot.conftest import Scene
from tests.integration.bot.test_alerts import (
    NOON,
    groups,
    monitoring,
    one,
    post,
    posted,
    press,
    resolved,
    scene,
    webhook,
)
from tests.integration.bot.test_declare import has
from tests.integration.bot.test_refused import directly
from tests.waiting import PATIENCE, wait_for

__all__ = ["monitoring", "scene"]


def declaring(scene: Scene, **highest: Level) -> None:
    """dr.yml names these alerts."""
    known = scene.process.loaded.configuration
    named = known.model_copy(update={"alerts": Alerts(declare=highest)})
    scene.process.loaded = replace(scene.process.loaded, configuration=named)


def test_a_storm_is_taken_cut_and_counted(served: Scene, monitoring: httpx.Client) -> None:
    """1,203 alerts with annotations of 10,001 letters: more than is kept, and more than is read."""
    some = [one(f"Pod{number}", annotations={"summary": "x" * 10_001}) for number in range(1203)]

    answer = monitoring.post("/alerts", json=webhook(*some))

    assert answer.status_code == 200 and f"more than {LARGEST_BYTES} bytes" in answer.text, answer.text
    [group] = groups(served)
    assert 700 < len(group.alerts) <= MOST_ALERTS and group.key == webhook(one())["groupKey"]
    assert max(len(alert.summary) for alert in group.alerts) <= 1000
    posted(served, "more, since 12:00")


def test_what_is_above_the_most_is_counted_and_what_dr_yml_names_is_kept(
    served: Scene, monitoring: httpx.Client
) -> None:
    some = [one(f"Pod{number}") for number in range(MOST_ALERTS + 5)]

    answer = post(monitoring, *some, one("AuthDown", labels={"job": "auth"}))

    assert "6 alerts above 1000 were only counted" in answer
    [group] = groups(served)
    assert group.beyond == 6 and "AuthDown" in {alert.name for alert in group.alerts}
    posted(served, "6 more alerts came with it than drbot keeps.")


def test_an_alert_that_cannot_be_read_keeps_no_other_out(served: Scene, monitoring: httpx.Client) -> None:
    assert "1 could not be read: alerts.0.startsAt" in post(monitoring, one("Odd", startsAt="yesterday"), one())

    posted(served, "Alert 1: PostgreSQLDown")


def test_many_groups_share_a_message_and_what_dr_yml_names_comes_first(scene: Scene, monitoring: httpx.Client) -> None:
    for number in range(49):
        post(monitoring, one(f"Pod{number}"), key=f"pod {number}")
    post(monitoring, one("AuthDown", labels={"service": "auth"}), key="auth")

    scene.start_bot()

    posted(scene, "40 more alerts fire.")
    assert has(scene.messages("dr-ops")[0], "Alert 50: AuthDown")
    post(monitoring, one("Late"), key="late")
    posted(scene, "41 more alerts fire.")
    told = lambda: len([key for key in scene.keys("dr-ops") if "alert" in key]) == 11  # noqa: E731
    wait_for(told, PATIENCE, "ten messages and the shared one")


def test_a_shared_message_says_what_became_of_each(scene: Scene, monitoring: httpx.Client) -> None:
    for number in range(12):
        post(monitoring, one(f"Pod{number}"), key=f"pod {number}")
    scene.start_bot()
    posted(scene, "2 more alerts fire.")

    post(monitoring, resolved("Pod10"), key="pod 10")
    assert scene.people.command("U00AIKO", "dr-ops", "/dr alert 12 seen").acknowledged

    posted(scene, "Alert 11 is resolved: Pod10")
    posted(scene, "Aiko has seen it: not now.")


def test_what_slack_does_not_answer_for_holds_up_no_other_alert(scene: Scene, monitoring: httpx.Client) -> None:
    refusing = {"method": "chat.postMessage", "status": 500, "times": 1000}
    declaring(scene, AuthDown=Level.SERVICE)
    scene.people.set_faults(errors=[refusing])
    scene.start_bot()
    post(monitoring, one("Stuck"), key="stuck")

    post(monitoring, one("AuthDown", labels={"service": "auth"}), key="auth")

    declared = lambda: [one for one in scene.events() if one.kind is EventKind.INCIDENT_DECLARED]  # noqa: E731
    wait_for(declared, PATIENCE, "the incident, without Slack")
    scene.people.set_faults(errors=[])
    posted(scene, "Alert 1: Stuck")
    posted(scene, "DR-1 was declared for it.")


def test_one_message_that_is_refused_is_tried_until_it_is_there(scene: Scene, monitoring: httpx.Client) -> None:
    """Meanwhile everybody who may answer has it, and those behind it are in the channel."""
    refused = {"method": "chat.postMessage", "channel": "dr-ops", "error": "restricted_action", "holds": "Odd"}
    scene.people.set_faults(refusals=[refused])
    scene.start_bot()
    post(monitoring, one("Odd"), key="odd")
    post(monitoring, one("RedisDown"), key="redis")

    posted(scene, "Alert 2: RedisDown")
    for user in ("U00AIKO", "U00BEN"):
        told = lambda user=user: [one for one in directly(scene, user) if has(one, "Alert 1: Odd")]  # noqa: E731
        wait_for(told, PATIENCE, f"the alert, to {user}")
    assert not [one for one in directly(scene, "U00DAN") if has(one, "Odd")]  # who looks on cannot answer
    scene.people.set_faults(refusals=[])

    posted(scene, "Alert 1: Odd")


# What an answer does not cover


def later(minutes: int = 60) -> dict[str, Any]:
    return {"startsAt": (NOON + timedelta(minutes=minutes)).isoformat()}


def test_what_joins_a_group_that_somebody_has_seen_is_asked_about_anew(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one("RedisDown"))
    press(served, "Alert 1", "Seen, not now")
    posted(served, "Aiko has seen it: not now.")

    post(monitoring, one("RedisDown"), one("AuthDown", labels={"service": "auth"}, **later()))

    message = posted(served, "Alert 2: AuthDown, since 13:00")
    assert not has(message, "has seen it") and not has(message, "RedisDown")


def test_what_fires_again_after_its_incident_is_announced_and_declared_again(
    scene: Scene, monitoring: httpx.Client
) -> None:
    """Its `resolved` was lost."""
    declaring(scene, AuthDown=Level.SERVICE)
    scene.start_bot()
    auth = {"labels": {"service": "auth"}}
    post(monitoring, one("AuthDown", **auth))
    first = scene.opened()
    with scene.database.write() as tx:
        incidents.resolve(tx, first.id, "aiko", "it works again")

    post(monitoring, one("AuthDown", **auth, **later()))

    posted(scene, "Alert 2: AuthDown, since 13:00")
    posted(scene, "DR-2 was declared for it.")


def test_what_fires_again_while_its_incident_is_open_is_told_there(scene: Scene, monitoring: httpx.Client) -> None:
    declaring(scene, AuthDown=Level.SERVICE)
    scene.start_bot()
    auth = {"labels": {"service": "auth"}}
    post(monitoring, one("AuthDown", **auth))
    incident = scene.opened()
    post(monitoring, resolved("AuthDown", **auth))

    post(monitoring, one("AuthDown", **auth, **later()))

    said = "An alert of this incident fires: AuthDown, since"
    scene.message(incident.channel, lambda message: has(message, said), said)
    assert len(groups(scene)) == 1


def test_what_began_in_a_silence_and_outlives_it_is_announced(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one("RedisDown"))
    posted(served, "Alert 1")
    assert served.people.command("U00AIKO", "dr-ops", "/dr alert 1 silence 2s").acknowledged
    posted(served, "Aiko silenced it until")
    post(monitoring, one("RedisDown", **later()))

    newest = served.message("dr-ops", lambda one: has(one, "Alert 2: RedisDown, since 13:00"), "the alert, announced")

    assert not has(newest, "silenced")


def test_what_outlives_its_silence_is_announced_by_a_new_message(served: Scene, monitoring: httpx.Client) -> None:
    post(monitoring, one("RedisDown"))
    first = posted(served, "Alert 1")
    assert served.people.command("U00AIKO", "dr-ops", "/dr alert 1 silence 1s").acknowledged

    is_new = lambda message: has(message, "Alert 1: RedisDown") and message["ts"] != first["ts"]  # noqa: E731
    served.message("dr-ops", is_new, "the new message")

    posted(served, "Alert 1 goes on in a newer message below.")


def test_a_plain_sender_that_never_said_resolved_is_heard_again(served: Scene, monitoring: httpx.Client) -> None:
    said = {"alert": "Login fails", "status": "firing"}
    monitoring.post("/alerts", json=said)
    press(served, "Alert 1", "Seen, not now")
    posted(served, "Aiko has seen it")
    assert served.people.command("U00AIKO", "dr-ops", "/dr alert 1 close").acknowledged
    posted(served, "Aiko says that it is over.")

    assert "taken" in monitoring.post("/alerts", json=said).text

    posted(served, "Alert 2: Login fails")
