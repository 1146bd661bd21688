"""Levels 2 and 3 where PostgreSQL and Redis keep their data in folders beside their compose files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.cli import demo_centre, demo_sites
from drbot.core.runs.run import RunKind, RunState, StepState
from drbot.lab.compose import compose
from drbot.lab.images import POSTGRES_IMAGE
from drbot.lab.layout import Part, part
from drbot.lab.ownership import LABEL
from drbot.lab.system import Lab
from tests.labs import LabFactory, wait_until_faultless
from tests.story.conftest import Story, begin, heal, story_in
from tests.story.demo_stacks import playing_in, sites_of
from tests.story.drilling import beside_users
from tests.story.recovering import WORDS, approve_by_two, finish, kept_volumes, production, rows_of, wait_for_step

pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]

STORES = ("postgres", "redis")


def folder_of(lab: Lab, store: Part) -> Path:
    return lab.project(store) / "data/store"


def into_folder(lab: Lab, store: Part) -> None:
    """Its data moves from the volume into a folder, as if it had always been there."""
    folder, file, yaml = folder_of(lab, store), lab.project(store) / "docker-compose.yml", YAML()
    compose(lab.host, file.parent, "down")
    with lab.client() as client:
        client.containers.run(
            POSTGRES_IMAGE, ["-c", "cp -a /from/. /to/"], entrypoint="sh", remove=True, labels={LABEL: lab.label},
            volumes={f"{lab.prefix}{store.volume}": {"bind": "/from"}, str(folder): {"bind": "/to"}},
        )  # fmt: skip
    document = yaml.load(file.read_text())
    (mount,) = document["services"][store.service]["volumes"]
    document["services"][store.service]["volumes"] = [f"./data/store:{str(mount).partition(':')[2]}"]
    del document["volumes"]
    with file.open("w") as output:
        yaml.dump(document, output)
    (file.parent / ".gitignore").write_text("/data/\n")
    compose(lab.host, file.parent, "up", "--detach")


def name_folders(lab: Lab, configuration: Path) -> None:
    """In dr.yml, from the folder of the projects on."""
    yaml = YAML()
    document = yaml.load(configuration.read_text())
    for name in STORES:
        document["sites"]["production"][name]["volume"] = f"./{lab.project(part(name)).name}/data/store"
    with configuration.open("w") as output:
        yaml.dump(document, output)


@pytest.fixture
def quiet(lab_factory: LabFactory, tmp_path: Path) -> Iterator[Story]:
    lab = lab_factory("bound")
    heal(lab)
    for name in STORES:
        into_folder(lab, part(name))
    wait_until_faultless(lab)
    with story_in(lab, tmp_path) as found:
        name_folders(lab, found.stack.configuration)
        yield found
    lab.reset()


def corrupt(story: Story) -> None:
    with story.lab.client() as client:
        container = story.lab.container(client, part("postgres"))
        assert container is not None
        container.kill()
        (folder_of(story.lab, part("postgres")) / "global/pg_control").write_bytes(b"nothing")
        container.start()


def test_postgresql_in_a_folder_is_recovered_and_undone(quiet: Story) -> None:
    story = begin(quiet)
    player, place = story.player, folder_of(story.lab, part("postgres"))
    assert production(story) == str(place)
    story.backup()
    mark = place / "drbot-was-here"
    corrupt(story)
    mark.touch()

    incident = player.declare("aiko", WORDS)
    approve_by_two(player, incident)
    recovered = finish(player, incident)

    wait_until_faultless(story.lab)
    kept = place.with_name(f"store_before_{recovered.id}")
    assert kept_volumes(story) == [str(kept)]
    assert (mark.exists(), (kept / mark.name).exists()) == (False, True)
    assert sorted(one.name for one in place.parent.iterdir()) == ["store", kept.name]
    assert rows_of(story.lab, ["authdb.users"]) == {"authdb.users": 5000}

    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    player.wait(lambda: player.run(incident).kind is RunKind.UNDO, "the run that undoes")
    wait_for_step(player, incident, "approval", StepState.WAITING)
    approve_by_two(player, incident)
    wait_for_step(player, incident, "swap-back", StepState.SUCCEEDED)
    undone = player.wait_for_run(incident, RunState.SUCCEEDED)

    assert mark.exists()
    assert kept_volumes(story) == [str(place.with_name(f"store_undone_{undone.id}"))]


def test_a_drill_recovers_a_copy_whose_stores_lie_in_folders(quiet: Story, tmp_path: Path) -> None:
    quiet.backup()

    beside_users(quiet.stack, quiet.lab, 2, tmp_path / "drill.json")

    there = {one.name for name in STORES for one in folder_of(quiet.lab, part(name)).parent.iterdir()}
    assert there == {"store"}


def test_a_host_whose_stores_lie_in_folders_is_raised_in_a_drill(lab_factory: LabFactory, tmp_path: Path) -> None:
    pytest.importorskip("moto")
    with sites_of(lab_factory, "boundhost") as sites:
        sites.lab.up(print)
        for name in STORES:
            into_folder(sites.lab, part(name))
        wait_until_faultless(sites.lab)
        sites.up(print, new_host=False)
        name_folders(sites.lab, sites.lab.configuration)
        with playing_in(tmp_path / "home", sites.lab.configuration, demo_sites.keys_of(sites)) as player:
            demo_centre.start(player.stack)
            player.stack.people.wait_for_connection()
            demo_sites.back_up_full(sites, player.stack.configuration)
            beside_users(player.stack, sites.lab, 3, tmp_path / "drill.json")
