"""STOP at each phase, a no in mid-run, an expiry, an undo: each ends in a stated, safe state."""

import pytest

from core.approval import RequestState
from core.run import RunKind, RunState, StepState
from store import kept, requests
from tests.story.conftest import Story
from tests.story.recovering import approve_by_two, broken, finish, latest_request, wait_for_step

pytestmark = pytest.mark.docker


def services_run(story: Story) -> bool:
    return all(part.state != "exited" for part in story.lab.status() if part.name not in ("postgres", "redis"))


def swapped(story: Story) -> bool:
    with story.player.database.read() as connection:
        return kept.list_of(connection, "production") != []


@pytest.mark.parametrize("phase", ["restore-beside", "approval"])
def test_stop_before_the_approval_touches_nothing(story: Story, phase: str) -> None:
    incident = broken(story)
    player = story.player
    wait_for_step(player, incident, phase, StepState.RUNNING, StepState.WAITING, StepState.SUCCEEDED)

    player.say("dan", f"/dr stop {incident.name} not me", incident.channel or "")
    player.say("ben", f"/dr stop {incident.name} we found the cause", incident.channel or "")
    run = player.wait_for_run(incident, RunState.STOPPED, seconds=30)

    assert run.outcome
    assert not swapped(story)
    assert latest_request(player, incident).state is RequestState.STOPPED


@pytest.mark.parametrize("phase", ["stop-apps", "stop-postgres"])
def test_stop_after_the_services_were_stopped_offers_to_start_them_again(story: Story, phase: str) -> None:
    incident = broken(story)
    player = story.player
    approve_by_two(player, incident)
    wait_for_step(player, incident, phase, StepState.RUNNING, StepState.SUCCEEDED)

    player.say("aiko", f"/dr stop {incident.name} wait", incident.channel or "")
    run = player.wait_for_run(incident, RunState.STOPPED, RunState.WAITING, RunState.NEEDS_DECISION, RunState.SUCCEEDED)

    # The swap takes a moment only: STOP may come too late to prevent it, but then the run says so.
    assert run.outcome or run.state is not RunState.STOPPED
    if run.state is RunState.STOPPED and not swapped(story):
        player.press("aiko", incident, f"restart {incident.name}")
        player.wait(lambda: player.run(incident).id != run.id, "the run that starts the services")
        assert player.run(incident).runbook == "restart-services"
        # PostgreSQL is still corrupt, so they cannot be healthy; but every one of them is started again.
        player.wait(lambda: services_run(story), "the services to run again")


def test_one_no_blocks_the_run_and_the_same_is_not_asked_again(story: Story) -> None:
    incident = broken(story)
    player = story.player
    wait_for_step(player, incident, "approval", StepState.WAITING)
    player.vote("ben", incident)

    player.vote("chika", incident, "deny", reason="that backup is too old")
    run = player.wait_for_run(incident, RunState.BLOCKED)

    assert latest_request(player, incident).state is RequestState.DENIED
    assert not swapped(story)
    player.say("aiko", f"/dr recover {incident.name}", incident.channel or "")
    assert player.run(incident).id == run.id
    with player.database.read() as connection:
        assert len(requests.of_run(connection, run.id)) == 1


def test_undo_right_after_the_swap_brings_the_old_data_back_by_two(story: Story) -> None:
    incident = broken(story)
    player = story.player
    approve_by_two(player, incident)
    recovered = finish(player, incident)

    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    player.wait(lambda: player.run(incident).kind is RunKind.UNDO, "the run that undoes")
    undo = player.run(incident)
    assert undo.id != recovered.id
    wait_for_step(player, incident, "approval", StepState.WAITING, StepState.SUCCEEDED)
    approve_by_two(player, incident)
    wait_for_step(player, incident, "swap-back", StepState.SUCCEEDED, StepState.UNDONE, seconds=240)
    ended = player.wait_for_run(
        incident, RunState.SUCCEEDED, RunState.FAILED, RunState.NEEDS_DECISION, RunState.WAITING, seconds=300
    )

    # The old data is the corrupt one: it is in place again, and what was restored is kept.
    assert ended.outcome or not ended.is_over
    with story.lab.client() as client:
        names = {volume.name for volume in client.volumes.list()}
    assert f"{story.lab.prefix}postgres_data" in names


class TestExpiry:
    """With only seconds to vote."""

    @pytest.fixture
    def approvals(self) -> dict[str, object]:
        return {"people": 2, "vote_within": "8s"}

    def test_silence_never_approves(self, story: Story) -> None:
        incident = broken(story)
        player = story.player

        run = player.wait_for_run(incident, RunState.BLOCKED)

        assert latest_request(player, incident).state is RequestState.EXPIRED
        assert not swapped(story)
        assert not run.is_over
        story.house.people.wait_for_message(incident.channel or "", lambda m: "xpired" in str(m), 60)
