"""A compose project may lie in a folder of another name, and be started from files with names of their own."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drbot.cli.inventory import place_text
from drbot.core.base.errors import PermanentError
from drbot.core.site.inventory import Inventory, KnownProject, with_inventory
from drbot.core.site.readiness import Line
from drbot.core.site.site import ComposeFiles
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.clients.process import Bounds
from drbot.runners.contract.fingerprint import digest
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.readiness import SiteReadiness
from tests.integration.actions.machine import Machine
from tests.permits import permit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
BOUNDS = Bounds(cancelled=never, seconds=120)
WATCH = Watch(bounds=BOUNDS, on_line=lambda line: None)
STACK = ("--file=stack.yml", "--file=parts/host.yml", "--env-file=settings.txt")


@dataclass
class Shop:
    """What its people typed, and where."""

    machine: Machine
    folder: Path

    def typed(self, *words: str) -> str:
        docker = ["docker", f"--host={self.machine.site.docker.host}", "compose", f"--project-name={self.machine.name}"]
        done = subprocess.run([*docker, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def known(self) -> tuple[KnownProject, ...]:
        return read_inventory(
            self.machine.site, self.machine.clients.docker, self.machine.clients.compose, never
        ).projects

    def ids(self) -> set[str]:
        return {str(one.id) for one in self.machine.containers()}

    def red(self) -> str:
        """What readiness says of the projects."""
        return " ".join(line.sentence for line in self.lines() if not line.well and line.what == f"here: {self.name}")

    def lines(self, *files: str) -> list[Line]:
        """Of readiness. `files`: as dr.yml names them."""
        site, clients = self.machine.site.model_copy(update={"files": files}), self.machine.clients
        inventory = read_inventory(site, clients.docker, clients.compose, never)
        known = with_inventory(site, inventory)
        about = SiteReadiness(
            name="here", site=known, clients=clients.of(known), inventory=inventory,
            alerts=self.machine.worker_fixture.configuration.alerts,
        )  # fmt: skip
        return list(about.lines())


Open = Callable[[Path], Shop]


@pytest.fixture
def opened(machine: Machine) -> Open:
    def write(folder: Path) -> Shop:
        (folder / "parts").mkdir(parents=True)
        service = f"{{image: {machine.image}, network_mode: none, stop_grace_period: 0s, entrypoint: [sleep, '600']}}"
        (folder / "stack.yml").write_text(f"services:\n  app: {service}\n  other: {service}\n")
        (folder / "parts" / "host.yml").write_text("services: {app: {environment: {WORD: '${WORD:-none}'}}}\n")
        (folder / "settings.txt").write_text("WORD=of the shop\n")
        return Shop(machine, folder)

    return write


@pytest.fixture
def shop(machine: Machine, opened: Open) -> Shop:
    shop = opened(machine.folder / f"srv-{machine.name}")
    shop.typed(*STACK, "up", "--detach")
    return shop


def knowing(shop: Shop) -> Clients:
    """As a step has them, whose plan was made while the containers were there."""
    clients = shop.machine.clients
    inventory = read_inventory(shop.machine.site, clients.docker, clients.compose, never)
    return clients.of(with_inventory(shop.machine.site, inventory))


def test_where_it_lies_and_what_it_was_started_from_is_read_from_its_containers(shop: Shop) -> None:
    assert shop.known == (
        KnownProject(
            project=shop.name, folder=shop.folder.name, files=("stack.yml", "parts/host.yml"),
            env_files=("settings.txt",),
        ),
    )  # fmt: skip
    assert not shop.red()
    known = with_inventory(shop.machine.site, Inventory(projects=shop.known))
    assert str(place_text(known, shop.name)) == (
        f"{shop.name}: {shop.folder}; started from stack.yml, parts/host.yml, settings.txt"
    )


@pytest.fixture
def apart() -> Iterator[Path]:
    """A folder elsewhere on the host; pytest's own may lie below /dev, which is no place of data."""
    with TemporaryDirectory(dir="/tmp", prefix="drbot-apart-") as folder:
        yield Path(folder)


def test_a_file_that_a_service_mounts_is_kept_by_its_folder(shop: Shop, apart: Path) -> None:
    file = apart / "prices.json"
    file.write_text("{}")
    mounted = {"services": {"app": {"volumes": [f"{file}:/etc/prices.json"]}}}
    (shop.folder / "parts" / "host.yml").write_text(json.dumps(mounted))
    shop.typed(*STACK, "up", "--detach")

    def said(*files: str) -> str:
        return " ".join(line.sentence for line in shop.lines(*files) if str(file) in line.what)

    assert "Add its folder to `files` in dr.yml" in said()
    assert "it is a file. Name its folder under `files`" in said(str(file))
    assert not said(str(apart))


def test_every_verb_uses_the_same_folder_and_files(shop: Shop) -> None:
    compose, before = shop.machine.clients.compose, shop.ids()

    environment = compose.describe(shop.name, never)["services"]["app"]["environment"]
    outdated = compose.outdated(shop.name, ["app", "other"], BOUNDS)
    compose.stop(shop.name, ["app"], permit(f"service {shop.name}/app"), WATCH)
    compose.up(shop.name, ["app"], WATCH)

    assert environment == {"WORD": "of the shop"}
    assert outdated == frozenset()
    assert shop.ids() == before
    shop.typed(*STACK, "up", "--detach")
    assert shop.ids() == before


def test_what_a_plan_knows_is_used_where_no_container_is_left(shop: Shop) -> None:
    clients = knowing(shop)
    shop.typed(*STACK, "down")

    with pytest.raises(PermanentError, match="no folder"):
        shop.machine.clients.compose.up(shop.name, ["app"], WATCH)
    clients.compose.up(shop.name, ["app"], WATCH)

    (made,) = shop.machine.containers()
    assert "WORD=of the shop" in made.attrs["Config"]["Env"]


def test_dr_yml_may_say_it_and_counts(shop: Shop) -> None:
    said = {shop.name: ComposeFiles(folder=shop.folder.name, files=("stack.yml",))}
    site = shop.machine.site.model_copy(update={"compose": said})
    shop.typed(*STACK, "down")

    shop.machine.clients.of(site).compose.up(shop.name, ["app"], WATCH)

    assert [one.files for one in shop.known] == [("stack.yml",)]


def test_a_label_that_is_forged_later_changes_nothing_of_what_was_sealed(shop: Shop) -> None:
    clients = knowing(shop)
    (shop.folder / "evil.yml").write_text((shop.folder / "stack.yml").read_text() + "  evil: {image: evil}\n")
    shop.typed("--file=evil.yml", "up", "--detach", "--force-recreate", "--no-deps", "other")

    assert set(clients.compose.describe(shop.name, never)["services"]) == {"app", "other"}
    assert "different files" in shop.red()


@pytest.mark.parametrize("part", ["stack.yml", "parts/host.yml", "settings.txt"])
def test_each_of_its_files_is_in_the_fingerprint(shop: Shop, part: str) -> None:
    before = digest(shop.machine.clients, shop.name)

    (shop.folder / part).write_text((shop.folder / part).read_text() + "# changed\n")

    assert digest(shop.machine.clients, shop.name) != before


def test_what_compose_finds_by_itself_needs_no_entry_and_is_in_the_fingerprint(machine: Machine, opened: Open) -> None:
    shop = opened(machine.folder / machine.name)
    (shop.folder / ".env").write_text("COMPOSE_FILE=stack.yml:parts/host.yml\n")
    shop.typed("up", "--detach")
    before = digest(machine.clients, shop.name)

    (shop.folder / "parts" / "host.yml").write_text("services: {app: {tty: true}}\n")

    assert shop.known == ()
    assert digest(machine.clients, shop.name) != before


@pytest.mark.parametrize("outside", ["folder", "file", "link"])
def test_what_lies_outside_is_never_used_and_is_said(
    machine: Machine, opened: Open, tmp_path: Path, outside: str
) -> None:
    shop = opened(tmp_path / "elsewhere" if outside == "folder" else machine.folder / machine.name)
    words = list(STACK)
    if outside == "file":
        (tmp_path / "far.yml").write_text("services: {app: {tty: true}}\n")
        words += [f"--file={tmp_path / 'far.yml'}"]
    if outside == "link":
        (shop.folder / "stack.yml").rename(tmp_path / "stack.yml")
        (shop.folder / "stack.yml").symlink_to(tmp_path / "stack.yml")
    shop.typed(*words, "up", "--detach")

    (known,) = shop.known

    assert known.outside
    assert not known.files
    assert "no backup holds" in shop.red()


def test_a_sealed_file_that_leads_out_by_now_is_not_used(shop: Shop, tmp_path: Path) -> None:
    clients = knowing(shop)
    (shop.folder / "stack.yml").rename(tmp_path / "stack.yml")
    (shop.folder / "stack.yml").symlink_to(tmp_path / "stack.yml")

    with pytest.raises(PermanentError, match="outside"):
        clients.compose.up(shop.name, ["app"], WATCH)


def test_a_file_that_was_added_later_counts_though_some_containers_were_made_before(shop: Shop) -> None:
    """Compose leaves those alone that it does not change."""
    (shop.folder / "more.yml").write_text("services: {other: {environment: {MORE: more}}}\n")
    shop.typed(*STACK[:2], "--file=more.yml", STACK[2], "up", "--detach")

    assert [one.files for one in shop.known] == [("stack.yml", "parts/host.yml", "more.yml")]


def test_a_folder_that_is_a_link_and_files_that_have_usual_names_by_now_need_no_entry(
    machine: Machine, opened: Open, tmp_path: Path
) -> None:
    shop = opened(tmp_path / "disk" / "shop")
    (machine.folder / machine.name).parent.mkdir(exist_ok=True)
    (machine.folder / machine.name).symlink_to(shop.folder)
    shop = Shop(machine, machine.folder / machine.name)
    shop.typed(f"--project-directory={shop.folder}", f"--file={shop.folder / 'stack.yml'}", "up", "--detach")

    assert [(one.folder, one.files, one.outside) for one in shop.known] == [(shop.name, ("stack.yml",), ())]
    assert "app" in machine.clients.compose.describe(shop.name, never)["services"]

    (shop.folder / "stack.yml").rename(shop.folder / "compose.yml")

    assert shop.known == ()
