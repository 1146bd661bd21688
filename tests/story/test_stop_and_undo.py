"""STOP at each phase, a no in mid-run, an expiry, an undo: each ends in a stated, safe state."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.approval import RequestState
from core.run import RunKind, RunState, StepState
from lab.images import SERVICE_IMAGE
from lab.layout import part
from store import kept, requests
from tests.story.conftest import Story
from tests.story.docker_events import EventRecorder
from tests.story.recovering import (
    WORDS,
    approve_by_two,
    broken,
    damage,
    finish,
    latest_request,
    production,
    refused,
    stops,
    wait_for_step,
)

pytestmark = pytest.mark.docker

MARK = "/old/drbot-was-here"


def stopped_services(story: Story) -> list[str]:
    return [one.name for one in story.lab.status() if one.state == "exited" and one.name not in ("postgres", "redis")]


def kept_volumes(story: Story) -> list[str]:
    with story.player.database.read() as connection:
        return [one.volume for one in kept.list_of(connection, "production")]


def on_volume(story: Story, volume: str, *command: str) -> str:
    """What a command says that sees this volume as /old."""
    with story.lab.client() as client:
        said = client.containers.run(
            SERVICE_IMAGE, list(command), entrypoint="sh", volumes={volume: {"bind": "/old", "mode": "rw"}},
            network_mode="none", remove=True,
        )  # fmt: skip
    return str(said.decode().strip())


@contextmanager
def slow_to_stop(story: Story) -> Iterator[None]:
    """One service hangs, so that stopping the services takes Docker's ten seconds of grace."""
    with story.lab.client() as client:
        container = story.lab.container(client, part("user"))
        assert container is not None
        container.pause()
        yield
        container.reload()
        if container.status == "paused":
            container.unpause()


@pytest.mark.parametrize("phase", ["restore-beside", "approval"])
def test_stop_before_the_approval_touches_nothing(story: Story, phase: str) -> None:
    player = story.player
    damage(story)
    recorder = EventRecorder(story.lab)  # before the survey's looks, whose ends it could not tell from other ends
    incident = player.declare("aiko", WORDS)
    wait_for_step(player, incident, phase, StepState.RUNNING, StepState.WAITING, StepState.SUCCEEDED)

    player.say("dan", f"/dr stop {incident.name} not me", incident.channel or "")
    player.wait(lambda: refused(player, incident, "dan"), "the refusal of an observer's STOP")
    assert stops(player, incident) == []
    player.say("ben", f"/dr stop {incident.name} we found the cause", incident.channel or "")
    run = player.wait_for_run(incident, RunState.STOPPED)

    assert stops(player, incident) == ["ben"]
    assert run.outcome is not None
    assert run.outcome.startswith("Stopped: we found the cause. Nothing in production was changed.")
    assert "could not" not in run.outcome
    recorder.stop()
    assert recorder.on_production(before=float("inf")) == []
    assert kept_volumes(story) == []
    assert latest_request(player, incident).state is RequestState.STOPPED


def test_stop_after_the_services_were_stopped_offers_to_start_them_again(story: Story) -> None:
    incident = broken(story)
    player = story.player
    with slow_to_stop(story):
        approve_by_two(player, incident)
        wait_for_step(player, incident, "stop-apps", StepState.RUNNING)
        player.say("aiko", f"/dr stop {incident.name} wait", incident.channel or "")
        run = player.wait_for_run(incident, RunState.STOPPED)

    assert kept_volumes(story) == []
    assert player.records(run.id)["swap"].state is StepState.PENDING
    assert set(stopped_services(story)) >= {"auth", "user", "admin"}
    player.press("aiko", incident, f"restart {incident.name}")
    player.wait(lambda: player.run(incident).id != run.id, "the run that starts the services")
    assert player.run(incident).runbook == "restart-services"
    # PostgreSQL is still corrupt, so they cannot be healthy; but every one of them is started again.
    player.wait(lambda: stopped_services(story) == [], "the services to run again")


def test_one_no_blocks_the_run_and_the_same_is_not_asked_again(story: Story) -> None:
    incident = broken(story)
    player = story.player
    wait_for_step(player, incident, "approval", StepState.WAITING)
    player.vote("ben", incident)

    player.vote("chika", incident, "deny", reason="that backup is too old")
    run = player.wait_for_run(incident, RunState.BLOCKED)

    assert latest_request(player, incident).state is RequestState.DENIED
    assert kept_volumes(story) == []
    player.say("aiko", f"/dr recover {incident.name}", incident.channel or "")
    player.wait(lambda: refused(player, incident, "aiko"), "the refusal to ask the same again")
    assert [one.id for one in player.runs(incident)] == [run.id]
    with player.database.read() as connection:
        assert len(requests.of_run(connection, run.id)) == 1


def test_undo_right_after_the_swap_brings_the_old_data_back_by_two(story: Story) -> None:
    player, volume = story.player, production(story)
    story.backup()
    on_volume(story, volume, "-c", f"touch {MARK}")  # in what is there now, and in no backup
    incident = player.declare("aiko", WORDS)
    approve_by_two(player, incident)
    recovered = finish(player, incident)
    assert on_volume(story, volume, "-c", f"ls {MARK} 2>/dev/null || echo gone") == "gone"
    (old,) = kept_volumes(story)
    assert on_volume(story, old, "-c", f"ls {MARK}") == MARK

    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    player.wait(lambda: player.run(incident).kind is RunKind.UNDO, "the run that undoes")
    undo = player.run(incident)
    wait_for_step(player, incident, "approval", StepState.WAITING)
    player.vote("ben", incident)
    assert on_volume(story, volume, "-c", f"ls {MARK} 2>/dev/null || echo gone") == "gone"  # one is not two
    player.vote("chika", incident)
    wait_for_step(player, incident, "swap-back", StepState.SUCCEEDED)

    ended = player.wait_for_run(incident, RunState.SUCCEEDED)
    assert (ended.id, undo.id != recovered.id) == (undo.id, True)
    assert on_volume(story, volume, "-c", f"ls {MARK}") == MARK
    assert story.lab.faults() == {}
    (restored,) = [one for one in kept_volumes(story) if one != old]
    assert on_volume(story, restored, "-c", f"ls {MARK} 2>/dev/null || cat /old/PG_VERSION") == "15"


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
        assert kept_volumes(story) == []
        assert not run.is_over
        story.house.people.wait_for_message(incident.channel or "", lambda m: "xpired" in str(m))
