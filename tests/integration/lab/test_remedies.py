"""What readiness says to do leads out of it: dr.yml is corrected, data is restored, a service is started."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drbot.core.site.configuration import load_configuration
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.readiness import Line
from drbot.core.site.site import Postgres, Site
from drbot.lab.breakage import break_it
from drbot.lab.layout import part
from drbot.lab.system import Lab
from drbot.runners.actions.broken import Looking, look
from drbot.runners.clients.clients import clients_of
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.upkeep.readiness import SiteReadiness
from tests.labs import mend
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

Seen = Callable[..., dict[str, Line]]


@pytest.fixture
def seen(lab: Lab, tmp_path: Path) -> Iterator[Seen]:
    """Of the lab, with a `postgres` of dr.yml that differs; level 2 restores no server for a wrong name."""
    mend(lab)
    loaded = load_configuration(lab.configuration).configuration

    def lines(**changes: object) -> dict[str, Line]:
        before = loaded.site().postgres
        assert before is not None
        postgres = Postgres.model_validate(before.model_dump() | changes)
        site: Site = loaded.site().model_copy(update={"postgres": postgres})
        configuration = loaded.model_copy(update={"sites": {"production": site}})
        clients = clients_of(site, configuration, RunnerSettings.from_environment(tmp_path, {}))
        looking = Looking(
            clients=clients, site=site, configuration=configuration, labels={}, cancelled=lambda: False, files=()
        )  # fmt: skip
        try:
            found = {line.what: line for line in SiteReadiness(name="p", site=site, clients=clients).lines()}
            is_misnamed = "in dr.yml" in found["p: services"].remedy
            assert not (is_misnamed and look(looking, DataKind.POSTGRES).broken)
            return found
        finally:
            clients.close()

    yield lines
    mend(lab)


def test_a_wrong_name_in_dr_yml_is_called_that(seen: Seen) -> None:
    line = seen(databases=["authdb", "apidbx"])["p: services"]
    assert "`databases` of `postgres` in dr.yml names apidbx, and the server has" in line.reason
    assert "authdb" in line.reason
    assert line.remedy == "Correct it in dr.yml; the server is well."

    lines = seen(user="postgre")
    for name in ("p: services", "p: PostgreSQL role"):
        assert "`user` of `postgres` in dr.yml is postgre, and the server has no such role" in lines[name].reason
        assert lines[name].remedy == "Correct it in dr.yml; the server is well."


def test_damaged_data_leads_to_level_2_and_a_stopped_server_to_level_1(lab: Lab, seen: Seen) -> None:
    with lab.client() as client:
        container = lab.container(client, part("postgres"))
        assert container is not None
        container.stop()
    assert "level1" in seen()["p: services"].remedy

    mend(lab)
    break_it(lab, "postgres-corrupt")

    wait_for(lambda: "declare level2 postgres" in seen()["p: services"].remedy, PATIENCE, "PostgreSQL to have ended")
