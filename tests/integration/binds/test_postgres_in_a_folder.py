"""PostgreSQL in a bind-mounted folder: restored beside, proven, swapped by rename, brought back."""

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.actions import compose, health, postgres, volume
from drbot.runners.foundation.permit import volume as subject
from tests.integration.binds.bound_site import ROWS, BoundSite
from tests.permits import permit

pytestmark = pytest.mark.docker

SERVICES = {"services": ["postgres"]}


def names_of(site: BoundSite, run: str) -> dict[str, str]:
    return {
        "volume": str(site.data),
        "replacement": str(site.beside(run)),
        "keeper": str(site.beside(f"before_{run}")),
    }


def test_the_restored_data_takes_the_place_of_the_folder_and_gives_it_back(site: BoundSite) -> None:
    run, names = "r1-folder", names_of(site, "r1-folder")
    backup = site.backup()
    old = site.clients.postgres.identity().system_identifier
    site.sql("CREATE TABLE since_then AS SELECT 1")
    owner, mode = site.data.stat().st_uid, site.data.stat().st_mode
    context = site.context(run, "restore-beside", backup)
    swap = site.context(run, "swap", backup)

    made = postgres.restore_beside(context, {"backup": backup.name, "volume": names["replacement"]})
    proven = postgres.beside_rows(context, {"volume": names["replacement"], "expect": "manifest"})
    with pytest.raises(PermanentError, match="in use"):
        volume.swap(swap, names)
    before = volume.swapped(swap, names)
    compose.stop(swap, SERVICES)
    outcome = volume.swap(swap, names)
    swapped = volume.swapped(swap, names)
    compose.start(swap, SERVICES)
    health.wait(swap, SERVICES)

    assert proven.passed, proven.sentence
    assert (before.passed, before.facts) == (False, {"state": "before"})
    assert swapped.passed, swapped.sentence
    assert outcome.facts["method"] == "rename"
    assert site.clients.postgres.identity().system_identifier == made.facts["system_identifier"] != old
    assert postgres.rows(swap, {"expect": "manifest"}).passed
    assert site.sql("SELECT count(*) FROM orders") == str(ROWS)
    assert (site.data.stat().st_uid, site.data.stat().st_mode) == (owner, mode)
    assert site.there() == {"postgres", "redis", f"postgres_before_{run}"}
    with pytest.raises(PermanentError, match="two people"):
        volume.remove(swap, {"volume": names["keeper"]})

    compose.stop(swap, SERVICES)
    volume.swap_back(swap, names)
    volume.swap_back(swap, names)  # done already: nothing happens
    compose.start(swap, SERVICES)
    health.wait(swap, SERVICES)

    assert site.clients.postgres.identity().system_identifier == old
    assert site.sql("SELECT count(*) FROM since_then") == "1"
    assert not volume.swapped(swap, names).passed
    kept = site.target.kept(names["replacement"])
    assert kept is not None and kept.original == str(site.data)

    volumes, allowed = site.clients.volumes, permit(subject(names["replacement"]), run="r2")
    assert volumes.remove_kept_volume(names["replacement"], allowed, original=str(site.data), made_at=kept.made_at)
    assert site.there() == {"postgres", "redis"}
