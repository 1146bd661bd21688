"""Level 2 from what was received: the second before rows were deleted, and the last commit of a server that is lost.

A witness at the keyboard writes rows and remembers which of them the server has confirmed.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from drbot.cli.demo_player import HOME_CHANNEL, USERS
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState
from drbot.lab.breakage import break_it
from drbot.lab.system import Lab
from drbot.runners.clients import helper
from drbot.runners.clients.continuous import BASES, Continuous
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.foundation.watching import never
from tests.labs import wait_until_faultless
from tests.story.conftest import Story, begin, heal, story_in
from tests.story.docker_events import EventRecorder
from tests.story.following import Followed, Witness, following, has_base
from tests.story.recovering import approve_by_two, finish, granted_at
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture
def followed(story_lab: Lab, tmp_path: Path) -> Iterator[Followed]:
    """A story whose dr.yml asks for it, and whose worker has made a base backup."""
    heal(story_lab)
    with story_in(story_lab, tmp_path) as story, following(story) as continuous:
        begin(story)
        wait_for(lambda: has_base(continuous), PATIENCE, "a base backup")
        yield Followed(story=story, continuous=continuous)
        story.stack.end("drbot")


def recovered(story: Story, words: str) -> tuple[Incident, Run]:
    """From the declaration to "users can work"."""
    incident = story.player.declare("aiko", words)
    approve_by_two(story.player, incident)
    return incident, finish(story.player, incident)


def recovered_again(story: Story, incident: Incident, moment: datetime) -> None:
    """In the same incident, once what came back is received too."""
    before = story.player.run(incident)
    story.player.say("aiko", f"/dr recover {incident.name} to {moment.isoformat()}", incident.channel or "")
    story.player.wait(lambda: story.player.run(incident).id != before.id, "a fresh run")
    approve_by_two(story.player, incident)
    finish(story.player, incident)


def test_the_second_before_rows_were_deleted_comes_back_and_the_undo_brings_what_came_later(
    followed: Followed,
) -> None:
    story = followed.story
    witness, recorder = Witness(story.lab), EventRecorder(story.lab)
    witness.write()
    moment = witness.next_second()
    before = list(witness.confirmed)
    witness.ask("DELETE FROM public.witness")
    witness.write(2)

    incident, run = recovered(story, f"level2 to {moment:%H:%M:%S} somebody deleted rows")
    recorder.stop()

    assert witness.there() == before
    wait_until_faultless(story.lab)
    assert recorder.on_production(before=granted_at(story.player, incident)) == []
    assert run.plan is not None and run.plan.backup is not None
    assert run.plan.backup.snapshot_at == moment
    said = json.dumps(story.player.messages(incident))
    assert f"as of {moment:%Y-%m-%d %H:%M:%S} UTC" in said
    assert f"what was received of PostgreSQL up to {moment:%Y-%m-%d %H:%M:%S} UTC, data of production" in said

    story.player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    story.player.wait(lambda: story.player.run(incident).id != run.id, "the undo")
    approve_by_two(story.player, incident)
    finish(story.player, incident)
    assert witness.there() == witness.confirmed[-2:]


def test_of_a_server_that_is_lost_every_confirmed_commit_comes_back_though_nobody_names_a_moment(
    followed: Followed,
) -> None:
    witness = Witness(followed.story.lab)
    witness.write(5)
    break_it(followed.story.lab, "postgres-corrupt")

    _, run = recovered(followed.story, "level2 PostgreSQL does not start")

    assert witness.there() == witness.confirmed
    assert run.plan is not None and run.plan.loss_seconds is not None
    assert run.plan.loss_seconds < 60
    assert run.state is RunState.SUCCEEDED
    witness.write(2)
    assert witness.there() == witness.confirmed


@pytest.mark.long
def test_twice_in_a_row_and_then_to_a_moment_before_the_first_recovery(followed: Followed) -> None:
    story, witness = followed.story, Witness(followed.story.lab)
    witness.write()
    first = witness.next_second()
    at_first = list(witness.confirmed)
    witness.write()
    incident, _ = recovered(story, f"level2 postgres to {first.isoformat()} wrong orders")
    assert witness.there() == at_first
    wait_for(lambda: has_base(followed.continuous), PATIENCE, "a base backup of what came back")
    witness.confirmed = list(at_first)
    witness.next_second()
    witness.write()
    second = witness.next_second()
    at_second = list(witness.confirmed)
    witness.write()

    recovered_again(story, incident, second)
    assert witness.there() == at_second

    recovered_again(story, incident, first)
    assert witness.there() == at_first


@pytest.mark.long
def test_one_flipped_byte_in_the_base_backup_blocks_and_the_dump_is_offered(followed: Followed) -> None:
    story, continuous, witness = followed.story, followed.continuous, Witness(followed.story.lab)
    witness.write()
    in_dump = list(witness.confirmed)
    dump = story.backup()
    witness.write()
    newest = continuous.archive().bases[0]
    flip_a_byte(continuous, f"{BASES}/{newest.series}/{newest.name}/base/1/1259")
    break_it(story.lab, "postgres-corrupt")

    incident = story.player.declare("aiko", "level2 PostgreSQL does not start")
    blocked = story.player.wait_for_run(incident, RunState.BLOCKED)
    assert "base/1/1259" in json.dumps(story.player.messages(incident))
    story.player.press("aiko", incident, f"recover {incident.name} backup")
    story.player.wait(lambda: story.player.run(incident).id != blocked.id, "a fresh run")
    approve_by_two(story.player, incident)
    run = finish(story.player, incident)

    assert run.plan is not None and run.plan.backup is not None
    assert (run.plan.backup.name, witness.there()) == (dump, in_dump)


def flip_a_byte(continuous: Continuous, file: str) -> None:
    order = HelperOrder(
        image=continuous.postgres.recipe(never).image, name=None, labels={}, user="root",
        entrypoint=("sh", "-ec", f"printf X | dd of={file} bs=1 seek=100 conv=notrunc status=none"),
        mounts=(Mount(source=continuous.bases_place, target=BASES),),
    )  # fmt: skip
    ended = helper.run(continuous.engine, order, never)
    assert ended.code == 0, ended.output


@pytest.mark.long
def test_who_does_not_know_which_second_it_was_is_shown_it_in_slack_and_at_a_terminal(followed: Followed) -> None:
    story, witness = followed.story, Witness(followed.story.lab)
    witness.ask("INSERT INTO public.witness (at) SELECT now() FROM generate_series(1, 40)")
    moment = witness.next_second()
    witness.ask("DELETE FROM public.witness")
    shown = re.compile(r"40 rows deleted.*public\.witness.*(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?)Z")

    story.player.say("aiko", "/dr moments 1h")
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "moments", "--config", str(story.stack.configuration)]
    places = {"DOCKER_HOST": story.lab.host or "", "DRBOT_HOME": str(story.stack.home)}
    environment = {**os.environ, **places, "COLUMNS": "160"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 0, done.stderr
    found = shown.search(done.stdout)
    assert found is not None, done.stdout
    assert datetime.fromisoformat(f"{found[1]}+00:00") >= moment
    assert f"drbot copy --to {found[1]}Z" in done.stdout

    def answer() -> list[str]:
        return [json.dumps(one) for one in story.stack.people.messages(HOME_CHANNEL, USERS["aiko"]) if one["ephemeral"]]

    wait_for(lambda: any(f"/dr declare level2 to {found[1]}Z" in said for said in answer()), PATIENCE, "the moments")
    assert any("public.witness" in said and '"type": "button"' in said for said in answer())
    assert story.player.incidents() == []
