"""Names and places of what level 2 makes and replaces follow from dr.yml, and Docker takes every name."""

from pathlib import Path

import pytest

from drbot.core.site.site import Service, Site
from drbot.runners.planning.places import settings_name, settings_place, volume_name


def site_of(*projects: str) -> Site:
    services = {name: Service(project=name, service="x", role="app") for name in projects}
    return Site(projects=Path("/srv/shop"), services=services, files=("uploads", "shop-api/avatars/", "/data/library"))


@pytest.mark.parametrize(
    ("projects", "name"),
    [
        (("shop-api", "shop-db"), "shop_settings"),
        (("shop",), "shop_settings"),
        (("api", "db"), "shop_settings"),  # by the folder where the projects have nothing in common
        ((), "shop_settings"),
    ],
)
def test_settings_are_called_by_what_all_projects_begin_with(projects: tuple[str, ...], name: str) -> None:
    assert settings_name(site_of(*projects)) == name
    assert settings_place(site_of(*projects)) == "/srv/shop"


def test_files_are_a_volume_or_a_folder_by_its_whole_path() -> None:
    site = site_of("shop-api")

    assert [site.place_of(name) for name in site.files] == ["uploads", "/srv/shop/shop-api/avatars", "/data/library"]
    assert site.file_volumes == ("uploads", "/data/library")
    assert [volume_name(name) for name in (*site.files, "/srv/x", "写真/a")] == [
        "uploads",
        "shop-api_avatars",
        "data_library",
        "srv_x",
        "a",
    ]
