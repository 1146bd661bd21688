"""Nothing in production moves by STOP, a no, silence or votes that do not count: one corrupt system stays as it is."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.cli.demo_player import USERS
from drbot.core.approvals.approval import RequestState
from drbot.core.runs.run import RunState, StepState
from drbot.lab.breakage import break_it
from drbot.lab.system import Lab
from drbot.store.records import requests
from tests.story.conftest import Story, begin, heal, make_backup, own_configuration, story_in
from tests.story.docker_events import EventRecorder
from tests.story.recovering import WORDS, kept_volumes, latest_request, refused, stops, wait_for_step

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def corrupt(story_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PostgreSQL is corrupt for all stories of this file. The folder of its backups."""
    heal(story_lab)
    folder = tmp_path_factory.mktemp("corrupt")
    make_backup(own_configuration(story_lab, folder))
    break_it(story_lab, "postgres-corrupt")
    return folder / "backups"


@pytest.fixture
def approvals() -> dict[str, object]:
    """Rules for approvals, where a story has its own."""
    return {}


@pytest.fixture
def story(corrupt: Path, story_lab: Lab, tmp_path: Path, approvals: dict[str, object]) -> Iterator[Story]:
    """A story of the corrupt system. At its end nothing in production was changed, and nothing put aside."""
    story_lab.forget_drbots()
    with story_in(story_lab, tmp_path, **approvals) as one:
        shutil.copytree(corrupt, one.backups, dirs_exist_ok=True)
        recorder = EventRecorder(story_lab)  # before the survey's looks, whose ends it could not tell from other ends
        yield begin(one)
        recorder.stop()
        assert recorder.on_production(before=float("inf")) == []
        assert kept_volumes(one) == []


@pytest.mark.parametrize("phase", ["restore-beside", pytest.param("approval", marks=pytest.mark.more)])
def test_stop_before_the_approval(story: Story, phase: str) -> None:
    player = story.player
    incident = player.declare("aiko", WORDS)
    wait_for_step(player, incident, phase, StepState.RUNNING, StepState.WAITING, StepState.SUCCEEDED)

    player.say("dan", f"/dr stop {incident.name} not me", incident.channel or "")
    player.wait(lambda: refused(player, incident, "dan"), "the refusal of an observer's STOP")
    assert stops(player, incident) == []
    player.say("ben", f"/dr stop {incident.name} we found the cause", incident.channel or "")
    run = player.wait_for_run(incident, RunState.STOPPED)

    assert stops(player, incident) == ["ben"]
    assert run.outcome is not None
    assert run.outcome.startswith("we found the cause. Nothing in production was changed.")
    assert "could not" not in run.outcome
    assert latest_request(player, incident).state is RequestState.STOPPED


@pytest.mark.long
def test_one_no_blocks_the_run_and_the_same_is_not_asked_again(story: Story) -> None:
    player = story.player
    incident = player.declare("aiko", WORDS)
    wait_for_step(player, incident, "approval", StepState.WAITING)
    player.vote("ben", incident)

    player.vote("chika", incident, "deny", reason="that backup is too old")
    run = player.wait_for_run(incident, RunState.BLOCKED)

    assert latest_request(player, incident).state is RequestState.DENIED
    player.say("aiko", f"/dr recover {incident.name}", incident.channel or "")
    player.wait(lambda: refused(player, incident, "aiko"), "the refusal to ask the same again")
    assert [one.id for one in player.runs(incident)] == [run.id]
    with player.database.read() as connection:
        assert len(requests.of_run(connection, run.id)) == 1


@pytest.mark.long
@pytest.mark.parametrize("approvals", [{"people": 2, "vote_within": "8s"}])
def test_silence_never_approves(story: Story) -> None:
    incident = story.player.declare("aiko", WORDS)

    run = story.player.wait_for_run(incident, RunState.BLOCKED)

    assert latest_request(story.player, incident).state is RequestState.EXPIRED
    assert not run.is_over
    story.stack.people.wait_for_message(incident.channel or "", lambda m: "The approval request has expired." in str(m))


def test_without_any_backup_the_reason_is_told(story: Story) -> None:
    shutil.rmtree(story.backups)

    incident = story.player.declare("aiko", WORDS)
    story.player.wait_for_run(incident, RunState.FAILED, RunState.BLOCKED)

    story.stack.people.wait_for_message(incident.channel or "", lambda m: "ackup" in m["text"])


def test_a_wrong_target_own_approval_a_second_vote_and_a_non_approver_are_refused_without_noise(story: Story) -> None:
    player = story.player
    incident = player.declare("aiko", WORDS)
    channel = incident.channel or ""
    player.wait(lambda: player.run(incident).plan, "the plan")

    answer = player.vote("ben", incident, target="staging")
    if "staging" not in str(answer.errors):
        wait_for_note(story, "ben", channel, "staging")
    assert voters(story, latest_request(player, incident).id) == []

    for person, word in (("aiko", "依頼者本人"), ("dan", "not an approver")):
        player.press_card(person, incident)
        wait_for_note(story, person, channel, word)
        assert word not in words_outside_threads(story, channel)

    player.vote("ben", incident)
    player.wait(lambda: voters(story, latest_request(player, incident).id) == ["ben"], "the vote of Ben")
    player.press_card("ben", incident)
    wait_for_note(story, "ben", channel, "Already counted")

    request = latest_request(player, incident)
    assert request.state is RequestState.OPEN
    assert voters(story, request.id) == ["ben"]


def private_words(story: Story, person: str, channel: str) -> str:
    """What only this person sees in the channel, and in dialogs."""
    user = USERS[person]
    notes = [m["text"] for m in story.stack.people.messages(channel, user) if m["ephemeral"]]
    views = [str(view["blocks"]) + str(view.get("errors", "")) for view in story.stack.people.views(user)]
    return "\n".join(notes + views)


def wait_for_note(story: Story, person: str, channel: str, word: str) -> None:
    story.player.wait(lambda: word in private_words(story, person, channel), f"a note for {person}: {word}")


def words_outside_threads(story: Story, channel: str) -> str:
    """What everybody is told of: a refused vote is on record in the thread alone."""
    messages = story.stack.people.messages(channel)
    return "\n".join(m["text"] for m in messages if not m["ephemeral"] and m.get("thread_ts") in (None, m["ts"]))


def voters(story: Story, request: str) -> list[str]:
    with story.player.database.read() as connection:
        return [vote.person for vote in requests.votes(connection, request)]
