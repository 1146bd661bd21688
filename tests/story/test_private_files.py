"""What a whole small installation leaves on the disk is its owner's alone, also where the umask lets everybody read."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.conftest import Story
from tests.story.recovering import approve_by_two, broken, finish

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Everything that this process and its children make without a mode of its own is everybody's."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(*folders: Path) -> dict[str, str]:
    """Files that group or others may read, and folders below these that they may enter."""
    found = [path for folder in folders for path in folder.rglob("*")]
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in found if not path.is_symlink()}
    return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


def test_every_file_of_a_recovery_is_its_owners_alone(quiet_story: Story) -> None:
    home = quiet_story.house.home
    left = [
        home / "logs" / "r0" / "old.log",
        home / "evidence" / "r0" / "old.log",
        quiet_story.backups / "x.manifest.json",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of an older drbot")
    quiet_story.house.start("drbot", "all")
    quiet_story.house.people.wait_for_connection()

    incident = broken(quiet_story)
    approve_by_two(quiet_story.player, incident)
    finish(quiet_story.player, incident)
    full = [sys.executable, "-m", "cli.main", "backup", "full", "--config", str(quiet_story.house.configuration)]
    made = subprocess.run(full, capture_output=True, text=True, check=False)

    assert made.returncode == 0, made.stdout + made.stderr
    kinds = {path.name.partition(".")[2] for folder in (home, quiet_story.backups) for path in folder.rglob("*.*")}
    assert {"db", "db-wal", "db-shm", "log", "sql.gz", "manifest.json", "tar.gz", "inspect.json"} <= kinds
    assert (home / "worker" / "key").exists()
    assert open_to_others(home, quiet_story.backups) == {}
