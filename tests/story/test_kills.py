"""kill -9 of the worker at any moment of level 2: the data is in exactly one place, and every word about it is true.

Each round is a whole incident with a worker that dies once and people who then choose anything they are offered. What
is where is looked at by a container of the test's own, never by drbot.
"""

import os
import random
import threading
import uuid
from dataclasses import dataclass

import pytest

from core.approval import LIVE
from core.deciding import decisions_for, undecided
from core.events import EventKind
from core.incident import Incident
from core.run import Run, RunState, Settlement, StepState
from lab.images import SERVICE_IMAGE
from lab.ownership import LABEL
from store import journal, kept, requests
from tests.story.conftest import Story
from tests.story.recovering import WORDS, production

pytestmark = [pytest.mark.docker, pytest.mark.long]

ROUNDS = int(os.environ.get("DRBOT_KILLS", "100"))
MARK = "drbot-was-here"  # in what is there when the incident begins, and in no backup
LOOK = f'cd /v; for n in *; do [ -f "$n/PG_VERSION" ] && echo "$n $(ls "$n" | grep -c {MARK})"; done; :'
BEGINNINGS = ("evidence", "restore-beside", "approval", "stop-apps", "stop-postgres", "swap", "swap", "swap",
              "start-postgres", "verify", "start-apps", "health")  # fmt: skip
LATEST_SECONDS = 1.2  # after the beginning of one of these
SETTLES = 12  # a story that people have to settle more often than this goes round in circles
ASKS = frozenset({RunState.NEEDS_DECISION, RunState.BLOCKED, RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED})

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
        names = [one.name for one in client.volumes.list() if one.name.startswith(volume)]
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


def mark(story: Story) -> None:
    """What is there now can be told from what comes back, and nothing of an earlier round is beside it."""
    with story.lab.client() as client:
        for volume in client.volumes.list():
            if volume.name.startswith(f"{production(story)}_"):
                volume.remove()
        client.containers.run(
            SERVICE_IMAGE, ["-c", f"touch /v/{MARK}"], entrypoint="sh", network_mode="none", remove=True,
            volumes={production(story): {"bind": "/v", "mode": "rw"}}, labels={LABEL: story.lab.label},
        )  # fmt: skip


def kill_during(story: Story, incident: Incident, chance: random.Random) -> str:
    """Waits for the step, and then a little; the people vote meanwhile. Where the worker was killed."""
    player, step, later = story.player, chance.choice(BEGINNINGS), chance.uniform(0.0, LATEST_SECONDS)

    def begun() -> bool:
        run = player.run(incident)
        if run.state is RunState.WAITING:
            vote_or_answer(story, incident, run)
        record = player.records(run.id).get(step) if run.plan else None
        return run.is_over or (record is not None and record.state is not StepState.PENDING)

    player.wait(begun, f"{step} to begin")
    threading.Event().wait(later)  # the moment itself is what is random
    story.house.kill("worker")
    return f"{later:.2f} s after {step} began"


def vote_or_answer(story: Story, incident: Incident, run: Run) -> None:
    """Two people approve what is asked; Aiko says that users can work."""
    player = story.player
    if player.records(run.id)["confirm"].state is StepState.WAITING:
        player.say("aiko", f"/dr answer {incident.name} confirm yes", incident.channel or "")
        player.wait(lambda: player.records(run.id)["confirm"].state is not StepState.WAITING, "the answer")
        return
    with player.database.read() as connection:
        asked = [one for one in requests.of_run(connection, run.id) if one.state in LIVE]
    if asked:
        player.vote("ben", incident)
        player.vote("chika", incident)
        player.wait(lambda: is_closed(story, run, asked[-1].id), "the votes to count")


def is_closed(story: Story, run: Run, request: str) -> bool:
    with story.player.database.read() as connection:
        return all(one.state not in LIVE for one in requests.of_run(connection, run.id) if one.id == request)


def next_question(story: Story, incident: Incident) -> Run:
    """The run once it wants something else than votes and answers, or is over."""
    player = story.player

    def there() -> Run | None:
        run = player.run(incident)
        if run.state is RunState.WAITING:
            vote_or_answer(story, incident, run)
            return None
        if run.state is not RunState.NEEDS_DECISION:
            return run if run.state in ASKS else None
        waiting = undecided(run.plan, player.records(run.id).values())
        told = all(one.finding is not None or one.state is StepState.FAILED for one in waiting)
        return run if waiting and told else None

    found = player.wait(there, f"{incident.name} to want somebody or to end")
    assert found is not None
    return found


def decide(story: Story, incident: Incident, run: Run, chance: random.Random) -> tuple[str, Settlement]:
    """Aiko chooses anything that she is offered."""
    player = story.player
    record = chance.choice(undecided(run.plan, player.records(run.id).values()))
    decision = chance.choice(decisions_for(run.plan, record))
    player.say("aiko", f"/dr settle {incident.name} {record.id} {decision}", incident.channel or "")

    def is_taken() -> bool:
        now = player.records(run.id)[record.id]
        return now.settlement is not None or now.state is not record.state or player.run(incident).is_over

    player.wait(is_taken, f"the decision to {decision} {record.id}")
    return record.id, decision


def said(story: Story, incident: Incident, run: Run) -> str:
    """What drbot says of the state of things now: the end of the run, or the findings of what it asks about."""
    if run.state is not RunState.NEEDS_DECISION:
        return run.outcome or blocked_words(story, run)
    return " ".join(one.finding or "" for one in undecided(run.plan, story.player.records(run.id).values()))


def blocked_words(story: Story, run: Run) -> str:
    with story.player.database.read() as connection:
        events = [event for event in journal.after(connection, 0, 100_000) if event.run == run.id]
    return next((str(e.payload.get("why")) for e in reversed(events) if e.kind is EventKind.RUN_BLOCKED), "")


def untrue(story: Story, run: Run, words: str, now: Places) -> list[str]:
    """What is not so: nothing is lost, nothing is twice, and every sentence about it holds."""
    volume, keeper = production(story), f"{production(story)}_before_{run.id}"
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
        events = journal.after(connection, 0, 100_000)
    return sum(e.kind is EventKind.STEP_STARTED and e.run == run.id and e.step == "swap" for e in events)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_worker_leaves_one_place_and_true_words(quiet_story: Story, number: int) -> None:
    story, chance = quiet_story, random.Random(f"kill {number}")  # noqa: S311 - repeatable, no secret
    story.house.start("bot", "bot")
    story.house.start("worker", "worker")
    story.house.people.wait_for_connection()
    story.backup()
    mark(story)
    incident = story.player.declare("aiko", f"{WORDS} {uuid.uuid4().hex[:6]}")

    where = kill_during(story, incident, chance)
    story.house.start("worker-2", "worker")
    asked: list[tuple[str, Settlement]] = []
    for _ in range(SETTLES):
        run = next_question(story, incident)
        words = said(story, incident, run)
        found = places(story)
        print(f"{where}: {run.state.value}, old in {found.old}, new in {found.new}: {words} {asked}")
        assert untrue(story, run, words, found) == [], f"{where}, then {asked}: {words}"
        if run.state is not RunState.NEEDS_DECISION:
            break
        asked.append(decide(story, incident, run, chance))

    assert run.state is not RunState.NEEDS_DECISION, f"people were asked {len(asked)} times: {asked}"
    again = asked.count(("swap", Settlement.RETRY))
    assert swaps_started(story, run) <= 1 + again
