"""Files that Compose reads beside the projects' folders come back before it has to read them."""

from pathlib import Path

import pytest

from drbot.core.site.readiness import Colour
from drbot.core.site.site import Backups, Site
from drbot.runners.actions.restoring import put_settings
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.fetched import Fetched, Recovery
from drbot.runners.clients.own_folder import make_own
from drbot.runners.clients.shared_settings import shared_settings
from drbot.runners.foundation.watching import never, unheard
from drbot.runners.upkeep.drill_copying import copy_projects
from drbot.runners.upkeep.readiness import SiteReadiness
from tests.archives import store_in
from tests.integration.actions.machine import Machine
from tests.permits import own

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

OWN = """
include: [../shared/more.yml]
services:
  app: {image: "IMAGE", env_file: ["../common.env", ../shared/one.env]}
"""
MORE = 'services: {worker: {image: "IMAGE", env_file: two.env}}\n'


@pytest.fixture
def site(machine: Machine) -> Site:
    """One project that reads a file beside it, and a folder that `files` keeps with what a service writes there."""
    machine.files(
        {
            f"{machine.name}/compose.yml": OWN.replace("IMAGE", machine.image),
            "shared/more.yml": MORE.replace("IMAGE", machine.image),
            "shared/one.env": "ONE=1\n", "shared/two.env": "TWO=2\n",
            "shared/upload.txt": "data", "common.env": "ALL=0\n",
        }
    )  # fmt: skip
    return machine.site.model_copy(update={"files": ("shared/",)})


def backed_up(machine: Machine, site: Site, folder: Path) -> Fetched:
    """What a recovery has of it."""
    configuration = machine.worker_fixture.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=folder), "object_store": None}
    )
    store = store_in(folder / "store")
    made, _ = back_up_full(configuration, "production", clients=machine.clients, stores=(store,))
    recovery = Recovery(home=folder / "home", site="recovery", cancelled=never, progress=unheard)
    recovery.folder.mkdir(parents=True)
    snapshot = recovery.fetch(store.get(made.name))
    return Fetched(recovery, recovery.facts_of(snapshot, snapshot.tree))


def environments(compose: Compose, project: str) -> list[object]:
    return [one["environment"] for _, one in sorted(compose.describe(project, never)["services"].items())]


def test_a_lost_host_has_them_when_compose_reads_the_project(machine: Machine, site: Site, tmp_path: Path) -> None:
    found, there = backed_up(machine, site, tmp_path), site.model_copy(update={"projects": tmp_path / "elsewhere"})
    compose, mine = Compose(there.projects, None), own()
    make_own(there.projects, mine)

    put_settings(found, there, compose, ("shared",), mine)

    assert environments(compose, machine.name) == [{"ALL": "0", "ONE": "1"}, {"TWO": "2"}]
    assert not (there.projects / "shared/upload.txt").exists()  # data, which comes later
    assert found.compare_settings(there.projects, ("shared",)).other == ()
    (there.projects / "common.env").write_text("ALL=wrong\n")
    assert found.compare_settings(there.projects, ("shared",)).other == ("/common.env",)


def test_a_drill_has_them_without_production_s_data(machine: Machine, site: Site, tmp_path: Path) -> None:
    shared = shared_settings(site, machine.clients.compose)

    copy_projects(site, ["shared"], shared, tmp_path / "elsewhere", tmp_path / "home")

    assert environments(Compose(tmp_path / "elsewhere", None), machine.name) == [{"ALL": "0", "ONE": "1"}, {"TWO": "2"}]
    assert not (tmp_path / "elsewhere" / "shared/upload.txt").exists()


def test_a_link_that_leads_out_is_none_of_them(machine: Machine, site: Site, tmp_path: Path) -> None:
    """A service that writes the folder could have meant any file of the host."""
    (tmp_path / "secret").write_text("A=secret\n")
    (site.projects / "common.env").unlink()
    (site.projects / "common.env").symlink_to(tmp_path / "secret")

    assert shared_settings(site, machine.clients.compose) == ("shared/more.yml", "shared/one.env", "shared/two.env")


def test_readiness_is_red_where_one_lies_outside_of_the_projects(machine: Machine, site: Site, tmp_path: Path) -> None:
    def said() -> list[tuple[str, str]]:
        lines = SiteReadiness(name="production", site=site, clients=machine.clients).lines()
        return [(line.reason, line.remedy) for line in lines if "in time" in line.reason]

    assert said() == []
    elsewhere = tmp_path / "one.env"
    elsewhere.write_text("ONE=1\n")
    machine.files({f"{machine.name}/compose.yml": OWN.replace("../shared/one.env", str(elsewhere))})

    assert said() == [
        (f"reads {elsewhere}, which a lost host does not have in time", f"Move it below {site.projects}.")
    ]


def test_what_a_service_needs_to_start_is_told_though_no_backup_has_to_hold_it(
    machine: Machine, site: Site, tmp_path: Path
) -> None:
    """A secret that people keep elsewhere: fine to do, but a new host has to have it before level 3 begins."""
    secret = tmp_path / "token"
    secret.write_text("1")
    machine.files({f"{machine.name}/compose.yml": f"{OWN}\nsecrets: {{token: {{file: {secret}}}}}\n"})
    clients, excused = machine.clients, site.model_copy(update={"not_needed": {str(secret): "in the password manager"}})

    def said(site: Site) -> list[tuple[Colour, str]]:
        lines = SiteReadiness(name="production", site=site, clients=clients).lines()
        return [(line.colour, line.reason) for line in lines if str(secret) in line.reason]

    assert said(site) == [(Colour.RED, f"uses {secret}: no backup holds that")]
    assert said(excused) == [(Colour.AMBER, f"uses {secret}, which no backup holds (`not_needed` in dr.yml)")]
