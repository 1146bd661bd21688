"""Level 2 for what is not PostgreSQL: Redis, files and settings are really lost, found, restored by two, and undone."""

import subprocess
import sys
from collections.abc import Callable
from typing import TypeVar

import pytest

from drbot.cli.demo_player import HOME_CHANNEL, USERS
from drbot.cli.demo_sites import digests_of, sums_in
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunKind, RunState, StepState
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Site
from drbot.lab.breakage import break_it
from drbot.lab.layout import part
from drbot.store.base import ledger
from tests.labs import wait_until_faultless
from tests.story.conftest import Story, make_backup
from tests.story.recovering import approve_by_two, finish, kept_volumes, wait_for_step
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

Seen = TypeVar("Seen")
EVERY_KEY = """
local found = {}
for _, key in ipairs(redis.call("KEYS", "*")) do
    if redis.call("TTL", key) == -1 then table.insert(found, key .. " " .. redis.sha1hex(redis.call("DUMP", key))) end
end
table.sort(found)
return found
"""


def redis_says(story: Story, *words: str) -> str:
    return story.lab.compose(part("redis"), "exec", "-T", "redis", "redis-cli", *words)


def keys_of(story: Story) -> list[str]:
    """Every key that never expires, with the digest of its value."""
    return redis_says(story, "eval", EVERY_KEY, "0").split("\n")


def site_of(story: Story) -> Site:
    return load_configuration(story.stack.configuration).configuration.site()


def settings_of(story: Story) -> dict[str, str]:
    """Of each file of the projects its digest."""
    return digests_of(story.lab, ())


def recovered(story: Story, incident: Incident) -> Run:
    """By two approvers, and Aiko confirms."""
    approve_by_two(story.player, incident)
    return finish(story.player, incident)


def undone(story: Story, incident: Incident, *, works: bool = True) -> Run:
    """By two approvers; where what is back works, Aiko confirms."""
    story.player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    story.player.wait(lambda: story.player.run(incident).kind is RunKind.UNDO, "the run that undoes")
    wait_for_step(story.player, incident, "approval", StepState.WAITING)
    if works:
        return recovered(story, incident)
    approve_by_two(story.player, incident)
    return story.player.wait_for_run(incident, RunState.FAILED)


def lost(story: Story, fault: str, look: Callable[[Story], Seen], words: str = "level2") -> tuple[Incident, Seen]:
    """A full backup exists, then this is lost, and Aiko has declared. What was there before."""
    make_backup(story.stack.configuration, "full")
    before = look(story)
    break_it(story.lab, fault)
    return story.player.declare("aiko", words), before


@pytest.mark.more
def test_redis_is_found_empty_restored_beside_swapped_and_brought_back(story: Story) -> None:
    redis_says(story, "set", "a key of this story", "its value")
    incident, before = lost(story, "redis-lost", keys_of)
    redis_says(story, "set", "written since", "1")
    asked = wait_for_step(story.player, incident, "approval", StepState.WAITING)
    redis = site_of(story).redis
    assert redis is not None
    assert asked.runbook == "level2-redis"
    assert asked.plan is not None and asked.plan.backup is not None
    assert redis.volume in " ".join(asked.plan.replaces)
    assert (asked.plan.stakes.loss.keys, asked.plan.stakes.loss.keys_then) == (1, asked.plan.backup.holds.keys)

    run = recovered(story, incident)

    assert {one.state for one in story.player.records(run.id).values()} == {StepState.SUCCEEDED}
    assert keys_of(story) == before
    wait_until_faultless(story.lab)
    (kept,) = kept_volumes(story)
    assert kept.startswith(f"{redis.volume}_before_")

    undone(story, incident)

    assert redis_says(story, "dbsize").strip() == "1"
    assert redis_says(story, "get", "written since").strip() == "1"
    wait_until_faultless(story.lab)
    with story.player.database.read() as connection:
        assert ledger.verify(connection) == []


@pytest.mark.long
def test_a_corrupt_redis_is_restored_by_its_name(story: Story) -> None:
    incident, before = lost(story, "redis-corrupt", keys_of, "level2 redis")
    run = recovered(story, incident)

    assert run.runbook == "level2-redis"
    assert keys_of(story) == before
    wait_until_faultless(story.lab)


@pytest.mark.long
def test_outside_of_an_incident_whoever_asks_reads_the_plan_alone_also_at_a_terminal(story: Story) -> None:
    story.backup()
    make_backup(story.stack.configuration, "full")
    people = story.stack.people

    story.player.say("aiko", "/dr plan level2")
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "dr", "plan", "level2", "redis", "--as", "ben"]
    options = ["--config", str(story.stack.configuration), "--home", str(story.stack.home)]
    done = subprocess.run([*words, *options], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    redis = site_of(story).redis
    assert redis is not None
    assert redis.volume in done.stdout and "Redis held" in done.stdout

    def answer() -> list[str]:
        return [str(one) for one in people.messages(HOME_CHANNEL, USERS["aiko"]) if one["ephemeral"]]

    wait_for(lambda: any("postgres_data" in said for said in answer()), 90, "the plan")
    assert not any("postgres_data" in str(one) for one in people.messages(HOME_CHANNEL) if not one["ephemeral"])
    assert story.player.incidents() == []


@pytest.mark.long
def test_lost_files_are_found_restored_and_brought_back(story: Story) -> None:
    (name,) = site_of(story).files
    incident, before = lost(story, "files-lost", lambda story: sums_in(story.lab, name))
    run = recovered(story, incident)

    assert (run.runbook, run.arguments) == ("level2-files", {"files": name})
    assert sums_in(story.lab, name) == before
    wait_until_faultless(story.lab)

    undone(story, incident)

    assert "contract" in before and "contract" not in sums_in(story.lab, name)
    wait_until_faultless(story.lab)


@pytest.mark.long
def test_lost_settings_are_found_and_only_what_differs_changes_places(story: Story) -> None:
    incident, before = lost(story, "settings-lost", settings_of)
    broken = settings_of(story)
    asked = wait_for_step(story.player, incident, "approval", StepState.WAITING)
    assert asked.runbook == "level2-settings"
    assert asked.plan is not None
    missing = sorted(set(before) - set(broken))
    assert len(missing) == 2
    assert sorted(path.lstrip("/") for path in asked.plan.stakes.files) == missing

    recovered(story, incident)

    assert settings_of(story) == before
    wait_until_faultless(story.lab)

    run = undone(story, incident, works=False)

    assert settings_of(story) == broken
    assert "The settings cannot be used" in (run.outcome or "")
    story.lab.reset()
