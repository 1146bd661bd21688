"""Slack is switched off: two people approve a restore, one at a terminal, one by telephone; the ledger shows how."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.cli.demo_story import count
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import short_seal
from drbot.core.runs.run import RunState, StepState
from drbot.store.base import ledger
from tests.story.conftest import Story
from tests.story.recovering import damage, latest_request, wait_for_step

pytestmark = [pytest.mark.docker, pytest.mark.long]


class Terminals:
    """One per person, each with a key of its own."""

    def __init__(self, story: Story, folder: Path) -> None:
        self._stack = story.stack
        self._folder = folder

    def dr(self, person: str, *words: str) -> str:
        """`drbot dr …` as this person; what it said. Fails the test when it was refused."""
        environment = {
            **os.environ,
            "DRBOT_CONFIG": str(self._stack.configuration),
            "DRBOT_HOME": str(self._stack.home),
            "DRBOT_PERSON": person,
            "DRBOT_KEY": str(self._folder / f"{person}.key"),
            "COLUMNS": "200",
        }
        command = [sys.executable, "-P", "-m", "drbot.cli.main", "dr", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def new_key(self, person: str) -> str:
        """The public part, as it belongs into dr.yml."""
        found = re.search(r"drbot1:\S+", self.dr(person, "key", "new", person))
        assert found is not None
        return found[0]


def install(story: Story, terminals: Terminals) -> None:
    """Ben and Chika have keys, and the policy asks for a second factor."""
    yaml = YAML()
    document = yaml.load(story.stack.configuration.read_text())
    for person in ("ben", "chika"):
        document["people"][person]["key"] = terminals.new_key(person)
    document["approvals"] = {"second_factor": "totp"}
    with story.stack.configuration.open("w") as output:
        yaml.dump(document, output)


def test_two_people_approve_by_terminal_and_by_phone_while_slack_is_off(quiet_story: Story, tmp_path: Path) -> None:
    story, player = quiet_story, quiet_story.player
    terminals = Terminals(story, tmp_path)
    install(story, terminals)
    damage(story)
    story.stack.simulator.stop()
    story.stack.start("worker", "worker")

    terminals.dr("aiko", "declare", "level2", "PostgreSQL", "does", "not", "start")
    (incident,) = player.incidents()
    player.wait(lambda: player.run(incident).plan, "the plan")
    wait_for_step(player, incident, "approval", StepState.WAITING)
    request = latest_request(player, incident)
    shown = terminals.dr("ben", "approve", incident.name)
    assert "Will be replaced" in shown and short_seal(request.seal) in shown

    terminals.dr(
        "ben", "approve", incident.name, "--target", "production", "--seal", short_seal(request.seal),
        "--reason", "I read the plan",
    )  # fmt: skip
    worker = re.search(r"drbot1:\S+", terminals.dr("aiko", "key", "worker"))
    assert worker is not None
    said = terminals.dr("chika", "key", "code", request.id, short_seal(request.seal), "approve", "--worker", worker[0])
    terminals.dr("aiko", "phone", incident.name, "chika", "approve", said.split()[-1], "she has read it with me")
    player.wait_for_run(incident, RunState.WAITING, RunState.SUCCEEDED)
    player.wait(lambda: latest_request(player, incident).state is RequestState.USED, "the permit to be used")
    wait_for_step(player, incident, "confirm", StepState.WAITING)
    terminals.dr("aiko", "answer", incident.name, "confirm", "yes")
    run = player.wait_for_run(incident, RunState.SUCCEEDED)

    assert run.plan is not None and run.plan.backup is not None
    for name, rows in run.plan.backup.rows.items():
        database, _, table = name.partition(".")
        assert count(story.lab, database, table) == rows
    with player.database.read() as connection:
        events = ledger.of_incident(connection, incident.id)
        assert ledger.verify(connection) == []
    votes = [
        (e.person, e.payload["entry_point"], e.payload["proof"]) for e in events if e.kind is EventKind.VOTE_COUNTED
    ]
    assert votes == [("ben", "terminal", "key"), ("chika", "phone", "phone")]
    (phoned,) = [e for e in events if e.kind is EventKind.VOTE_COUNTED and e.payload["entry_point"] == "phone"]
    assert phoned.payload["typed_by"] == "aiko"
