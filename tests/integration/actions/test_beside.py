"""Redis, files and settings of a full backup: restored beside, proven there, swapped, and never more than was told."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.stakes import Stakes
from drbot.core.site.site import Backups, Configuration, Site
from drbot.runners.actions import beside, fetching, volume
from drbot.runners.actions.broken import Looking, look, other_settings
from drbot.runners.backups.choose_full import identity_of
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation import permit
from drbot.runners.foundation.watching import never
from tests.archives import with_quick_key
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit as permitted

pytestmark = pytest.mark.docker

RUN = "r-beside"


@dataclass(frozen=True, kw_only=True)
class Backed:
    """A lab of which a full backup was made, and a run that has fetched it."""

    worker_fixture: WorkerFixture
    configuration: Configuration
    context: StepContext
    folder: str  # an entry of `files` that is one, below the projects

    @property
    def site(self) -> Site:
        return self.configuration.site()

    def name(self, purpose: str) -> str:
        """Of a volume of this run."""
        return f"{own('beside')}-{purpose}"

    def step(self, purpose: str, **stakes: Any) -> StepContext:
        """A step that may replace whatever this is about."""
        labels = {**self.context.labels, "drbot.step": purpose}
        places = (str(self.site.projects), str(self.site.projects / self.folder))
        emptied = (self.name(purpose), self.name(f"{purpose}-old"))  # by the swap, and by taking it back
        subjects = (*map(permit.volume, places), *map(permit.emptied, emptied))
        plan = self.context.plan.model_copy(update={"stakes": Stakes(**stakes)})
        return replace(self.context, labels=labels, plan=plan, permit=permitted(*subjects, run=own(RUN)))


@pytest.fixture(scope="module")
def backed(shared: WorkerFixture, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backed]:
    home = tmp_path_factory.mktemp("beside")
    site = shared.configuration.site()
    folder = f"{site.services['admin'].project}/uploads"
    (site.projects / folder).mkdir()
    (site.projects / folder / "picture").write_text("of a cat")
    site = site.model_copy(update={"files": (*site.files, folder)})
    configuration = shared.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=home / "backups"), "object_store": None}
    )
    made, manifest = back_up_full(with_quick_key(configuration), "production", clients=shared.clients)
    settings = replace(shared.clients.settings, home=home)
    clients = replace(shared.clients, settings=settings)
    context = shared.context("fetch", run=RUN, backup=identity_of(made, manifest), clients=clients)
    context = replace(context, site=site, configuration=configuration)
    fetching.fetch(context, {})
    found = Backed(worker_fixture=shared, configuration=configuration, context=context, folder=folder)
    yield found
    shutil.rmtree(site.projects / folder)
    for left in shared.clients.docker.volumes_labelled({"drbot.run": own(RUN)}):
        shared.clients.docker.client.api.remove_volume(left)


def test_redis_is_restored_beside_and_its_keys_are_counted_in_the_file_that_it_reads(backed: Backed) -> None:
    given = {"backup": "x", "volume": backed.name("redis"), "expect": "manifest"}
    assert not beside.redis_keys(backed.step("redis"), given).passed

    outcome = beside.redis(backed.step("redis"), given)

    found = beside.redis_keys(backed.step("redis"), given)
    assert found.passed and found.facts["keys"] == outcome.facts["keys"] >= 500
    backed.worker_fixture.shell(given["volume"], "find /x/ -type f -name '*base*' -delete")
    assert not beside.redis_keys(backed.step("redis"), given).passed


def test_a_redis_beside_production_gets_no_right_that_nobody_agreed_to(backed: Backed, tmp_path: Path) -> None:
    """It starts before anybody has voted."""
    service = backed.site.services["redis"]
    override = backed.worker_fixture.clients.compose.folder(service.project) / "docker-compose.override.yml"
    said = {"privileged": True, "volumes": [f"{tmp_path}:/data/there"]}
    given = {"backup": "x", "volume": backed.name("more"), "expect": "manifest"}

    override.write_text(json.dumps({"services": {service.service: said}}))
    try:
        with pytest.raises(PermanentError, match="which production's own container of it does not have") as told:
            beside.redis(backed.step("more"), given)
    finally:
        override.unlink()

    assert "privileged" in str(told.value) and str(tmp_path) in str(told.value)
    assert backed.worker_fixture.clients.docker.volume(given["volume"]) is None


@pytest.mark.parametrize("is_folder", [True, False])
def test_files_are_restored_beside_and_compared_byte_by_byte(backed: Backed, is_folder: bool) -> None:
    name = backed.folder if is_folder else backed.site.files[0]
    given = {"backup": "x", "files": name, "volume": backed.name(f"files{is_folder}"), "expect": "manifest"}
    context = backed.step("files")

    assert beside.files(context, given).facts["files"]
    assert beside.files_equal(context, given).passed
    assert beside.set_equal(context, given).passed
    backed.worker_fixture.shell(given["volume"], "touch /x/one-too-many")
    assert not beside.files_equal(context, given).passed


def test_a_folder_of_files_that_is_lost_is_found_swapped_in_and_equal(backed: Backed) -> None:
    place = backed.site.projects / backed.folder
    given = {"backup": "x", "files": backed.folder, "volume": backed.name("folder"), "expect": "manifest"}
    beside.files(backed.step("folder"), given)
    (place / "picture").rename(place / "another")
    assert not beside.set_equal(backed.step("folder"), given).passed
    names = {"volume": str(place), "replacement": given["volume"], "keeper": backed.name("folder-old")}

    volume.swap(backed.step("folder"), names)

    assert beside.set_equal(backed.step("folder"), given).passed
    assert volume.swapped(backed.step("folder"), names).passed
    volume.swap_back(backed.step("folder"), {**names, "keeper": names["keeper"], "replacement": backed.name("back")})
    assert [path.name for path in place.iterdir()] == ["another"]
    (place / "another").rename(place / "picture")


@pytest.mark.more
def test_settings_are_swapped_only_where_the_card_says_so(backed: Backed) -> None:
    given = {"backup": "x", "volume": backed.name("settings"), "expect": "manifest"}
    lost = backed.site.projects / backed.site.services["auth"].project / ".env"
    other = backed.site.projects / backed.site.services["user"].project / ".env"
    before, edited = lost.read_text(), other.read_text()
    beside.settings(backed.step("settings"), given)
    assert beside.settings_equal(backed.step("settings"), given).passed
    assert other_files(backed) == ()
    lost.unlink()
    told = other_files(backed)
    assert [Path(path).name for path in told] == [".env"]
    names = {"volume": str(backed.site.projects), "replacement": given["volume"], "keeper": backed.name("old")}
    other.write_text(edited + "# by hand\n")

    with pytest.raises(PermanentError, match="changed since the plan was made"):
        volume.swap(backed.step("settings", files=told), names)
    assert not lost.exists() and other.read_text() != edited

    other.write_text(edited)
    volume.swap(backed.step("settings", files=told), names)
    assert lost.read_text() == before and other_files(backed) == ()
    mover = backed.context.clients.volumes
    assert mover.files_of_overlay(names["keeper"], backed.context.labels, never) == told  # what an undo would change
    beside.settings(backed.step("settings"), given)  # the first copy went with the swap
    backed.worker_fixture.shell(given["volume"], "echo damaged >> /x/$(cd /x && ls | head -1)/.env")
    assert not beside.settings_equal(backed.step("settings"), given).passed


def other_files(backed: Backed) -> tuple[str, ...]:
    backup = backed.context.plan.backup
    assert backup is not None
    return other_settings(backed.context.clients.docker, backed.site, backed.configuration, backup, never)


def test_what_is_broken_is_seen_and_a_whole_system_is_not(backed: Backed) -> None:
    def looks() -> list[tuple[str, str]]:
        system = Looking(
            clients=backed.context.clients, site=backed.site, configuration=backed.configuration,
            labels=backed.context.labels, cancelled=never, files=backed.site.files,
        )  # fmt: skip
        return [(one.kind.value, one.files) for one in look(system).broken]

    assert looks() == []
    place = backed.site.projects / backed.folder
    moved = place.with_name("elsewhere")
    place.rename(moved)
    settings = backed.site.projects / backed.site.services["auth"].project / ".env"
    text = settings.read_text()
    settings.unlink()
    try:
        assert looks() == [("settings", ""), ("files", backed.folder)]
        settings.write_text(f"{text}\nAPP_PASSWORD=another\n")
        assert looks() == [("files", backed.folder), ("settings", "")]
    finally:
        settings.write_text(text)
        moved.rename(place)
