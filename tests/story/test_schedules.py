"""Two bots and two workers, each a process of its own, on one PostgreSQL: what is due is done by one of them, once."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from ruamel.yaml import YAML
from sqlalchemy import update

from drbot.cli.demo_player import DemoPlayer
from drbot.core.ledger.events import Event, EventKind
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.schema import routines as routine_rows
from drbot.store.base.schema import schedules as rows
from drbot.store.base.settings import StoreSettings
from drbot.store.records import routines, schedules
from tests.story.conftest import Story
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

BACKUP, READINESS, STATUS = "backup.postgres", "readiness", "status"
BOTS, WORKERS = ("bot-1", "bot-2"), ("worker-1", "worker-2")
HOME, STAKEHOLDERS = "dr-ops", "dr-status"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TRIED = re.compile(r"A backup was tried\..*name=(\S+).*place=(\S+)|A backup was tried\..*place=(\S+).*name=(\S+)")


@pytest.fixture
def four(quiet_story: Story, fresh_postgres_url: str, redis_url: str) -> Iterator[Story]:
    """They run; a backup is due once a year, and when a test says so."""
    stack = quiet_story.stack
    yaml = YAML()
    document = yaml.load(stack.configuration.read_text())
    document["backups"] |= {"schedule": {"postgres": "0 0 1 1 *"}, "keep": 50}
    with stack.configuration.open("w") as output:
        yaml.dump(document, output)
    stack.environment = {"DATABASE_URL": fresh_postgres_url, "REDIS_URL": redis_url}
    database = Database(StoreSettings(database_url=fresh_postgres_url, redis_url=redis_url).database_url)
    database.migrate()
    for name in (*BOTS, *WORKERS):
        stack.start(name, name.partition("-")[0])
    stack.people.wait_for_connection()
    wait_for(lambda: stack.people.connections >= 2, PATIENCE, "both bots to be connected")
    yield replace(quiet_story, player=DemoPlayer(stack=stack, database=database))
    for name in list(stack.processes):
        stack.end(name)
    database.close()


def said(story: Story, words: str) -> list[str]:
    """Lines of both workers' logs with these words."""
    logs = [story.stack.log(name).read_text(errors="replace") for name in WORKERS]
    return [COLOURS.sub("", line) for log in logs for line in log.splitlines() if words in line]


def back_up(story: Story) -> None:
    """A row says that it was due a minute ago; until it is done."""

    def row() -> routines.Routine | None:
        with story.player.database.read() as connection:
            return routines.get(connection, BACKUP)

    story.player.wait(row, "the backup to be planned")
    with story.player.database.write() as tx:
        due = tx.now - timedelta(minutes=1)
        tx.connection.execute(update(routine_rows).where(routine_rows.c.key == BACKUP).values(due_at=due, next_at=due))

    def done() -> bool:
        now = row()
        return now is not None and now.done_at is not None and now.done_at >= due

    story.player.wait(done, "the backup to be made", 240)


def recorded(story: Story, kind: EventKind) -> list[Event]:
    with story.player.database.read() as connection:
        return ledger.of_kinds(connection, [kind])


def make_due(story: Story, kind: str) -> None:
    """Since a minute ago, once it is planned."""

    def there() -> bool:
        with story.player.database.write() as tx:
            late = update(rows).where(rows.c.kind == kind).values(next_at=tx.now - timedelta(minutes=1))
            return tx.connection.execute(late).rowcount == 1

    story.player.wait(there, f"{kind} to be planned")


def is_due(story: Story, kind: str) -> bool:
    with story.player.database.read() as connection:
        return any(one.kind == kind for one in schedules.due(connection, story.player.database.now(connection)))


@pytest.mark.long
def test_each_due_backup_and_each_due_post_comes_once(four: Story) -> None:
    player, people = four.player, four.stack.people
    make_due(four, READINESS)
    back_up(four)
    back_up(four)
    player.wait(lambda: not is_due(four, READINESS), "the weekly post", 240)
    for name in WORKERS:
        four.stack.end(name)
    incident = player.declare("aiko", "level2 It broke")
    player.wait(lambda: people.messages(STAKEHOLDERS), "the stakeholders to be told")
    told = len(people.messages(STAKEHOLDERS))
    for count in (1, 2, 3):
        make_due(four, STATUS)
        player.wait(lambda least=told + count: len(people.messages(STAKEHOLDERS)) >= least, "the status post")  # type: ignore[misc]
    for name in BOTS:
        four.stack.end(name)

    assert len(said(four, "Begins what is due.")) == 2
    assert len(list(four.backups.glob("*.sql.gz"))) == 1, "a row has no other one made for the same due time"
    assert len(recorded(four, EventKind.STATUS_DUE)) == 3
    assert len(people.messages(STAKEHOLDERS)) == told + 3, incident
    weekly = [one for one in people.messages(HOME) if not one["ephemeral"] and "ready" in one["text"].lower()]
    assert len(weekly) == 1, weekly


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_backup_is_proven_once(four: Story) -> None:
    for _ in range(2):
        four.backup()
    four.player.wait(lambda: len(said(four, "A backup was tried.")) >= 2, "two proofs", 1000)
    for name in WORKERS:
        four.stack.end(name)

    tried = Counter(tuple(filter(None, found.groups())) for line in said(four, "A backup was tried.")
                    if (found := TRIED.search(line)))  # fmt: skip
    assert sum(tried.values()) >= 2
    assert set(tried.values()) == {1}, tried
