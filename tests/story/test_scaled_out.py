"""PostgreSQL and Redis of drbot's own, bot and worker as separate processes: the same story, the same end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cli.demo_story import count
from cli.player import Player
from lab.breakage import break_it
from store.database import Database
from store.settings import StoreSettings
from tests.story.conftest import Story
from tests.story.recovering import WORDS, approve_by_two, finish
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker


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


def test_level_2_on_postgresql_and_redis_with_two_bots_and_a_worker(scaled: Story) -> None:
    scaled.backup()
    break_it(scaled.lab, "postgres-corrupt")

    incident = scaled.player.declare("aiko", WORDS)
    approve_by_two(scaled.player, incident)
    run = finish(scaled.player, incident)

    assert run.plan is not None
    assert run.plan.backup is not None
    for name, expected in run.plan.backup.rows.items():
        database, _, table = name.partition(".")
        assert count(scaled.lab, database, table) == expected
    boards = [m for m in scaled.player.messages(incident) if any(b["type"] == "plan" for b in m["blocks"])]
    assert len(boards) == 1  # two bots, one board
