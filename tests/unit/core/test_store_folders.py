"""A store's data may lie in a folder: which one is meant, and which cannot be."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.site.drill_site import DrillPlace, configuration_of_drill
from drbot.core.site.level import Level
from drbot.core.site.site import Site


def written(folder: Path, volume: str, **site: Any) -> Path:
    production = {
        "projects": "projects",
        "services": {
            "postgres": {"project": "shop", "service": "db", "role": "database"},
            "redis": {"project": "shop", "service": "redis", "role": "cache"},
        },
        "postgres": {"volume": volume, "databases": ["shop"]},
    }
    document = {"version": 1, "system": "shop", "backups": {"directory": "backups"}}
    path = folder / "dr.yml"
    with path.open("w") as output:
        YAML().dump({**document, "sites": {"production": {**production, **site}}}, output)
    return path


def site_of(folder: Path, volume: str, **site: Any) -> Site:
    return load_configuration(written(folder, volume, **site)).configuration.site()


@pytest.mark.parametrize("volume", ["shop/data", "./shop/data", "shop/data/", "./shop/data/"])
def test_a_path_is_meant_from_the_projects_on(tmp_path: Path, volume: str) -> None:
    site = site_of(tmp_path, volume)

    assert site.postgres is not None
    assert site.postgres.volume == str(tmp_path / "projects/shop/data")
    assert site.store_folders == ("shop/data",)


def test_a_whole_path_stays_and_a_name_is_a_volume(tmp_path: Path) -> None:
    elsewhere, named = site_of(tmp_path, "/srv/データ/db"), site_of(tmp_path, "shop_data")

    assert elsewhere.postgres is not None and elsewhere.postgres.volume == "/srv/データ/db"
    assert named.postgres is not None and named.postgres.volume == "shop_data"
    assert (elsewhere.store_folders, named.store_folders) == ((), ())


def test_files_may_lie_in_a_folder_elsewhere_and_are_a_place_of_their_own_as_volumes_are(tmp_path: Path) -> None:
    site = site_of(tmp_path, "shop_data", files=["uploads", "shop/media", "/srv/library"])

    assert (site.file_volumes, site.file_folders) == (("uploads", "/srv/library"), ("shop/media",))


@pytest.mark.parametrize("folder", ["/srv/shop/shop/media", "/srv/shop", "/srv/all"])
def test_files_elsewhere_and_the_projects_are_kept_apart(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UserError, match="keep them apart"):
        site_of(tmp_path, "shop_data", files=[folder], projects="/srv/all/shop" if "all" in folder else "/srv/shop")


@pytest.mark.parametrize(
    "files", [["/srv/data", "/srv/data/films"], ["/srv/data/films", "/srv/data"], ["/srv/backups/x"], ["/srv/all"]]
)
def test_folders_elsewhere_do_not_lie_in_each_other_nor_where_backups_are(tmp_path: Path, files: list[str]) -> None:
    written(tmp_path, "shop_data", files=files)
    path = tmp_path / "dr.yml"
    where = "/srv/all/backups" if "/srv/all" in files else "/srv/backups"
    path.write_text(path.read_text().replace("directory: backups", f"directory: {where}"))

    with pytest.raises(UserError, match="keep them apart"):
        load_configuration(path)


def test_in_a_drill_it_lies_below_the_projects_of_the_copy(tmp_path: Path) -> None:
    configuration = load_configuration(written(tmp_path, "shop/data")).configuration
    place = DrillPlace(docker="unix:///drill.sock", folder=Path("/tmp/drill-7/projects"), leads=lambda _, port: port)

    copy = configuration_of_drill(configuration, Level.DATABASE, place).site()

    assert copy.postgres is not None and copy.postgres.volume == "/tmp/drill-7/projects/shop/data"


@pytest.mark.parametrize(
    "volume",
    [
        "/",
        "//",
        "./",
        "/data",
        "../data",
        "shop/../../etc",
        "/srv//db",
        "shop/./db",
        "/srv/a b",
        "/srv/db:/x",
        "/srv/a*",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, volume: str) -> None:
    with pytest.raises(UserError, match=r"dr.yml:\d+"):
        site_of(tmp_path, volume)


@pytest.mark.parametrize(
    ("volume", "site", "said"),
    [
        ("shop/data", {"files": ["shop/data/uploads"]}, "files/shop/data/uploads"),
        ("shop/data/db", {"files": ["shop/data"]}, "files/shop/data"),
        ("shop/data", {"redis": {"volume": "shop/data/redis"}}, "and redis"),
        ("shop/data", {"redis": {"volume": "shop/data"}}, "and redis"),
        ("shop/", {}, "projects/shop"),
        ("./shop", {}, "projects/shop"),
    ],
)
def test_nothing_else_lies_in_the_folder_of_a_store(
    tmp_path: Path, volume: str, site: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        site_of(tmp_path, volume, **site)


@pytest.mark.parametrize("inside", ["projects", "backups"])
def test_neither_the_projects_nor_backups_are_renamed_with_it(tmp_path: Path, inside: str) -> None:
    with pytest.raises(UserError, match=f"{tmp_path} and .*{inside}"):
        site_of(tmp_path, str(tmp_path), projects=str(tmp_path / "projects"))
