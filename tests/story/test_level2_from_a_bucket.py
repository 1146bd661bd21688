"""The worker makes the backup that is due and puts it into a bucket; the folder of backups is lost with the database,
and level 2 recovers from the bucket.
"""

import shutil
from datetime import timedelta

import pytest
from ruamel.yaml import YAML
from sqlalchemy import update

from drbot.core.base.cron import Calendar
from drbot.core.runs.run import RunState
from drbot.lab.breakage import break_it
from drbot.lab.object_store import BUCKET, PREFIX, Bucket
from drbot.store.base.schema import routines as table
from drbot.store.records import routines
from drbot.store.records.routines import Routine
from tests.story.conftest import Story, begin
from tests.story.recovering import WORDS, approve_by_two, finish

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long]
KEY, DAILY = "backup.postgres", Calendar(expression="0 4 * * *")


@pytest.fixture
def overdue(quiet_story: Story, bucket: Bucket) -> Story:
    """drbot was off when its daily backup was due, and runs again."""
    stack = quiet_story.stack
    document = YAML().load(stack.configuration.read_text())
    document["object_store"] = {"bucket": BUCKET, "prefix": PREFIX, "endpoint": bucket.endpoint}
    document["backups"]["schedule"] = {"postgres": DAILY.expression}
    with stack.configuration.open("w") as output:
        YAML().dump(document, output)
    stack.environment = {**bucket.keys(), "RESTIC_PASSWORD": "kept elsewhere"}
    with quiet_story.player.database.write() as tx:
        routines.plan(tx, KEY, DAILY)
        missed = tx.now - timedelta(hours=1)
        tx.connection.execute(update(table).values(due_at=missed, next_at=missed))
    return begin(quiet_story)


def made(story: Story) -> Routine | None:
    with story.player.database.read() as connection:
        found = routines.get(connection, KEY)
    assert found is not None and not found.fault, found
    return found if found.succeeded_at is not None else None


def test_what_was_missed_is_made_and_level_2_recovers_from_the_bucket_alone(overdue: Story) -> None:
    player = overdue.player
    routine = player.wait(lambda: made(overdue), "the backup that is due")
    assert routine is not None and routine.taken_by is None
    (name,) = [path.name for path in overdue.backups.glob("*.sql.gz")]
    shutil.rmtree(overdue.backups)
    break_it(overdue.lab, "postgres-corrupt")

    incident = player.declare("aiko", WORDS)
    card = player.wait(lambda: player.card(incident, "approve"), "the card")
    approve_by_two(player, incident)
    recovered = finish(player, incident)

    assert recovered.state is RunState.SUCCEEDED
    assert recovered.plan is not None and recovered.plan.backup is not None
    place = f"s3://{BUCKET}/{PREFIX}{name}"
    assert (recovered.plan.backup.name, recovered.plan.backup.place) == (name, place)
    assert any(place in warning for warning in recovered.plan.warnings)
    assert card is not None and place in str(card[0]["blocks"])
    assert not list((overdue.stack.home / "recoveries" / "production" / "dumps").iterdir())
