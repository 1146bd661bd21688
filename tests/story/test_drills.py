"""Drills beside a production that serves users: a copy is made, broken, recovered and gone, and nothing else moves."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from drbot.core.runs.drill import Drill, DrillEnd, DrillState
from drbot.core.runs.run import StepState
from drbot.runners.clients.sandbox import INSTANCE_LABEL
from drbot.store.records import drills
from tests.story.conftest import Story, make_backup
from tests.story.drilling import beside_users, drill_words
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker


def only_drill(story: Story) -> Drill:
    with story.player.database.read() as connection:
        (found,) = drills.list_of(connection)
    return found


@pytest.mark.more
def test_a_drill_of_level_2_recovers_a_copy_and_production_never_notices(quiet_story: Story, tmp_path: Path) -> None:
    quiet_story.backup()
    beside_users(quiet_story.stack, quiet_story.lab, 2, tmp_path / "drill.json")


@pytest.mark.more
def test_what_no_dump_holds_is_practised_on_a_copy_of_a_full_backup(quiet_story: Story, tmp_path: Path) -> None:
    make_backup(quiet_story.stack.configuration, "full")
    beside_users(quiet_story.stack, quiet_story.lab, 2, tmp_path / "drill.json", "redis")


@pytest.mark.long
def test_after_three_drills_the_fourth_is_foreseen_at_its_half(quiet_story: Story, tmp_path: Path) -> None:
    quiet_story.backup()

    *_, last = [beside_users(quiet_story.stack, quiet_story.lab, 2, tmp_path / f"{number}.json") for number in range(4)]

    assert last["half_seconds"] == pytest.approx(last["recovery_seconds"], rel=0.15)


@pytest.mark.long
def test_a_drill_of_level_1_recovers_a_copy_and_production_never_notices(quiet_story: Story, tmp_path: Path) -> None:
    quiet_story.backup()
    beside_users(quiet_story.stack, quiet_story.lab, 1, tmp_path / "drill.json")


@pytest.mark.long
def test_two_people_approve_a_drill_in_slack_and_nobody_else_is_told(story: Story) -> None:
    story.backup()
    player = story.player

    player.say("aiko", "/dr drill level2")
    incident = wait_for(lambda: next((one for one in player.incidents() if one.channel), None), PATIENCE, "its channel")
    assert incident is not None
    assert incident.name == f"DRILL-{incident.id}"
    number = incident.id

    def is_planned() -> bool:
        here = player.runs(player.incident(number))
        return any(one.runbook == "level2-postgres" and one.plan for one in here)

    wait_for(is_planned, 3 * PATIENCE, "the copy to be made and broken, and the plan")
    for person in ("ben", "chika"):
        player.vote(person, incident, target="drill")
    player.wait(lambda: player.records(player.run(incident).id)["confirm"].state is StepState.WAITING, "the question")
    player.press("aiko", incident, f"answer {incident.name} confirm yes")

    found = ended(story)
    assert found.end is DrillEnd.PASSED, found
    assert (incident.channel_name or "").startswith("drill-")
    (status,) = [one for one in story.stack.people.channels() if one["name"] == "dr-status"]
    assert story.stack.people.messages(status["id"]) == []


@pytest.mark.more
def test_an_incident_ends_the_drill(quiet_story: Story) -> None:
    story = quiet_story
    story.backup()
    story.stack.start("worker", "worker")
    say(story, "drill", "level2", "rehearsed")
    wait_for(lambda: only_drill(story).state is not DrillState.ASKED, PATIENCE, "the drill to begin")

    say(story, "declare", "level1", "auth")

    found = ended(story)
    assert found.end is DrillEnd.STOPPED, found
    assert "an incident comes first" in str(found.why)
    assert left_of_drills(story) == []


@pytest.mark.long
def test_what_a_dead_worker_left_of_a_drill_the_next_one_removes(quiet_story: Story) -> None:
    story = quiet_story
    story.backup()
    for moment in moments(story):
        killed_at(story, moment)

        assert left_of_drills(story) == [], f"killed after {moment:.1f} s"
        with story.player.database.read() as connection:
            newest = drills.list_of(connection)[0]
        print(f"killed after {moment:.1f} s: {newest.state.value}, {newest.end}")
        assert newest.end in {DrillEnd.BROKEN_OFF, DrillEnd.PASSED}, f"killed after {moment:.1f} s: {newest}"


def moments(story: Story) -> list[float]:
    """Seconds after which the drill's process is killed: one, or DRBOT_KILLS of them anywhere in a drill, of which one
    is measured first.
    """
    rounds = int(os.environ.get("DRBOT_KILLS", "0"))
    if not rounds:
        return [12.0]
    began = time.monotonic()
    subprocess.run(drill_words(story.stack, "level2"), check=True)
    takes, chance = time.monotonic() - began, random.Random(rounds)  # noqa: S311 - the same parts of it each time
    return [chance.uniform(0, takes) for _ in range(rounds)]


def killed_at(story: Story, moment: float) -> None:
    """A drill whose process is killed then, and a worker that comes after it until nothing goes on any more."""
    drilling = subprocess.Popen(drill_words(story.stack, "level2"), start_new_session=True)
    threading.Event().wait(moment)  # the moment itself is what is random
    os.killpg(drilling.pid, signal.SIGKILL)
    drilling.wait()
    story.stack.start("after", "worker")
    wait_for(lambda: going_on(story) is None, PATIENCE, "the drill to be cleared away")
    story.stack.end("after")


def say(story: Story, *words: str) -> None:
    """`drbot dr …` as Aiko."""
    said = [sys.executable, "-P", "-m", "drbot.cli.main", "dr", *words, "--as", "aiko", "--home", str(story.stack.home)]
    done = subprocess.run(
        [*said, "--config", str(story.stack.configuration)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def ended(story: Story) -> Drill:
    wait_for(lambda: only_drill(story).is_over, 2 * PATIENCE, "the drill to end")
    return only_drill(story)


def going_on(story: Story) -> Drill | None:
    with story.player.database.read() as connection:
        return drills.going_on(connection)


def left_of_drills(story: Story) -> list[str]:
    """Containers, volumes and folders of drills of this story."""
    with story.player.database.read() as connection:
        instances = [one.instance for one in drills.list_of(connection)]
    with story.lab.client() as client:
        labels = [f"{INSTANCE_LABEL}={instance}" for instance in instances]
        there = [one.name for label in labels for one in client.containers.list(all=True, filters={"label": label})]
        there += [one.name for label in labels for one in client.volumes.list(filters={"label": label})]
    folders = Path(tempfile.gettempdir()).glob("drbot-drill-*")
    return [*map(str, there), *(str(one) for one in folders if one.name.rpartition("-")[2] in instances)]
