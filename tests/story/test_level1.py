"""Level 1, whole: the runbook stops at the first stage that heals, and says so when the culprit is elsewhere."""

import pytest

from drbot.core.runs.run import RunState, StepState
from drbot.lab.breakage import break_it
from tests.labs import wait_until_faultless
from tests.story.conftest import Story
from tests.story.docker_events import EventRecorder
from tests.story.recovering import finish

pytestmark = pytest.mark.docker


def states(story: Story, run: str) -> dict[str, StepState]:
    return {name: record.state for name, record in story.player.records(run).items()}


def test_a_stopped_service_is_healed_by_a_restart_alone(story: Story) -> None:
    break_it(story.lab, "auth-down")

    incident = story.player.declare("aiko", "level1 auth: nobody can sign in")
    run = finish(story.player, incident)

    found = states(story, run.id)
    assert found["restart"] is StepState.SUCCEEDED
    assert found["recreate"] is StepState.SKIPPED
    wait_until_faultless(story.lab)


@pytest.mark.long
def test_a_crash_loop_that_a_restart_does_not_heal_is_healed_by_down_and_up(story: Story) -> None:
    break_it(story.lab, "auth-crashloop")

    incident = story.player.declare("ben", "level1 auth: it crashes again and again")
    run = finish(story.player, incident)

    found = states(story, run.id)
    assert found["recreate"] is StepState.SUCCEEDED
    wait_until_faultless(story.lab)


@pytest.mark.long
def test_when_postgres_is_the_culprit_level_2_is_proposed_and_nothing_else_is_touched(story: Story) -> None:
    break_it(story.lab, "postgres-corrupt")
    recorder = EventRecorder(story.lab)

    incident = story.player.declare("aiko", "level1 auth: nobody can sign in")
    story.player.wait_for_run(incident, RunState.FAILED, seconds=180)
    recorder.stop()
    touched = {event.name for event in recorder.on_production(before=float("inf"))}
    assert len(touched) == 1 and "auth-service" in touched.pop()  # the one service that was named

    said = story.stack.people.wait_for_message(
        incident.channel or "", lambda message: "PostgreSQL" in message["text"] and "evel 2" in message["text"]
    )
    assert said
