"""Levels 1 to 3 for real, from Slack, on systems that drbot has not made: everything is back, or it was said before.

A system takes minutes, so CI has one of them by turns; ZOO_TURN says which, else the number of commits does.
"""

import os
import subprocess
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from drbot.core.runs.run import RunState
from drbot.lab.second_engine import SecondEngine
from tests.story.people import next_question
from tests.zoo.animals import ANIMALS, Animal, animal
from tests.zoo.breaking import file_mounts, kill_service, lose, site_of, store_mounts
from tests.zoo.checksums import trees
from tests.zoo.recovering import LOST, Scene, different, incidents, recovered, scene, seen
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1800)]


def turn() -> int:
    """The same for everybody who tests this commit."""
    if given := os.environ.get("ZOO_TURN"):
        return int(given)
    counted = subprocess.run(["git", "rev-list", "--count", "HEAD"], capture_output=True, text=True, check=False)
    return int(counted.stdout) if counted.returncode == 0 else 0


def in_turn() -> Animal:
    return ANIMALS[turn() % len(ANIMALS)]


@pytest.fixture
def of(zoo: Zoo, second_engine: SecondEngine, request: pytest.FixtureRequest) -> Iterator[Scene]:
    with scene(zoo, request.param, second_engine) as living:
        yield living


def wrong(of: Scene) -> list[str]:
    """What does not come back, is not in the table as refused, or is refused without a word or in vain."""
    found = list(incidents(of))
    refused = {one.tried for one in found if not one.passed}
    expected = {one for one in of.kept.animal.refused if one.startswith(("level", "undo"))}
    return [
        *(f"{one.tried}: {one.said}" for one in found if one.said.startswith(LOST) or "Traceback" in one.said),
        *(f"{one.tried}: {one.said}" for one in found if one.tried in refused - expected),
        *(f"{one} is no longer refused: take it out of animals.py" for one in expected - refused),
    ]


@pytest.mark.more
@pytest.mark.parametrize("of", [in_turn()], ids=lambda one: one.name, indirect=True)
def test_the_system_whose_turn_it_is_comes_back_from_every_incident(of: Scene) -> None:
    print(f"ZOO_TURN={turn()}: {of.kept.animal.name}")

    assert wrong(of) == []


@pytest.mark.long
@pytest.mark.parametrize("of", ANIMALS, ids=lambda one: one.name, indirect=True)
def test_every_system_comes_back_from_every_incident(of: Scene) -> None:
    assert wrong(of) == []


@pytest.mark.long
@pytest.mark.parametrize("of", [animal("tidewater")], ids=lambda one: one.name, indirect=True)
def test_two_incidents_at_once_are_both_recovered(of: Scene) -> None:
    lose(of.kept, store_mounts(of.kept, "postgres")[0])
    name, front = next((name, one) for name, one in site_of(of.kept)["services"].items() if one["role"] == "front")
    kill_service(of.kept, front["service"])
    data = of.player.declare("aiko", "level2 postgres")
    service = of.player.declare("ben", f"level1 {name}: nobody can open it")

    for incident in (data, service):
        of.player.wait(lambda asked=incident: of.player.runs(asked), f"a run of {incident.name}")  # type: ignore[misc]
        assert next_question(of.player, incident).state is RunState.SUCCEEDED, of.player.describe(incident)

    assert different(of.whole, seen(of.kept)) == []


def without_its_job(of: Scene, service: str) -> None:
    """From now on cron runs it now and then, by its profile: no container of it is there, and dr.yml names its volume
    alone. drbot is started again, as for any new dr.yml.
    """
    of.player.stack.end("drbot")
    of.kept.compose("project", "rm", "--stop", "--force", service)
    (of.kept.project("project") / ".env").write_text("COMPOSE_PROFILES=cache\n")
    document = YAML(typ="safe").load(of.player.stack.configuration)
    for site in document["sites"].values():
        site["services"].pop(service, None)  # both sites are one entry with two names
    with of.player.stack.configuration.open("w") as output:
        YAML().dump(document, output)
    of.player.stack.start("drbot", "all")
    of.player.stack.people.wait_for_connection()


@pytest.mark.long
@pytest.mark.parametrize("of", [animal("orchardist")], ids=lambda one: one.name, indirect=True)
def test_the_volume_of_a_job_whose_profile_is_off_comes_back(of: Scene) -> None:
    (lost,) = file_mounts(of.kept).values()
    without_its_job(of, "labels")
    lose(of.kept, lost)

    run = recovered(of, f"level2 files {lost.source}")

    assert run.state is RunState.SUCCEEDED, of.player.describe(of.player.incident(run.incident))
    assert trees(of.kept, [lost.source]) == [of.whole.found[lost.key]]
