"""drbot's own host is lost in mid-incident: it comes back from S3 on a bare machine, and the recovery goes on."""

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.cli.demo_player import DemoPlayer
from drbot.core.ledger.statements import HEAD_LETTERS
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import StepState
from drbot.lab.breakage import break_it
from drbot.lab.object_store import BUCKET, PREFIX, Bucket
from drbot.lab.seed import seed
from drbot.runners.own_state.state_bucket import FOLDER
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings
from drbot.store.records import requests, surfaces
from tests.story.conftest import Story
from tests.story.dying import starts_of
from tests.story.recovering import WORDS, finish, wait_for_step
from tests.waiting import wait_for

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture
def copied(quiet_story: Story, bucket: Bucket) -> Story:
    """drbot runs with an object store in its dr.yml."""
    stack = quiet_story.stack
    document = YAML().load(stack.configuration.read_text())
    document["object_store"] = {"bucket": BUCKET, "prefix": PREFIX, "endpoint": bucket.endpoint}
    with stack.configuration.open("w") as output:
        YAML().dump(document, output)
    stack.environment = bucket.keys()
    stack.start("drbot", "all")
    stack.people.wait_for_connection()
    return quiet_story


def lose(story: Story, bucket: Bucket) -> str:
    """All of drbot's host: processes, home, dr.yml. Only what was copied until now is left, and the head that people
    have seen in the channel.
    """
    with story.player.database.read() as connection:
        head, digest = ledger.head(connection)
    client = bucket.client()

    def is_copied() -> bool:
        found = client.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + FOLDER).get("Contents", ())
        return any(int(Path(one["Key"]).stem) >= head for one in found if "/copies/" in one["Key"])

    wait_for(is_copied, 30, f"record {head} to be in the bucket")
    for name in list(story.stack.processes):
        story.stack.kill(name)
    story.player.database.close()
    shutil.rmtree(story.stack.home)
    story.stack.configuration.unlink()
    return f"{head}:{digest[:HEAD_LETTERS]}"


def bring_back(story: Story, bucket: Bucket, folder: Path, head: str) -> DemoPlayer:
    """`drbot bootstrap` on another machine, and drbot started there."""
    stack = story.stack
    stack.home, stack.configuration = folder / "home", folder / "dr.yml"
    words = ("bootstrap", f"s3://{BUCKET}/{PREFIX}", "--endpoint", bucket.endpoint, "--home", str(stack.home))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "drbot.cli.main", *words, "--config", str(stack.configuration), "--head", head],
        env={"PATH": "/usr/bin:/bin", **bucket.keys()}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Open incidents: DR-" in done.stdout
    database = Database(StoreSettings.from_environment(stack.home).database_url)
    stack.start("drbot", "all")
    stack.people.wait_for_connection()
    return DemoPlayer(stack=stack, database=database, patience=120)


def board_of(player: DemoPlayer, incident: Incident) -> surfaces.Surface:
    """The one message in the channel that is kept up to date."""
    with player.database.read() as connection:
        found = surfaces.get(connection, incident.id, f"board@{incident.channel}")
    assert found is not None
    return found


def test_the_host_of_drbot_is_lost_while_it_restores_and_once_more_before_the_second_vote(
    copied: Story, bucket: Bucket, tmp_path: Path
) -> None:
    seed(copied.lab, 150)  # the restore takes longer than a copy of the state
    copied.backup()
    break_it(copied.lab, "postgres-corrupt")
    incident = copied.player.declare("aiko", WORDS)
    run = wait_for_step(copied.player, incident, "restore-beside", StepState.RUNNING)

    head = lose(copied, bucket)
    player = bring_back(copied, bucket, tmp_path / "second-machine", head)
    with closing(player.database):
        player.vote("ben", incident)
        wait_for_step(player, incident, "restore-beside", StepState.SUCCEEDED)
        board = board_of(player, incident)

        head = lose(Story(stack=copied.stack, player=player, lab=copied.lab, backups=copied.backups), bucket)
    player = bring_back(copied, bucket, tmp_path / "third-machine", head)
    with closing(player.database):
        player.vote("chika", incident)
        assert finish(player, incident).id == run.id

        counts = starts_of(player, run.id)
        assert (counts["restore-beside"], counts["swap"]) == (2, 1)
        assert board_of(player, incident) == board
        with player.database.read() as connection:
            assert ledger.verify(connection) == []
            (request,) = requests.of_run(connection, run.id)
            assert {vote.person for vote in requests.votes(connection, request.id)} == {"ben", "chika"}
