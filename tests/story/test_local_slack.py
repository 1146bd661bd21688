"""`drbot slack`: a team rehearses with its own dr.yml, in a process of its own, before there is a Slack."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from playwright.sync_api import expect

from drbot.cli import demo_player
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_stack import DemoStack
from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.runs.run import RunState
from drbot.core.site.configuration import load_configuration
from drbot.lab.system import Lab
from drbot.slack_simulator.client import People
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings
from drbot.store.records import drills
from tests.browser import Visit
from tests.labs import wait_until_faultless
from tests.story.conftest import heal, make_backup, own_configuration
from tests.story.people import vote_or_answer
from tests.story.test_own_checks import USERS, ask_too
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.long]


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a terminal shows, and people at the page that it names."""

    url: str
    player: DemoPlayer
    process: subprocess.Popen[bytes]
    said: Path

    def answer(self, person: str, text: str) -> str:
        """What drbot says to whoever typed this at home."""
        self.player.say(person, text)
        people = self.player.stack.people
        return str(
            people.wait_for_message("dr-ops", lambda message: "drill level2" in str(message), demo_player.USERS[person])
        )


@contextmanager
def rehearsing(configuration: Path, home: Path, *options: str) -> Iterator[Rehearsal]:
    """The command as somebody types it; ended by Ctrl-C."""
    said = home.parent / "terminal"
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "slack", "--no-browser", *options]
    misleading = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/real", "PAGER_WEBHOOK_URL": "http://127.0.0.1:1/"}
    is_real = "--for-real" in options
    leading = {} if is_real else misleading
    environment = {**os.environ, **leading, "DRBOT_HOME": str(home), "DRBOT_CONFIG": str(configuration)}
    with said.open("wb") as output:
        process = subprocess.Popen(words, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        found = wait_for(
            lambda: re.search(r"http://127\.0\.0\.1:\d+/[\w-]+", said.read_text()), PATIENCE, said.read_text()
        )
        assert found is not None
        own = home if is_real else home / "slack"
        database = Database(StoreSettings.from_environment(own).database_url)
        with People(found[0]) as people:
            people.wait_for_connection()
            stack = cast(DemoStack, SimpleNamespace(people=people))
            player = DemoPlayer(stack=stack, database=database, patience=180)
            yield Rehearsal(url=found[0], player=player, process=process, said=said)
        database.close()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0, said.read_text()


@pytest.fixture
def configuration(story_lab: Lab, tmp_path: Path) -> Path:
    """A dr.yml with a backup to go back to."""
    heal(story_lab)
    path = own_configuration(story_lab, tmp_path)
    make_backup(path)
    return path


def drilled(player: DemoPlayer) -> Drill:
    """The drill once it is over; whoever is asked has voted and answered."""
    incident = player.wait(lambda: next((one for one in player.incidents() if one.channel), None), "the drill")
    assert incident is not None

    def over() -> Drill | None:
        with player.database.read() as connection:
            known = drills.get(connection, incident.id)
        if known is None or known.is_over:
            return known
        runs = player.runs(incident)
        if runs and player.run(incident).state is RunState.WAITING:
            vote_or_answer(player, incident, player.run(incident))
        return None

    found = player.wait(over, "the drill to be over", 400)
    assert found is not None
    return found


def test_a_rehearsal_begins_nothing_on_production_and_two_people_recover_a_copy(
    configuration: Path, tmp_path: Path, story_lab: Lab, visit: Visit
) -> None:
    before = engine_of(story_lab)
    auth = load_configuration(configuration).configuration.site().services["auth"]
    ask_too(configuration, {**USERS, "expect": ">= 1"}, {"http": auth.health})
    with rehearsing(configuration, tmp_path / "home") as rehearsal:
        page = visit(rehearsal.url, "aiko")
        expect(page.locator("#notice")).to_contain_text("production is only read")
        assert "This is a rehearsal" in rehearsal.answer("ben", "/dr declare level2")
        assert rehearsal.player.incidents() == []

        rehearsal.player.say("aiko", "/dr drill level2")
        drill = drilled(rehearsal.player)

        assert (drill.end, drill.rehearsed) == (DrillEnd.PASSED, False), drill.why
        assert (drill.production_changes, drill.leftovers) == ((), ())
        assert asked_of_the_copy(rehearsal.player) == 2
    assert engine_of(story_lab) == before
    assert not (tmp_path / "home" / "drbot.db").exists()  # the state of a real drbot was not begun


def test_for_real_says_so_and_a_recovery_changes_the_system_itself(
    configuration: Path, tmp_path: Path, story_lab: Lab, visit: Visit
) -> None:
    before = engine_of(story_lab)
    with rehearsing(configuration, tmp_path / "home", "--for-real") as rehearsal:
        assert "FOR REAL" in rehearsal.said.read_text()
        expect(visit(rehearsal.url, "ben").locator("#notice")).to_contain_text("FOR REAL")
        with story_lab.client() as client:
            client.containers.get(before_of(before, "auth")).kill()

        incident = rehearsal.player.declare("aiko", "level1 service:auth it does not answer")
        rehearsal.player.press("aiko", incident, f"answer {incident.name} confirm yes")
        rehearsal.player.wait_for_run(incident, RunState.SUCCEEDED)
        status = [sys.executable, "-P", "-m", "drbot.cli.main", "dr", "list", "all", "--home", str(tmp_path / "home")]
        done = subprocess.run([*status, "--config", str(configuration)], capture_output=True, text=True, check=False)
        assert incident.name in done.stdout, done.stdout + done.stderr

    wait_until_faultless(story_lab)


def asked_of_the_copy(player: DemoPlayer) -> int:
    """How many own checks the restored data and the recovered copy have passed."""
    (incident,) = player.incidents()
    records = player.records(player.run(incident).id)
    by_http = [said for said in records["health"].facts["checks"] if "own checks passed" in said]
    return int(records["restore-beside"].facts["own_checks"]) + len(by_http)


def engine_of(lab: Lab) -> dict[str, str]:
    """Name and id of each container."""
    with lab.client() as client:
        return {str(one.name): str(one.id) for one in client.containers.list() if lab.prefix in str(one.name)}


def before_of(known: dict[str, str], part: str) -> str:
    return next(identifier for name, identifier in known.items() if f"api-{part}" in name)
