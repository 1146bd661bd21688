"""Drills of levels 3 and 4 beside a production that serves users: raised from off-site, and nothing else moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.cli import demo_centre, demo_sites
from drbot.cli.demo_player import DemoPlayer
from drbot.lab.sites import Sites
from tests.labs import LabFactory
from tests.story.demo_stacks import playing_in, sites_of
from tests.story.drilling import beside_users

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def sites(lab_factory: LabFactory) -> Iterator[Sites]:
    with sites_of(lab_factory, "practised") as made:
        yield made


@pytest.fixture
def player(sites: Sites, tmp_path: Path) -> Iterator[DemoPlayer]:
    """Production works, no other host stands; what is outside of it does, with a full backup of it."""
    sites.lab.up(print)
    sites.up(print, new_host=False)
    with playing_in(tmp_path / "home", sites.lab.configuration, demo_sites.keys_of(sites)) as made:
        demo_centre.start(made.stack)
        made.stack.people.wait_for_connection()
        demo_sites.back_up_full(sites, made.stack.configuration)
        yield made


@pytest.mark.parametrize("level", [3, 4])
def test_a_host_is_raised_in_a_drill_and_production_never_notices(
    player: DemoPlayer, sites: Sites, tmp_path: Path, level: int
) -> None:
    beside_users(player.stack, sites.lab, level, tmp_path / "drill.json")
