"""kill -9 while a copy is made: it is noticed, another worker makes it anew or people stop, nothing survives."""

import time

import pytest

from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState, StepState
from drbot.lab.seed import seed
from tests.story.conftest import Story
from tests.story.dying import starts_of
from tests.story.recovering import WORDS, damage, wait_for_step
from tests.strain import Strain
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

NOTICED_SECONDS = 15.0


def survivors(story: Story, run: str) -> list[str]:
    """Containers of this run that still run."""
    with story.lab.client() as client:
        return [c.name or "" for c in client.containers.list(filters={"label": f"drbot.run={run}"})]


def declare_big(story: Story) -> tuple[Incident, str]:
    seed(story.lab, 20)
    damage(story)
    incident = story.player.declare("aiko", WORDS)
    run = wait_for_step(story.player, incident, "restore-beside", StepState.RUNNING)
    wait_for(lambda: survivors(story, run.id), 60, "the restore to work in a container")
    return incident, run.id


@pytest.mark.more
def test_a_killed_worker_is_noticed_and_another_makes_its_copy_anew_without_asking(quiet_story: Story) -> None:
    story, stack = quiet_story, quiet_story.stack
    stack.start("bot", "bot")
    stack.start("worker", "worker")
    stack.people.wait_for_connection()
    incident, run_id = declare_big(story)

    with Strain() as strain:
        stack.kill("worker")
        began = time.monotonic()
        run = story.player.wait_for_run(incident, RunState.QUEUED)
        noticed = time.monotonic() - began
    print(f"noticed after {noticed:.1f} s")
    assert noticed <= strain.allows(NOTICED_SECONDS)
    assert starts_of(story.player, run_id)["restore-beside"] == 1

    stack.start("worker-2", "worker")
    assert wait_for_step(story.player, incident, "restore-beside", StepState.SUCCEEDED).id == run.id
    assert starts_of(story.player, run_id)["restore-beside"] == 2
    story.player.press("aiko", incident, f"stop {incident.name}")
    story.player.wait_for_run(incident, RunState.STOPPED)
    assert survivors(story, run_id) == []


@pytest.mark.long
def test_a_killed_embedded_drbot_goes_on_with_its_copy_when_it_is_started_again(story: Story) -> None:
    stack = story.stack
    incident, run_id = declare_big(story)

    stack.kill("drbot")
    with Strain() as strain:
        stack.start("drbot-2", "all")
        began = time.monotonic()
        wait_for(lambda: starts_of(story.player, run_id)["restore-beside"] == 2, 120, "the copy to be made anew")
        noticed = time.monotonic() - began
    print(f"made anew after {noticed:.1f} s")
    assert noticed <= strain.allows(NOTICED_SECONDS)
    stack.people.wait_for_connection()

    story.player.press("aiko", incident, f"stop {incident.name}")
    story.player.wait_for_run(incident, RunState.STOPPED)
    wait_for(lambda: survivors(story, run_id) == [], 30, "nothing of the killed step to run")


@pytest.mark.long
def test_half_a_copy_of_a_run_stopped_without_a_worker_is_removed_by_the_next_one(
    quiet_story: Story,
) -> None:
    story, stack = quiet_story, quiet_story.stack
    stack.start("bot", "bot")
    stack.start("worker", "worker")
    stack.people.wait_for_connection()
    incident, run_id = declare_big(story)
    stack.kill("worker")

    story.player.press("aiko", incident, f"stop {incident.name}")
    story.player.wait_for_run(incident, RunState.STOPPED, seconds=60)
    assert copies(story, run_id)
    stack.start("worker-2", "worker")

    wait_for(lambda: copies(story, run_id) == [], 60, "the copy to be removed")
    assert survivors(story, run_id) == []


def copies(story: Story, run: str) -> list[str]:
    """Volumes that this run made."""
    with story.lab.client() as client:
        return [volume.name for volume in client.volumes.list(filters={"label": f"drbot.run={run}"})]
