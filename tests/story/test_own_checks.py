"""A backup that restores may still not be what its people need: their own checks decide before anybody votes."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from drbot.cli.demo_story import count
from drbot.core.base.errors import Cause
from drbot.core.runs.run import RunState, StepState
from drbot.core.site.configuration import load_configuration
from drbot.core.text.messages import say
from tests.story.conftest import Story, begin
from tests.story.recovering import WORDS, approve_by_two, broken, damage, finish, kept_volumes
from tests.story.test_bad_backups import words_of

pytestmark = [pytest.mark.docker, pytest.mark.long]

USERS = {"sql": "SELECT count(*) FROM users", "database": "authdb"}


def ask_too(path: Path, *checks: dict[str, Any]) -> None:
    """Write own checks into this dr.yml."""
    yaml = YAML()
    document = yaml.load(path.read_text())
    document["proof"] = {"checks": list(checks)}
    with path.open("w") as output:
        yaml.dump(document, output)


def asking(story: Story, *checks: dict[str, Any]) -> Story:
    """The same, whose dr.yml has own checks; drbot runs."""
    ask_too(story.stack.configuration, *checks)
    return begin(story)


def test_a_backup_that_restores_and_fails_an_own_check_is_not_offered_for_a_vote(quiet_story: Story) -> None:
    customers = {**USERS, "title": "all customers", "expect": "> 100000"}
    story = asking(quiet_story, {**USERS, "expect": ">= 1"}, customers)
    player = story.player

    incident = broken(story)
    run = player.wait_for_run(incident, RunState.BLOCKED)

    record = player.records(run.id)["restore-beside"]
    assert (record.state, record.cause) == (StepState.UNDONE, Cause.BACKUP)
    assert say(record.summary or "", "en") == 'own check "all customers": expected > 100000, came 5000'
    assert "5000" in words_of(story, incident, "all customers")
    assert player.card(incident, "approve") is None
    assert kept_volumes(story) == []


def test_a_backup_that_passes_them_is_approved_and_the_running_system_is_asked_too(quiet_story: Story) -> None:
    site = load_configuration(quiet_story.stack.configuration).configuration.site()
    auth = {"title": "people sign in", "http": site.services["auth"].health}
    story = asking(quiet_story, {**USERS, "expect": ">= 1"}, auth)
    player = story.player
    damage(story)

    incident = player.declare("aiko", WORDS)
    player.wait(lambda: "own checks passed" in str(player.card(incident, "approve")), "the card with its proof")
    approve_by_two(player, incident)
    run = finish(player, incident)

    records = player.records(run.id)
    assert records["restore-beside"].facts["own_checks"] == 1
    assert any("own checks passed" in said for said in records["health"].facts["checks"])
    assert count(story.lab, "authdb", "users") == 5000
