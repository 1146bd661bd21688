"""A host is lost, level 3 brings its system up on another one, and users work there. Later it goes home again, to the
old host that came back with its old data. Each time people are told what to do, in time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from drbot.core.runs.run import Run, RunState
from drbot.core.site.readiness import Colour
from drbot.lab.second_engine import SecondEngine
from drbot.lab.sites import link
from drbot.store.records import readiness
from tests.zoo.animals import animal
from tests.zoo.checksums import psql
from tests.zoo.keeper import SERVICE, Kept, containers
from tests.zoo.levels import attempt
from tests.zoo.recovering import Scene, different, recovered, resolve, scene, seen
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1800)]
CONTAINERS = ("postgres", "redis")


@pytest.fixture
def of(zoo: Zoo, second_engine: SecondEngine) -> Iterator[Scene]:
    """The new host has a folder of its own for the projects, so that the old one keeps all it had."""
    with scene(zoo, animal("quillpost"), second_engine) as living:
        elsewhere(living).projects.mkdir(parents=True)
        with_configuration(living, recovery={"projects": str(elsewhere(living).projects)})
        yield living


def elsewhere(of: Scene) -> Kept:
    """The same system on the new host."""
    return replace(of.kept, home=of.kept.folder / "there", host=of.second.host)


def with_configuration(of: Scene, *, recovery: Mapping[str, Any] | None = None, default: str = "production") -> None:
    """drbot is started again with another dr.yml. `recovery`: what is different at that site."""
    of.player.stack.end("drbot")
    document = YAML(typ="safe").load(of.player.stack.configuration)
    document["sites"]["recovery"] = {**document["sites"]["recovery"], **(recovery or {})}
    document["default_site"] = default
    document["recovery"] = {"site": next(name for name in document["sites"] if name != default)}
    with of.player.stack.configuration.open("w") as output:
        YAML().dump(document, output)
    of.player.stack.start("drbot", "all")
    of.player.stack.people.wait_for_connection()


def stop_all(kept: Kept) -> None:
    with kept.client() as client:
        for one in containers(client, kept):
            one.stop(timeout=5)


def start(kept: Kept, *services: str) -> None:
    with kept.client() as client:
        for one in containers(client, kept):
            if one.labels[SERVICE] in services:
                one.start()


def colour_of(of: Scene, what: str) -> Colour | None:
    """What workers saw last."""
    with of.player.database.read() as connection:
        return next((one.line.colour for one in readiness.list_of(connection) if one.line.what == what), None)


def wait_for_colour(of: Scene, what: str, colour: Colour | None) -> None:
    of.player.wait(lambda: colour_of(of, what) is colour, f"{what} to be {colour}, not {colour_of(of, what)}")


def recovered_at(of: Scene, words: str, kept: Kept) -> Run:
    run = recovered(of, words)
    assert run.state is RunState.SUCCEEDED, of.player.describe(of.player.incident(run.incident))
    kept.wait_until_well()
    return run


def wait_for_words(of: Scene, run: Run, words: str) -> None:
    of.player.wait(lambda: words in told(of, run), words)


def told(of: Scene, run: Run) -> str:
    return "\n".join(str(one["text"]) for one in of.player.messages(of.player.incident(run.incident)))


@pytest.mark.long
def test_users_go_to_another_host_and_home_again_with_all_that_they_wrote(of: Scene) -> None:
    there, home = elsewhere(of), of.kept
    store = next(one for one in home.animal.stores if one.kind == "postgres")
    stop_all(home)
    of.socket.unlink()

    run = recovered_at(of, "level3 the server does not answer", there)

    assert different(of.whole, seen(there)) == []
    wait_for_words(of, run, "Users are at recovery now, and backups are made of production.")
    assert "no backup held it" not in told(of, run)
    wait_for_colour(of, "recovery: users", Colour.RED)
    resolve(of, run)

    with_configuration(of, default="recovery")
    wait_for_colour(of, "recovery: users", Colour.GREEN)
    psql(there, store, "quill", "CREATE TABLE since AS SELECT 1 AS one")
    with there.quiet():
        whole = seen(there)

    link(home.host, of.socket)  # the old host is back, and some of its services start with it
    start(home, *CONTAINERS)
    assert "postgres, redis run here too" in checked(of)
    stop_all(home)
    assert "run here too" not in checked(of)
    there.stop_writers()
    assert attempt(home, "backup full").passed
    stop_all(there)

    run = recovered_at(of, "level3 going home", home)

    assert different(whole, seen(home)) == []
    wait_for_words(of, run, "Users are at production now, and backups are made of recovery.")
    with_configuration(of)
    wait_for_colour(of, "production: users", Colour.GREEN)


def checked(of: Scene) -> str:
    attempt(of.kept, "check")
    return (of.kept.folder / "drbot" / "check.log").read_text()
