"""Each due time has one backup at most, never none because two clocks differ, and none holds drbot's own secrets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from drbot.core.base.cron import Calendar
from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Backups, Configuration, Site
from drbot.runners.backups.make_full import Making, mounts_of
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.compose import Compose
from drbot.runners.foundation.watching import never, unheard
from drbot.runners.upkeep.scheduled_backups import is_of_last

DAILY, OFTEN = Calendar(expression="0 4 * * *"), Calendar(expression="*/10 * * * *")
DUE = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begun", "now", "is_made"),
    [
        (-86_400, 0, False),
        (-86_397, -2, False),  # the state's clock is ahead, so the row says already that it is due
        (0, 0, True),
        (0, 86_399 - 60, True),
        (0, 86_400, False),
        (-50, 0, True),  # begun by a clock that is ahead
        (-50, 3600, True),
        (3600, 3700, True),  # somebody made one by hand
        (-3600, 0, False),
    ],
)
def test_a_backup_is_that_of_the_last_due_time_until_the_next_one(begun: int, now: int, is_made: bool) -> None:
    moments = (DUE + timedelta(seconds=seconds) for seconds in (begun, now))

    assert is_of_last(DAILY, *moments) is is_made


def test_however_often_a_row_says_that_one_is_due_there_are_no_more_than_due_times() -> None:
    made = [DUE - timedelta(days=1)]
    for second in range(0, 6 * 3600, 67):
        now = DUE + timedelta(seconds=second)
        if not is_of_last(OFTEN, made[-1], now):
            made.append(now)

    assert len(made) - 1 <= 6 * 6 + 1


def making(home: Path, projects: Path, *files: str) -> Making:
    sites = {"production": Site(projects=projects, files=files)}
    clients = SimpleNamespace(settings=SimpleNamespace(home=home), compose=Compose(projects, None))
    return Making(
        configuration=Configuration(system="shop", backups=Backups(directory=home), sites=sites),
        site_name="production", clients=cast("Clients", clients), started=DUE, folder=home / "parts",
        progress=unheard, cancelled=never,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["worker/", "worker/locks", "linked/worker"])
def test_the_workers_key_goes_into_no_backup_whatever_dr_yml_says(tmp_path: Path, name: str) -> None:
    """Backups are made by themselves, and dr.yml says into whose bucket."""
    (tmp_path / "worker" / "locks").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path)

    with pytest.raises(PermanentError, match="holds drbot's own secrets"):
        list(mounts_of(making(tmp_path, tmp_path, name), {}))


def test_nor_does_it_by_way_of_a_link(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="holds drbot's own secrets"):
        list(mounts_of(making(tmp_path, tmp_path / "projects"), {"auth/everything": tmp_path}))


def test_what_lies_beside_it_does(tmp_path: Path) -> None:
    (found,) = mounts_of(making(tmp_path, tmp_path, "uploads/"), {})

    assert found.source == str(tmp_path / "uploads")
