"""What changes places is a folder that drbot has made, or one that it kept; every other one stays as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.container_labels import FOLDER_LABEL, RUN_LABEL
from drbot.runners.clients.host_folders import LIKE
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.clients.volume_mover import Move
from drbot.runners.foundation.permit import Permit, emptied, volume
from drbot.runners.foundation.settings import RunnerSettings
from tests.integration.runners.worker_fixture import configuration_in
from tests.permits import own, permit

pytestmark = pytest.mark.docker

RUN = "r1-moves"


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Three folders side by side; the keeper is not there yet."""

    clients: Clients
    data: Path
    move: Move

    def beside(self, suffix: str) -> Path:
        return self.data.with_name(f"data_{suffix}")

    def read(self) -> dict[str, str]:
        """Folder → what the file in it says."""
        return {one.name: (one / "content").read_text() for one in self.data.parent.iterdir()}

    @property
    def allowed(self) -> Permit:
        return permit(volume(self.move.volume), emptied(self.move.replacement), run=RUN)


@pytest.fixture
def folders(engine: str, tmp_path: Path) -> Iterator[Folders]:
    settings = RunnerSettings(home=tmp_path / "home", docker_host=engine)
    clients = clients_of(configuration_in(tmp_path).site(), configuration_in(tmp_path), settings)
    data, labels = tmp_path / "shop/data", {RUN_LABEL: RUN}
    data.mkdir(parents=True)
    data.chmod(0o700)
    (data / "content").write_text("old")
    made = data.with_name("data_r")
    clients.docker.create_volume(str(made), labels, options={LIKE: str(data)})
    (made / "content").write_text("new")
    move = Move(
        volume=str(data), replacement=str(made), keeper=str(data.with_name("data_k")), brings_back=False,
        image=tools_image(clients.docker), labels=labels, cancelled=lambda: False,
    )  # fmt: skip
    yield Folders(clients=clients, data=data, move=move)
    for name in clients.docker.made_folders():
        if Path(name).is_relative_to(tmp_path):
            clients.docker.remove_volume(name, permit(volume(name)))
    clients.close()


def test_a_new_folder_is_as_the_one_beside_it_and_known_by_its_mark(folders: Folders) -> None:
    found = folders.clients.docker.volume(folders.move.replacement)

    assert found is not None
    assert (found.labels[RUN_LABEL], found.labels[FOLDER_LABEL]) == (RUN, folders.move.replacement)
    assert folders.beside("r").stat().st_mode == folders.data.stat().st_mode
    assert folders.move.replacement in folders.clients.docker.volumes_labelled({RUN_LABEL: RUN})
    with pytest.raises(PermanentError, match="there is one already"):
        folders.clients.docker.create_volume(folders.move.replacement, {})


def test_a_crash_between_the_two_renames_is_seen_and_repaired(folders: Folders) -> None:
    volumes = folders.clients.volumes
    states = [volumes.state(folders.move)]

    with pytest.raises(PermanentError, match="between"):
        volumes.move(folders.move, folders.allowed, "stop-between")
    states.append(volumes.state(folders.move))
    assert not folders.data.exists()
    volumes.move(folders.move, folders.allowed)
    again = volumes.move(folders.move, folders.allowed)

    assert [*states, volumes.state(folders.move)] == ["before", "between", "after"]
    assert again.method == "rename"
    assert folders.read() == {"data": "new", "data_k": "old"}


def test_somebody_who_started_the_service_in_between_is_not_overwritten(folders: Folders) -> None:
    with pytest.raises(PermanentError, match="between"):
        folders.clients.volumes.move(folders.move, folders.allowed, "stop-between")
    folders.data.mkdir()
    (folders.data / "content").write_text("third")

    with pytest.raises(PermanentError, match="all three"):
        folders.clients.volumes.move(folders.move, folders.allowed)

    assert folders.read() == {"data": "third", "data_r": "new", "data_k": "old"}


def test_data_that_is_gone_with_its_folder_has_a_place_again(folders: Folders) -> None:
    (folders.data / "content").unlink()
    folders.data.rmdir()

    folders.clients.volumes.move(folders.move, folders.allowed)

    assert (folders.data / "content").read_text() == "new"
    assert (folders.beside("k") / "WAS-EMPTY.txt").exists()


def test_a_folder_that_drbot_has_not_made_is_neither_put_in_place_nor_removed(folders: Folders) -> None:
    others = folders.beside("others")
    others.mkdir()
    (others / "content").write_text("precious")
    docker, before = folders.clients.docker, folders.read()

    with pytest.raises(PermanentError, match="was not made by"):
        folders.clients.volumes.move(replace(folders.move, replacement=str(others)), folders.allowed)
    with pytest.raises(PermanentError, match="was not made by"):
        folders.clients.volumes.move(replace(folders.move, keeper=str(others)), folders.allowed)
    with pytest.raises(PermanentError, match="was not made by"):
        docker.remove_own_volume(str(others), own(RUN))
    with pytest.raises(PermanentError, match="was not made by"):
        docker.remove_own_volume(str(folders.beside("r")), own("another-run"))
    with pytest.raises(PermanentError, match="not made by drbot"):
        docker.remove_volume(str(others), permit(volume(str(others))))
    with pytest.raises(PermanentError, match="Nobody approved"):
        folders.clients.volumes.move(folders.move, permit(volume(f"{folders.data}_other"), run=RUN))

    assert folders.read() == before


def test_kept_data_returns_only_to_where_it_was_and_goes_by_two_people_alone(folders: Folders) -> None:
    volumes, docker = folders.clients.volumes, folders.clients.docker
    volumes.move(folders.move, folders.allowed)
    keeper = folders.beside("k")
    elsewhere = replace(
        folders.move, volume=f"{folders.data}_elsewhere", replacement=str(keeper), keeper=f"{keeper}2", brings_back=True
    )

    with pytest.raises(PermanentError, match="does not hold kept data of"):
        volumes.move(elsewhere, permit(volume(elsewhere.volume), run=RUN))
    with pytest.raises(PermanentError, match="two people"):
        docker.remove_own_volume(str(keeper), own(RUN))
    kept = docker.volume(str(keeper))
    assert kept is not None
    allowed = permit(volume(str(keeper)))
    with pytest.raises(PermanentError, match="is not the one of the plan"):
        volumes.remove_kept_volume(str(keeper), allowed, original=str(folders.data), made_at="another time")
    with pytest.raises(PermanentError, match="not kept data of"):
        volumes.remove_kept_volume(str(keeper), allowed, original=f"{folders.data}_x", made_at=kept.created_at)

    assert volumes.remove_kept_volume(str(keeper), allowed, original=str(folders.data), made_at=kept.created_at)
    assert folders.read() == {"data": "new"}


def test_a_link_and_what_lies_behind_one_is_not_swapped(folders: Folders) -> None:
    behind = folders.data.parent.with_name("link")
    behind.symlink_to(folders.data.parent)
    link = folders.data.with_name("data_link")
    link.symlink_to(folders.data)

    for place in (behind / "data", link):
        move = replace(folders.move, volume=str(place))
        with pytest.raises(PermanentError, match="it is a link, or lies behind one"):
            folders.clients.volumes.move(move, permit(volume(str(place)), run=RUN))
    link.unlink()

    assert folders.read() == {"data": "old", "data_r": "new"}


def test_a_mount_point_is_told_before_anything_is_touched(folders: Folders) -> None:
    mount = "/dev/shm"
    move = replace(folders.move, volume=mount)

    with pytest.raises(PermanentError, match="cannot be renamed"):
        folders.clients.volumes.move(move, permit(volume(mount), run=RUN))

    found = folders.clients.docker.volume(mount)
    assert found is not None and "mounted right there" in found.fault
    assert folders.read() == {"data": "old", "data_r": "new"}


def test_what_uses_a_folder_is_seen_as_of_a_volume(folders: Folders) -> None:
    api = folders.clients.docker.client.api
    container = api.create_container(
        folders.move.image, ["sh"], host_config=api.create_host_config(binds=[f"{folders.data}/inside:/x"])
    )["Id"]
    try:
        users = folders.clients.docker.made_with(str(folders.data))
    finally:
        api.remove_container(container)

    assert [user.is_running for user in users] == [False]
