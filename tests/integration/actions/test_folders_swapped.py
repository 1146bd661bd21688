"""Settings change places file by file, a folder of files as a whole; a crash half-way is gone on with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.clients.volume_mover import Move, kept_from
from drbot.runners.foundation.permit import Permit, emptied, volume
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit

pytestmark = pytest.mark.docker

BEFORE = {"a/.env": "OLD", "a/compose.yml": "same", "data/big": "stays", "b/of nobody's backup": "stays"}
AFTER = {**BEFORE, "a/.env": "NEW", "c/d/new file": "fresh"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """On the engine's host, as a folder of projects is."""
    made = tmp_path / "projects"
    for name, text in BEFORE.items():
        write(made / name, text)
    (made / "a/.env").chmod(0o600)
    return made


@pytest.fixture
def names(worker_fixture: WorkerFixture) -> Iterator[dict[str, str]]:
    """Of the volumes beside it; they are gone afterwards."""
    found = {name: f"{worker_fixture.volume}_folder_{name}" for name in ("new", "old", "undone")}
    yield found
    for name in found.values():
        worker_fixture.clients.docker.remove_volume(name, permit(volume(name)))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def move(
    worker_fixture: WorkerFixture, folder: Path, names: dict[str, str], *, back: bool = False, is_overlay: bool = True
) -> Move:
    replacement, keeper = (names["old"], names["undone"]) if back else (names["new"], names["old"])
    return Move(
        volume=str(folder), replacement=replacement, keeper=keeper, brings_back=back, is_overlay=is_overlay,
        image=tools_image(worker_fixture.clients.docker), labels={"drbot.run": own("r1")}, cancelled=lambda: False,
    )  # fmt: skip


def allowed_for(place: Path, names: dict[str, str]) -> Permit:
    """As two people agreed: the folder, and the name whose data is in place afterwards."""
    return permit(volume(str(place)), emptied(names["new"]), emptied(names["old"]), run=own("r1"))


def prepared(worker_fixture: WorkerFixture, names: dict[str, str], script: str) -> None:
    worker_fixture.clients.docker.create_volume(names["new"], {"drbot.run": own("r1")})
    worker_fixture.shell(names["new"], script)


OVERLAY = (
    "mkdir -p /x/a /x/c/d && printf NEW > /x/a/.env && chmod 640 /x/a/.env && printf same > /x/a/compose.yml "
    "&& printf fresh > '/x/c/d/new file'"
)


def test_only_settings_that_differ_change_places_and_come_back_as_they_were(
    worker_fixture: WorkerFixture, folder: Path, names: dict[str, str]
) -> None:
    prepared(worker_fixture, names, OVERLAY)
    volumes, allowed = worker_fixture.clients.volumes, allowed_for(folder, names)
    there = move(worker_fixture, folder, names)
    untouched = (folder / "a/compose.yml").stat().st_ino
    assert volumes.state(there) == "before"

    volumes.move(there, allowed)
    volumes.move(there, allowed)  # done already: nothing happens

    assert (volumes.state(there), tree(folder)) == ("after", AFTER)
    docker = worker_fixture.clients.docker
    assert docker.volume(names["new"]) is None  # no second copy of every secret stays behind
    assert (folder / "a/.env").stat().st_mode & 0o777 == 0o640
    assert (folder / "a/compose.yml").stat().st_ino == untouched
    (folder / "c/d/new file").write_text("changed since")

    volumes.move(move(worker_fixture, folder, names, back=True), allowed)

    assert tree(folder) == BEFORE
    assert (folder / "a/.env").stat().st_mode & 0o777 == 0o600
    assert "changed since" in worker_fixture.shell(names["undone"], "cat '/x/c/d/new file'")
    assert docker.volume(names["old"]) is None
    undone = docker.volume(names["undone"])
    assert undone is not None and kept_from(undone) == str(folder)  # listed, and given up by two people


def test_settings_that_changed_places_half_way_are_gone_on_with(
    worker_fixture: WorkerFixture, folder: Path, names: dict[str, str]
) -> None:
    prepared(worker_fixture, names, OVERLAY)
    volumes, allowed = worker_fixture.clients.volumes, allowed_for(folder, names)
    there = move(worker_fixture, folder, names)
    write(folder / "c", "a file where a folder belongs")
    with pytest.raises(PermanentError):
        volumes.move(there, allowed)
    assert volumes.state(there) == "between"
    (folder / "c").unlink()

    volumes.move(there, allowed)

    assert (volumes.state(there), tree(folder)) == ("after", AFTER)
    volumes.move(move(worker_fixture, folder, names, back=True), allowed)
    assert tree(folder) == BEFORE


@pytest.mark.parametrize("is_there", [True, False])
def test_files_in_a_folder_are_replaced_as_a_whole(
    worker_fixture: WorkerFixture, folder: Path, names: dict[str, str], is_there: bool
) -> None:
    prepared(worker_fixture, names, "mkdir /x/sub && printf restored > /x/sub/file")
    volumes, place = worker_fixture.clients.volumes, folder / ("data" if is_there else "lost/altogether")
    before = tree(place)
    allowed = allowed_for(place, names)

    volumes.move(move(worker_fixture, place, names, is_overlay=False), allowed)
    assert tree(place) == {"sub/file": "restored"}

    volumes.move(move(worker_fixture, place, names, back=True, is_overlay=False), allowed)
    assert tree(place) == before


def test_a_volume_that_is_gone_altogether_has_a_place_again(
    worker_fixture: WorkerFixture, names: dict[str, str]
) -> None:
    gone = f"{worker_fixture.volume}_folder_gone"
    prepared(worker_fixture, names, "printf restored > /x/content")
    there = move(worker_fixture, Path(gone), names, is_overlay=False)
    worker_fixture.clients.volumes.move(there, permit(volume(gone), emptied(names["new"]), run=own("r1")))
    try:
        assert worker_fixture.read(gone) == "restored"
    finally:
        worker_fixture.clients.docker.remove_volume(gone, permit(volume(gone)))
