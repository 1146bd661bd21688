"""`drbot init` on systems that drbot has not made: nothing that is mounted is forgotten, and the file passes check."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from drbot.core.site.configuration import load_configuration
from drbot.core.site.inventory import with_inventory
from drbot.core.site.site import Site
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never
from tests.zoo.animals import ANIMALS
from tests.zoo.backed_up import left_out
from tests.zoo.checksums import mounts
from tests.zoo.keeper import PROJECT, SERVICE, Kept, containers
from tests.zoo.levels import attempt
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
QUICK = ("quillpost", "mothlight")
CASES = [pytest.param(one, id=one.name, marks=() if one.name in QUICK else pytest.mark.long) for one in ANIMALS]
COPIED = ("mariadb", "sqlite")  # drbot has no dump of them: files that are copied as they lie
PEOPLE = "aiko=U00AIKO ben=U00BEN chika=U00CHIKA"


@pytest.fixture(params=CASES)
def kept(zoo: Zoo, request: pytest.FixtureRequest) -> Iterator[Kept]:
    with zoo.keeping(request.param) as living:
        yield living


def described(kept: Kept) -> Path:
    """What `drbot init` writes of this animal alone, and all that is typed for it: three answers."""
    file = kept.folder / "drbot" / "dr.yml"
    (file.parent / "backups").mkdir(parents=True)
    with kept.client() as client:
        projects = {one.labels[PROJECT] for one in containers(client, kept)}
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "init", "--file", str(file)]
    words += [f"--project={name}" for name in sorted(projects)]
    environment = {**os.environ, "DOCKER_HOST": kept.host, "DRBOT_HOME": str(file.parent / "state")}
    keyboard, terminal = pty.openpty()
    os.write(keyboard, f"{PEOPLE}\n{file.parent / 'backups'}\n\n".encode())
    done = subprocess.run(words, env=environment, stdin=terminal, capture_output=True, text=True, check=False)
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == 0, done.stdout + done.stderr
    return file


def ended(kept: Kept) -> set[str]:
    """The services that have run to their end."""
    with kept.client() as client:
        return {one.labels[SERVICE] for one in containers(client, kept) if one.status == "exited"}


def found_to_end(file: Path) -> set[str]:
    """The services of which drbot knows that they run once."""
    configuration = load_configuration(file).configuration
    site: Site = configuration.site()
    clients = clients_of(site, configuration, RunnerSettings.from_environment(file.parent / "state"))
    found = read_inventory(site, clients.docker, clients.compose, never)
    clients.close()
    return {one.service for one in with_inventory(site, found).services.values() if one.once}


def written_below_projects(kept: Kept) -> set[Path]:
    """Folders with data, beside the settings."""
    places = {Path(one.source) for one in mounts(kept) if one.writable and not one.store and Path(one.source).is_dir()}
    below = {one.relative_to(kept.projects) for one in places if kept.projects in one.parents}
    return {one for one in below if len(one.parts) > 1}


def paused(site: dict[str, Any]) -> set[str]:
    """The services that do not write while their files are copied."""
    return {one["service"] for one in site["services"].values() if one.get("pause_for_backup")}


def test_all_that_is_mounted_is_backed_up_or_marked_and_the_file_passes_check(kept: Kept) -> None:
    stores = {one.kind for one in kept.animal.stores if f"level 2 {one.kind}" not in kept.animal.refused}
    file = described(kept)
    text = file.read_text()
    site: dict[str, Any] = YAML(typ="safe").load(text)["sites"]["production"]
    marked = {name.replace(kept.name, kept.animal.name) for name in re.findall(r"#   (\S+): why", text)}

    once = found_to_end(file)
    with kept.quiet():
        tried = (*(("backup postgres",) if "postgres" in site else ()), "backup full")
        outcomes = [attempt(kept, one) for one in tried]
        missing = {f"{kept.animal.name}/{name}" for name in left_out(kept)}
    kept.wait_until_well()
    checked = attempt(kept, "check")

    assert {"postgres", "redis"} & site.keys() == {"postgres", "redis"} & stores
    assert once == ended(kept)
    files = {Path(name.strip("/")) for name in site.get("files", ())}
    assert {one for one in written_below_projects(kept) if files.isdisjoint({one, *one.parents})} == set()
    assert [(one.tried, one.said) for one in outcomes if not one.passed] == []
    assert missing <= marked
    assert {one.service for one in kept.animal.stores if one.kind in COPIED} <= paused(site)
    told = (file.parent / "backup full.log").read_text()
    assert [name for name in marked if name not in told] == []
    assert [name for name in marked if f"{name}: in no backup" not in checked.said] == []
    assert (checked.passed, checked.said.count("✗")) == (not marked, len(marked)), checked.said
