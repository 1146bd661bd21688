"""Level 2 from backups that drbot did not make, as README accepts them: from Slack to "users can work"."""

import gzip
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

pytestmark = pytest.mark.docker
POSTGRES = PARTS[0]
NAMES = [f"{database}.{table}" for database, table in TABLES.items()]


def dump(story: Story, *options: str) -> str:
    """What the source document's cron job leaves: `pg_dumpall | gzip`, and nothing beside it. Its name."""
    with closing(connect(story.lab.host)) as docker:
        server = story.lab.container(docker, POSTGRES)
        assert server is not None
        code, said = server.exec_run(["pg_dumpall", "-U", "postgres", *options])
    assert code == 0 and isinstance(said, bytes)
    name = f"all_databases_{datetime.now(UTC).astimezone():%Y%m%d_%H%M%S}.sql.gz"
    (story.backups / name).write_bytes(gzip.compress(said))
    return name


@pytest.mark.parametrize(
    "options", [(), pytest.param(("--clean", "--if-exists"), marks=pytest.mark.more)], ids=["plain", "clean"]
)
def test_a_dump_without_a_manifest_is_recovered_to_the_end(story: Story, options: tuple[str, ...]) -> None:
    before, name = rows_of(story.lab, NAMES), dump(story, *options)
    break_it(story.lab, "postgres-corrupt")

    incident = story.player.declare("aiko", WORDS)
    approve_by_two(story.player, incident)
    run = finish(story.player, incident)

    assert run.plan is not None and run.plan.backup is not None
    assert (run.plan.backup.name, run.plan.backup.manifest) == (name, False)
    assert (run.state, run.outcome) == (RunState.SUCCEEDED, "Every check passed.")
    assert rows_of(story.lab, NAMES) == before
    wait_until_faultless(story.lab)
