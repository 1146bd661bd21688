"""A new host counts as where users are as long as something of the system runs there."""

from pathlib import Path

import pytest

from drbot.core.site.people import roster_of
from drbot.core.site.site import Approvals, Backups, Configuration
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds
from drbot.runners.upkeep.readiness_rows import ROWS, Look, lines_of
from tests.integration.actions.machine import Machine
from tests.integration.runners.test_moved import FULL_SITE, HERE, THERE, ended
from tests.integration.store.store_fixture import ClockedDatabase

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)


def test_a_new_host_on_which_nothing_runs_any_more_is_nobodys(machine: Machine, tmp_path: Path) -> None:
    machine.files({f"{machine.name}/compose.yml": f"services: {{app: {{image: {machine.image}, network_mode: none, "
                                                  "stop_grace_period: 0s, entrypoint: [sleep, '600']}}\n"})  # fmt: skip
    machine.clients.compose.up(machine.name, ["app"], WATCH)
    database = ClockedDatabase(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    ended(database, 3, THERE)
    configuration = Configuration(
        system="shop", sites={HERE: FULL_SITE, THERE: machine.site}, backups=Backups(directory=tmp_path)
    )
    look = Look(
        configuration=configuration, home=tmp_path, roster=roster_of({}, Approvals()), approvals=Approvals(),
        database=database,
    )  # fmt: skip

    def said() -> list[bool]:
        return [line.well for line in lines_of(look, [THERE], [row for row in ROWS if row.names == ("users",)])]

    assert said() == [False]
    for one in machine.containers():
        one.stop()
    assert said() == []
    database.close()
