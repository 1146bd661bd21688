"""A site need not have all that a runbook knows: what its dr.yml does not name asks for nothing."""

from pathlib import Path

import pytest

from drbot.core.files.runbook_file import PACKAGED, load_runbook
from drbot.core.runbooks.site_parts import steps_for
from drbot.core.runbooks.variables import references
from drbot.core.site.site import Backups, Configuration, Postgres, Redis, Repository, Site

POSTGRES = Postgres(service="db", volume="shop_rows", databases=("shop",))
REDIS = Redis(service="cache", volume="shop_keys")
REPOSITORY = Repository(url="https://a.example/x.git", commit="a" * 40)


def planned(site: Site, repository: Repository | None = None) -> set[str]:
    """First words of what the steps of level 3 are filled in with."""
    configuration = Configuration(
        system="shop", sites={"production": site}, backups=Backups(directory=Path("/srv/b")), repository=repository
    )
    steps = steps_for(load_runbook(PACKAGED / "level3-host.yml").runbook, configuration, site)
    known = (step.model_dump(by_alias=True, exclude_unset=True) for step in steps)
    return {name.partition(".")[0] for step in known for name in references(step)}


@pytest.mark.parametrize(
    ("site", "stores"),
    [
        (Site(postgres=POSTGRES, redis=REDIS), {"postgres", "redis"}),
        (Site(postgres=POSTGRES), {"postgres"}),
        (Site(redis=REDIS), {"redis"}),
        (Site(), set()),
    ],
    ids=["both", "no redis", "no postgresql", "neither"],
)
def test_level_3_is_planned_for_the_stores_that_there_are(site: Site, stores: set[str]) -> None:
    assert planned(site) & {"postgres", "redis", "repository"} == stores
    assert planned(site, REPOSITORY) & {"postgres", "redis", "repository"} == stores | {"repository"}
