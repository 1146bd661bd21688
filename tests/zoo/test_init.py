"""`drbot init` on systems that drbot has not made: nothing that is mounted is forgotten, and the file is a good one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.site.configuration import load_configuration
from drbot.core.site.inventory import unkept, with_inventory
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never
from tests.zoo.animals import ANIMALS
from tests.zoo.checksums import mounts
from tests.zoo.keeper import PROJECT, SERVICE, Kept, containers
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
QUICK = ("quillpost", "driftwood")
CASES = [pytest.param(one, id=one.name, marks=() if one.name in QUICK else pytest.mark.long) for one in ANIMALS]


@pytest.fixture(params=CASES)
def kept(zoo: Zoo, request: pytest.FixtureRequest) -> Iterator[Kept]:
    with zoo.keeping(request.param) as living:
        yield living


def described(kept: Kept, file: Path) -> str:
    """What `drbot init` writes of this animal alone, with nobody asked."""
    with kept.client() as client:
        projects = {one.labels[PROJECT] for one in containers(client, kept)}
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "init", "--yes", "--file", str(file)]
    words += [f"--project={name}" for name in sorted(projects)]
    environment = {**os.environ, "DOCKER_HOST": kept.host, "DRBOT_HOME": str(file.parent / "home")}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return file.read_text()


def ended(kept: Kept) -> set[str]:
    """The services that have run to their end."""
    with kept.client() as client:
        return {one.labels[SERVICE] for one in containers(client, kept) if one.status == "exited"}


def test_what_is_mounted_is_in_the_file_or_marked_as_missing(kept: Kept, tmp_path: Path) -> None:
    text = described(kept, tmp_path / "dr.yml")

    loaded = load_configuration(tmp_path / "dr.yml")
    site = loaded.configuration.site()
    clients = clients_of(site, loaded.configuration, RunnerSettings.from_environment(tmp_path / "home"))
    found = read_inventory(site, clients.docker, clients.compose, never)
    clients.close()
    left = {one.name for one in unkept(with_inventory(site, found), found)}
    assert all(f"#   {name}: why" in " ".join(text.split("\n")) or name in text for name in left)
    sources = {one.source for one in mounts(kept) if not one.source.startswith("/")}
    named = {mount.source for one in found.services for mount in one.mounts if mount.kind == "volume"}
    anonymous = {one for one in sources if len(one) == 64}
    assert sources - anonymous <= named
    places = {Path(one.source) for one in mounts(kept) if one.writable and not one.store and Path(one.source).is_dir()}
    written = {one.relative_to(kept.projects) for one in places if kept.projects in one.parents}
    named_folders = {Path(one.strip("/")) for one in site.file_folders}
    assert {one for one in written if len(one.parts) > 1 and named_folders.isdisjoint({one, *one.parents})} == set()
    kinds = {store.kind for store in kept.animal.stores}
    assert (site.postgres is not None) is ("postgres" in kinds)
    assert (site.redis is not None) is ("redis" in kinds)
    once = {one.service for one in with_inventory(site, found).services.values() if one.once}
    assert once == ended(kept)
