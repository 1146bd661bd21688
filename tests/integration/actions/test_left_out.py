"""What no backup holds is said by whoever looks and by whoever backs up; so is a database whose files were copied while
it wrote.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from drbot.cli.main import app
from drbot.core.site.configuration import load_configuration
from drbot.core.site.readiness import Colour, Line, one_each
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds
from drbot.runners.upkeep.readiness import site_lines
from tests.integration.actions.machine import Machine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """Beside what dr.yml names it has a database that is copied, and one that its people forgot."""
    machine.volume("data", {"rows": "of the shop"})
    machine.files(
        {
            f"{machine.name}/compose.yml": f"""
x-common: &common {{image: {machine.image}, network_mode: none, stop_grace_period: 0s, entrypoint: [sleep, "600"]}}
services:
  app: {{<<: *common, volumes: ["data:/data", "./reads:/reads:ro"]}}
  notes: {{<<: *common, volumes: ["./notes:/notes"]}}
  stock: {{<<: *common, entrypoint: [bash, -c, "exec -a mysqld sleep 600"], volumes: ["stock:/stock"]}}
  lite: {{<<: *common, volumes: ["lite:/lite"]}}
volumes:
  data: {{name: {machine.volume_name("data")}, external: true}}
  stock: {{}}
  lite: {{}}
"""
        }
    )
    machine.clients.compose.up(machine.name, ["app", "notes", "stock", "lite"], WATCH)
    return machine


def written(shop: Machine, folder: Path, **site: object) -> Path:
    """dr.yml as its people wrote it."""
    production = {
        "docker": {"host": shop.site.docker.host},
        "projects": str(shop.folder),
        "services": {"app": {"project": shop.name, "service": "app", "role": "app"}},
        "files": [shop.volume_name("data"), f"{shop.name}_stock"],
        **site,
    }
    document = {"system": "shop", "sites": {"production": production}, "backups": {"directory": str(folder / "b")}}
    with (folder / "dr.yml").open("w") as output:
        YAML().dump(document, output)
    return folder / "dr.yml"


def lines(shop: Machine, document: Path) -> dict[str, Line]:
    """What `drbot check` and `/dr readiness` tell of the site."""
    configuration = load_configuration(document).configuration
    return {one.what: one for one in one_each(site_lines(configuration, "production", shop.clients.settings))}


def backed_up(document: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `drbot backup full` says."""
    monkeypatch.setenv("RESTIC_PASSWORD", "secret")
    monkeypatch.setenv("COLUMNS", "400")
    done = CliRunner().invoke(app, ["backup", "full", "--config", str(document)])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_no_backup_holds_is_said_until_it_is_not_needed(
    shop: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten, document = f"{shop.name}_lite", written(shop, tmp_path)

    line = lines(shop, document)[f"production: {forgotten}"]
    assert line.colour is Colour.RED
    assert f"in no backup; {shop.name}/lite keeps data there" in line.sentence
    assert f"In no backup: {forgotten} (of {shop.name}/lite)." in backed_up(document, monkeypatch)

    document = written(shop, tmp_path, not_needed={forgotten: "a cache"})
    assert lines(shop, document)["production: mounts"].well
    assert "In no backup" not in backed_up(document, monkeypatch)


def test_who_else_uses_a_volume_is_said_before_a_recovery_is_refused_for_it(shop: Machine, tmp_path: Path) -> None:
    document, volume = written(shop, tmp_path), shop.volume_name("data")
    assert lines(shop, document)["production: volumes"].well
    shop.api.containers.run(
        shop.image, ["600"], name=f"{shop.name}-else", entrypoint="sleep", detach=True, network_mode="none",
        volumes={volume: {"bind": "/data", "mode": "rw"}},
    )  # fmt: skip

    line = lines(shop, document)[f"production: volume {volume}"]

    assert line.colour is Colour.RED
    assert f"{shop.name}-else also uses it" in line.sentence and f"docker stop {shop.name}-else" in line.sentence


def test_a_compose_file_that_is_gone_under_running_services_is_to_be_brought_back(
    shop: Machine, tmp_path: Path
) -> None:
    document = written(shop, tmp_path)
    (shop.folder / shop.name / "compose.yml").rename(tmp_path / "compose.yml")

    line = lines(shop, document)[f"production: {shop.name}"]

    assert "no compose file" in line.sentence and "Bring it back" in line.sentence


def test_a_database_that_writes_while_its_files_are_copied_is_said(
    shop: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = written(shop, tmp_path)

    line = lines(shop, document)["production: stock"]
    assert line.colour is Colour.AMBER
    assert "mysqld writes while a full backup copies its files" in line.sentence
    assert f"Copied while they write: {shop.name}/stock (mysqld)." in backed_up(document, monkeypatch)


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
def test_a_service_that_writes_to_sqlite_is_said_until_dr_yml_lets_it_be_paused(
    shop: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    for folder in ("notes", "reads"):
        with closing(sqlite3.connect(shop.folder / shop.name / folder / "Book.DB")) as book:
            book.execute("CREATE TABLE notes (text)")
    (shop.folder / shop.name / "notes" / "other.db").write_text("no database")
    notes = {"project": shop.name, "service": "notes", "role": "app", "pause_for_backup": paused}
    document = written(shop, tmp_path, services={"notes": notes})

    said = [one.sentence for name, one in lines(shop, document).items() if "copies its files" in one.sentence]
    told = backed_up(document, monkeypatch)

    assert any("sqlite writes while" in one for one in said) is not paused
    assert (f"{shop.name}/notes (sqlite)" in told, f"{shop.name}/app" in told) == (not paused, False)
