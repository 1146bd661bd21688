"""What dr.yml does not list is found, waits for what Compose makes it wait for, and is kept or named."""

from pathlib import Path

import pytest

from drbot.core.base.waiting import circle_in
from drbot.core.site.inventory import (
    Inventory,
    KnownProject,
    KnownService,
    Mount,
    Unkept,
    copied_while_written,
    kept_text,
    placed,
    unkept,
    with_inventory,
)
from drbot.core.site.site import ComposeFiles, Monitoring, Postgres, Service, Site

SITE = Site(
    projects=Path("/srv/shop"),
    services={"db": Service(project="shop", service="db", role="database")},
    postgres=Postgres(service="db", volume="shop_rows", databases=("shop",)),
    files=("shop_uploads", "shop/media", "/data/library"),
)


def known(service: str, *mounts: Mount, needs: tuple[str, ...] = (), project: str = "shop") -> KnownService:
    return KnownService(project=project, service=service, needs=needs, mounts=mounts)


def volume(name: str, target: str = "/data") -> Mount:
    return Mount(kind="volume", source=name, target=target)


def bind(path: str) -> Mount:
    return Mount(kind="bind", source=path, target="/data")


def test_a_service_that_dr_yml_lacks_is_there_and_waits_for_what_compose_says() -> None:
    inventory = Inventory(services=(known("db"), known("web", needs=("db", "queue"))))

    site = with_inventory(SITE, inventory)

    assert site.apps == ("web",)
    assert site.services["web"].needs == ("db",)  # of a queue nobody knows anything


def test_what_dr_yml_says_of_a_service_stays_and_compose_adds_to_it() -> None:
    named = SITE.services | {
        "front": Service(project="shop", service="web", role="front", health="http://x/", needs=("api",)),
        "api": Service(project="shop", service="api", role="app"),
    }
    inventory = Inventory(services=(known("db"), known("api"), known("web", needs=("db",))))

    site = with_inventory(SITE.model_copy(update={"services": named}), inventory)

    assert site.fronts == ("front",)
    assert site.services["front"].needs == ("api", "db")
    assert site.services["front"].health == "http://x/"


def test_where_dr_yml_and_compose_contradict_each_other_compose_counts() -> None:
    named = SITE.services | {"web": Service(project="shop", service="web", role="app")}
    named["db"] = named["db"].model_copy(update={"needs": ("web",)})

    site = with_inventory(
        SITE.model_copy(update={"services": named}), Inventory(services=(known("db"), known("web", needs=("db",))))
    )

    assert (site.services["db"].needs, site.services["web"].needs) == ((), ("db",))


def test_a_database_that_drbot_has_no_hand_for_is_stopped_and_started_as_any_service() -> None:
    other = {role: Service(project="shop", service=role, role=role) for role in ("database", "cache")}

    assert SITE.model_copy(update={"services": SITE.services | other}).apps == ("database", "cache")


def test_what_nobody_has_started_in_a_project_that_runs_is_not_started_by_drbot() -> None:
    running = known("web").model_copy(update={"image_id": "sha256:1"})
    on_a_new_host = Inventory(services=(known("web"), known("seldom")))

    assert with_inventory(SITE, Inventory(services=(running, known("seldom")))).apps == ("web",)
    assert with_inventory(SITE, on_a_new_host).apps == ("web", "seldom")


def test_two_services_of_one_name_are_told_apart_by_their_project() -> None:
    named = SITE.services | {"blog": Service(project="blog", service="web", role="front")}
    inventory = Inventory(services=(known("db"), known("db", project="blog")))

    site = with_inventory(SITE.model_copy(update={"services": named}), inventory)

    assert set(site.services) == {"db", "blog", "blog-db"}


def test_no_row_and_no_backup_brings_a_project_that_dr_yml_does_not_name() -> None:
    strangers = known("db", project="payroll"), known("cron", project="../../etc")

    site = with_inventory(SITE, Inventory(services=(known("db"), *strangers)))

    assert site.compose_projects() == ("shop",)
    assert set(site.services) == {"db"}


def test_monitoring_is_no_app_and_an_orphan_is_no_service() -> None:
    site = SITE.model_copy(
        update={"monitoring": Monitoring(project="watch", prometheus="http://p", alertmanager="http://a")}
    )
    orphan = known("old").model_copy(update={"described": False})

    assert with_inventory(site, Inventory(services=(known("prometheus", project="watch"), orphan))).apps == ()


@pytest.mark.parametrize(
    "mount",
    [
        volume("shop_rows"),
        volume("shop_uploads"),
        bind("/srv/shop/shop/settings.toml"),
        bind("/srv/shop/shop/media/2026"),
        bind("/var/run/docker.sock"),
        bind("/data/library/2026"),
        bind("/etc/localtime"),
        bind("/etc/hostname"),
    ],
)
def test_what_is_in_a_backup_or_the_hosts_own_is_kept(mount: Mount) -> None:
    assert unkept(SITE, Inventory(services=(known("web", mount),))) == ()


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (volume("shop_rows"), "as a database"),
        (volume("shop_uploads"), "as files"),
        (bind("/srv/shop/shop/media/2026"), "as files"),
        (bind("/var/run/docker.sock"), "every host has its own"),
        (bind("/etc/localtime"), "every host has its own"),
        (bind("/mnt/pictures"), "in no backup"),
    ],
)
def test_of_each_mount_is_said_where_it_is_kept(mount: Mount, said: str) -> None:
    assert kept_text(SITE, known("web", mount), mount) == said


@pytest.mark.parametrize(
    ("mount", "name"),
    [
        (volume("shop_sqlite"), "shop_sqlite"),
        (volume("", "/data"), "shop/web:/data"),
        (bind("/mnt/pictures"), "/mnt/pictures"),
        (bind("/srv/shop/other"), "/srv/shop/other"),
        (bind("/srv/shop/shop/../elsewhere"), "/srv/shop/shop/../elsewhere"),
    ],
)
def test_what_is_in_no_backup_is_named_until_it_is_not_needed(mount: Mount, name: str) -> None:
    inventory = Inventory(services=(known("web", mount), known("worker", mount)))

    (found, *_) = unkept(SITE, inventory)
    excused = SITE.model_copy(update={"not_needed": {one.name: "a cache" for one in unkept(SITE, inventory)}})

    assert found.name == name
    assert "shop/web" in found.services
    assert unkept(excused, inventory) == ()


def test_who_mounts_it_is_named_once_for_all() -> None:
    inventory = Inventory(services=(known("web", volume("v")), known("worker", volume("v"))))

    assert unkept(SITE, inventory) == (Unkept(name="v", services=("shop/web", "shop/worker")),)


def test_where_a_project_lies_is_read_and_dr_yml_counts() -> None:
    inventory = Inventory(projects=(KnownProject(project="shop", folder="srv", files=("stack.yml",)),))
    said = SITE.model_copy(update={"compose": {"shop": ComposeFiles(folder="www")}})

    assert with_inventory(SITE, inventory).compose == {"shop": ComposeFiles(folder="srv", files=("stack.yml",))}
    assert with_inventory(said, inventory).folder_of("shop") == "www"


@pytest.mark.parametrize(
    "known",
    [
        KnownProject(project="shop", folder="srv", outside=("/elsewhere/stack.yml",)),
        KnownProject(project="shop", folder="srv", disputed=("/srv/shop/srv/a.yml", "/srv/shop/srv/b.yml")),
        KnownProject(project="strange", folder="srv"),
    ],
)
def test_what_is_outside_disputed_or_of_another_system_is_not_used(known: KnownProject) -> None:
    assert with_inventory(SITE, Inventory(projects=(known,))).compose == {}


def test_what_is_mounted_from_a_folder_of_another_name_is_in_the_backup() -> None:
    places = (KnownProject(project="shop", folder="srv"),)
    web = known("web", bind("/srv/shop/srv/media"))

    assert unkept(SITE, Inventory(services=(web,), projects=places)) == ()
    assert unkept(SITE, Inventory(services=(web,))) != ()


def test_what_lies_among_the_projects_is_in_the_backup_also_where_they_are_in_another_folder() -> None:
    web, job = known("web", bind("/srv/shop/shop/initdb"), bind("/outside")), known("job", bind("/srv/shop/shop/lists"))
    elsewhere = SITE.model_copy(update={"projects": Path("/opt/new")})
    inventory = Inventory(services=(web,), seldom=(job,))

    assert {one.name for one in unkept(elsewhere, inventory)} > {"/outside"}
    there = placed(inventory, SITE.whole_path, elsewhere.whole_path)
    assert [one.name for one in unkept(elsewhere, there)] == ["/outside"]
    assert there.services[0].mounts[0].source == "/opt/new/shop/initdb"


def test_a_database_whose_files_are_copied_is_named_unless_it_is_paused_or_dumped() -> None:
    dumped = known("db", volume("shop_rows")).model_copy(update={"program": "postgres"})
    copied = known("stock", volume("shop_uploads")).model_copy(update={"program": "mariadbd"})
    in_no_backup = known("other", volume("shop_other")).model_copy(update={"program": "mongod"})
    inventory = Inventory(services=(dumped, copied, in_no_backup))
    pausing = Service(project="shop", service="stock", role="app", pause_for_backup=True)

    assert copied_while_written(SITE, inventory) == (copied,)
    assert (
        copied_while_written(SITE.model_copy(update={"services": SITE.services | {"stock": pausing}}), inventory) == ()
    )


def test_a_circle_that_no_compose_file_can_hold_ends_no_recovery() -> None:
    """Only a manifest that somebody wrote says so."""
    circle = (known("web").model_copy(update={"needs": ("a",)}), known("a").model_copy(update={"needs": ("web",)}))

    site = with_inventory(SITE, Inventory(services=circle))

    assert circle_in({name: one.needs for name, one in site.services.items()}) == ()
    assert "a" in site.services
