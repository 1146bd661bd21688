"""Level 2 from what was received: the second before rows were deleted, and the last commit of a server that is lost.

A witness at the keyboard writes rows and remembers which of them the server has confirmed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState
from drbot.core.site.configuration import load_configuration
from drbot.lab.breakage import break_it
from drbot.lab.system import Lab
from drbot.runners.backups.moments import continuous_of
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.continuous import Continuous
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never
from tests.labs import wait_until_faultless
from tests.story.conftest import Story, begin, heal, story_in
from tests.story.docker_events import EventRecorder
from tests.story.recovering import approve_by_two, finish, granted_at
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


class Witness:
    """Writes into a table of the system's own database. `confirmed`: the ids that the server has said are written."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.confirmed: list[str] = []
        self.ask(
            "DROP TABLE IF EXISTS public.witness; CREATE TABLE public.witness (id serial PRIMARY KEY, at timestamptz)"
        )

    def ask(self, statement: str) -> str:
        return self._lab.psql(statement, "-d", "authdb").strip()

    def write(self, times: int = 3) -> None:
        for _ in range(times):
            self.confirmed.append(self.ask("INSERT INTO public.witness (at) VALUES (now()) RETURNING id").split()[0])

    def there(self) -> list[str]:
        return self.ask("SELECT id FROM public.witness ORDER BY id").split()

    def next_second(self) -> datetime:
        """A whole second that is later than all that was confirmed, and over."""
        now = datetime.fromisoformat(self.ask("SELECT to_json(clock_timestamp()) #>> '{}'"))
        moment = now.replace(microsecond=0) + timedelta(seconds=1)
        wait_for(lambda: datetime.now(UTC) > moment, PATIENCE, "the second to be over")
        return moment


@pytest.fixture
def followed(story_lab: Lab, tmp_path: Path) -> Iterator[Story]:
    """A story whose dr.yml asks for it, and whose worker has made a base backup."""
    heal(story_lab)
    with story_in(story_lab, tmp_path) as story, following(story) as continuous:
        begin(story)
        wait_for(lambda: is_received(continuous) and bool(continuous.archive().bases), PATIENCE, "a base backup")
        yield story
        story.stack.end("drbot")


@contextmanager
def following(story: Story) -> Iterator[Continuous]:
    """With `continuous` in dr.yml; at the end nothing of it is left."""
    yaml = YAML()
    document = yaml.load(story.stack.configuration.read_text())
    document["sites"]["production"]["postgres"]["continuous"] = {}
    with story.stack.configuration.open("w") as output:
        yaml.dump(document, output)
    configuration = load_configuration(story.stack.configuration).configuration
    site, settings = configuration.site("production"), RunnerSettings(home=story.stack.home, docker_host=story.lab.host)
    clients = clients_of(site, configuration, settings)
    continuous = continuous_of(clients, site, "production", never)
    yield continuous
    continuous.stop()
    for place in (continuous.wal, continuous.bases_place):
        clients.docker.client.api.remove_volume(place)
    clients.close()


def is_received(continuous: Continuous) -> bool:
    following = continuous.following()
    return following is not None and following.behind == 0


def recovered(story: Story, words: str) -> tuple[Incident, Run]:
    """From the declaration to "users can work"."""
    incident = story.player.declare("aiko", words)
    approve_by_two(story.player, incident)
    return incident, finish(story.player, incident)


def test_the_second_before_rows_were_deleted_comes_back_and_the_undo_brings_what_came_later(followed: Story) -> None:
    witness, recorder = Witness(followed.lab), EventRecorder(followed.lab)
    witness.write()
    moment = witness.next_second()
    before = list(witness.confirmed)
    witness.ask("DELETE FROM public.witness")
    witness.write(2)

    incident, run = recovered(followed, f"level2 to {moment:%H:%M:%S} somebody deleted rows")
    recorder.stop()

    assert witness.there() == before
    wait_until_faultless(followed.lab)
    assert recorder.on_production(before=granted_at(followed.player, incident)) == []
    assert run.plan is not None and run.plan.backup is not None
    assert run.plan.backup.snapshot_at == moment
    said = json.dumps(followed.player.messages(incident))
    assert f"as of {moment:%Y-%m-%d %H:%M:%S} UTC" in said
    assert f"what was received of PostgreSQL up to {moment:%Y-%m-%d %H:%M:%S} UTC, data of production" in said

    followed.player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    followed.player.wait(lambda: followed.player.run(incident).id != run.id, "the undo")
    approve_by_two(followed.player, incident)
    finish(followed.player, incident)
    assert witness.there() == witness.confirmed[-2:]


def test_of_a_server_that_is_lost_every_confirmed_commit_comes_back_though_nobody_names_a_moment(
    followed: Story,
) -> None:
    witness = Witness(followed.lab)
    witness.write(5)
    break_it(followed.lab, "postgres-corrupt")

    _, run = recovered(followed, "level2 PostgreSQL does not start")

    assert witness.there() == witness.confirmed
    assert run.plan is not None and run.plan.loss_seconds is not None
    assert run.plan.loss_seconds < 60
    assert run.state is RunState.SUCCEEDED
    witness.write(2)
    assert witness.there() == witness.confirmed
