"""Docker follows a link on the way to a folder, also one that was planted after drbot had looked: nothing is done."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.foundation.permit import volume
from tests.integration.binds.test_moves_of_folders import RUN, Folders, folders
from tests.permits import permit

pytestmark = pytest.mark.docker
__all__ = ["folders"]

MOMENTS = range(1, 9)
"""Before which of drbot's short-lived containers somebody is quicker: every look, and the deed."""


def planted_before(folders: Folders, moment: int, victim: Path) -> Callable[[], None]:
    """Whoever may rename what lies above the folder puts a link to somebody else's in its place."""
    began = iter(range(1, 100))

    def plant() -> None:
        if next(began) == moment:
            folders.data.parent.rename(folders.data.parent.with_name("away"))
            folders.data.parent.symlink_to(victim)

    return plant


def back(folders: Folders) -> None:
    folders.clients.docker.before_a_start = lambda: None
    if folders.data.parent.is_symlink():
        folders.data.parent.unlink()
        folders.data.parent.with_name("away").rename(folders.data.parent)


def somebody_elses(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / "theirs" / name).mkdir(parents=True)
        (tmp_path / "theirs" / name / "content").write_text("theirs")
    return tmp_path / "theirs"


def contents(folder: Path) -> dict[str, str]:
    return {str(one.relative_to(folder)): one.read_text() for one in sorted(folder.rglob("*")) if one.is_file()}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_changes_places_in_somebody_elses_folder(folders: Folders, tmp_path: Path, moment: int) -> None:
    victim = somebody_elses(tmp_path, "data", "data_r")
    before = contents(victim)
    folders.clients.docker.before_a_start = planted_before(folders, moment, victim)

    with suppress(PermanentError):
        folders.clients.volumes.move(folders.move, folders.allowed)
    back(folders)

    assert contents(victim) == before


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_of_somebody_elses_is_removed(folders: Folders, tmp_path: Path, moment: int) -> None:
    victim = somebody_elses(tmp_path, "data_r")
    folders.clients.docker.before_a_start = planted_before(folders, moment, victim)

    with suppress(PermanentError):
        folders.clients.docker.remove_volume(folders.move.replacement, permit(volume(folders.move.replacement)))
    back(folders)

    assert contents(victim) == {"data_r/content": "theirs"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_made_in_somebody_elses(folders: Folders, tmp_path: Path, moment: int) -> None:
    victim = somebody_elses(tmp_path, "other")
    folders.clients.docker.before_a_start = planted_before(folders, moment, victim)

    with suppress(PermanentError):
        folders.clients.docker.create_volume(str(folders.beside("more")), {RUN_LABEL: RUN})
    back(folders)

    assert contents(victim) == {"other/content": "theirs"}
    assert [one.name for one in victim.iterdir()] == ["other"]
