"""Redis in a bind-mounted folder, and the full backup of such a system: its data is in dumps and nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest

from drbot.runners.actions import beside, compose, fetching, volume
from drbot.runners.backups.choose_full import identity_of
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.free_room import free_bytes
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.readiness import SiteReadiness
from tests.archives import with_quick_key
from tests.integration.binds.bound_site import BoundSite
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

RUN = "r-redis"
SERVICES = {"services": ["redis"]}


def backed_up(site: BoundSite, home: Path) -> StepContext:
    """A step of a run that has fetched a full backup made now."""
    backup = identity_of(*back_up_full(with_quick_key(site.configuration), "production", clients=site.clients))
    settings = replace(site.clients.settings, home=home)
    context = replace(site.context(RUN, "swap", backup), clients=replace(site.clients, settings=settings))
    fetching.fetch(context, {})
    return context


def test_redis_in_a_folder_comes_back_from_a_full_backup_that_holds_no_raw_data(
    site: BoundSite, tmp_path: Path
) -> None:
    place = site.data.with_name("redis")
    names = {"volume": str(place), "replacement": f"{place}_{RUN}", "keeper": f"{place}_before_{RUN}"}
    site.cli("set", "answer", "42")
    site.clients.docker.create_volume(f"{site.data}_left", {"drbot.run": "another"})
    context = backed_up(site, tmp_path / "home")
    site.cli("set", "answer", "lost")

    fetching.fetched(context).put_settings(tmp_path / "restored", ())
    made = beside.redis(context, {"volume": names["replacement"]})
    proven = beside.redis_keys(context, {"volume": names["replacement"], "expect": "manifest"})
    compose.stop(context, SERVICES)
    volume.swap(context, names)
    compose.start(context, SERVICES)
    wait_for(lambda: site.cli("ping") == "PONG", 60, "Redis")

    restored = {str(path.relative_to(tmp_path / "restored" / site.name)) for path in (tmp_path / "restored").rglob("*")}
    assert "compose.yml" in restored and not any(path.startswith("data/") for path in restored), restored
    assert (made.facts["keys"], proven.passed) == (1, True), proven.sentence
    assert site.cli("get", "answer") == "42"
    compose.stop(context, SERVICES)
    volume.swap_back(context, names)
    compose.start(context, SERVICES)
    wait_for(lambda: site.cli("ping") == "PONG", 60, "Redis")
    assert site.cli("get", "answer") == "lost"


def test_readiness_says_which_folder_it_is_and_what_is_wrong_with_it(site: BoundSite) -> None:
    def said(place: str = "") -> str:
        here = site.configuration.site()
        if place:
            assert here.postgres is not None
            here = here.model_copy(update={"postgres": here.postgres.model_copy(update={"volume": place})})
        looks = SiteReadiness(name="production", site=here, clients=site.clients)
        return "\n".join(f"{line.what}: {line.reason}" for line in looks.lines() if "volume" in line.what)

    assert said() == f"production: volumes: {site.data}, {site.data.with_name('redis')}: there"
    assert f"does not mount it, but {site.data}" in said("/srv/elsewhere")
    whole = site.data.parent
    lost = whole.rename(whole.with_name("lost"))
    try:
        assert "there is none of that name" in said()
        assert free_bytes(site.clients, {}, never) > 0
    finally:
        lost.rename(whole)
    aside = site.data.with_name("aside")
    site.data.rename(aside)
    try:
        assert "there is none of that name" in said()
        site.data.symlink_to(aside)
        assert "it is a link" in said()
        site.data.unlink()
    finally:
        aside.rename(site.data)
