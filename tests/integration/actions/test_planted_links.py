"""A service may plant links in a folder that it has mounted: what they lead to on the host is nobody's backup."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from drbot.core.site.site import Backups
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds
from tests.archives import store_in
from tests.integration.actions.machine import Machine
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)


def members(machine: Machine, folder: Path) -> dict[str, bytes]:
    """What a full backup holds of files, by the ends of their names."""
    site = machine.site.model_copy(update={"files": ()})
    configuration = machine.worker_fixture.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=folder), "object_store": None}
    )
    store = store_in(folder)
    made, _ = back_up_full(configuration, "production", clients=machine.clients, stores=(store,))
    assert made.snapshot is not None
    archive = io.BytesIO(b"".join(store.restic().stream(made.snapshot.id, "/", "--archive=tar")))
    with tarfile.open(fileobj=archive) as opened:
        read = {one.name.strip("/"): opened.extractfile(one) for one in opened if one.isfile()}
        return {name: file.read() for name, file in read.items() if file is not None}


def test_a_link_that_a_service_planted_brings_no_file_of_the_host_into_a_backup(
    machine: Machine, tmp_path: Path
) -> None:
    secret, settings = tmp_path / "shadow", tmp_path / "outside.env"
    secret.write_text("root:hash")
    settings.write_text("A=1")
    plants = f"ln -s {secret} /data/planted; sleep 600"
    described = {
        "image": machine.image, "network_mode": "none", "stop_grace_period": "0s",
        "entrypoint": ["sh", "-c", plants], "volumes": ["./data:/data"],
    }  # fmt: skip
    machine.files({f"{machine.name}/compose.yml": json.dumps({"services": {"app": described}})})
    project = machine.folder / machine.name
    (project / "linked.env").symlink_to(settings)  # of people
    machine.clients.compose.up(machine.name, ["app"], WATCH)
    wait_for((project / "data/planted").is_symlink, PATIENCE, "the link to be planted")

    found = members(machine, tmp_path / "backups")

    assert found[f"linked/{machine.name}/linked.env"] == b"A=1"
    assert b"root:hash" not in found.values()
