"""The disk of the host fills in the middle of a restore: it is called that, and the same backup is tried again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from drbot.core.base.errors import Cause
from drbot.core.runs.run import Offer, RunState, StepState
from drbot.lab.breakage import break_it
from drbot.lab.engine import connect
from drbot.lab.images import SYSTEM_IMAGES
from drbot.lab.second_engine import SecondEngine
from drbot.lab.system import Lab
from tests.labs import wait_until_faultless
from tests.story.conftest import Story, begin, story_in
from tests.story.recovering import WORDS, approve_by_two, finish, rows_of, wait_for_step
from tests.story.test_backups_of_others import NAMES, POSTGRES, dump

pytestmark = [
    pytest.mark.docker,
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted by root alone"),
]
DISK_BYTES = 3 << 30
TABLE = "CREATE TABLE padding (line text); ALTER TABLE padding ALTER line SET STORAGE PLAIN; "
ROWS = "INSERT INTO padding SELECT repeat('x', 4000) FROM generate_series(1, 60000)"  # 240 MB


@pytest.fixture
def small(engine: str, tmp_path: Path) -> Iterator[SecondEngine]:
    """An engine whose data lies on a disk of its own."""
    made = SecondEngine(home=tmp_path)
    data = made.folder / "engine" / "data"
    data.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "small", str(data)], check=True)
    try:
        made.start()
        made.prestage(engine, SYSTEM_IMAGES)
        yield made
    finally:
        made.stop()  # it leaves no mount below its folder


@pytest.fixture
def story(small: SecondEngine, tmp_path: Path) -> Iterator[Story]:
    lab = Lab(name=f"t{os.getpid()}full", home=tmp_path / "labs", host=small.host)
    lab.up(print)
    with story_in(lab, tmp_path) as made:
        yield begin(made)
    lab.reset()


def pad(lab: Lab) -> None:
    """Data that takes seconds to restore."""
    with closing(connect(lab.host)) as client:
        server = lab.container(client, POSTGRES)
        assert server is not None
        code, said = server.exec_run(["psql", "-U", "postgres", "-c", TABLE + ROWS])
    assert code == 0, said


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Somebody else's file takes all that is left."""
    hog = disk / "hog"
    with hog.open("wb", buffering=0) as output, suppress(OSError):  # until the disk says no
        while output.write(bytes(1 << 20)):
            pass
    yield
    hog.unlink()


def test_a_disk_that_fills_is_no_bad_backup_and_the_same_one_succeeds_when_there_is_room(
    story: Story, small: SecondEngine
) -> None:
    player = story.player
    pad(story.lab)
    before, name = rows_of(story.lab, NAMES), dump(story)
    break_it(story.lab, "postgres-corrupt")
    incident = player.declare("aiko", WORDS)
    wait_for_step(player, incident, "restore-beside", StepState.RUNNING)

    with filled(small.folder / "engine" / "data"):
        run = player.wait_for_run(incident, RunState.BLOCKED)
        step = player.records(run.id)["restore-beside"]
        said = story.stack.people.wait_for_message(
            incident.channel or "", lambda message: "The backup is not the cause." in message["text"]
        )
    assert (step.state, step.cause) == (StepState.UNDONE, Cause.DISK), step
    assert run.offers[0] is Offer.ASK_AGAIN
    assert "o space left on device" in said["text"], said["text"]

    player.press("aiko", incident, f"recover {incident.name}")
    approve_by_two(player, incident)
    run = finish(player, incident)

    assert run.plan is not None and run.plan.backup is not None
    assert (run.plan.backup.name, run.state, run.outcome) == (name, RunState.SUCCEEDED, "Every check passed.")
    assert rows_of(story.lab, NAMES) == before
    wait_until_faultless(story.lab)
