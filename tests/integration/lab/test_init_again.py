"""`drbot init` on a system that has a dr.yml: what has changed since is shown, and the file stays as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.lab.system import Lab
from drbot.runners.clients.container_labels import PROJECT

pytestmark = pytest.mark.docker


def init(lab: Lab, file: Path) -> tuple[int, str]:
    """As somebody types it, for the projects of this lab."""
    with lab.client() as client:
        found = (one.labels.get(PROJECT, "") for one in client.containers.list(all=True, ignore_removed=True))
        projects = sorted({name for name in found if name.startswith(lab.prefix)})
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "init", "--yes", "--file", str(file)]
    words += [f"--project={name}" for name in projects]
    environment = {**os.environ, "DOCKER_HOST": lab.host, "DRBOT_HOME": str(file.parent / "home")}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def file(lab: Lab, tmp_path: Path) -> Path:
    """As the first `drbot init` has written it."""
    code, said = init(lab, tmp_path / "dr.yml")
    assert code == 0, said
    return tmp_path / "dr.yml"


def test_nothing_has_changed(lab: Lab, file: Path) -> None:
    before = file.read_text()

    code, said = init(lab, file)

    assert (code, "is as what runs here" in said) == (0, True), said
    assert file.read_text() == before


def test_a_folder_by_its_whole_path_is_where_it_is(lab: Lab, file: Path) -> None:
    there, gone = lab.folder / "library", lab.folder / "gone"
    there.mkdir()
    yaml = YAML()
    document = yaml.load(file.read_text())
    document["sites"]["production"].setdefault("files", []).extend(map(str, (there, gone)))
    with file.open("w") as output:
        yaml.dump(document, output)

    _, said = init(lab, file)
    there.rmdir()

    assert f"{there} does not exist" not in said
    assert f"{gone} does not exist" in said


def test_each_difference_is_named_with_what_to_add_and_the_file_stays(lab: Lab, file: Path) -> None:
    yaml = YAML()
    document = yaml.load(file.read_text())
    site = document["sites"]["production"]
    auth = next(key for key, one in site["services"].items() if one["service"] == "auth-service")
    user = next(key for key, one in site["services"].items() if one["service"] == "user-service")
    volume, kept = site["postgres"]["volume"], site["files"][0]
    health = site["services"][user].pop("health")
    known = site["services"].pop(auth)
    site["services"]["gone"] = {"project": known["project"], "service": "worker", "role": "app"}
    site["postgres"] |= {"volume": "moved_away", "databases": ["authdb", "olddb"]}
    del site["redis"]
    site["files"] = ["uploads_of_once"]
    site["not_needed"] = {"cache_of_once": "is filled again"}
    with file.open("w") as output:
        yaml.dump(document, output)
    before = file.read_text()

    code, said = init(lab, file)

    lines = [line.strip() for line in said.splitlines()]
    assert code == 1 and file.read_text() == before
    assert f"+ {known['project']}/auth-service is not named in dr.yml." in lines
    assert f"{auth}: {{{', '.join(f'{name}: {value}' for name, value in known.items())}}}" in lines
    assert f"health: {health}" in lines
    assert f"- gone: there is no {known['project']}/worker." in lines
    assert f"~ `postgres`: its data lies in {volume}, not in moved_away." in lines
    assert f"volume: {volume}" in lines
    assert "+ `postgres`: new databases: admindb, apidb." in lines
    assert "databases: [authdb, olddb, admindb, apidb]" in lines
    assert "- `postgres`: databases that are gone: olddb." in lines
    assert any(line.startswith("redis: {service: redis, volume: ") for line in lines)
    assert f"- {kept}" in lines
    assert "- `files`: uploads_of_once does not exist." in lines
    assert "- `not_needed`: nothing mounts cache_of_once." in lines


def test_a_file_that_cannot_be_read_is_told_with_its_line(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "dr.yml").write_text("system: shop\nsites: [\n")

    code, said = init(lab, tmp_path / "dr.yml")

    assert code == 2 and "dr.yml:" in said
