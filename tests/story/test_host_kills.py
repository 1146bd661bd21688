"""kill -9 of the worker, the new host's engine, or both as at a reboot, a full disk, a bucket that is away, throttles
or is overwritten, at any moment of level 3 onto a host that holds data: nothing of it is lost, nothing is there twice,
every word about it is true, and undo brings all of it back.

Each round is a whole incident. People then choose anything they are offered. The host is looked at by the test's own
containers, never by drbot.
"""

import os
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState, StepState
from drbot.lab.second_engine import SecondEngine
from drbot.lab.setup import lab_home
from tests import kinds_of_hosts as kinds
from tests.faulty_proxy import Faults, faulty_proxy
from tests.hosts import Host
from tests.labs import LabFactory
from tests.story import new_host
from tests.story.demo_stacks import sites_of
from tests.story.new_host import WORDS, Scene
from tests.story.people import settled, wait_for_the_moment
from tests.story.recovering import wait_for_step
from tests.story.troubles import Troubles

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1200)]

ROUNDS = int(os.environ.get("DRBOT_KILLS", "40"))
BEGINNINGS = ("approval", "set-aside", "set-aside", "set-aside", "clone", "fetch", "configuration", "volumes",
              "restore-postgres", "restore-redis", "restore-files", "start-stores", "verify", "start-apps", "health",
              "check-monitoring")  # fmt: skip
LATEST_SECONDS = 3.0  # after the beginning of one of these
TROUBLES = ("worker", "worker", "worker", "engine", "reboot", "disk full", "bucket away", "bucket throttles",
            "bucket overwritten")  # fmt: skip
DISK = "8g"  # of the new host: its images take half of it
HOSTS = (kinds.nothing, kinds.everything_at_once, kinds.everything_at_once, kinds.dirty_clone,
         kinds.owners_links_and_times, kinds.stale_standby_on_its_own_volume, kinds.volume_without_a_name)  # fmt: skip

UNTOUCHED = ("Nothing that was there before was touched", "Nothing in production was changed", "Nothing was replaced")
RUNS_THERE = "The services run on the new host"


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A small one for all of the new host's engine."""
    folder = lab_home() / "second"
    second = SecondEngine(home=lab_home())
    second.stop()
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "new-host", folder], check=True)
    yield folder
    second.stop()
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def loss(
    lab_factory: LabFactory, disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Scene, Faults]]:
    """Of production, once for all rounds."""
    with (
        sites_of(lab_factory, "hostkills") as sites,
        faulty_proxy(sites.bucket.endpoint) as (url, faults),
        new_host.scene(sites, tmp_path_factory.mktemp("stack") / "home", bucket=url) as made,
    ):
        yield made, faults


@pytest.fixture
def scene(loss: tuple[Scene, Faults], disk: Path, tmp_path: Path) -> Iterator[tuple[Scene, Troubles]]:
    """One round: whatever became of it, its incident, its worker and its trouble end with it."""
    lost, faults = loss
    with new_host.anew(lost, tmp_path / "home") as made, ExitStack() as ends:
        troubles = Troubles(scene=made, disk=disk, bucket=faults)
        ends.callback(troubles.end)
        made.player.stack.start("bot", "bot")
        made.player.stack.people.wait_for_connection()
        yield made, troubles


def lost(host: Host, before: dict[str, Any]) -> list[str]:
    """What was there and is not there as it was."""
    now = host.picture()
    return [f"{kind} {name}" for kind, was in before.items() for name, one in was.items() if now[kind].get(name) != one]


def untrue(scene: Scene, host: Host, before: dict[str, Any], run: Run, words: str) -> list[str]:
    """Which sentences do not hold."""
    faults = []
    if any(sentence in words for sentence in UNTOUCHED) and (gone := lost(host, before)):
        faults.append(f"it says that nothing was touched: {gone}")
    if RUNS_THERE in words and (broken := scene.lab.faults()):
        faults.append(f"it says that the services run: {broken}")
    if run.state is RunState.SUCCEEDED and (wrong := scene.wrong()):
        faults.append(f"it says that it succeeded: {wrong}")
    return faults


def undone(scene: Scene, incident: Incident, run: Run) -> None:
    """By two, from the terminal of whoever is there; however often they have to settle it."""
    player = scene.player
    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    undo = wait_for_step(player, incident, "approval", StepState.WAITING)
    assert undo.id != run.id
    scene.agree(incident)
    player.wait_for_run(
        incident, RunState.SUCCEEDED, RunState.FAILED
    )  # users may not be able to work on what was there


def play(scene: Scene, troubles: Troubles, kind: Callable[[Host], None], how: str, name: str) -> None:
    """One incident."""
    chance, player = random.Random(name), scene.player  # noqa: S311 - repeatable, no secret
    troubles.worker = name
    with scene.host() as host:
        kind(host)
        before = host.picture()
        player.stack.start(name, "worker", "--site", "recovery")
        incident = player.declare("aiko", f"{WORDS} {uuid.uuid4().hex[:6]}")

        step, later = chance.choice(BEGINNINGS), chance.uniform(0.0, LATEST_SECONDS)
        where = f"{kind.__name__}: {how} {wait_for_the_moment(player, incident, step, later)}"
        troubles.begin(how)

        def heard(run: Run, words: str) -> list[str]:
            troubles.end()
            return untrue(scene, host, before, run, words)

        run, _ = settled(player, incident, chance, where, heard)
        if lost(host, before):
            undone(scene, incident, run)
        assert lost(host, before) == [], where
        scene.resolve(incident)
        player.stack.kill(troubles.worker)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_happens_nothing_of_the_host_is_lost_and_every_word_is_true(
    scene: tuple[Scene, Troubles], number: int
) -> None:
    chance = random.Random(f"host {number}")  # noqa: S311 - repeatable, no secret
    play(*scene, chance.choice(HOSTS), chance.choice(TROUBLES), f"worker-{number}")
