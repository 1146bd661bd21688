"""PostgreSQL of systems that drbot has not made goes back to the second before its data was lost, from a local Slack.

Our own checksums of every row say whether it did; the undo brings back what was lost, exactly.
"""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.runs.run import RunState
from drbot.lab.second_engine import SecondEngine
from tests.waiting import PATIENCE, wait_for
from tests.zoo.animals import ANIMALS, Animal
from tests.zoo.breaking import lose, store_mounts
from tests.zoo.checksums import Checksums, mounts
from tests.zoo.recovering import Scene, different, recovered, resolve, scene, seen, undone
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]

WITH_POSTGRES = [one for one in ANIMALS if "\npostgres:" in (one.folder / "dr.yml").read_text()]


@pytest.mark.parametrize("animal", WITH_POSTGRES, ids=lambda one: one.name)
def test_every_row_is_back_as_of_the_second_before_it_was_lost(
    zoo: Zoo, second_engine: SecondEngine, animal: Animal
) -> None:
    with scene(zoo, animal, second_engine, receives=True) as of:
        lost = store_mounts(of.kept, "postgres")[0]
        wait_for(lambda: has_base(of), PATIENCE, "the worker to make a base backup")
        whole, moment = seen(of.kept), next_second()
        lose(of.kept, lost)
        broken = seen(of.kept)
        same = [one.key for one in mounts(of.kept) if one.source == lost.source]

        run = recovered(of, f"level2 postgres to {moment.isoformat()} rows are gone")

        assert run.state is RunState.SUCCEEDED, of.player.describe(of.player.incident(run.incident))
        assert run.plan is not None and run.plan.backup is not None and run.plan.backup.snapshot_at == moment
        expected = Checksums(found={**broken.found, **{key: whole.found[key] for key in same}})
        assert different(expected, seen(of.kept)) == []
        back = undone(of, of.player.incident(run.incident))
        assert different(broken, seen(of.kept)) == []
        resolve(of, back)


def next_second() -> datetime:
    """A whole second that is later than all that was written, and over."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    wait_for(lambda: datetime.now(UTC) > moment, PATIENCE, "the second to be over")
    return moment


def has_base(of: Scene) -> bool:
    return "Made a base backup" in of.player.stack.log("drbot").read_text()
