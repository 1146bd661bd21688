"""kill -9 of the worker at any moment of level 2: the data is in exactly one place, and every word about it is true.

Each round is a whole incident with a worker that dies once and people who then choose anything they are offered. What
is where is looked at by a container of the test's own, never by drbot.
"""

import os
import random
import uuid
from dataclasses import dataclass

import pytest

from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run, RunState, Settlement
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.ownership import LABEL
from drbot.store.base import ledger
from drbot.store.records import kept
from tests.story.conftest import Story
from tests.story.people import settled, wait_for_the_moment
from tests.story.recovering import WORDS, production

pytestmark = [pytest.mark.docker, pytest.mark.long]

ROUNDS = int(os.environ.get("DRBOT_KILLS", "100"))
MARK = "drbot-was-here"  # in what is there when the incident begins, and in no backup
LOOK = f'cd /v; for n in *; do [ -f "$n/PG_VERSION" ] && echo "$n $(ls "$n" | grep -c {MARK})"; done; :'
BEGINNINGS = ("evidence", "restore-beside", "approval", "stop-apps", "stop-postgres", "swap", "swap", "swap",
              "start-postgres", "verify", "start-apps", "health")  # fmt: skip
LATEST_SECONDS = 1.2  # after the beginning of one of these

IN_PLACE = ("Nothing was replaced", "Nothing in production was changed", "Production is as it was", "is still in place")
REPLACED = ("The data was replaced", "the new data is in place and the old data is kept")
STOPPED, STARTED = "The services are stopped", "The services were started"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Which volumes hold a database, by a look into each of them."""

    old: tuple[str, ...]  # with the mark
    new: tuple[str, ...]  # restored


def places(story: Story) -> Places:
    """Looks at production's volume and at everything that was made from it or for it."""
    volume = production(story)
    with story.lab.client() as client:
        names = [one.name for one in client.volumes.list() if one.name.startswith(volume) and not is_received(one.name)]
        said = client.containers.run(
            SERVICE_IMAGE,
            ["-c", LOOK],
            entrypoint="sh",
            volumes={name: {"bind": f"/v/{name}", "mode": "ro"} for name in names},
            network_mode="none",
            labels={LABEL: story.lab.label},
            remove=True,
        )  # fmt: skip
    found = [line.split() for line in said.decode().splitlines()]
    return Places(
        old=tuple(name for name, marks in found if marks == "1"), new=tuple(name for name, m in found if m == "0")
    )


def is_received(volume: str) -> bool:
    """Whether it is one of what is received of the server."""
    return volume.endswith(("_wal", "_bases"))


def mark(story: Story) -> None:
    """What is there now can be told from what comes back, and nothing of an earlier round is beside it."""
    with story.lab.client() as client:
        for volume in client.volumes.list():
            if volume.name.startswith(f"{production(story)}_") and not is_received(volume.name):
                volume.remove()
        client.containers.run(
            SERVICE_IMAGE, ["-c", f"touch /v/{MARK}"], entrypoint="sh", network_mode="none", remove=True,
            volumes={production(story): {"bind": "/v", "mode": "rw"}}, labels={LABEL: story.lab.label},
        )  # fmt: skip


def untrue(story: Story, run: Run, words: str) -> list[str]:
    """What is not so: nothing is lost, nothing is twice, and every sentence about it holds."""
    volume, keeper, now = production(story), f"{production(story)}_before_{run.id}", places(story)
    with story.player.database.read() as connection:
        listed = [one.volume for one in kept.list_of(connection, "production")]
    running = {one.name for one in story.lab.status() if one.state == "running"}
    apps = {"auth", "user", "admin"}
    faults = []
    if len(now.old) != 1 or now.old[0] not in (volume, keeper):
        faults.append(f"the old data is in {now.old}")
    if len(now.new) > 1:
        faults.append(f"restored data is in {now.new}")
    if any(sentence in words for sentence in IN_PLACE) and now.old != (volume,):
        faults.append("it says that the old data is in place")
    if any(sentence in words for sentence in REPLACED) and (now.old, now.new) != ((keeper,), (volume,)):
        faults.append("it says that the data was replaced")
    if STOPPED in words and apps & running:
        faults.append(f"it says that the services are stopped: {running}")
    if STARTED in words and not apps <= running:
        faults.append(f"it says that the services were started: {running}")
    if run.state is RunState.SUCCEEDED and (now.new != (volume,) or story.lab.faults()):
        faults.append(f"it says that it succeeded: {story.lab.faults()}")
    if any(name not in now.old for name in listed):
        faults.append(f"kept, it says: {listed}")
    if run.is_over and now.old == (keeper,) and keeper not in listed:
        faults.append("the old data is kept and not listed")
    return faults


def swaps_started(story: Story, run: Run) -> int:
    with story.player.database.read() as connection:
        events = ledger.after(connection, 0, 100_000)
    return sum(e.kind is EventKind.STEP_STARTED and e.run == run.id and e.step == "swap" for e in events)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_worker_leaves_one_place_and_true_words(quiet_story: Story, number: int) -> None:
    story, chance = quiet_story, random.Random(f"kill {number}")  # noqa: S311 - repeatable, no secret
    story.stack.start("bot", "bot")
    story.stack.start("worker", "worker")
    story.stack.people.wait_for_connection()
    story.backup()
    mark(story)
    killed_once(story, WORDS, chance)


def killed_once(story: Story, words: str, chance: random.Random) -> Run:
    """An incident whose worker dies at a random moment, with people who then choose anything. How it ends."""
    incident = story.player.declare("aiko", f"{words} {uuid.uuid4().hex[:6]}")
    step, later = chance.choice(BEGINNINGS), chance.uniform(0.0, LATEST_SECONDS)
    where = wait_for_the_moment(story.player, incident, step, later)
    story.stack.kill("worker")
    story.stack.start("worker-2", "worker")
    run, asked = settled(story.player, incident, chance, where, lambda run, words: untrue(story, run, words))
    again = asked.count(("swap", Settlement.RETRY))
    assert swaps_started(story, run) <= 1 + again
    return run
