"""A stack per story: a real system, a local Slack, drbot as its own process, and people at their keyboards."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_stack import DemoStack
from drbot.lab.object_store import Bucket
from drbot.lab.system import Lab
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings
from tests.labs import LabFactory, mend
from tests.story.demo_stacks import playing_in
from tests.waiting import PATIENCE, wait_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What a test of a whole incident works with."""

    stack: DemoStack
    player: DemoPlayer
    lab: Lab
    backups: Path

    def backup(self) -> str:
        """`drbot backup postgres`. The name of the backup."""
        make_backup(self.stack.configuration)
        return sorted(path.name for path in self.backups.glob("*.sql.gz"))[-1]


def make_backup(configuration: Path, what: str = "postgres") -> None:
    """As cron would call it."""
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "backup", what, "--config", str(configuration)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def heal(lab: Lab) -> None:
    """Every story begins with a system that works, and with no drbot of an earlier one."""
    lab.forget_drbots()
    mend(lab)


def own_configuration(lab: Lab, folder: Path, **approvals: object) -> Path:
    """The lab's dr.yml with backups of this test's own, and other rules for approvals where given."""
    yaml = YAML()
    document = yaml.load(lab.configuration.read_text())
    document["backups"]["directory"] = str(folder / "backups")
    if approvals:
        document["approvals"] = approvals
    (folder / "backups").mkdir()
    path = folder / "dr.yml"
    with path.open("w") as output:
        yaml.dump(document, output)
    return path


@pytest.fixture(scope="module")
def story_lab(lab_factory: LabFactory) -> Lab:
    """The same for all stories of this process; `heal` mends it between two of them."""
    return lab_factory("story")


@contextmanager
def story_in(lab: Lab, folder: Path, **approvals: object) -> Iterator[Story]:
    """A story in a new folder, whose drbot is not started yet. At the end all of it is stopped but the lab."""
    configuration = own_configuration(lab, folder, **approvals)
    with playing_in(folder / "home", configuration) as player:
        yield Story(stack=player.stack, player=player, lab=lab, backups=folder / "backups")


def begin(story: Story) -> Story:
    """With drbot running in one process (`drbot all`) and connected to Slack."""
    story.stack.start("drbot", "all")
    story.stack.people.wait_for_connection()
    return story


@pytest.fixture
def quiet_story(story_lab: Lab, tmp_path: Path) -> Iterator[Story]:
    """A story of a system that works, whose drbot is not started yet."""
    heal(story_lab)
    with story_in(story_lab, tmp_path) as story:
        yield story


@pytest.fixture
def story(quiet_story: Story) -> Story:
    """A story whose drbot runs."""
    return begin(quiet_story)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """An S3 store of this test's own."""
    made = Bucket(folder=tmp_path / "s3")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def scaled(quiet_story: Story, fresh_postgres_url: str, redis_url: str) -> Iterator[Story]:
    """Two bots and one worker around state on PostgreSQL and a doorbell on Redis."""
    stack = quiet_story.stack
    stack.environment = {"DATABASE_URL": fresh_postgres_url, "REDIS_URL": redis_url}
    database = Database(StoreSettings(database_url=fresh_postgres_url, redis_url=redis_url).database_url)
    database.migrate()
    for name, words in {"bot-1": "bot", "bot-2": "bot", "worker": "worker"}.items():
        stack.start(name, words)
    stack.people.wait_for_connection()
    wait_for(lambda: stack.people.connections >= 2, PATIENCE, "both bots to be connected")
    yield replace(quiet_story, player=DemoPlayer(stack=stack, database=database))
    for name in list(stack.processes):
        stack.end(name)
    database.close()
