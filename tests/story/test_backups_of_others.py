"""Level 2 from backups that drbot did not make, as README accepts them: from Slack to "users can work"."""

import gzip
import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from drbot.core.runs.run import RunState
from drbot.lab.breakage import break_it
from drbot.lab.engine import connect
from drbot.lab.layout import PARTS, TABLES
from tests.labs import wait_until_faultless
from tests.story.conftest import Story
from tests.story.recovering import WORDS, approve_by_two, finish, rows_of
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker
POSTGRES = PARTS[0]
NAMES = [f"{database}.{table}" for database, table in TABLES.items()]


def dump(story: Story, *options: str, name: str = "") -> str:
    """What the source document's cron job leaves: `pg_dumpall | gzip`, and nothing beside it. Its name."""
    return put(story, sql(story, *options), name)


def name_now() -> str:
    return f"all_databases_{datetime.now(UTC).astimezone():%Y%m%d_%H%M%S}.sql.gz"


def put(story: Story, said: bytes, name: str = "") -> str:
    name = name or name_now()
    (story.backups / name).write_bytes(gzip.compress(said))
    return name


def sql(story: Story, *options: str) -> bytes:
    with closing(connect(story.lab.host)) as docker:
        server = story.lab.container(docker, POSTGRES)
        assert server is not None
        code, said = server.exec_run(["pg_dumpall", "-U", "postgres", *options])
    assert code == 0 and isinstance(said, bytes)
    return said


def twice(said: bytes, table: bytes) -> bytes:
    """The first row of a table stands there once more, as a broken index lets it: its primary key cannot be made."""
    before, copy, rows = said.partition(b"COPY public." + table + b" ")
    columns, first, rest = rows.split(b"\n", 2)
    return b"\n".join((before + copy + columns, first, first, rest))


def prove(story: Story, name: str) -> subprocess.CompletedProcess[str]:
    """`drbot backup prove`, on the worker's host."""
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "backup", "prove", name]
    places = {"DRBOT_CONFIG": str(story.stack.configuration), "DRBOT_HOME": str(story.stack.home)}
    environment = {**os.environ, **places, "DOCKER_HOST": story.lab.host or ""}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize(
    "options", [(), pytest.param(("--clean", "--if-exists"), marks=pytest.mark.more)], ids=["plain", "clean"]
)
def test_a_dump_without_a_manifest_is_recovered_to_the_end(story: Story, options: tuple[str, ...]) -> None:
    """Whatever its people call it."""
    called = f"nightly {datetime.now(UTC).astimezone():%Y-%m-%d_%H%M}.sql.gz"
    before, name = rows_of(story.lab, NAMES), dump(story, *options, name=called)
    break_it(story.lab, "postgres-corrupt")

    incident = story.player.declare("aiko", WORDS)
    approve_by_two(story.player, incident)
    run = finish(story.player, incident)

    assert run.plan is not None and run.plan.backup is not None
    assert (run.plan.backup.name, run.plan.backup.manifest) == (name, False)
    assert (run.state, run.outcome) == (RunState.SUCCEEDED, "Every check passed.")
    assert rows_of(story.lab, NAMES) == before
    wait_until_faultless(story.lab)


def test_a_dump_that_could_not_be_restored_is_passed_over_for_the_one_before_it(story: Story) -> None:
    """Nobody has to wait for its restore to fail once more, and whoever votes reads why it is not the newest."""
    before, older = rows_of(story.lab, NAMES), dump(story)
    wait_for(lambda: not (story.backups / name_now()).exists(), PATIENCE, "another second")
    newer = put(story, twice(sql(story), b"users"))
    proof = prove(story, newer)
    assert (proof.returncode, "could not be restored" in proof.stdout) == (1, True), proof.stdout + proof.stderr
    break_it(story.lab, "postgres-corrupt")

    incident = story.player.declare("aiko", WORDS)
    approve_by_two(story.player, incident)
    run = finish(story.player, incident)

    assert run.plan is not None and run.plan.backup is not None
    assert (run.plan.backup.name, run.state) == (older, RunState.SUCCEEDED)
    assert f"A newer backup was refused: {newer}: could not be restored" in json.dumps(story.player.messages(incident))
    assert rows_of(story.lab, NAMES) == before
    wait_until_faultless(story.lab)
