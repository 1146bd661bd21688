"""A compose file may give its volumes and images any label, drbot's too, and a manifest may name anything: what drbot
keeps, copies and brings back is told by more than that.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.occupants import Moved, returning
from drbot.runners.actions import putting_back, setting_aside
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.container_labels import marker_of
from drbot.runners.foundation.permit import folder as folder_subject
from tests.archives import store_in
from tests.integration.actions.conftest import WorkerFixture, own
from tests.integration.actions.machine import Machine
from tests.integration.actions.test_full_backup import with_files

pytestmark = [pytest.mark.docker, pytest.mark.timeout(200)]

OF_COMPOSE = {"com.docker.compose.project": "other", "com.docker.compose.volume": "x"}


@pytest.fixture
def uploads(worker_fixture: WorkerFixture) -> Iterator[Path]:
    """A folder of a project, with a file of users."""
    site = worker_fixture.configuration.site()
    folder = Path(site.projects).absolute() / site.services["postgres"].project / "uploads"
    folder.mkdir()
    (folder / "photo").write_text("of users")
    yield folder
    (folder / "photo").unlink()
    folder.rmdir()


@pytest.mark.parametrize("of_compose", [True, False])
@pytest.mark.parametrize("whole_project", [True, False])
def test_no_label_leaves_a_folder_out_of_a_backup(
    worker_fixture: WorkerFixture, tmp_path: Path, uploads: Path, whole_project: bool, of_compose: bool
) -> None:
    labelled = uploads.parent if whole_project else uploads
    name = marker_of(str(labelled)) if of_compose else own("anything")
    labels = {**(OF_COMPOSE if of_compose else {}), "drbot.folder": str(labelled)}
    engine = worker_fixture.clients.docker.client.api
    engine.create_volume(name, labels=labels)
    try:
        store = store_in(tmp_path / "backups")
        backup, _ = back_up_full(
            with_files(worker_fixture, tmp_path / "backups"), "production", clients=worker_fixture.clients,
            document=worker_fixture.lab.configuration, stores=(store,),
        )  # fmt: skip
    finally:
        engine.remove_volume(name)

    rules = FullRules(system=worker_fixture.configuration.system, site="production", server_major=15)
    assert choose_full_backup((store,), rules).refused == ()
    assert backup.snapshot is not None
    held = store.restic().listed(backup.snapshot.id, (f"/projects/{uploads.parent.name}/uploads",))
    assert any(path.endswith("photo") for path in held[1])


@pytest.mark.parametrize("of_compose", [True, False])
def test_a_folder_has_no_labels_but_those_of_drbots_own_marker(
    worker_fixture: WorkerFixture, uploads: Path, of_compose: bool
) -> None:
    docker, folder = worker_fixture.clients.docker, str(uploads)
    name = marker_of(folder) if of_compose else own("anything")
    labels = {**(OF_COMPOSE if of_compose else {}), "drbot.folder": folder, "drbot.kept": "r1"}
    docker.client.api.create_volume(name, labels=labels)
    try:
        assert folder not in docker.made_folders()
        assert docker.volumes_labelled({"drbot.kept": "r1"}) == (name,)
        there = docker.volume(folder)
        assert there is not None and there.labels == {}
    finally:
        docker.client.api.remove_volume(name)


def test_a_folder_that_two_people_agreed_to_keep_is_kept_or_nothing_is_touched(
    machine: Machine, tmp_path: Path
) -> None:
    """Between plan and act a mark appears that says the folder is this run's own."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "photo").write_text("of users")
    machine.folders = (str(folder),)
    machine.container(wrote="x")
    found, before = machine.survey("r1"), machine.picture()
    assert str(folder) in {one.name for one in found}
    mine = {"drbot.folder": str(folder), "drbot.run": own("r1")}
    machine.api.volumes.create(marker_of(str(folder)), labels=mine)

    try:
        with pytest.raises(PermanentError, match=r"uploads cannot be kept as the plan says.*Nothing was touched"):
            setting_aside.set_aside(machine.context("r1", found), given("r1"))
    finally:
        machine.api.volumes.get(marker_of(str(folder))).remove()
    assert ((folder / "photo").read_text(), machine.picture()) == ("of users", before)


def test_a_mark_in_the_folder_of_the_projects_lets_nobody_write_into_it(machine: Machine) -> None:
    machine.files({"system/.env": "of users"})
    found = machine.survey("r1")
    (machine.folder / ".drbot-run").write_text(own("r1"))

    with pytest.raises(PermanentError, match="cannot be kept as the plan says"):
        setting_aside.set_aside(machine.context("r1", found), given("r1"))

    assert folder_subject(machine.folder) in setting_aside.subjects(machine.context("r1", found), {})
    assert (machine.folder / "system/.env").read_text() == "of users"


@pytest.mark.parametrize("more", [OF_COMPOSE, {}])
def test_a_volume_with_drbots_labels_is_not_what_comes_back(machine: Machine, more: dict[str, str]) -> None:
    machine.volume("data", {"rows": "real"})
    machine.put_aside("r1")
    made_of = json.dumps({"labels": {}, "driver": "local", "options": {}})
    kept = {"drbot.kept": "true", "drbot.run": own("r1"), "drbot.made_of": made_of, **more}
    machine.volume("zzz", {"rows": "evil", f".drbot-whole-{own('r1')}": ""},
                   **kept, **{"drbot.original": f"{machine.name}_data"})  # fmt: skip
    machine.volume("aaa", {"rows": "evil"}, **kept)  # of no original at all

    machine.put_back("r2", of="r1")

    assert machine.shell(f"{machine.name}_data", "cat rows") == "real"


@pytest.mark.parametrize("label", [{}, {"drbot.kept.container": "{}"}])
def test_an_image_with_drbots_labels_keeps_nothing(machine: Machine, label: dict[str, str]) -> None:
    machine.container(wrote="real")
    found = machine.put_aside("r1")
    image(machine, "x", label)

    assert machine.target.put_aside(own("r1")) == found


def test_an_image_that_keeps_another_container_of_that_name_does_not_come_back(machine: Machine) -> None:
    """Made after the plan, under whatever tag: the plan names one container exactly."""
    name = machine.container(wrote="real")
    attributes = machine.api.containers.get(name).attrs
    evil = {**attributes, "Id": "e" * 64, "HostConfig": {**attributes["HostConfig"], "Privileged": True}}
    found = machine.survey("r1")
    image(machine, "zzz", {"drbot.kept.running": "true", "drbot.kept.container": json.dumps(evil)})
    setting_aside.set_aside(machine.context("r1", found), given("r1"))

    aside = returning(Moved(meant=found, kept=machine.target.put_aside(own("r1"))), [], ())
    putting_back.put_back(machine.context("r2", aside=aside), {"aside": own("r1")})

    assert not machine.api.containers.get(name).attrs["HostConfig"]["Privileged"]


def test_a_volume_of_the_system_is_put_aside_whatever_its_labels_say(machine: Machine) -> None:
    volume = machine.volume("data", {"rows": "of users"}, **{"drbot.kept": "true"}, **OF_COMPOSE)

    assert volume in {one.name for one in machine.put_aside("r1")}
    assert machine.docker.volume(volume) is None


def test_a_path_in_a_manifest_is_no_volume_of_the_system(machine: Machine, tmp_path: Path) -> None:
    home = tmp_path / "home-of-somebody"
    home.mkdir()
    machine.mounts = (str(home),)

    assert str(home) not in {one.name for one in machine.survey("r1")}


def given(run: str) -> dict[str, object]:
    """What the step of the runbook gives."""
    return {"services": ["app"], "keeper": f"_before_{own(run)}"}


def image(machine: Machine, tag: str, labels: dict[str, str]) -> None:
    """Of the repository in which drbot keeps containers."""
    container = machine.api.containers.create(machine.image, ["true"])
    said = {"drbot.kept.run": own("r1"), **labels}
    container.commit("drbot-kept", f"{machine.name}-{tag}", conf={"Labels": said})
    container.remove()
