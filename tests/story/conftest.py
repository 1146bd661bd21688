"""A house per story: a real system, a local Slack, drbot as its own process, and people at their keyboards."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli.house import House, manifest_path
from cli.player import Player
from lab.system import Lab
from store.database import Database
from store.settings import StoreSettings
from tests.houses import LabFactory, mend
from workspace.server import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What a test of a whole incident works with."""

    house: House
    player: Player
    lab: Lab
    backups: Path

    def backup(self) -> str:
        """`drbot backup postgres`, as cron would call it. The name of the backup."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "backup", "postgres", "--config", str(self.house.configuration)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(path.name for path in self.backups.glob("*.sql.gz"))[-1]


def heal(lab: Lab) -> None:
    """Every story begins with a system that works, and with no drbot of an earlier one."""
    lab.forget_drbots()
    mend(lab)


def own_configuration(lab: Lab, folder: Path, **approvals: object) -> Path:
    """The lab's dr.yml with backups of this test's own, and other rules for approvals where given."""
    yaml = YAML()
    document = yaml.load(lab.configuration.read_text())
    document["backups"]["directory"] = str(folder / "backups")
    if approvals:
        document["approvals"] = approvals
    (folder / "backups").mkdir()
    path = folder / "dr.yml"
    with path.open("w") as output:
        yaml.dump(document, output)
    return path


@pytest.fixture(scope="module")
def story_lab(lab_factory: LabFactory) -> Lab:
    """The same for all stories of this process; `heal` mends it between two of them."""
    return lab_factory("story")


@pytest.fixture
def approvals() -> dict[str, object]:
    """Rules for approvals; a test file may override this."""
    return {}


@pytest.fixture
def quiet_story(story_lab: Lab, tmp_path: Path, approvals: dict[str, object]) -> Iterator[Story]:
    """A story whose drbot is not started yet."""
    heal(story_lab)
    workspace = Workspace(manifest_path())
    workspace.start()
    house = House(
        lab=story_lab,
        workspace=workspace,
        home=tmp_path / "home",
        configuration=own_configuration(story_lab, tmp_path, **approvals),
    )
    house.home.mkdir()
    database = Database(StoreSettings.from_environment(house.home).database_url)
    database.migrate()
    try:
        yield Story(
            house=house,
            player=Player(house=house, database=database),
            lab=story_lab,
            backups=tmp_path / "backups",
        )
    finally:
        for name in list(house.processes):
            house.kill(name)
            print(f"--- {name}\n" + "\n".join(house.log(name).read_text(errors="replace").splitlines()[-60:]))
        house.close()
        database.close()


@pytest.fixture
def story(quiet_story: Story) -> Story:
    """A story with drbot running in one process (`drbot all`) and connected to Slack."""
    quiet_story.house.start("drbot", "all")
    quiet_story.house.people.wait_for_connection()
    return quiet_story
