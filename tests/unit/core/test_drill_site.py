"""The worker of a drill knows the copy and nothing else."""

from pathlib import Path

import pytest

from drbot.core.site.drill_site import DrillPlace, configuration_of_drill
from drbot.core.site.level import Level
from drbot.core.site.own_checks import OwnChecks
from drbot.core.site.site import DRILL_CONTROL, DRILL_SITE, Configuration, Continuous, Recovery, Site
from drbot.lab.layout import PARTS, describe

PORTS = {part.name: part.port for part in PARTS if part.port}
FOLDER = Path("/tmp/drbot-drill-7-0123abcd/projects")


def place() -> DrillPlace:
    return DrillPlace(docker="unix:///sandbox", folder=FOLDER, leads=lambda address, port: port + 40_000)


def production() -> Configuration:
    found = describe(Path("/lab"), "drlab-", "unix:///production", PORTS)
    sites = {**found.sites, "recovery": Site(projects=Path("/new")), "control": Site()}
    return found.model_copy(update={"sites": sites, "recovery": Recovery(site="recovery", control="control")})


def test_production_is_not_in_it() -> None:
    drill = configuration_of_drill(production(), Level.DATABASE, place())

    assert set(drill.sites) == {DRILL_SITE}
    assert "production" not in drill.model_dump_json(include={"sites", "default_site"})
    assert (drill.dns, drill.certificate, drill.recovery) == (None, None, None)


def test_everything_that_is_asked_is_in_the_copy() -> None:
    site = configuration_of_drill(production(), Level.DATABASE, place()).site()

    assert (site.docker.host, site.projects) == ("unix:///sandbox", FOLDER)
    assert site.services["auth"].health == "http://127.0.0.1:48002/health"
    assert site.address == "127.0.0.1"


def test_nothing_is_received_of_a_copy() -> None:
    asked = production()
    site = asked.site()
    assert site.postgres is not None
    receiving = site.postgres.model_copy(update={"continuous": Continuous()})
    sites = {**asked.sites, asked.default_site: site.model_copy(update={"postgres": receiving})}

    found = configuration_of_drill(asked.model_copy(update={"sites": sites}), Level.DATABASE, place()).site().postgres

    assert found == site.postgres


def test_own_checks_are_asked_of_the_copy_and_keep_their_names() -> None:
    checks = ({"http": "http://127.0.0.1:8002/orders"}, {"sql": "SELECT 1", "expect": 1, "database": "authdb"})
    asked = production().model_copy(update={"proof": OwnChecks.model_validate({"checks": checks})})

    found = configuration_of_drill(asked, Level.DATABASE, place()).proof.checks

    assert [one.http for one in found] == ["http://127.0.0.1:48002/orders", None]
    assert [one.name for one in found] == ["http://127.0.0.1:8002/orders", "SELECT 1"]


@pytest.mark.parametrize("level", Level)
def test_no_site_of_it_is_on_productions_engine(level: Level) -> None:
    """Also the one without services: where dr.yml names no engine a worker takes the one of its own host."""
    drill = configuration_of_drill(production(), level, place())

    assert {site.docker.host for site in drill.sites.values()} == {"unix:///sandbox"}


def test_level_4_has_nothing_but_what_is_off_site() -> None:
    drill = configuration_of_drill(production(), Level.DATACENTRE, place())

    assert set(drill.sites) == {DRILL_SITE, DRILL_CONTROL}
    assert drill.recovery == Recovery(site=DRILL_SITE, control=DRILL_CONTROL)
    assert drill.backups.directory.is_relative_to(FOLDER.parent)
