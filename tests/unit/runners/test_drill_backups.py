"""A drill begins only where there is a backup of the kind that its level goes back to."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.drill import backup_for
from drbot.core.site.level import RUNBOOK_OF, Level
from drbot.core.site.site import Backups, Configuration, Postgres, Site
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.runners.upkeep.drill_backups import require_among

SITE = Site(postgres=Postgres(volume="pgdata", databases=("shop",)))
CONFIGURATION = Configuration(
    system="shop", sites={"production": SITE}, backups=Backups(directory="/srv/backups")
)  # fmt: skip
DUMP = StoredBackup(
    site="production", kind=BackupKind.POSTGRES, name="dump", place="file:/srv", is_off_site=False,
    moment=datetime(2026, 1, 5, tzinfo=UTC), size=1,
)  # fmt: skip
FULL_HERE = replace(DUMP, kind=BackupKind.FULL, name="full")
FULL_THERE = replace(FULL_HERE, place="s3://shop/", is_off_site=True)
BAD = replace(DUMP, fault="it is cut off")


def kind_of(level: int) -> BackupKind:
    return backup_for(RUNBOOK_OF[Level(level)], SITE)


@pytest.mark.parametrize(
    ("level", "found"),
    [(1, [DUMP]), (2, [DUMP, BAD]), (3, [FULL_HERE]), (3, [FULL_THERE]), (4, [FULL_THERE])],
)
def test_it_begins(level: int, found: list[StoredBackup]) -> None:
    require_among(found, Level(level), kind_of(level), CONFIGURATION)


@pytest.mark.parametrize("runbook", ["level1-service", "level2-files", "level2-redis", "level3-host"])
def test_what_no_dump_holds_goes_back_to_a_full_backup(runbook: str) -> None:
    site = Site() if runbook == "level1-service" else SITE

    assert backup_for(runbook, site) is BackupKind.FULL


@pytest.mark.parametrize(
    ("level", "found", "why"),
    [
        (1, [], "level 1 needs a backup of PostgreSQL: there is none. drbot backup postgres makes one"),
        (2, [FULL_HERE], "level 2 needs a backup of PostgreSQL: there is none."),
        (2, [BAD], "level 2 needs a backup of PostgreSQL: none can be used. dump: it is cut off."),
        (3, [DUMP], "level 3 needs a full backup: there is none. drbot backup full makes one"),
        (4, [DUMP, FULL_HERE], "level 4 needs a full backup off-site: there is none. drbot backup full makes one"),
    ],
)
def test_it_does_not_begin(level: int, found: list[StoredBackup], why: str) -> None:
    with pytest.raises(PermanentError) as refused:
        require_among(found, Level(level), kind_of(level), CONFIGURATION)

    assert why in str(refused.value)
