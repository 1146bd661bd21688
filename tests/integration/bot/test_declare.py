"""From `/dr declare` to a channel, a board and a stakeholder post."""

from datetime import timedelta
from pathlib import Path

import pytest

from drbot.core.site.configuration import Loaded
from drbot.store.records import incidents
from tests.integration.bot.conftest import PATIENCE, Message, Scene, configuration
from tests.waiting import wait_for


def has(message: Message, words: str) -> bool:
    return words in f"{message['text']}{message['blocks']}"


def test_declaring_opens_a_channel_with_a_pinned_board_and_tells_the_stakeholders(served: Scene) -> None:
    incident = served.declare()

    post = served.message("dr-status", lambda one: has(one, "next update") or has(one, "Next update"), "the post")
    assert has(post, "ai-micro-service")
    channel = served.people.channel(incident.channel or "")
    assert channel["name"].endswith("-l2-postgresql-does-not-start-1")
    board = served.message(
        incident.channel, lambda one: one["ts"] in served.people.channel(channel["id"])["pins"], "the pinned board"
    )
    assert has(board, "DR-1 · Level 2")
    members = served.people.channel(channel["id"])["members"]
    assert {"U00AIKO", "U00BEN", "U00CHIKA", "U00DAN"} <= set(members)
    assert "RTO" in served.people.channel(channel["id"])["topic"]


def test_what_a_person_typed_wakes_nobody(served: Scene) -> None:
    incident = served.declare("level2 <!channel> is down & out")

    served.message("dr-status", lambda one: "DR-1" in one["text"], "the post")
    everything = [*served.messages(incident.channel), *served.messages("dr-status"), *served.messages("dr-ops")]
    assert not [one for one in everything if "<!channel>" in f"{one['text']}{one['blocks']}"]


@pytest.fixture
def two_sites(scene: Scene, tmp_path: Path) -> Scene:
    """Production, and staging, which has services of its own."""
    whole = configuration(tmp_path)
    site = whole.sites["production"]
    worker = site.services["auth"].model_copy(update={"project": "jobs", "title": "Jobs"})
    staging = site.model_copy(update={"services": {"worker": worker}})
    sites = {"production": site, "staging": staging}
    scene.process.loaded = Loaded(configuration=whole.model_copy(update={"sites": sites}))
    scene.start_bot()
    scene.people.wait_for_connection()
    return scene


@pytest.mark.parametrize("level", ["", "level1 "])
def test_what_was_typed_before_the_dialog_opened_goes_with_it(two_sites: Scene, level: str) -> None:
    people = two_sites.people
    assert people.command("U00AIKO", "dr-ops", f"/dr declare {level}site=staging since=20m").acknowledged
    view = people.wait_for_view("U00AIKO", lambda one: one["callback_id"] == "declare", PATIENCE)

    chosen = {"level": "1", "service": "worker", "text": "jobs are stuck"}
    people.submit("U00AIKO", view["id"], {block: {"value": value} for block, value in chosen.items()})

    incident = two_sites.opened()
    assert (incident.site, incident.service) == ("staging", "worker")
    assert timedelta(minutes=19) < incident.declared_at - incident.started_at < timedelta(minutes=22)


def test_a_slip_in_the_declare_dialog_stays_in_it(two_sites: Scene) -> None:
    people = two_sites.people
    assert people.command("U00AIKO", "dr-ops", "/dr declare site=staging").acknowledged
    view = people.wait_for_view("U00AIKO", lambda one: one["callback_id"] == "declare", PATIENCE)
    typed = {"level": {"value": "1"}, "text": {"value": "login fails"}}

    without = people.submit("U00AIKO", view["id"], typed)
    elsewhere = people.submit("U00AIKO", view["id"], typed | {"service": {"value": "auth"}})
    no_time = people.submit(
        "U00AIKO", view["id"], typed | {"service": {"value": "worker"}, "since": {"value": "yesterday"}}
    )

    assert [list(one.errors) for one in (without, elsewhere, no_time)] == [["service"], ["service"], ["since"]]
    with two_sites.database.read() as connection:
        assert incidents.recent(connection) == []


def test_a_button_declares_on_the_site_that_was_typed(two_sites: Scene) -> None:
    """A mention opens no dialog: its answer has buttons, and they say all that was said."""
    people = two_sites.people
    people.say("U00AIKO", "dr-ops", "<@U00DRBOT> declare site=staging since=20m")

    def answer() -> Message | None:
        private = [one for one in people.messages("dr-ops", "U00AIKO") if one["ephemeral"]]
        return private[-1] if private else None

    shown = wait_for(answer, PATIENCE, "the answer")
    assert shown is not None
    people.click("U00AIKO", shown, "do:1")  # level 2

    incident = two_sites.opened()
    assert (incident.site, incident.level.value) == ("staging", 2)
    assert incident.declared_at - incident.started_at > timedelta(minutes=19)
