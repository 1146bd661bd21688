"""kill -9 of the worker at any moment of a recovery to the last commit: no confirmed commit is lost by it."""

import random

import pytest

from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.layout import PARTS, STORES
from drbot.lab.ownership import LABEL
from tests.story.conftest import Story
from tests.story.following import Witness, following, has_base
from tests.story.recovering import production
from tests.story.test_kills import MARK, ROUNDS, killed_once, mark, places
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.long]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_worker_loses_no_confirmed_commit(quiet_story: Story, number: int) -> None:
    story, chance = quiet_story, random.Random(f"moment {number}")  # noqa: S311 - repeatable, no secret
    unmark(story)
    with following(story) as continuous:
        story.stack.start("bot", "bot")
        story.stack.start("worker", "worker")
        story.stack.people.wait_for_connection()
        wait_for(lambda: has_base(continuous), PATIENCE, "a base backup")
        witness = Witness(story.lab)
        witness.write()
        mark(story)

        run = killed_once(story, "level2 to latest", chance)

        assert in_production(story, witness) == witness.confirmed, run.outcome
        story.stack.end("worker-2")


def in_production(story: Story, witness: Witness) -> list[str]:
    """What the witness reads, however the run ended; what is kept is as it was (`killed_once`)."""
    found = places(story)
    if production(story) not in (*found.old, *found.new):
        return witness.confirmed
    story.lab.start([part for part in PARTS if part.name in STORES])
    story.lab.wait_for_stores()
    return witness.there()


def unmark(story: Story) -> None:
    """What was in place when an earlier round ended may bear it."""
    with story.lab.client() as client:
        client.containers.run(
            SERVICE_IMAGE, ["-c", f"rm -f /v/{MARK}"], entrypoint="sh", network_mode="none", remove=True,
            volumes={production(story): {"bind": "/v", "mode": "rw"}}, labels={LABEL: story.lab.label},
        )  # fmt: skip
