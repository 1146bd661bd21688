"""Somebody declares level 2, names nothing, and no data is lost: nobody is asked to replace what works."""

import pytest

from drbot.core.runs.run import RunState, StepState
from drbot.lab.breakage import break_it
from drbot.store.records import requests
from tests.labs import wait_until_faultless
from tests.story.conftest import Story
from tests.story.recovering import finish, wait_for_step

pytestmark = pytest.mark.docker

WORKS = "No data looks broken: PostgreSQL answers"  # and how many rows, where there was time to count


def test_level_1_is_offered_for_a_stopped_service_and_a_healthy_postgresql_is_said_to_be_so(story: Story) -> None:
    player, people = story.player, story.stack.people
    story.backup()
    break_it(story.lab, "auth-down")
    incident = player.declare("aiko", "level2 something is wrong")
    refused = player.wait_for_run(incident, RunState.FAILED, seconds=180)
    said = people.wait_for_message(incident.channel or "", lambda message: WORKS in message["text"])
    assert "Not working: auth. That is level 1." in said["text"].partition(WORKS)[2], said["text"]
    with player.database.read() as connection:
        assert requests.of_run(connection, refused.id) == []

    player.press("aiko", incident, f"level {incident.name} 1 auth")
    finish(player, incident)
    wait_until_faultless(story.lab)

    named = player.declare("aiko", "level2 postgres anyway")
    wait_for_step(player, named, "approval", StepState.WAITING)
    card = people.wait_for_message(named.channel or "", lambda message: "please read this" in message["text"])
    assert WORKS in card["blocks"][1]["text"]["text"]
    player.press("aiko", named, f"stop {named.name}")
    player.wait_for_run(named, RunState.STOPPED)
