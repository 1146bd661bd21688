"""The way back: services that a STOP left stopped are started again, and an undo brings the old data back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from cli.demo_story import count
from cli.player import Player
from core.run import RunKind, RunState, StepState
from lab.images import SERVICE_IMAGE
from lab.layout import part
from store.database import Database
from store.settings import StoreSettings
from tests.story.conftest import Story
from tests.story.recovering import (
    WORDS,
    approve_by_two,
    broken,
    finish,
    kept_volumes,
    production,
    wait_for_step,
)
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

MARK = "/old/drbot-was-here"


def stopped_services(story: Story) -> list[str]:
    return [one.name for one in story.lab.status() if one.state == "exited" and one.name not in ("postgres", "redis")]


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


@pytest.fixture
def scaled(quiet_story: Story, fresh_postgres_url: str, redis_url: str) -> Iterator[Story]:
    """Two bots and one worker around state on PostgreSQL and a doorbell on Redis."""
    house = quiet_story.house
    house.environment = {"DATABASE_URL": fresh_postgres_url, "REDIS_URL": redis_url}
    database = Database(StoreSettings(database_url=fresh_postgres_url, redis_url=redis_url).database_url)
    database.migrate()
    for name, words in {"bot-1": "bot", "bot-2": "bot", "worker": "worker"}.items():
        house.start(name, words)
    house.people.wait_for_connection()
    wait_for(lambda: house.people.connections >= 2, PATIENCE, "both bots to be connected")
    yield replace(quiet_story, player=Player(house=house, database=database))
    for name in list(house.processes):
        house.end(name)
    database.close()


def test_level_2_and_its_undo_by_two_on_postgresql_and_redis_with_two_bots_and_a_worker(scaled: Story) -> None:
    story, player, volume = scaled, scaled.player, production(scaled)
    story.backup()
    on_volume(story, volume, "-c", f"touch {MARK}")  # in what is there now, and in no backup
    incident = player.declare("aiko", WORDS)
    approve_by_two(player, incident)
    recovered = finish(player, incident)
    assert recovered.plan is not None and recovered.plan.backup is not None
    assert recovered.plan.backup.rows
    for name, expected in recovered.plan.backup.rows.items():
        database, _, table = name.partition(".")
        assert count(story.lab, database, table) == expected
    boards = [m for m in player.messages(incident) if any(b["type"] == "plan" for b in m["blocks"])]
    assert len(boards) == 1  # two bots, one board
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
